//! The names of settings in the blocks that this provider reads, and what becomes of each.

use yado_core::{Schema, settings};

/// What a setting is to this provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Memory,
    Processors,
    Accelerator,
    ProcessorModel,
    MachineType,
    DiskGigabytes,
    DiskSize,
    /// `bios` or `efi`.
    Firmware,
    /// The file of a firmware.
    Loader,
    /// The file of an empty store of UEFI's variables.
    Variables,
    /// What disks are connected to.
    DiskBus,
    Kernel,
    FirstFileSystem,
    CommandLine,
    Arguments,
    NetworkCard,
    WarmStart,
    /// A method that may be called several times.
    Call,
    /// Understood, and without meaning here.
    Idle,
    /// Asks for something that this provider would have to do and cannot: why.
    Refused(&'static str),
    Unknown,
}

/// The settings of a `kvm` block.
pub(super) static SCHEMA: Schema = Schema {
    settings: &settings! {
        "memory" Any "512" "Memory in MiB, or with a unit (`\"2G\"`).";
        "cpus" Integer "1" "Number of processors.";
        "accel" Text "\"auto\"" "`kvm` (the processor), `tcg` (emulation), or `auto`: KVM where it really works.";
        "cpu_model" Text "" "QEMU's processor model; the best that there is when unset.";
        "machine_type" Text "\"q35\"" "QEMU's machine type: `q35` or `pc`.";
        "disk_size" Any "" "The boot disk's size (`\"20G\"`); never less than the box's.";
        "firmware" Text "" "`bios` or `efi`, for boxes with a disk of their own; what the disk wants when unset.";
        "kernel" Text "" "A kernel to boot instead of the box's.";
        "initrd" Text "" "Its first file system.";
        "cmd_line" Text "" "Its command line.";
        "qemu_args" List "[]" "More arguments for QEMU.";
        "nic_model" Text "\"virtio\"" "QEMU's model of network cards.";
        "warm_start" Bool "false" "Goes on from the box's state after a boot, which is kept, instead of booting.";
    },
};

const OWN: &[(&str, Known)] = &[
    ("memory", Known::Memory),
    ("cpus", Known::Processors),
    ("accel", Known::Accelerator),
    ("cpu_model", Known::ProcessorModel),
    ("machine_type", Known::MachineType),
    ("disk_size", Known::DiskSize),
    ("firmware", Known::Firmware),
    ("kernel", Known::Kernel),
    ("initrd", Known::FirstFileSystem),
    ("cmd_line", Known::CommandLine),
    ("qemu_args", Known::Arguments),
    ("nic_model", Known::NetworkCard),
    ("warm_start", Known::WarmStart),
];

const ELSEWHERE: Known = Known::Refused("machines run on this host alone");
const HARDWARE: Known =
    Known::Refused("such hardware is not given to machines; 'qemuargs' may say it to QEMU itself");

