//! [`Sources`]: the texts of the files that were evaluated, for whoever shows lines of them. What is shown is what was
//! evaluated, never what lies on the disk: a place can name any file, also one that nobody was allowed to read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use yado_ruby::SourceFile;

/// Texts by the names of their files; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<Mutex<HashMap<String, Known>>>);

#[derive(Debug)]
struct Known {
    text: Arc<str>,
    evaluated: bool,
}

impl Sources {
    /// The text that was evaluated under this name.
    pub fn text(&self, name: &str) -> Option<Arc<str>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|known| Arc::clone(&known.text))
    }

    /// Takes note of a text. A file counts more than a string that was evaluated under its name (`class_eval` with
    /// `__FILE__`), and such a string not at all if its lines are counted from elsewhere.
    pub(crate) fn note(&self, source: &SourceFile) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let replaces = known.get(&*source.name).is_none_or(|known| known.evaluated);
        if replaces && source.first_line == 1 {
            let text = Arc::from(&*source.text);
            known.insert(source.name.to_string(), Known { text, evaluated: source.evaluated });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_more_than_a_string_under_its_name() {
        let string = |text: &str| SourceFile { evaluated: true, ..SourceFile::new("/a", text, 1) };
        let sources = Sources::default();
        sources.note(&string("first"));
        sources.note(&SourceFile::new("/a", "file", 1));
        sources.note(&string("last"));
        assert_eq!(sources.text("/a").as_deref(), Some("file"));
        sources.note(&SourceFile::new("/b", "part", 7));
        assert_eq!(sources.text("/b"), None);
    }
}
