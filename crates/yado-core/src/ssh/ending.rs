//! Where a command's output ends. A channel of SSH stays open for as long as anything that the command left running
//! holds it, so the end is not the channel's: the far side writes a mark when the command itself has ended.

use crate::communicator::Stream;

/// Begins and ends a mark; programs hardly ever write it.
const EDGE: char = '\u{1e}';

/// Both streams of a command, up to their marks.
#[derive(Debug)]
pub(super) struct Ending {
    begin: Vec<u8>,
    streams: [Part; 2],
    /// The exit code that the far side told.
    pub(super) code: Option<i32>,
}

#[derive(Debug, Default)]
struct Part {
    /// What may be the beginning of a mark.
    held: Vec<u8>,
    ended: bool,
}

impl Ending {
    /// `mark` is a word that nobody guesses.
    pub(super) fn new(mark: &str) -> Self {
        Self { begin: format!("{EDGE}{mark}:").into_bytes(), streams: Default::default(), code: None }
    }

    /// What the far side's shell is to run after the command, whose exit code is `$s`.
    pub(super) fn script(mark: &str) -> String {
        format!("printf '\\036{mark}:%d\\036' $s; printf '\\036{mark}:%d\\036' $s >&2; exit $s")
    }

    /// Takes a piece and hands over what belongs to the command; true when both streams have ended.
    pub(super) fn take(
        &mut self,
        stream: Stream,
        piece: &[u8],
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> bool {
        let part = &mut self.streams[usize::from(stream == Stream::Stderr)];
        if !part.ended {
            part.held.extend_from_slice(piece);
            let (end, code) = find(&part.held, &self.begin);
            if end > 0 {
                output(stream, &part.held[..end]);
                part.held.drain(..end);
            }
            if code.is_some() {
                part.ended = true;
                self.code = code;
            }
        }
        self.streams.iter().all(|part| part.ended)
    }

    /// What was held back as a possible mark and was none.
    pub(super) fn finish(&mut self, output: &mut dyn FnMut(Stream, &[u8])) {
        for (part, stream) in self.streams.iter_mut().zip([Stream::Stdout, Stream::Stderr]) {
            if !part.ended && !part.held.is_empty() {
                output(stream, &std::mem::take(&mut part.held));
            }
        }
    }
}

/// How much of `held` is output for certain, and the code when a whole mark follows.
fn find(held: &[u8], begin: &[u8]) -> (usize, Option<i32>) {
    let mut from = 0;
    while let Some(at) = held[from..].iter().position(|byte| *byte == EDGE as u8).map(|at| from + at) {
        let rest = &held[at..];
        let common = rest.len().min(begin.len());
        if rest[..common] != begin[..common] {
            from = at + 1;
            continue;
        }
        let Some(digits) = rest.get(begin.len()..) else { return (at, None) };
        return match digits.iter().position(|byte| *byte == EDGE as u8) {
            Some(end) => {
                let code = std::str::from_utf8(&digits[..end]).ok().and_then(|text| text.parse().ok());
                (at, Some(code.unwrap_or(1)))
            }
            None => (at, None),
        };
    }
    (held.len(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_ends_at_its_mark_wherever_the_pieces_are_cut() {
        let text = b"one\x1etwo\x1eword:7\x1elater";
        for cut in 0..text.len() {
            let mut ending = Ending::new("word");
            let mut out = Vec::new();
            let mut keep = |stream, piece: &[u8]| {
                if stream == Stream::Stdout {
                    out.extend_from_slice(piece);
                }
            };
            ending.take(Stream::Stdout, &text[..cut], &mut keep);
            assert!(!ending.take(Stream::Stdout, &text[cut..], &mut keep), "the other stream goes on");
            assert!(ending.take(Stream::Stderr, b"\x1eword:7\x1e", &mut keep));
            assert_eq!((out.as_slice(), ending.code), (&b"one\x1etwo"[..], Some(7)), "cut at {cut}");
        }
    }

    #[test]
    fn what_only_looked_like_a_mark_is_output() {
        let mut ending = Ending::new("word");
        let mut out = Vec::new();
        assert!(!ending.take(Stream::Stdout, b"a\x1ewor", &mut |_, piece| out.extend_from_slice(piece)));
        ending.finish(&mut |_, piece| out.extend_from_slice(piece));
        assert_eq!((out.as_slice(), ending.code), (&b"a\x1ewor"[..], None));
    }
}
