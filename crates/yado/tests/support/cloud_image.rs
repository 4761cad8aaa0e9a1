//! Disks of other people's, made without yado: Debian by mmdebstrap, a table of partitions by sfdisk, GRUB in front of the
//! first one. One runs cloud-init, as images for clouds do; one lets in the key of Vagrant's boxes, as those do. Both are
//! made once and stay for the next run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::has_programs;

/// Where the first partition begins, in bytes. GRUB lies before it.
const BEGIN: u64 = 1 << 20;
/// How large the disks are, in bytes.
const SIZE: u64 = 1 << 30;

const PACKAGES: &str = "systemd-sysv,udev,dbus,linux-image-cloud-amd64,cloud-init,cloud-guest-utils,openssh-server,sudo,\
                        iproute2";

/// Services that do nothing here but take time where the processor is emulated.
const IDLE: &[&str] = &[
    "e2scrub_reap.service",
    "getty@tty1.service",
    "modprobe@drm.service",
    "systemd-networkd-wait-online.service",
    "systemd-pstore.service",
];

/// What cloud-init is to do: a part of what it does by default.
const CLOUD: &str = "datasource_list: [NoCloud, None]\nssh_genkeytypes: [ed25519]\n\
    cloud_init_modules: [growpart, resizefs, set_hostname, users-groups, write-files, ssh]\n\
    cloud_config_modules: [runcmd]\ncloud_final_modules: [scripts-user]\n";

/// The public half of the key that everybody has.
pub const SHARED_KEY: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr+kz4TjGYe7gHzIw+niNltGEFHzD8+v1I2YJ6oXevct1YeS0o9HZyN1Q9qgCgzUFtdOKLv6IedplqoPkcmF0aYet2PkEDo3MlTBckFXPITAMzF8dJSIFo9D8HfdOV0IAdx4O7PtixWKn5y2hMNG0zQPyUecp4pzC6kivAIhyfHilFR61RGL+GPXQ2MWZWFYbAGjyiYJnAmCP3NOTd0jMZEnDkbUvxhMmBYSdETk1rRgm+R4LOzFUGaHqHDLKLX+FIPKcF96hrucXzcWyLbIbEgE98OHlnVYCzRdK8jlqm8tehUc9c9WhQ== vagrant insecure public key";

/// Where the two disks are.
pub struct Images {
    /// With cloud-init, in QEMU's format.
    pub cloud: PathBuf,
    /// With a user who is let in by the key that everybody has, in VMware's format.
    pub vagrant: PathBuf,
}

/// The disks; nothing, after saying why, where they cannot be made. In CI they must be.
pub fn images() -> Option<&'static Images> {
    static READY: OnceLock<Option<Images>> = OnceLock::new();
    let programs =
        ["mmdebstrap", "grub-mkimage", "/usr/lib/grub/i386-pc/boot.img", "sfdisk", "mke2fs", "qemu-img"];
    let make = || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-disks-1");
        let images = Images { cloud: folder.join("cloud.qcow2"), vagrant: folder.join("vagrant.vmdk") };
        if images.vagrant.exists() {
            return Some(images);
        }
        if !has_programs("disks of other people's", &programs) {
            return None;
        }
        if let Err(why) = build(&folder, &images) {
            super::skipped::for_want_of_a_peer("disks of other people's", &why);
            return None;
        }
        Some(images)
    };
    READY.get_or_init(make).as_ref()
}

/// Runs a program; what it said when it failed.
fn run(command: &mut Command) -> Result<(), String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|problem| format!("{command:?}: {problem}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn build(folder: &Path, images: &Images) -> Result<(), String> {
    std::fs::create_dir_all(folder).unwrap();
    let work = tempfile::Builder::new().prefix("making-").tempdir_in(folder).unwrap();
    let root = work.path().join("root");
    bootstrap(&root)?;
    let raw = work.path().join("disk.raw");
    let place = |format: &str, to: &Path| {
        let scratch = work.path().join("converted");
        run(Command::new("qemu-img").args(["convert", "-f", "raw", "-O", format]).args([&raw, &scratch]))?;
        std::fs::rename(&scratch, to).map_err(|problem| problem.to_string())
    };
    write_disk(work.path(), &root, &raw)?;
    place("qcow2", &images.cloud)?;
    let inside = |script: &str| run(Command::new("chroot").arg(&root).args(["sh", "-ec", script]));
    inside(&format!(
        "touch /etc/cloud/cloud-init.disabled; systemctl mask cloud-init-local cloud-init cloud-config cloud-final
         useradd -m -s /bin/bash vagrant; echo 'vagrant ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/vagrant
         mkdir -m 700 /home/vagrant/.ssh; echo '{SHARED_KEY}' > /home/vagrant/.ssh/authorized_keys
         chown -R vagrant: /home/vagrant/.ssh; ssh-keygen -A
         printf '[Match]\\nName=eth0\\n[Network]\\nDHCP=yes\\n' > /etc/systemd/network/10-dhcp.network"
    ))?;
    write_disk(work.path(), &root, &raw)?;
    place("vmdk", &images.vagrant)
}

