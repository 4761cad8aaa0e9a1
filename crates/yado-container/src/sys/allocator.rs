//! The memory of a first process until it becomes its program.
//!
//! That process is a copy of the engine's and of one thread of it, or lives in the engine's own memory for a while
//! (`beside`). What other threads were doing with the C library's allocator at that moment would stay half done in a copy for
//! ever, so `fork` waits for them and copies everything that the engine has in memory, for a process in between that is
//! copied once more; and a process that is killed in the engine's memory would leave the allocator locked. With an
//! allocator of which the process uses nothing, it can be made at once.
#![allow(unsafe_code)] // An allocator hands out raw memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// The system's allocator; in a container's first process, until it runs its program, memory of its own that is never
/// given back.
///
/// Programs that make many containers at once set it as their `#[global_allocator]`; all others are served as well, and
/// somewhat slower.
#[derive(Debug, Default)]
pub struct Allocator;

static USED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this is a first process. It has the variables of one thread.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// How much first processes may use, in bytes, one after another and all that are in this memory. What is not touched costs
/// nothing.
const REGION: usize = 256 << 20;

/// Where the region begins; 0 as long as there is none.
static BEGIN: AtomicUsize = AtomicUsize::new(0);
/// The part of it that is free.
static FREE: AtomicUsize = AtomicUsize::new(0);

/// Whether this program allocates through [`Allocator`].
pub(crate) fn is_in_place() -> bool {
    USED.load(Relaxed)
}

/// From here on this process, which has one thread, uses memory of its own. Async-signal-safe.
pub(crate) fn start_afresh() {
    if is_in_place() {
        ALONE.set(true);
    }
}

/// The calling thread has its variables for itself again, which a first process had in the meantime.
pub(crate) fn be_a_thread_again() {
    ALONE.set(false);
}

/// Makes the region, while nobody else can be at it: in the engine, before a first process may live in its memory. Others
/// make theirs when they need it.
pub(crate) fn have_region() -> bool {
    if BEGIN.load(Relaxed) != 0 {
        return true;
    }
    // SAFETY: a new mapping that nobody has a use for yet.
    let region = unsafe {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        libc::mmap(null_mut(), REGION, rights, kind, -1, 0)
    };
    if region == libc::MAP_FAILED {
        return false;
    }
    if BEGIN.compare_exchange(0, region as usize, Relaxed, Relaxed).is_err() {
        // SAFETY: another thread was faster; this one was given to nobody.
        unsafe { libc::munmap(region, REGION) };
    }
    true
}

/// Memory that nobody has used, and so zeros; null when there is none.
fn carve(layout: Layout) -> *mut u8 {
    if !have_region() {
        return null_mut();
    }
    let begin = BEGIN.load(Relaxed);
    // The free part is counted from the beginning, so that both need not be set at once.
    let taken = FREE.fetch_update(Relaxed, Relaxed, |free| end_of(begin, free, layout));
    match taken.ok().and_then(|free| end_of(begin, free, layout)) {
        Some(end) => std::ptr::with_exposed_provenance_mut(begin + end - layout.size()),
        None => null_mut(),
    }
}

/// Where something that is put behind `free` ends.
fn end_of(begin: usize, free: usize, layout: Layout) -> Option<usize> {
    let start = (begin + free).checked_next_multiple_of(layout.align())? - begin;
    start.checked_add(layout.size()).filter(|end| *end <= REGION)
}

/// Whether a first process allocated this. It may have ended since, and left it to a value that is kept for later.
fn is_carved(place: *mut u8) -> bool {
    let begin = BEGIN.load(Relaxed);
    begin != 0 && (begin..begin + REGION).contains(&(place as usize))
}

// SAFETY: either everything is the system allocator's, or memory is carved from a mapping of our own, each part once and
// with its alignment. What was carved is never given to the system's allocator.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ALONE.get() {
            return carve(layout);
        }
        if !USED.load(Relaxed) {
            USED.store(true, Relaxed);
        }
        // SAFETY: as the caller answers for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if ALONE.get() {
            return carve(layout);
        }
        // SAFETY: as the caller answers for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if !ALONE.get() && !is_carved(place) {
            // SAFETY: it was allocated by the system's allocator, and this is no first process.
            unsafe { System.dealloc(place, layout) }
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !ALONE.get() && !is_carved(place) {
            // SAFETY: as for giving back.
            return unsafe { System.realloc(place, layout, size) };
        }
        // SAFETY: the caller answers for the new size with this alignment.
        let grown = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !grown.is_null() {
            // SAFETY: both are that long, and the new one is nobody else's.
            unsafe { std::ptr::copy_nonoverlapping(place, grown, layout.size().min(size)) };
        }
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carved_is_aligned_zeroed_and_nobody_elses() {
        let carve_some = || {
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for (size, align) in [(1, 1), (3, 64), (1 << 20, 8), (40, 4096), (2 << 20, 16), (7, 1), (64, 64)]
            {
                let place = carve(Layout::from_size_align(size, align).unwrap());
                assert!(is_carved(place));
                // SAFETY: it is that long, and ours.
                let bytes = unsafe { std::slice::from_raw_parts_mut(place, size) };
                assert!(bytes.iter().all(|byte| *byte == 0));
                bytes.fill(1);
                let start = place as usize;
                assert_eq!(start % align, 0);
                taken.push((start, start + size));
            }
            taken
        };
        let mut taken = std::thread::scope(|scope| {
            let others = [scope.spawn(carve_some), scope.spawn(carve_some)];
            others.into_iter().flat_map(|other| other.join().unwrap()).collect::<Vec<_>>()
        });
        taken.sort_unstable();
        assert!(taken.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        assert!(carve(Layout::from_size_align(isize::MAX as usize - 4096, 1).unwrap()).is_null());
        assert!(!is_carved((&raw const taken).cast_mut().cast()));
    }
}
