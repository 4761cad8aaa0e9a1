//! Source files that were read, and the way from a byte offset to a line and column.

use std::rc::Rc;
use std::sync::Arc;

use crate::failure::Location;

/// A piece of a source file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The file, as a number that the interpreter gave it.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

/// A file that was parsed.
pub struct SourceFile {
    /// Its name as Ruby sees it.
    pub name: Arc<str>,
    /// The number of its first line: not 1 for `eval` with a line.
    pub first_line: usize,
    /// Where lines start.
    pub line_starts: Vec<u32>,
    /// Its text.
    pub text: Rc<str>,
    /// Whether it is a string that code evaluated, under a name of its own choosing.
    pub evaluated: bool,
}

impl SourceFile {
    /// A file with this name and text.
    pub fn new(name: &str, text: &str, first_line: usize) -> Self {
        let mut line_starts = vec![0];
        line_starts
            .extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1));
        Self { name: name.into(), first_line, line_starts, text: text.into(), evaluated: false }
    }

    /// Line (as Ruby counts) and column of an offset.
    pub fn position(&self, offset: u32) -> (usize, usize) {
        let index = self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1);
        (index + self.first_line, (offset - self.line_starts.get(index).copied().unwrap_or(0)) as usize)
    }

    /// The place of a span.
    pub fn location(&self, span: Span) -> Location {
        let (line, column) = self.position(span.start);
        let (end_line, end_column) = self.position(span.end.max(span.start));
        Location { file: self.name.clone(), line, column, end_line, end_column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_from_one_and_columns_from_zero() {
        let file = SourceFile::new("a.rb", "ab\ncd\n", 1);
        assert_eq!(file.position(0), (1, 0));
        assert_eq!(file.position(4), (2, 1));
    }
}
