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

/// How much is asked of the kernel at once, in bytes. What is not touched costs nothing.
const REGION: usize = 256 << 20;

/// Where the region begins that first processes use; 0 as long as there is none.
static BEGIN: AtomicUsize = AtomicUsize::new(0);
/// How much of it is taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
/// Whether this memory is a copy, in which there is one thread.
static COPY: AtomicBool = AtomicBool::new(false);

/// Whether this program allocates through [`Allocator`].
pub(crate) fn is_in_place() -> bool {
    USED.load(Relaxed)
}

/// From here on this process, which has one thread, uses memory of its own. Async-signal-safe.
pub(crate) fn start_afresh_in_a_copy() {
    if is_in_place() {
        COPY.store(true, Relaxed);
        BEGIN.store(0, Relaxed);
        ALONE.set(true);
    }
}

/// From here on this process, which has the engine's memory, takes from the region.
pub(crate) fn start_afresh_beside() {
    ALONE.set(true);
}

/// The calling thread has its variables for itself again, which a first process had in the meantime.
pub(crate) fn be_a_thread_again() {
    ALONE.set(false);
}

/// Whether there is room in the region for a process that takes from it what such processes do, and much more. What others
/// took before it is not given back.
pub(crate) fn has_room() -> bool {
    (BEGIN.load(Relaxed) != 0 || have_region()) && TAKEN.load(Relaxed) < REGION / 2
}

/// New memory; null when there is none.
fn map(length: usize) -> *mut libc::c_void {
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping that nobody has a use for yet.
    let place = unsafe { libc::mmap(null_mut(), length, rights, kind, -1, 0) };
    if place == libc::MAP_FAILED { null_mut() } else { place }
}

/// Makes the region, of which there is one, unless this is a copy.
fn have_region() -> bool {
    let region = map(REGION);
    if region.is_null() {
        return false;
    }
    if COPY.load(Relaxed) {
        BEGIN.store(region as usize, Relaxed);
        TAKEN.store(0, Relaxed);
    } else if BEGIN.compare_exchange(0, region as usize, Relaxed, Relaxed).is_err() {
        // SAFETY: another thread was faster; this one was given to nobody.
        unsafe { libc::munmap(region, REGION) };
    }
    true
}

/// Memory that nobody has used, and so zeros. A process that gets none ends here: what the standard library does then would
/// leave others waiting for what it has locked.
fn carve(layout: Layout) -> *mut u8 {
    let place = carve_or_fail(layout);
    if place.is_null() && ALONE.get() {
        super::signals::leave(OUT_OF_MEMORY);
    }
    place
}

const OUT_OF_MEMORY: i32 = 125;

fn carve_or_fail(layout: Layout) -> *mut u8 {
    let begin = BEGIN.load(Relaxed);
    if begin != 0 {
        let taken = TAKEN.fetch_update(Relaxed, Relaxed, |taken| end_of(begin, taken, layout));
        if let Some(end) = taken.ok().and_then(|taken| end_of(begin, taken, layout)) {
            return std::ptr::with_exposed_provenance_mut(begin + end - layout.size());
        }
    }
    let Some(length) = layout.size().checked_add(layout.align()) else { return null_mut() };
    if length <= REGION && (begin == 0 || COPY.load(Relaxed)) {
        return if have_region() { carve_or_fail(layout) } else { null_mut() };
    }
    // Too large, or the last of a region that several take from.
    let place = map(length) as usize;
    let start = place.checked_next_multiple_of(layout.align()).unwrap_or(0);
    std::ptr::with_exposed_provenance_mut(start)
}

/// Where something that is put behind what is taken ends.
fn end_of(begin: usize, taken: usize, layout: Layout) -> Option<usize> {
    let start = (begin + taken).checked_next_multiple_of(layout.align())? - begin;
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
        // More than there is in one piece, and more pieces than fit.
        for size in [REGION + 1, REGION / 2, REGION / 2, REGION / 2] {
            let place = carve(Layout::from_size_align(size, 4096).unwrap());
            assert!(!place.is_null() && (place as usize).is_multiple_of(4096));
            // SAFETY: it is that long, and ours.
            unsafe { place.add(size - 1).write(1) };
        }
        assert!(!has_room());
    }
}
