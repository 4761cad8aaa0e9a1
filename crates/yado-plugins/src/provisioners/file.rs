//! `file`: copies a file or directory of the host into the machine, as the user that one enters as.

use std::path::{Path, PathBuf};

use yado_core::error::Doing;
use yado_core::spec::{MachineSpec, ProvisionerSpec};
use yado_core::{
    Aftermath, Context, Error, ErrorKind, Exec, Guest, Kind, Provisioner, ProvisionerKind, Result, Schema,
    Setting, SettingType,
};

/// The kind.
pub(super) static FILE: FileKind = FileKind;

pub(super) struct FileKind;

static SCHEMA: Schema = Schema {
    settings: &[
        Setting {
            name: "source",
            kind: SettingType::Text,
            default: "",
            doc: "File or directory on the host, relative to the project.",
        },
        Setting {
            name: "destination",
            kind: SettingType::Text,
            default: "",
            doc: "Path in the guest; `~` is the user's home.",
        },
    ],
};

impl Kind for FileKind {
    fn name(&self) -> &'static str {
        "file"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
}

impl ProvisionerKind for FileKind {
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        let text = |key: &str| {
            spec.settings.get(key).and_then(|value| value.as_str()).map(str::to_owned).ok_or_else(|| {
                Error::new(ErrorKind::ConfigInvalid, format!("The file provisioner needs '{key}'."))
                    .at(spec.origin.clone())
            })
        };
        let source = text("source")?;
        let expanded = match source.strip_prefix("~/") {
            Some(rest) => std::env::home_dir().unwrap_or_default().join(rest),
            None => machine.project.join(&source),
        };
        if !expanded.exists() {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!(
                    "The file provisioner's source '{source}' does not exist ('{}').",
                    expanded.display()
                ),
            )
            .at(spec.origin.clone()));
        }
        Ok(Box::new(FileProvisioner { source, expanded, destination: text("destination")? }))
    }
}

struct FileProvisioner {
    /// As written.
    source: String,
    /// Absolute.
    expanded: PathBuf,
    destination: String,
}

impl Provisioner for FileProvisioner {
    fn fingerprint(&self) -> Result<String> {
        let mut digest = super::fingerprint::Fingerprint::new();
        digest.add(&self.destination);
        digest.add_path(&self.expanded)?;
        Ok(digest.finish())
    }

    fn run(&mut self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        let destination = expand_in_guest(context, guest, &self.destination)?;
        let destination = target(&self.source, &self.expanded, &destination);
        context.detail(format!("{} => {}", self.expanded.display(), destination));
        if let Some((folder, _)) = destination.trim_end_matches('/').rsplit_once('/')
            && !folder.is_empty()
        {
            run_in_guest(context, guest, &["mkdir", "-p", folder])?;
        }
        guest.communicator.upload(context, &self.expanded, &destination)?;
        Ok(Aftermath::Nothing)
    }
}

/// Where the source ends up. A directory goes to `destination` itself, or into it when that ends with a slash; `x/.`
/// means the contents of x.
fn target(source: &str, expanded: &Path, destination: &str) -> String {
    let base = expanded.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let contents_only = source.ends_with("/.") || source == ".";
    if destination.ends_with('/') && !contents_only {
        format!("{destination}{base}")
    } else {
        destination.trim_end_matches('/').to_owned()
    }
}

/// `~` and variables mean what the guest's user means by them.
fn expand_in_guest(context: &Context, guest: &Guest<'_>, path: &str) -> Result<String> {
    if !path.starts_with('~') && !path.contains('$') {
        return Ok(path.to_owned());
    }
    // Only the tilde and variables are expanded: everything else is quoted.
    let quoted: String = path
        .chars()
        .map(|c| if "~$/{}".contains(c) || c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") })
        .collect();
    let mut text = Vec::new();
    let command = Exec {
        argv: vec!["sh".into(), "-c".into(), format!("printf %s {quoted}")],
        user: Some(guest.user.to_owned()),
        ..Exec::default()
    };
    let status = guest.communicator.exec(context, &command, &mut |_, piece| text.extend_from_slice(piece))?;
    if !status.success() {
        return Err(Error::new(
            ErrorKind::GuestCommandFailed,
            format!("The guest cannot expand the path '{path}'."),
        ));
    }
    String::from_utf8(text).doing(|| format!("expanding '{path}' in the guest"))
}

fn run_in_guest(context: &Context, guest: &Guest<'_>, argv: &[&str]) -> Result<()> {
    let mut said = Vec::new();
    let command = Exec {
        argv: argv.iter().map(|part| (*part).to_owned()).collect(),
        user: Some(guest.user.to_owned()),
        ..Exec::default()
    };
    let status = guest.communicator.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::GuestCommandFailed,
        format!("'{}' failed in the guest: {}", argv.join(" "), String::from_utf8_lossy(&said).trim()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_to_the_destination_or_into_it() {
        let folder = Path::new("/p/conf");
        assert_eq!(target("conf", folder, "/etc/app"), "/etc/app");
        assert_eq!(target("conf", folder, "/etc/app/"), "/etc/app/conf");
        assert_eq!(target("conf/.", folder, "/etc/app/"), "/etc/app");
        assert_eq!(target("a.txt", Path::new("/p/a.txt"), "/tmp/b.txt"), "/tmp/b.txt");
    }
}
