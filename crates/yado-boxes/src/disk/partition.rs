//! Where on a disk file systems may lie: partition tables of both kinds, read with suspicion.

use std::io;

use super::ReadAt;

const SECTOR: u64 = 512;
/// How many partitions of a table are looked at.
const MOST: u32 = 128;
/// The type of partitions with EFI's programs, `C12A7328-F81F-11D2-BA4B-00A0C93EC93B` as it stands in a table.
const EFI_SYSTEM: [u8; 16] =
    [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];

/// Where each partition begins, in bytes; the disk as a whole comes first, as one may lie on it without a table.
pub(super) fn starts(disk: &dyn ReadAt) -> io::Result<Vec<u64>> {
    let mut starts = vec![0];
    let mut table = [0; SECTOR as usize];
    disk.read_at(&mut table, 0)?;
    if table[510..] != [0x55, 0xaa] {
        return Ok(starts);
    }
    let mut header = [0; SECTOR as usize];
    if disk.read_at(&mut header, SECTOR).is_ok() && header.starts_with(b"EFI PART") {
        guid_table(disk, &header, &mut starts)?;
        return Ok(starts);
    }
    for entry in table[446..510].chunks_exact(16) {
        let first = u64::from(number(entry, 8)) * SECTOR;
        match entry[4] {
            0 => {}
            // Logical partitions in an extended one: a chain of tables.
            5 | 0xf | 0x85 => logical(disk, first, &mut starts)?,
            _ => starts.push(first),
        }
    }
    Ok(starts)
}

/// Whether one of the partitions is for EFI's programs.
pub(super) fn has_efi_programs(disk: &dyn ReadAt) -> io::Result<bool> {
    let mut table = [0; SECTOR as usize];
    disk.read_at(&mut table, 0)?;
    if table[510..] != [0x55, 0xaa] {
        return Ok(false);
    }
    let mut header = [0; SECTOR as usize];
    if disk.read_at(&mut header, SECTOR).is_err() || !header.starts_with(b"EFI PART") {
        return Ok(table[446..510].chunks_exact(16).any(|entry| entry[4] == 0xef));
    }
    let mut found = false;
    guid_entries(disk, &header, |entry| found |= entry[..16] == EFI_SYSTEM)?;
    Ok(found)
}

fn guid_table(disk: &dyn ReadAt, header: &[u8], starts: &mut Vec<u64>) -> io::Result<()> {
    guid_entries(disk, header, |entry| starts.extend(long(entry, 32).checked_mul(SECTOR)))
}

/// Every entry of the table that is in use.
fn guid_entries(disk: &dyn ReadAt, header: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let place = long(header, 72).checked_mul(SECTOR).ok_or(io::ErrorKind::InvalidData)?;
    let (count, size) = (number(header, 80).min(MOST), u64::from(number(header, 84)));
    if !(128..=4096).contains(&size) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the partition table is damaged"));
    }
    for index in 0..u64::from(count) {
        let mut entry = [0; 128];
        let at = place.checked_add(index * size).ok_or(io::ErrorKind::InvalidData)?;
        if disk.read_at(&mut entry, at).is_err() {
            break;
        }
        if entry[..16] != [0; 16] {
            each(&entry);
        }
    }
    Ok(())
}

fn logical(disk: &dyn ReadAt, extended: u64, starts: &mut Vec<u64>) -> io::Result<()> {
    let mut at = extended;
    for _ in 0..MOST {
        let mut table = [0; SECTOR as usize];
        disk.read_at(&mut table, at)?;
        if table[510..] != [0x55, 0xaa] {
            break;
        }
        if table[446 + 4] != 0 {
            starts.push(at + u64::from(number(&table, 446 + 8)) * SECTOR);
        }
        let next = u64::from(number(&table, 462 + 8)) * SECTOR;
        if table[462 + 4] == 0 || next == 0 {
            break;
        }
        at = extended + next;
    }
    Ok(())
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(number(bytes, at)) | (u64::from(number(bytes, at + 4)) << 32)
}
