//! The firmware of machines that boot from a disk of somebody else's: QEMU's own BIOS, or UEFI, whose files Debian has in
//! a package and libvirt's blocks may name.

use std::path::{Path, PathBuf};

use yado_core::disk::Boot;
use yado_core::{Context, Error, ErrorKind, Result};

use super::disks;
use super::settings::Settings;

/// The file of UEFI's variables, in the machine's directory.
pub(super) const VARIABLES: &str = "efi-variables.qcow2";

/// UEFI for QEMU, and its variables while they are empty, where distributions have them.
const PLACES: &[(&str, &str)] = &[
    ("usr/share/OVMF/OVMF_CODE_4M.fd", "usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("usr/share/OVMF/OVMF_CODE.fd", "usr/share/OVMF/OVMF_VARS.fd"),
    ("usr/share/edk2/ovmf/OVMF_CODE.fd", "usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("usr/share/edk2/x64/OVMF_CODE.4m.fd", "usr/share/edk2/x64/OVMF_VARS.4m.fd"),
];

/// How a machine boots by firmware, when the box's disk wants `efi`: the Vagrantfile has the last word.
pub(super) fn wanted(efi: bool, settings: &Settings) -> Boot {
    Boot::Firmware { efi: settings.efi.unwrap_or(efi) }
}

/// The firmware's file, when it is not QEMU's own; UEFI's variables are made ready in the machine's `folder`.
pub(super) fn prepare(
    context: &Context,
    boot: &Boot,
    settings: &Settings,
    folder: &Path,
) -> Result<Option<PathBuf>> {
    let Boot::Firmware { efi } = boot else { return Ok(None) };
    if !efi {
        return settings.loader.clone().map(there).transpose();
    }
    let (code, variables) = find(settings, Path::new("/"))?;
    let own = folder.join(VARIABLES);
    if !own.exists() {
        let fresh = folder.join("efi-variables.new");
        let (from, to) = (variables.to_string_lossy(), fresh.to_string_lossy());
        disks::image_tool(context, &["qemu-img", "convert", "-f", "raw", "-O", "qcow2", &from, &to])?;
        std::fs::rename(&fresh, &own)
            .map_err(|problem| Error::system(format!("writing '{}'", own.display()), problem))?;
    }
    Ok(Some(code))
}

/// The files of UEFI: those that are named, or those that the distribution has below `root`.
fn find(settings: &Settings, root: &Path) -> Result<(PathBuf, PathBuf)> {
    let places = PLACES.iter().map(|(code, variables)| (root.join(code), root.join(variables)));
    let installed = places.into_iter().find(|(code, variables)| code.is_file() && variables.is_file());
    let Some(code) = &settings.loader else { return installed.ok_or_else(missing) };
    let code = there(code.clone())?;
    // Variables fit the code that they were made for; those of the same folder are meant for it.
    let beside = |name: &str| code.with_file_name(name.replace("CODE", "VARS"));
    let own = code.file_name().map(|name| beside(&name.to_string_lossy())).filter(|path| path.is_file());
    let variables = settings.variables.clone().filter(|path| path.is_file()).or(own);
    let variables = variables.or_else(|| installed.map(|(_, variables)| variables)).ok_or_else(missing)?;
    Ok((code, variables))
}

fn there(file: PathBuf) -> Result<PathBuf> {
    if file.is_file() {
        return Ok(file);
    }
    let error = Error::new(
        ErrorKind::ConfigInvalid,
        format!("There is no firmware '{}' ('loader').", file.display()),
    );
    Err(error.hinted("On Debian, `apt-get install ovmf` brings UEFI for QEMU."))
}

fn missing() -> Error {
    Error::new(
        ErrorKind::ProviderNotUsable,
        "The machine is to boot by UEFI, and this host has none for QEMU.",
    )
    .hinted("On Debian, `apt-get install ovmf` brings it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uefi_is_found_where_it_is_and_missing_files_name_the_package() {
        let root = tempfile::tempdir().unwrap();
        let nothing = Settings::default();
        assert!(find(&nothing, root.path()).unwrap_err().to_string().contains("UEFI"));
        assert!(missing().hints().iter().any(|hint| hint.contains("ovmf")));
        let folder = root.path().join("usr/share/OVMF");
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["OVMF_CODE.fd", "OVMF_VARS.fd", "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let (code, variables) = find(&nothing, root.path()).unwrap();
        assert_eq!((code, variables), (folder.join("OVMF_CODE_4M.fd"), folder.join("OVMF_VARS_4M.fd")));
        let named = Settings { loader: Some(folder.join("OVMF_CODE.fd")), ..Settings::default() };
        assert_eq!(find(&named, root.path()).unwrap().1, folder.join("OVMF_VARS.fd"));
        let wrong = Settings { loader: Some(folder.join("nothing.fd")), ..Settings::default() };
        assert!(find(&wrong, root.path()).unwrap_err().message().contains("nothing.fd"));
    }

    #[test]
    fn the_vagrantfile_has_the_last_word() {
        let efi = Settings { efi: Some(true), ..Settings::default() };
        assert_eq!(wanted(false, &efi), Boot::Firmware { efi: true });
        assert_eq!(wanted(true, &Settings::default()), Boot::Firmware { efi: true });
    }
}
