//! What a provider of virtual machines boots ([`MachineDisk`]), and what a machine is told about itself before its first
//! boot ([`Seed`]). Box sources make the first; the second is written as a small volume that the machine reads.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The disk of a box: read-only and shared by all machines made from it, each of which writes to an overlay of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineDisk {
    /// The image file.
    pub image: PathBuf,
    /// How the file is laid out.
    pub format: DiskFormat,
    /// What the machine finds it behind.
    #[serde(default)]
    pub bus: Bus,
    /// How the machine comes to run what is on it.
    pub boot: Boot,
}

/// What a disk is connected to: systems that were installed on other hardware may have no driver for the fast one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bus {
    /// A device for virtual machines.
    #[default]
    Virtio,
    /// A controller as computers have it.
    Sata,
}

/// The layout of an image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskFormat {
    /// QEMU's own.
    Qcow2,
    /// The disk's bytes, one after the other; holes where there are none.
    Raw,
}

impl DiskFormat {
    /// The name that QEMU's programs know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Raw => "raw",
        }
    }
}

/// How a machine comes to run what is on its disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Boot {
    /// The kernel is handed over from outside: no firmware and no boot loader.
    Kernel {
        /// The kernel.
        kernel: PathBuf,
        /// Its first file system, when it needs one.
        initrd: Option<PathBuf>,
        /// Its command line, without the console, which is the provider's to choose.
        command_line: String,
    },
    /// By a boot loader on the disk.
    Firmware {
        /// UEFI instead of a BIOS.
        efi: bool,
    },
}

/// What a machine is told about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seed {
    /// Changes when the machine is another one: what is done once per machine is then done again.
    pub instance_id: String,
    /// Its host name.
    pub hostname: String,
    /// The user that one enters as; has all rights by `sudo` without a password.
    pub user: String,
    /// The public key that lets in, a line of `authorized_keys`.
    pub authorized_key: String,
    /// The keys that its SSH server shows.
    pub host_keys: Vec<HostKey>,
    /// Its network interfaces.
    pub interfaces: Vec<SeedInterface>,
    /// Names that it is to know: address and name.
    pub names: Vec<(IpAddr, String)>,
    /// `config.vm.cloud_init`: parts of user data, each with its content type, its file name and its content.
    pub user_data: Vec<UserData>,
}

/// A pair of keys of an SSH server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// `ed25519`, `rsa`, `ecdsa`.
    pub kind: String,
    /// The private one, as OpenSSH writes it.
    pub private: String,
    /// The public one, a line.
    pub public: String,
}

/// A network interface, known by its hardware address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeedInterface {
    /// `52:54:00:…`, in small letters.
    pub mac: String,
    /// Fixed addresses, each with the length of its network's prefix.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Whether it asks for (more) addresses.
    pub dhcp: bool,
    /// The way out.
    pub gateway: Option<IpAddr>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
    /// The largest packet, when it is not the usual one.
    pub mtu: Option<u32>,
}

/// A part of user data for cloud-init.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData {
    /// `text/cloud-config`, `text/x-shellscript`, …
    pub content_type: String,
    /// The part's file name, when it has one.
    pub name: Option<String>,
    /// The part itself.
    pub content: String,
}
