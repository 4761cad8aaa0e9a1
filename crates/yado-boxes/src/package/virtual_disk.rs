//! Boxes whose content is a virtual disk, as the providers of hypervisors have them.
//!
//! The disk is one file system without a boot loader: what a hypervisor starts from it needs a kernel given from
//! outside. yado makes containers of such a box without one.

use std::path::Path;

use serde_json::{Value, json};
use yado_core::{Context, Result};

use super::{Package, tree_archive};
use crate::disk::{self, DiskFormat};
use crate::platform;
use crate::scratch::Scratch;

/// A disk no smaller than this; it takes no more space than its content.
const SIZE: u64 = 10 << 30;

/// Writes the package's file system as a disk to `target` and returns the disk's size in bytes.
pub(super) fn write(cx: &Context, package: &Package, target: &Path, format: DiskFormat) -> Result<u64> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let root = Scratch::directory(folder)?;
    tree_archive::merge_into(cx, &package.layers, root.path())?;
    cx.detail(format!("Converting the root file system to a disk (format {})...", format.name()));
    disk::make(cx, root.path(), SIZE, target, format)
}

/// What a box of the provider libvirt says about its disk.
pub(super) fn libvirt_metadata(size: u64) -> Value {
    json!({
        "provider": "libvirt",
        "format": DiskFormat::Qcow2.name(),
        "virtual_size": size.div_ceil(1 << 30),
        "architecture": platform::architecture(),
    })
}

/// The description of a virtual machine with this disk, in the form that VirtualBox imports.
pub(super) fn description(name: &str, disk: &str, file_size: u64, size: u64) -> String {
    let name: String =
        name.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter)).collect();
    let item = |number: u32, kind: u32, element: &str, rest: &str| {
        format!(
            "      <Item><rasd:ElementName>{element}</rasd:ElementName><rasd:InstanceID>{number}</rasd:InstanceID>{rest}\
             <rasd:ResourceType>{kind}</rasd:ResourceType></Item>\n"
        )
    };
    let items = [
        item(1, 3, "1 virtual CPU", "<rasd:VirtualQuantity>1</rasd:VirtualQuantity>"),
        item(
            2,
            4,
            "1024 MB of memory",
            "<rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:VirtualQuantity>1024</rasd:VirtualQuantity>",
        ),
        item(3, 20, "sataController0", "<rasd:Address>0</rasd:Address><rasd:ResourceSubType>AHCI</rasd:ResourceSubType>"),
        item(
            4,
            17,
            "disk1",
            "<rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:HostResource>/disk/disk1</rasd:HostResource>\
             <rasd:Parent>3</rasd:Parent>",
        ),
        item(
            5,
            10,
            "Ethernet adapter on 'NAT'",
            "<rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>NAT</rasd:Connection>\
             <rasd:ResourceSubType>E1000</rasd:ResourceSubType>",
        ),
    ]
    .concat();
    format!(
        r#"<?xml version="1.0"?>
<Envelope ovf:version="1.0" xml:lang="en-US" xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
    xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References><File ovf:id="file1" ovf:href="{disk}" ovf:size="{file_size}"/></References>
  <DiskSection>
    <Info>Virtual disks</Info>
    <Disk ovf:capacity="{size}" ovf:diskId="disk1" ovf:fileRef="file1"
        ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <NetworkSection><Info>Networks</Info><Network ovf:name="NAT"><Description>Way out</Description></Network></NetworkSection>
  <VirtualSystem ovf:id="{name}">
    <Info>A virtual machine</Info>
    <OperatingSystemSection ovf:id="101"><Info>Linux, 64 bit</Info></OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware</Info>
      <System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>{name}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>virtualbox-2.2</vssd:VirtualSystemType></System>
{items}    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
"#
    )
}
