//! v1 freezer: stops and continues all processes at once.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cgroup::files::write;
use crate::error::{Error, Result};

pub(in crate::cgroup) fn set(folder: &Path, frozen: bool) -> Result<()> {
    let state = folder.join("freezer.state");
    let wanted = if frozen { "FROZEN" } else { "THAWED" };
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        // Written again while the kernel is at it: a process that forks may have slipped through.
        write(&state, wanted)?;
        if read(folder) == wanted {
            return Ok(());
        }
        if Instant::now() > patience {
            write(&state, "THAWED")?;
            return Err(Error::invalid("pause", "some process could not be stopped within ten seconds"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(in crate::cgroup) fn is_frozen(folder: &Path) -> bool {
    read(folder) == "FROZEN"
}

fn read(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("freezer.state")).unwrap_or_default().trim().to_owned()
}
