//! Verification: whether boxes are on the disk what they were when they were made, and making good what is not.

use std::path::Path;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::add::AddOptions;
use super::{BoxStore, InstalledBox};
use crate::layer::measure;
use crate::scratch::Scratch;
use crate::source::Source;
use crate::unpack::Digests;

/// What became of a box's verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every byte is as it was.
    Intact,
    /// Something was not, and was made again from the source.
    Repaired,
    /// Something is not, for this reason nothing could be done about it.
    Damaged(String),
}

impl BoxStore {
    /// Reads all layers of an installed box and compares them with their digests. With `repair`, a layer that differs
    /// is made again from where the box came from.
    pub fn verify(&self, cx: &Context, installed: &InstalledBox, repair: bool) -> Result<Verified> {
        if !self.is_disk_intact(cx, installed)? {
            if !repair {
                return Ok(Verified::Damaged("its disk is not what it was".to_owned()));
            }
            return self.repair(cx, installed, "its disk", &self.disk_folder(installed));
        }
        let mut outcome = Verified::Intact;
        for digest in &installed.layers {
            let path = self.layers.path(digest);
            if path.is_dir() && measure(&path, &Digests::default(), &cx.cancel)?.digest == *digest {
                continue;
            }
            if !repair {
                return Ok(Verified::Damaged(format!("the layer {digest} is not what it was")));
            }
            outcome = self.repair(cx, installed, &format!("the layer {digest}"), &path)?;
            if outcome != Verified::Repaired {
                break;
            }
        }
        Ok(outcome)
    }

    fn repair(&self, cx: &Context, installed: &InstalledBox, what: &str, path: &Path) -> Result<Verified> {
        let nothing = |why: String| Ok(Verified::Damaged(format!("{what} is not what it was; {why}")));
        let Some(source) = Source::find(&installed.source, Path::new("/")) else {
            return nothing(format!("where it came from ('{}') is no longer there", installed.source));
        };
        cx.warn(format!(
            "The box '{}' is damaged; making it again from {}.",
            installed.name, installed.source
        ));
        // Out of the way, so that the same content can be put there; back again if that does not work out, since
        // machines may live with it.
        let aside = Scratch::directory(self.layers.directory())?;
        let damaged = aside.path().join("layer");
        let was_there = path.is_dir();
        if was_there {
            std::fs::rename(path, &damaged).doing(|| "moving the damaged layer aside")?;
        }
        let options = AddOptions {
            name: Some(installed.name.clone()),
            version: Some(installed.version.clone()),
            provider: Some(installed.provider.clone()),
            force: true,
            ..AddOptions::default()
        };
        let made = self.add(cx, &source, &options);
        if path.is_dir() {
            return Ok(Verified::Repaired);
        }
        if was_there {
            std::fs::rename(&damaged, path).doing(|| "moving the damaged layer back")?;
        }
        match made {
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => nothing(format!("making it again failed: {error}")),
            Ok(_) => {
                // The record has to go on saying what machines were made from.
                self.install(installed, None)?;
                nothing("what its source has today is something else".to_owned())
            }
        }
    }
}

impl BoxStore {
    /// The installed boxes of this name, version and provider, as far as given; one at least.
    pub fn matching(
        &self,
        name: Option<&str>,
        version: Option<&str>,
        provider: Option<&str>,
    ) -> Result<Vec<InstalledBox>> {
        let mut found = self.list()?;
        found.retain(|installed| {
            name.is_none_or(|name| installed.name == name)
                && version.is_none_or(|version| installed.version == version)
                && provider.is_none_or(|provider| installed.provider == provider)
        });
        if found.is_empty()
            && let Some(name) = name
        {
            return Err(Error::new(ErrorKind::BoxNotFound, format!("The box '{name}' could not be found."))
                .hinted("'yado box list' shows the installed boxes."));
        }
        Ok(found)
    }
}
