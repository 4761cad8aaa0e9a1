//! Versions and requirements as RubyGems compares them: `>= 2.2`, `~> 1.8.1`, `!= 2.0.pre`.

use std::cmp::Ordering;

/// A piece of a version. Letters come before numbers: `2.0.pre` is older than `2.0`.
#[derive(Clone, PartialEq, Eq)]
enum Segment {
    Number(u64),
    Text(String),
}

fn segments(version: &str) -> Vec<Segment> {
    let mut result: Vec<Segment> = Vec::new();
    for part in version.trim().replace('-', ".pre.").split('.') {
        let mut rest = part;
        while !rest.is_empty() {
            let digits = rest.starts_with(|letter: char| letter.is_ascii_digit());
            let end = rest.find(|letter: char| letter.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (word, more) = rest.split_at(end);
            result.push(match word.parse() {
                Ok(number) => Segment::Number(number),
                Err(_) => Segment::Text(word.to_owned()),
            });
            rest = more;
        }
    }
    while result.last() == Some(&Segment::Number(0)) {
        result.pop();
    }
    result
}

/// Which of two versions is newer.
fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (segments(a), segments(b));
    let zero = Segment::Number(0);
    for index in 0..a.len().max(b.len()) {
        let (x, y) = (a.get(index).unwrap_or(&zero), b.get(index).unwrap_or(&zero));
        let order = match (x, y) {
            (Segment::Number(x), Segment::Number(y)) => x.cmp(y),
            (Segment::Text(x), Segment::Text(y)) => x.cmp(y),
            (Segment::Text(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Text(_)) => Ordering::Greater,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// The first version that `~> version` excludes: the last part goes, the one before it grows.
fn bump(version: &str) -> String {
    let mut parts: Vec<&str> =
        version.trim().split('.').take_while(|part| part.bytes().all(|byte| byte.is_ascii_digit())).collect();
    if parts.len() > 1 {
        parts.pop();
    }
    let last = parts.pop().and_then(|part| part.parse::<u64>().ok()).unwrap_or(0);
    let mut result: Vec<String> = parts.into_iter().map(str::to_owned).collect();
    result.push((last + 1).to_string());
    result.join(".")
}

/// Whether a version satisfies all requirements. One that cannot be understood is not satisfied.
pub(super) fn satisfies(version: &str, requirements: &[String]) -> bool {
    requirements.iter().flat_map(|text| text.split(',')).all(|requirement| {
        let requirement = requirement.trim();
        let split = requirement.find(|letter| !"<>=!~".contains(letter)).unwrap_or(requirement.len());
        let (operator, wanted) = (&requirement[..split], requirement[split..].trim());
        if wanted.is_empty() {
            return requirement.is_empty();
        }
        let order = compare(version, wanted);
        match operator {
            "" | "=" | "==" => order == Ordering::Equal,
            "!=" => order != Ordering::Equal,
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            ">=" => order != Ordering::Less,
            "<=" => order != Ordering::Greater,
            "~>" => order != Ordering::Less && compare(version, &bump(wanted)) == Ordering::Less,
            _ => false,
        }
    })
}

/// Whether a text can be understood as a requirement.
pub(crate) fn is_requirement(text: &str) -> bool {
    let text = text.trim();
    let version = text.trim_start_matches(['<', '>', '=', '!', '~']).trim();
    let operator = &text[..text.len() - text.trim_start_matches(['<', '>', '=', '!', '~']).len()];
    ["", "=", "!=", ">", "<", ">=", "<=", "~>"].contains(&operator)
        && version.starts_with(|letter: char| letter.is_ascii_digit())
        && version
            .split(['.', '-'])
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::satisfies;

    fn check(version: &str, requirement: &str) -> bool {
        satisfies(version, &[requirement.to_owned()])
    }

    #[test]
    fn each_operator_means_what_rubygems_means_by_it() {
        assert!(check("2.3.4", ">= 2.2"));
        assert!(check("2.3.4", "~> 2.1"));
        assert!(!check("2.3.4", "~> 2.2.0"));
        assert!(check("2.3.4", "2.3.4"));
        assert!(check("2.3.4", ">= 2, < 3"));
        assert!(!check("2.3.4", "!= 2.3.4"));
        assert!(!check("2.3.4", "> 2.10"));
    }

    #[test]
    fn a_prerelease_is_older_than_its_release() {
        assert!(check("2.3.4", ">= 2.3.4.dev"));
        assert!(!check("2.3.4.dev", ">= 2.3.4"));
    }
}
