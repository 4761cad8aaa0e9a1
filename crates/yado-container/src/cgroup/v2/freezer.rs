//! v2 freezer: part of the core, there without any controller.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cgroup::files::{field, write};
use crate::error::{Error, Result};

pub(in crate::cgroup) fn set(folder: &Path, frozen: bool) -> Result<()> {
    write(&folder.join("cgroup.freeze"), if frozen { "1" } else { "0" })?;
    let patience = Instant::now() + Duration::from_secs(10);
    while is_frozen(folder) != frozen {
        if Instant::now() > patience {
            write(&folder.join("cgroup.freeze"), "0")?;
            return Err(Error::invalid("pause", "some process could not be stopped within ten seconds"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

pub(in crate::cgroup) fn is_frozen(folder: &Path) -> bool {
    field(&folder.join("cgroup.events"), "frozen ") == Some(1)
}
