//! The memory of a first process until it becomes its program.
//!
//! That process is a copy of the engine's, and of one thread of it. What other threads were doing with the C library's
//! allocator at that moment would stay half done in the copy for ever, so `fork` waits for them and copies everything
//! that the engine has in memory, for a process in between that is copied once more. With an allocator of which a copy
//! uses nothing, the process can be made at once, and does not write to the engine's pages either, each of which would be
//! copied when it is.
#![allow(unsafe_code)] // An allocator hands out raw memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

/// The system's allocator; in a container's first process, until it runs its program, memory of its own that is never
/// given back.
///
/// Programs that make many containers at once set it as their `#[global_allocator]`; all others are served as well, and
/// somewhat slower.
#[derive(Debug, Default)]
pub struct Allocator;

const UNUSED: u8 = 0;
const SHARED: u8 = 1;
const ALONE: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNUSED);

/// How much is asked of the kernel at once, in bytes. What is not touched costs nothing.
const PIECE: usize = 1 << 20;

/// The part of the last piece that is free. Only the one thread of a first process uses these.
static FREE: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

/// Whether this program allocates through [`Allocator`].
pub(crate) fn is_in_place() -> bool {
    STATE.load(Relaxed) != UNUSED
}

/// From here on this process, which has one thread, uses memory of its own. Async-signal-safe.
pub(crate) fn start_afresh() {
    if is_in_place() {
        STATE.store(ALONE, Relaxed);
    }
}

/// Memory that nobody has used, and so zeros; null when there is none.
fn carve(layout: Layout) -> *mut u8 {
    let fit = |free: usize, end: usize| {
        let start = free.checked_next_multiple_of(layout.align())?;
        let next = start.checked_add(layout.size())?;
        (free != 0 && next <= end).then_some((start, next))
    };
    let found = fit(FREE.load(Relaxed), END.load(Relaxed)).or_else(|| {
        let length = layout.size().checked_add(layout.align())?.max(PIECE);
        // SAFETY: a new mapping that nobody has a use for yet.
        let piece = unsafe {
            let (rights, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            libc::mmap(null_mut(), length, rights, kind, -1, 0)
        };
        if piece == libc::MAP_FAILED {
            return None;
        }
        END.store(piece as usize + length, Relaxed);
        fit(piece as usize, piece as usize + length)
    });
    let Some((start, next)) = found else { return null_mut() };
    FREE.store(next, Relaxed);
    std::ptr::with_exposed_provenance_mut(start)
}

// SAFETY: either everything is the system allocator's, or memory is carved from mappings of this process's own, each part
// once and with its alignment. What was allocated before the change is never given to the system's allocator after it.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match STATE.load(Relaxed) {
            ALONE => return carve(layout),
            UNUSED => STATE.store(SHARED, Relaxed),
            _ => {}
        }
        // SAFETY: as the caller answers for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if STATE.load(Relaxed) == ALONE {
            return carve(layout);
        }
        // SAFETY: as the caller answers for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if STATE.load(Relaxed) != ALONE {
            // SAFETY: it was allocated by the system's allocator, and this process has not started afresh.
            unsafe { System.dealloc(place, layout) }
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if STATE.load(Relaxed) != ALONE {
            // SAFETY: as for giving back.
            return unsafe { System.realloc(place, layout, size) };
        }
        // SAFETY: the caller answers for the new size with this alignment.
        let grown = carve(unsafe { Layout::from_size_align_unchecked(size, layout.align()) });
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
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for (size, align) in [(1, 1), (3, 64), (PIECE, 8), (40, 4096), (2 * PIECE, 16), (7, 1), (64, 64)] {
            let start = carve(Layout::from_size_align(size, align).unwrap());
            // SAFETY: it is that long, and ours.
            let bytes = unsafe { std::slice::from_raw_parts_mut(start, size) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(1);
            let start = start as usize;
            assert_eq!(start % align, 0);
            assert!(taken.iter().all(|(from, to)| start + size <= *from || *to <= start));
            taken.push((start, start + size));
        }
        assert!(carve(Layout::from_size_align(isize::MAX as usize - 4096, 1).unwrap()).is_null());
    }
}
