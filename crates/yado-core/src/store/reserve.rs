//! A little space that is kept while there is plenty, so that machines can be taken away when the disk is full: also
//! that needs a few writes, and it is how a user makes room.

use std::io::Write;
use std::path::Path;

/// Enough for the journal and the records of taking several machines away.
const SIZE: usize = 256 << 10;
const NAME: &str = "reserve";

/// Sets the space aside when that was not done yet. Where there is none to be had, one goes without.
pub(super) fn keep(home: &Path) {
    let path = home.join(NAME);
    let kept = std::fs::File::create_new(&path).and_then(|mut file| file.write_all(&vec![0; SIZE]));
    if kept.is_err_and(|problem| problem.kind() != std::io::ErrorKind::AlreadyExists) {
        drop(std::fs::remove_file(&path));
    }
}

/// Gives the space back; whether there was any.
pub(super) fn spend(home: &Path) -> bool {
    std::fs::remove_file(home.join(NAME)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_can_be_spent_once() {
        let home = tempfile::tempdir().unwrap();
        assert!(!spend(home.path()));
        keep(home.path());
        keep(home.path());
        assert_eq!(std::fs::metadata(home.path().join(NAME)).unwrap().len(), SIZE as u64);
        assert!(spend(home.path()));
        assert!(!spend(home.path()));
    }
}
