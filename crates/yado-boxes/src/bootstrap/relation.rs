//! Debian's versions and dependency relations.

use std::cmp::Ordering;

/// Compares two Debian versions: `[epoch:]upstream[-revision]`.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    fn split(version: &str) -> (u64, &str, &str) {
        let (epoch, rest) = match version.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
            None => (0, version),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch, upstream, revision)
    }
    let (left, right) = (split(left), split(right));
    left.0
        .cmp(&right.0)
        .then_with(|| compare_part(left.1, right.1))
        .then_with(|| compare_part(left.2, right.2))
}

/// Compares upstream versions or revisions: runs of non-digits and of digits take turns; `~` is less than the
/// end, letters are less than everything else.
fn compare_part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_digit() => 0,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    let is_text = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_digit());
    while !left.is_empty() || !right.is_empty() {
        while is_text(left.first()) || is_text(right.first()) {
            let order = weight(left.first()).cmp(&weight(right.first()));
            if order != Ordering::Equal {
                return order;
            }
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        }
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (ours, theirs) = (digits(left), digits(right));
        let strip = |text: &[u8]| {
            text.iter().position(|byte| *byte != b'0').map_or(Vec::new(), |at| text[at..].to_vec())
        };
        let (number, other) = (strip(&left[..ours]), strip(&right[..theirs]));
        let order = number.len().cmp(&other.len()).then_with(|| number.cmp(&other));
        if order != Ordering::Equal {
            return order;
        }
        left = &left[ours..];
        right = &right[theirs..];
    }
    Ordering::Equal
}

/// One package that a dependency names: `name (>= version)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    /// The package or virtual package.
    pub(crate) name: String,
    /// The operator and version, when there is a bound.
    pub(crate) bound: Option<(String, String)>,
}

impl Relation {
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = match text.find(['(', '[', '<']) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let name = name.trim().split(':').next()?.to_owned();
        let bound = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).and_then(|(bound, _)| {
            let bound = bound.trim();
            let at = bound.find(|letter: char| !"<>=".contains(letter))?;
            Some((bound[..at].to_owned(), bound[at..].trim().to_owned()))
        });
        (!name.is_empty()).then_some(Self { name, bound })
    }

    /// Whether a package of this version satisfies the bound.
    pub(crate) fn allows(&self, version: &str) -> bool {
        let Some((operator, bound)) = &self.bound else { return true };
        let order = compare(version, bound);
        match operator.as_str() {
            "<<" => order == Ordering::Less,
            "<=" | "<" => order != Ordering::Greater,
            "=" => order == Ordering::Equal,
            ">=" | ">" => order != Ordering::Less,
            ">>" => order == Ordering::Greater,
            _ => true,
        }
    }
}

/// Reads `a (>= 1) | b, c`: all of the groups, one of each.
pub(crate) fn parse(text: &str) -> Vec<Vec<Relation>> {
    text.split(',')
        .map(|group| group.split('|').filter_map(|text| Relation::parse(text.trim())).collect::<Vec<_>>())
        .filter(|group| !group.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        let ordered = [
            "0~~",
            "0~",
            "0",
            "1.0~rc1-1",
            "1.0-1~deb12u1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-2",
            "1.0a",
            "1.0.1",
            "1.2",
            "1.10",
            "1:0.1",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("1.01", "1.1"), Ordering::Equal);
        assert_eq!(compare("0:1", "1"), Ordering::Equal);
    }

    #[test]
    fn relations_are_read_with_alternatives_bounds_and_qualifiers() {
        let found = parse("libc6 (>= 2.36), debconf (>= 0.5) | debconf-2.0, perl:any, foo (<< 2) [amd64],");
        assert_eq!(found.len(), 4);
        assert_eq!(found[0][0].bound, Some((">=".into(), "2.36".into())));
        assert_eq!(
            found[1].iter().map(|relation| relation.name.as_str()).collect::<Vec<_>>(),
            ["debconf", "debconf-2.0"]
        );
        assert_eq!(found[2][0].name, "perl");
        assert!(found[3][0].allows("1.9") && !found[3][0].allows("2"));
        assert!(found[0][0].allows("2.36-9+deb12u10") && !found[0][0].allows("2.31-13"));
    }
}
