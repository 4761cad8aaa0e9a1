//! Versions of boxes and constraints on them, ordered as RubyGems orders them.

use std::cmp::Ordering;

use yado_core::{Error, ErrorKind, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// A letters part makes the version a prerelease; it sorts below every number.
    Letters(String),
    Number(u128),
}

/// A version such as `12.20240212.1` or `1.0.0.beta2`.
#[derive(Debug, Clone)]
pub struct Version {
    segments: Vec<Segment>,
}

impl Version {
    /// Reads a version; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut segments = Vec::new();
        // `-` begins a prerelease.
        for part in text.replace('-', ".pre.").split('.') {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return None;
            }
            let mut rest = part;
            while let Some(first) = rest.bytes().next() {
                let is_digit = first.is_ascii_digit();
                let end =
                    rest.bytes().position(|byte| byte.is_ascii_digit() != is_digit).unwrap_or(rest.len());
                let (piece, after) = rest.split_at(end);
                segments.push(if is_digit {
                    Segment::Number(piece.parse().ok()?)
                } else {
                    Segment::Letters(piece.to_owned())
                });
                rest = after;
            }
        }
        matches!(segments.first(), Some(Segment::Number(_))).then_some(Self { segments })
    }

    /// The version that `~>` stays below: `1.1.5` → `1.2`, `1.0` → `2`.
    fn bump(&self) -> Self {
        let mut segments: Vec<_> = self
            .segments
            .iter()
            .take_while(|segment| matches!(segment, Segment::Number(_)))
            .cloned()
            .collect();
        if segments.len() > 1 {
            segments.pop();
        }
        if let Some(Segment::Number(last)) = segments.last_mut() {
            // The largest number has nothing above it: the version itself is out of reach then, as it should be.
            *last = last.saturating_add(1);
        }
        Self { segments }
    }

    /// The version without its prerelease part.
    fn release(&self) -> Self {
        let segments = self
            .segments
            .iter()
            .take_while(|segment| matches!(segment, Segment::Number(_)))
            .cloned()
            .collect();
        Self { segments }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let zero = Segment::Number(0);
        let length = self.segments.len().max(other.segments.len());
        for index in 0..length {
            let ours = self.segments.get(index).unwrap_or(&zero);
            let theirs = other.segments.get(index).unwrap_or(&zero);
            let order = match (ours, theirs) {
                (Segment::Number(a), Segment::Number(b)) => a.cmp(b),
                (Segment::Letters(a), Segment::Letters(b)) => a.cmp(b),
                (Segment::Letters(_), Segment::Number(_)) => Ordering::Less,
                (Segment::Number(_), Segment::Letters(_)) => Ordering::Greater,
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

/// Constraints such as `>= 1.0, < 2`, all of which must hold.
#[derive(Debug, Clone, Default)]
pub struct Constraints(Vec<(Operator, Version)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Compatible,
}

impl Constraints {
    /// Reads comma separated constraints; an empty text allows everything.
    pub fn parse(text: &str) -> Result<Self> {
        const OPERATORS: [(&str, Operator); 7] = [
            ("~>", Operator::Compatible),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("!=", Operator::NotEqual),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        let mut constraints = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (operator, rest) = OPERATORS
                .iter()
                .find_map(|(name, operator)| Some((*operator, part.strip_prefix(name)?)))
                .unwrap_or((Operator::Equal, part));
            let version = Version::parse(rest).ok_or_else(|| {
                Error::new(
                    ErrorKind::ConfigInvalid,
                    format!("'{part}' is not a constraint on a box version."),
                )
                .hinted("Constraints look like '1.2.3', '>= 1.0, < 2' or '~> 1.1'.")
            })?;
            constraints.push((operator, version));
        }
        Ok(Self(constraints))
    }

    /// Whether `version` satisfies all of them.
    pub fn allow(&self, version: &Version) -> bool {
        self.0.iter().all(|(operator, bound)| match operator {
            Operator::Equal => version == bound,
            Operator::NotEqual => version != bound,
            Operator::Greater => version > bound,
            Operator::GreaterOrEqual => version >= bound,
            Operator::Less => version < bound,
            Operator::LessOrEqual => version <= bound,
            Operator::Compatible => version >= bound && version.release() < bound.bump(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_are_ordered_as_rubygems_orders_them() {
        let ordered = [
            "0",
            "0.1.a",
            "0.1",
            "1.0.0.alpha",
            "1.0.0.beta",
            "1.0.0.beta2",
            "1",
            "1.2",
            "1.10",
            "12.20240212.1",
        ];
        for pair in ordered.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("1.0"), version("1"));
        assert_eq!(version("1.0-rc1"), version("1.0.pre.rc1"));
        for wrong in ["", "a", "1..2", "1 2", "v1"] {
            assert!(Version::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn constraints_hold_as_rubygems_holds_them() {
        let cases = [
            ("~> 1.1.5", "1.1.9", true),
            ("~> 1.1.5", "1.2.0", false),
            ("~> 1.0", "1.99", true),
            ("~> 1.0", "2", false),
            ("~> 1", "1.5", true),
            ("~> 1", "2.0", false),
            ("~> 1.2", "2.0.0.beta", false),
            (">= 1.0, < 2", "1.5", true),
            (">= 1.0, < 2", "2.0", false),
            ("!= 3", "3.0", false),
            ("1.2.0", "1.2", true),
            (" = 1.2", "1.3", false),
            ("", "7", true),
            ("> 0", "1.0.0.beta", true),
        ];
        for (constraints, text, expected) in cases {
            assert_eq!(
                Constraints::parse(constraints).unwrap().allow(&version(text)),
                expected,
                "{constraints} {text}"
            );
        }
        assert_eq!(Constraints::parse("~> x").unwrap_err().kind(), ErrorKind::ConfigInvalid);
    }
}