/// Settings and calls of the plugin vagrant-libvirt.
const LIBVIRT: &[(&str, Known)] = &[
    ("memory", Known::Memory),
    ("cpus", Known::Processors),
    ("driver", Known::Accelerator),
    ("cpu_model", Known::ProcessorModel),
    ("machine_type", Known::MachineType),
    ("machine_virtual_size", Known::DiskGigabytes),
    ("loader", Known::Loader),
    ("kernel", Known::Kernel),
    ("initrd", Known::FirstFileSystem),
    ("cmd_line", Known::CommandLine),
    ("nic_model_type", Known::NetworkCard),
    ("storage", Known::Call),
    ("qemuargs", Known::Call),
    ("uri", Known::Idle),
    ("host", ELSEWHERE),
    ("port", Known::Idle),
    ("connect_via_ssh", Known::Idle),
    ("socket", Known::Idle),
    ("username", Known::Idle),
    ("password", Known::Idle),
    ("id_ssh_key_file", Known::Idle),
    ("proxy_command", Known::Idle),
    ("system_uri", Known::Idle),
    ("qemu_use_session", Known::Idle),
    ("storage_pool_name", Known::Idle),
    ("storage_pool_path", Known::Idle),
    ("snapshot_pool_name", Known::Idle),
    ("default_prefix", Known::Idle),
    ("title", Known::Idle),
    ("description", Known::Idle),
    ("uuid", Known::Idle),
    ("random_hostname", Known::Idle),
    ("sysinfo", Known::Idle),
    ("cpuset", Known::Idle),
    ("cpu_mode", Known::Idle),
    ("cpu_fallback", Known::Idle),
    ("cpu_feature", Known::Idle),
    ("cputopology", Known::Idle),
    ("cpuaffinitiy", Known::Idle),
    ("shares", Known::Idle),
    ("nested", Known::Idle),
    ("nodeset", Known::Idle),
    ("numa_nodes", Known::Idle),
    ("memorybacking", Known::Idle),
    ("memtune", Known::Idle),
    ("launchsecurity", HARDWARE),
    ("features", Known::Idle),
    ("features_hyperv", Known::Idle),
    ("hyperv_feature", Known::Idle),
    ("kvm_hidden", Known::Idle),
    ("clock_offset", Known::Idle),
    ("clock_basis", Known::Idle),
    ("clock_absolute", Known::Idle),
    ("clock_adjustment", Known::Idle),
    ("clock_timezone", Known::Idle),
    ("clock_timer", Known::Idle),
    ("boot", Known::Idle),
    ("nvram", Known::Variables),
    ("dtb", HARDWARE),
    ("machine_arch", Known::Idle),
    ("emulator_path", Known::Idle),
    ("disk_bus", Known::DiskBus),
    ("disk_device", Known::Idle),
    ("disk_address_type", Known::Idle),
    ("disk_controller_model", Known::Idle),
    ("disk_driver", Known::Idle),
    ("volume_cache", Known::Idle),
    ("graphics_type", Known::Idle),
    ("graphics_port", Known::Idle),
    ("graphics_autoport", Known::Idle),
    ("graphics_websocket", Known::Idle),
    ("graphics_ip", Known::Idle),
    ("graphics_passwd", Known::Idle),
    ("graphics_gl", Known::Idle),
    ("video_type", Known::Idle),
    ("video_vram", Known::Idle),
    ("video_accel3d", Known::Idle),
    ("keymap", Known::Idle),
    ("sound_type", Known::Idle),
    ("input", Known::Idle),
    ("channel", Known::Idle),
    ("random", Known::Idle),
    ("pci", HARDWARE),
    ("usb_controller", Known::Idle),
    ("usb", HARDWARE),
    ("redirdev", Known::Idle),
    ("redirfilter", Known::Idle),
    ("smartcard", HARDWARE),
    ("serial", Known::Idle),
    ("watchdog", Known::Idle),
    ("tpm_model", Known::Idle),
    ("tpm_type", HARDWARE),
    ("tpm_path", HARDWARE),
    ("tpm_version", HARDWARE),
    ("memballoon_enabled", Known::Idle),
    ("memballoon_model", Known::Idle),
    ("memballoon_pci_bus", Known::Idle),
    ("memballoon_pci_slot", Known::Idle),
    ("nic_adapter_count", Known::Idle),
    ("management_network_name", Known::Idle),
    ("management_network_address", Known::Idle),
    ("management_network_mode", Known::Idle),
    ("management_network_device", Known::Idle),
    ("management_network_mac", Known::Idle),
    ("management_network_domain", Known::Idle),
    ("management_network_mtu", Known::Idle),
    ("management_network_guest_ipv6", Known::Idle),
    ("management_network_autostart", Known::Idle),
    ("management_network_keep", Known::Idle),
    ("management_network_pci_bus", Known::Idle),
    ("management_network_pci_slot", Known::Idle),
    ("management_network_iface_name", Known::Idle),
    ("management_network_model_type", Known::Idle),
    ("management_network_driver_iommu", Known::Idle),
    ("mgmt_attach", Known::Idle),
    ("forward_ssh_port", Known::Idle),
    ("suspend_mode", Known::Idle),
    ("autostart", Known::Idle),
    ("qemuenv", Known::Idle),
    ("qemu_use_agent", Known::Idle),
    ("host_device_exclude_prefixes", Known::Idle),
];

/// Settings of the plugin vagrant-qemu.
const QEMU: &[(&str, Known)] = &[
    ("memory", Known::Memory),
    ("smp", Known::Processors),
    ("cpu", Known::ProcessorModel),
    ("machine", Known::MachineType),
    ("disk_resize", Known::DiskSize),
    ("extra_qemu_args", Known::Arguments),
    ("net_device", Known::NetworkCard),
    ("arch", Known::Idle),
    ("image_path", Known::Refused("machines are made from boxes")),
    ("ssh_host", Known::Idle),
    ("ssh_port", Known::Idle),
    ("ssh_auto_correct", Known::Idle),
    ("drive_interface", Known::Idle),
    ("extra_netdev_args", HARDWARE),
    ("extra_drive_args", HARDWARE),
    ("extra_image_opts", Known::Idle),
    ("qemu_bin", Known::Idle),
    ("qemu_dir", Known::Idle),
    ("firmware_format", Known::Idle),
    ("control_port", Known::Idle),
    ("debug_port", Known::Idle),
    ("no_daemonize", Known::Idle),
    ("other_default", Known::Idle),
    ("graceful_timeout", Known::Idle),
    ("advanced_network", Known::Idle),
    ("net_mode", Known::Idle),
    ("vmnet_interface", Known::Idle),
    ("tap_device", Known::Idle),
    ("mcast_addr", Known::Idle),
    ("socket_opts", Known::Idle),
];

/// The settings of a block, when it is one for this provider.
pub(super) fn known(block: &str) -> Option<&'static [(&'static str, Known)]> {
    match block {
        super::NAME => Some(OWN),
        "libvirt" => Some(LIBVIRT),
        "qemu" => Some(QEMU),
        _ => None,
    }
}

/// What becomes of a setting.
pub(super) fn meaning(block: &str, name: &str) -> Known {
    let table = known(block).unwrap_or_default();
    table.iter().find(|(known, _)| *known == name).map_or(Known::Unknown, |(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_table_and_the_schema_name_the_same_settings() {
        let schema: Vec<&str> = SCHEMA.settings.iter().map(|setting| setting.name).collect();
        let own: Vec<&str> = OWN.iter().map(|(name, _)| *name).collect();
        assert_eq!(schema, own);
    }
}
