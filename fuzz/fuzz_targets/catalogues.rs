//! Catalogues of strangers: a line of constraints, then any text as a catalogue. Nothing panics, what is chosen satisfies
//! the constraints.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut halves = input.splitn(2, |byte| *byte == b'\n');
    let constraints = String::from_utf8_lossy(halves.next().unwrap_or_default());
    yado_boxes::fuzzing::read_catalogue(halves.next().unwrap_or_default(), &constraints);
});
