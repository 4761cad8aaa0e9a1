//! Machines that are brought up together have a thread each, which is right for what waits: provisioners, folders, boots.
//! Making a container waits for nothing but this computer. There, a hundred threads at once take each other's processors,
//! and where first processes are copies of this one, the memory of all is copied page by page after each. So they take
//! turns, twice as many at a time as there are processors: the kernel has something to wait for, too.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::context::Cancel;
use crate::error::Result;

/// Places for those whose turn it is.
pub(super) struct Turns {
    taken: Mutex<usize>,
    given_back: Condvar,
}

/// A place, until dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    pub(super) const fn new() -> Self {
        Self { taken: Mutex::new(0), given_back: Condvar::new() }
    }

    /// Waits for a place, or until the user has had enough.
    pub(super) fn take(&self, cancel: &Cancel) -> Result<Turn<'_>> {
        self.take_one_of(2 * std::thread::available_parallelism().map_or(1, usize::from), cancel)
    }

    fn take_one_of(&self, places: usize, cancel: &Cancel) -> Result<Turn<'_>> {
        const LOOK_UP: Duration = Duration::from_millis(100);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= places {
            cancel.check()?;
            taken = self.given_back.wait_timeout(taken, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken += 1;
        Ok(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_work_than_there_are_places_and_all_come_to_work() {
        let turns = Turns::new();
        let cancel = Cancel::new();
        let (now, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let _turn = turns.take_one_of(2, &cancel).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!((most.into_inner(), done.into_inner()), (2, 20));
    }

    #[test]
    fn nobody_waits_for_a_place_who_was_told_to_end() {
        let turns = Turns::new();
        let cancel = Cancel::new();
        let _turn = turns.take_one_of(1, &cancel).unwrap();
        cancel.cancel();
        assert!(turns.take_one_of(1, &cancel).is_err());
    }
}
