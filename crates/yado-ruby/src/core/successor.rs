//! `String#succ`: the next string, counting the way an odometer does.

/// The successor of `text`.
pub(crate) fn successor(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return String::new();
    }
    let Some(last) = characters.iter().rposition(char::is_ascii_alphanumeric) else {
        return increment_plain(characters);
    };
    let mut at = last;
    loop {
        let (next, carry) = step(characters[at]);
        characters[at] = next;
        let Some(carried) = carry else { break };
        // The carry goes to the next alphanumeric on the left; punctuation between them is passed over
        // only when something alphanumeric lies beyond it.
        match characters[..at].iter().rposition(char::is_ascii_alphanumeric) {
            Some(left) if left + 1 == at || carries_over(&characters[left..=at]) => at = left,
            _ => {
                characters.insert(at, carried);
                break;
            }
        }
    }
    characters.into_iter().collect()
}

/// Whether a carry passes the punctuation between two alphanumerics: digits do ("1.9" → "2.0"), letters do not mix.
fn carries_over(span: &[char]) -> bool {
    match (span.first(), span.last()) {
        (Some(left), Some(right)) => left.is_ascii_digit() == right.is_ascii_digit(),
        _ => false,
    }
}

fn step(character: char) -> (char, Option<char>) {
    match character {
        '9' => ('0', Some('1')),
        'z' => ('a', Some('a')),
        'Z' => ('A', Some('A')),
        other => (char::from_u32(other as u32 + 1).unwrap_or(other), None),
    }
}

fn increment_plain(mut characters: Vec<char>) -> String {
    if let Some(last) = characters.last_mut() {
        *last = char::from_u32(*last as u32 + 1).unwrap_or(*last);
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_like_an_odometer() {
        for (text, next) in [
            ("a", "b"),
            ("az", "ba"),
            ("zz", "aaa"),
            ("a9", "b0"),
            ("Zz", "AAa"),
            ("node9", "nodf0"),
            ("1.9", "2.0"),
            ("9", "10"),
            ("-9", "-10"),
            ("v1.2.9", "v1.3.0"),
            ("***", "**+"),
            ("", ""),
            ("<<koala>>", "<<koalb>>"),
        ] {
            assert_eq!(successor(text), next, "after {text}");
        }
    }
}
