//! A small volume in the format of CD-ROMs (ISO 9660 with Joliet's names): a few files in one directory. Every guest
//! reads it, and it needs no program to be made.

use yado_core::{Error, ErrorKind, Result};

const SECTOR: usize = 2048;
/// Sectors before the first descriptor belong to boot loaders.
const FIRST_DESCRIPTOR: usize = 16;
/// The path tables, then the directory with plain names and the one with Joliet's.
const TABLES: usize = FIRST_DESCRIPTOR + 3;
const PLAIN_DIRECTORY: usize = TABLES + 4;
const JOLIET_DIRECTORY: usize = PLAIN_DIRECTORY + 1;
const FIRST_FILE: usize = JOLIET_DIRECTORY + 1;

/// What is written in the two sets of names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Plain,
    Joliet,
}

/// A volume with this label and these files (name and content), all in its root directory.
pub(super) fn volume(label: &str, files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut places = Vec::new();
    let mut next = FIRST_FILE;
    for (_, content) in files {
        places.push(next);
        next += content.len().div_ceil(SECTOR);
    }
    let mut volume = vec![0; next * SECTOR];
    let mut put = |sector: usize, bytes: &[u8]| {
        volume[sector * SECTOR..sector * SECTOR + bytes.len()].copy_from_slice(bytes);
    };
    put(FIRST_DESCRIPTOR, &descriptor(Names::Plain, label, next));
    put(FIRST_DESCRIPTOR + 1, &descriptor(Names::Joliet, label, next));
    put(FIRST_DESCRIPTOR + 2, b"\xffCD001\x01");
    for (index, directory) in
        [PLAIN_DIRECTORY, PLAIN_DIRECTORY, JOLIET_DIRECTORY, JOLIET_DIRECTORY].iter().enumerate()
    {
        put(TABLES + index, &path_table(*directory, index % 2 == 1));
    }
    for (sector, names) in [(PLAIN_DIRECTORY, Names::Plain), (JOLIET_DIRECTORY, Names::Joliet)] {
        let directory = directory(names, sector, files, &places);
        if directory.len() > SECTOR {
            return Err(Error::new(ErrorKind::Other, "A seed volume has too many files."));
        }
        put(sector, &directory);
    }
    for ((_, content), place) in files.iter().zip(&places) {
        put(*place, content);
    }
    Ok(volume)
}

/// A number in both byte orders, as the format likes it.
fn both32(number: usize) -> [u8; 8] {
    let number = number as u32;
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn both16(number: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (number.to_le_bytes(), number.to_be_bytes());
    [a, b, c, d]
}

/// Two bytes for each letter.
fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The description of the volume in one set of names.
fn descriptor(names: Names, label: &str, sectors: usize) -> Vec<u8> {
    let mut bytes = vec![0; SECTOR];
    let is_joliet = names == Names::Joliet;
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    put(0, &[if is_joliet { 2 } else { 1 }]);
    put(1, b"CD001\x01");
    // Texts are filled up with spaces.
    for (from, to) in [(8, 72), (190, 813)] {
        let blank: Vec<u8> =
            if is_joliet { wide(&" ".repeat((to - from) / 2)) } else { vec![b' '; to - from] };
        put(from, &blank);
    }
    let name = if is_joliet { wide(label) } else { label.as_bytes().to_vec() };
    put(40, &name[..name.len().min(32)]);
    put(80, &both32(sectors));
    if is_joliet {
        put(88, b"%/E");
    }
    put(120, &both16(1));
    put(124, &both16(1));
    put(128, &both16(SECTOR as u16));
    put(132, &both32(PATH_TABLE));
    let table = if is_joliet { TABLES + 2 } else { TABLES };
    put(140, &(table as u32).to_le_bytes());
    put(148, &(table as u32 + 1).to_be_bytes());
    let directory = if is_joliet { JOLIET_DIRECTORY } else { PLAIN_DIRECTORY };
    put(156, &record(&[0], directory, SECTOR, true));
    for at in [813, 830, 847, 864] {
        put(at, b"0000000000000000\0");
    }
    put(881, &[1]);
    bytes
}

/// The size of a table with the root alone.
const PATH_TABLE: usize = 10;

fn path_table(directory: usize, big_endian: bool) -> [u8; PATH_TABLE] {
    let place = directory as u32;
    let mut table = [0; PATH_TABLE];
    table[0] = 1;
    table[2..6].copy_from_slice(&if big_endian { place.to_be_bytes() } else { place.to_le_bytes() });
    table[6..8].copy_from_slice(&if big_endian { 1_u16.to_be_bytes() } else { 1_u16.to_le_bytes() });
    table
}

/// An entry of a directory.
fn record(name: &[u8], sector: usize, size: usize, is_directory: bool) -> Vec<u8> {
    let length = (33 + name.len()).next_multiple_of(2);
    let mut record = vec![0; length];
    record[0] = length as u8;
    record[2..10].copy_from_slice(&both32(sector));
    record[10..18].copy_from_slice(&both32(size));
    // The same day everywhere: what is in a volume does not depend on when it was made.
    record[18..25].copy_from_slice(&[120, 1, 1, 0, 0, 0, 0]);
    record[25] = if is_directory { 2 } else { 0 };
    record[28..32].copy_from_slice(&both16(1));
    record[32] = name.len() as u8;
    record[33..33 + name.len()].copy_from_slice(name);
    record
}

fn directory(names: Names, sector: usize, files: &[(&str, &[u8])], places: &[usize]) -> Vec<u8> {
    let mut bytes = [record(&[0], sector, SECTOR, true), record(&[1], sector, SECTOR, true)].concat();
    let mut entries: Vec<_> = files
        .iter()
        .zip(places)
        .map(|((name, content), place)| {
            let name = match names {
                Names::Joliet => wide(name),
                // Without an extension, the dot is written all the same; readers take it away.
                Names::Plain if name.contains('.') => format!("{};1", name.to_ascii_uppercase()).into_bytes(),
                Names::Plain => format!("{}.;1", name.to_ascii_uppercase()).into_bytes(),
            };
            record(&name, *place, content.len(), false)
        })
        .collect();
    entries.sort_by(|a, b| a[33..].cmp(&b[33..]));
    bytes.extend(entries.concat());
    bytes
}
