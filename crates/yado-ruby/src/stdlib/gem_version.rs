//! RubyGems' version arithmetic: `Gem::Version` order and `Gem::Requirement` operators.

use std::cmp::Ordering;

/// One part of a version: numbers sort after words, so that `1.0.beta` comes before `1.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A number.
    Number(u64),
    /// Letters, which make it a pre-release.
    Word(String),
}

impl Ord for Segment {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Segment::Number(a), Segment::Number(b)) => a.cmp(b),
            (Segment::Word(a), Segment::Word(b)) => a.cmp(b),
            (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Segment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A version such as `2.3.4` or `1.0.0-rc1`.
#[derive(Debug, Clone)]
pub struct Version {
    /// As it was written.
    pub text: String,
    /// Its parts.
    pub segments: Vec<Segment>,
}

impl Version {
    /// Reads a version; `None` when it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Self { text: "0".to_owned(), segments: vec![Segment::Number(0)] });
        }
        let (release, prerelease) = match text.split_once('-') {
            Some((release, prerelease)) => (release, Some(prerelease)),
            None => (text, None),
        };
        let sound = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut parts = release.split('.');
        let first = parts.next()?;
        if first.is_empty() || !first.bytes().all(|byte| byte.is_ascii_digit()) || !parts.all(sound) {
            return None;
        }
        if prerelease.is_some_and(|tail| {
            !tail.split('.').all(|part| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
        }) {
            return None;
        }
        let canonical = text.replace('-', ".pre.");
        let segments = canonical.split('.').flat_map(split_segments).collect();
        Some(Self { text: text.to_owned(), segments })
    }

    /// Whether it has letters.
    pub fn is_prerelease(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Word(_)))
    }

    /// The version without its pre-release part.
    pub fn release(&self) -> Self {
        let numbers = self.segments.iter().take_while(|segment| matches!(segment, Segment::Number(_)));
        Self::of(numbers.cloned().collect())
    }

    /// The next version that `~>` no longer allows.
    pub fn bump(&self) -> Self {
        let mut segments = self.release().segments;
        if segments.len() > 1 {
            segments.pop();
        }
        if let Some(Segment::Number(last)) = segments.last_mut() {
            *last += 1;
        }
        Self::of(segments)
    }

    fn of(segments: Vec<Segment>) -> Self {
        let text = segments
            .iter()
            .map(|segment| match segment {
                Segment::Number(number) => number.to_string(),
                Segment::Word(word) => word.clone(),
            })
            .collect::<Vec<_>>()
            .join(".");
        Self { text, segments }
    }

    /// The parts without zeros that make no difference.
    pub fn canonical(&self) -> Vec<Segment> {
        let word = self.segments.iter().position(|segment| matches!(segment, Segment::Word(_)));
        let (numbers, rest) = self.segments.split_at(word.unwrap_or(self.segments.len()));
        let trimmed = |part: &[Segment]| {
            let used =
                part.iter().rposition(|segment| *segment != Segment::Number(0)).map_or(0, |last| last + 1);
            part[..used].to_vec()
        };
        let mut segments = trimmed(numbers);
        segments.extend(trimmed(rest));
        segments
    }
}

fn split_segments(part: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        let digit = first.is_ascii_digit();
        let end = rest.find(|character: char| character.is_ascii_digit() != digit).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        segments.push(match piece.parse() {
            Ok(number) if digit => Segment::Number(number),
            _ => Segment::Word(piece.to_owned()),
        });
        rest = tail;
    }
    segments
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (self.canonical(), other.canonical());
        let zero = Segment::Number(0);
        for index in 0..left.len().max(right.len()) {
            let order = left.get(index).unwrap_or(&zero).cmp(right.get(index).unwrap_or(&zero));
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// One operator and version of a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// `=`, `!=`, `>`, `<`, `>=`, `<=` or `~>`.
    pub operator: &'static str,
    /// The version beside it.
    pub version: Version,
}

impl Constraint {
    /// Reads `>= 1.2`; a bare version means `=`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let operator =
            ["~>", ">=", "<=", "!=", "=", ">", "<"].into_iter().find(|each| text.starts_with(each));
        let rest = text[operator.map_or(0, str::len)..].trim();
        if operator.is_some() && rest.is_empty() {
            return None;
        }
        Some(Self { operator: operator.unwrap_or("="), version: Version::parse(rest)? })
    }

    /// Whether `version` is allowed.
    pub fn allows(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        match self.operator {
            "=" => order == Ordering::Equal,
            "!=" => order != Ordering::Equal,
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            ">=" => order != Ordering::Less,
            "<=" => order != Ordering::Greater,
            _ => order != Ordering::Less && version.release() < self.version.bump(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_are_ordered_by_meaning() {
        assert!(version("2.10.0") > version("2.9.9"));
        assert!(version("1.0.0.beta2") < version("1.0.0"));
        assert!(version("1.0-rc1") < version("1.0"));
        assert!(version("1.0.a10") > version("1.0.a9"));
        assert_eq!(version("1.0"), version("1.0.0"));
        assert_eq!(version("1.2.3.beta").bump().text, "1.3");
        assert!(Version::parse("junk").is_none());
        assert!(Version::parse("1..2").is_none());
    }

    #[test]
    fn requirements_allow_what_rubygems_allows() {
        for (requirement, candidate, allowed) in [
            ("~> 1.2", "1.9", true),
            ("~> 1.2", "2.0", false),
            ("~> 1.2.3", "1.2.9", true),
            ("~> 1.2.3", "1.3.0", false),
            (">= 1.8.0", "2.3.4", true),
            ("< 3.0", "2.3.4", true),
            ("2.3.4", "2.3.4", true),
            ("!= 2.3.4", "2.3.4", false),
            ("~> 2", "2.9", true),
        ] {
            let constraint = Constraint::parse(requirement).unwrap();
            assert_eq!(constraint.allows(&version(candidate)), allowed, "{requirement} and {candidate}");
        }
        assert!(Constraint::parse(">=").is_none());
    }
}
