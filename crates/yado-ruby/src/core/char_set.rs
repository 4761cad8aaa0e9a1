//! The little set language of `String#tr`, `count`, `delete` and `squeeze`: ranges, `^` and backslashes.

/// The characters that one argument such as `"a-z"` or `"^0-9"` names.
#[derive(Debug, Clone)]
pub(crate) struct CharSet {
    negated: bool,
    characters: Vec<char>,
}

impl CharSet {
    /// Reads the argument; the error is Ruby's message for an `ArgumentError`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let negated = text.starts_with('^') && text.len() > 1;
        Ok(Self { negated, characters: expand(if negated { &text[1..] } else { text })? })
    }

    /// Whether the set names `character`.
    pub(crate) fn contains(&self, character: char) -> bool {
        self.characters.contains(&character) != self.negated
    }
}

/// Whether all the sets name `character` (several arguments intersect).
pub(crate) fn all_contain(sets: &[CharSet], character: char) -> bool {
    sets.iter().all(|set| set.contains(character))
}

fn expand(text: &str) -> Result<Vec<char>, String> {
    let source: Vec<char> = text.chars().collect();
    let mut characters = Vec::new();
    let mut at = 0;
    let read = |at: &mut usize| {
        if source[*at] == '\\' && *at + 1 < source.len() {
            *at += 1;
        }
        let character = source[*at];
        *at += 1;
        character
    };
    while at < source.len() {
        let first = read(&mut at);
        if source.get(at) == Some(&'-') && at + 1 < source.len() {
            at += 1;
            let last = read(&mut at);
            if first > last {
                return Err(format!("invalid range \"{first}-{last}\" in string transliteration"));
            }
            characters.extend(first..=last);
        } else {
            characters.push(first);
        }
    }
    Ok(characters)
}

/// `tr` (and with `squeeze` `tr_s`): each character of `from` becomes the one at the same place of `to`.
pub(crate) fn translate(text: &str, from: &str, to: &str, squeeze: bool) -> Result<String, String> {
    let set = CharSet::parse(from)?;
    let targets = expand(to)?;
    let mut result = String::with_capacity(text.len());
    let mut last = None;
    for character in text.chars() {
        if !set.contains(character) {
            result.push(character);
            last = None;
            continue;
        }
        let place = if set.negated {
            usize::MAX
        } else {
            // The last mention wins nothing: Ruby uses the first.
            set.characters.iter().position(|other| *other == character).unwrap_or(usize::MAX)
        };
        let Some(target) = targets.get(place).or(targets.last()) else { continue };
        if squeeze && last == Some(*target) {
            continue;
        }
        result.push(*target);
        last = Some(*target);
    }
    Ok(result)
}

/// `squeeze`: runs of one character become one; with sets only those that all of them name.
pub(crate) fn squeeze(text: &str, sets: &[CharSet]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut last = None;
    for character in text.chars() {
        if last == Some(character) && all_contain(sets, character) {
            continue;
        }
        result.push(character);
        last = Some(character);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tr_maps_by_place_and_repeats_the_last() {
        assert_eq!(translate("hello", "el", "ip", false).unwrap(), "hippo");
        assert_eq!(translate("hello", "a-y", "b-z", false).unwrap(), "ifmmp");
        assert_eq!(translate("a.b_c", "._", "-", false).unwrap(), "a-b-c");
        assert_eq!(translate("hello", "^l", "*", false).unwrap(), "**ll*");
        assert_eq!(translate("a-b", "-", "_", false).unwrap(), "a_b");
        assert_eq!(translate("hello", "l", "", false).unwrap(), "heo");
        assert_eq!(translate("aabbcc", "ab", "xx", true).unwrap(), "xcc");
    }

    #[test]
    fn a_backwards_range_is_refused() {
        assert_eq!(
            translate("x", "z-a", "x", false).unwrap_err(),
            "invalid range \"z-a\" in string transliteration"
        );
    }

    #[test]
    fn sets_intersect_and_squeeze() {
        let sets = [CharSet::parse("a-z").unwrap(), CharSet::parse("^b").unwrap()];
        assert_eq!("abcB".chars().filter(|character| all_contain(&sets, *character)).count(), 2);
        assert_eq!(squeeze("aabb  cc", &[CharSet::parse(" ").unwrap()]), "aabb cc");
        assert_eq!(squeeze("aabb", &[]), "ab");
    }
}