/// The root file system, as `root`.
fn bootstrap(root: &Path) -> Result<(), String> {
    let masked = IDLE.iter().map(|unit| format!("ln -s /dev/null $1/etc/systemd/system/{unit}; "));
    let before = "mkdir -p $1/etc/initramfs-tools/conf.d $1/usr/share/initramfs-tools/modules.d; \
         printf 'MODULES=list\\nCOMPRESS=gzip\\n' > $1/etc/initramfs-tools/conf.d/small; \
         printf 'virtio_pci\\nvirtio_blk\\next4\\ncrc32c_generic\\n' > $1/usr/share/initramfs-tools/modules.d/small";
    let after = format!(
        "printf '{}' > $1/etc/cloud/cloud.cfg.d/90_test.cfg; chroot $1 systemctl enable systemd-networkd; \
         rm -f $1/etc/ssh/ssh_host_*; {}",
        CLOUD.replace('\n', "\\n"),
        masked.collect::<String>()
    );
    let mut command = Command::new("mmdebstrap");
    command.args(["--mode=root", "--variant=minbase", "--quiet", &format!("--include={PACKAGES}")]);
    for name in ["doc", "man", "locale"] {
        command.arg(format!("--dpkgopt=path-exclude=/usr/share/{name}/*"));
    }
    command.args(["--dpkgopt=force-unsafe-io", &format!("--essential-hook={before}")]);
    command.args([&format!("--customize-hook={after}"), "bookworm"]).arg(root);
    if let Some(mirror) = std::env::var_os("YADO_DEBIAN_MIRROR") {
        command.arg(mirror);
    }
    run(&mut command)
}

/// A disk with a boot loader in front of a partition with what is in `root`.
fn write_disk(work: &Path, root: &Path, raw: &Path) -> Result<(), String> {
    let settings = work.join("grub.cfg");
    let text = "set root=(hd0,msdos1)\nlinux /vmlinuz root=LABEL=foreign rw console=ttyS0 net.ifnames=0 quiet \
                systemd.show_status=false\ninitrd /initrd.img\nboot\n";
    std::fs::write(&settings, text).unwrap();
    let core = work.join("core.img");
    let mut grub = Command::new("grub-mkimage");
    grub.args(["-O", "i386-pc", "-p", "/boot/grub", "-c"]).arg(&settings).arg("-o").arg(&core);
    run(grub.args(["biosdisk", "part_msdos", "ext2", "linux", "normal"]))?;
    let disk = std::fs::File::create(raw).unwrap();
    disk.set_len(SIZE).unwrap();
    let blocks = format!("{}k", (SIZE - 2 * BEGIN) >> 10);
    let mut file_system = Command::new("mke2fs");
    file_system.args(["-q", "-t", "ext4", "-L", "foreign", "-E"]);
    file_system.arg(format!("offset={BEGIN},lazy_itable_init=1")).arg("-d").arg(root).arg(raw).arg(blocks);
    run(&mut file_system)?;
    let table = format!("echo 'start={}, type=83, bootable' | sfdisk -q -X dos \"$0\"", BEGIN / 512);
    run(Command::new("sh").args(["-c", &table]).arg(raw))?;
    use std::os::unix::fs::FileExt;
    let first = std::fs::read("/usr/lib/grub/i386-pc/boot.img").map_err(|problem| problem.to_string())?;
    disk.write_all_at(&first[..440], 0).unwrap();
    let core = std::fs::read(core).unwrap();
    assert!(512 + core.len() as u64 <= BEGIN);
    disk.write_all_at(&core, 512).unwrap();
    Ok(())
}

/// A box as Vagrant's users have them: a disk with a word on whose it is.
pub fn pack(project: &Path, name: &str, provider: &str, disk: &Path, disk_name: &str) {
    let folder = project.join("box");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("metadata.json"), format!("{{\"provider\": \"{provider}\"}}")).unwrap();
    let text = "Vagrant.configure(\"2\") { |config| config.vm.post_up_message = \"from the box\" }\n";
    std::fs::write(folder.join("Vagrantfile"), text).unwrap();
    std::fs::hard_link(disk, folder.join(disk_name))
        .or_else(|_| std::fs::copy(disk, folder.join(disk_name)).map(drop))
        .unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(&folder).arg("-cf").arg(project.join(name)).args([
        "metadata.json",
        "Vagrantfile",
        disk_name,
    ]);
    assert_eq!(run(&mut tar), Ok(()));
}
