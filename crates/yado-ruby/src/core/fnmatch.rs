//! `File.fnmatch` and the pattern half of `Dir.glob`: wildcards by Ruby's rules.

/// The flags of `File.fnmatch`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `FNM_NOESCAPE`: a backslash is an ordinary character.
    pub no_escape: bool,
    /// `FNM_PATHNAME`: wildcards do not cross a slash, and `**/` crosses folders.
    pub pathname: bool,
    /// `FNM_DOTMATCH`: wildcards match a leading period.
    pub dot_match: bool,
    /// `FNM_CASEFOLD`.
    pub case_fold: bool,
    /// `FNM_EXTGLOB`: `{a,b}`.
    pub braces: bool,
}

impl Flags {
    /// Reads the number that Ruby code combines from the `FNM_` constants.
    pub(crate) fn from_bits(bits: i64) -> Self {
        Self {
            no_escape: bits & 1 != 0,
            pathname: bits & 2 != 0,
            dot_match: bits & 4 != 0,
            case_fold: bits & 8 != 0,
            braces: bits & 16 != 0,
        }
    }
}

/// Whether `path` matches `pattern`.
pub(crate) fn matches(pattern: &str, path: &str, flags: Flags) -> bool {
    if flags.braces {
        let plain = Flags { braces: false, ..flags };
        return expand_braces(pattern).iter().any(|each| matches(each, path, plain));
    }
    let (pattern, path): (Vec<char>, Vec<char>) = (pattern.chars().collect(), path.chars().collect());
    match_from(&pattern, &path, flags, true)
}

/// `a{b,c}d` becomes `abd` and `acd`; nested braces too. Without braces: the pattern itself.
pub(crate) fn expand_braces(pattern: &str) -> Vec<String> {
    let bytes = pattern.as_bytes();
    let (mut depth, mut open, mut commas) = (0usize, 0usize, Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'{' => {
                if depth == 0 {
                    open = at;
                    commas.clear();
                }
                depth += 1;
            }
            b',' if depth == 1 => commas.push(at),
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    let mut results = Vec::new();
                    let mut start = open + 1;
                    for end in commas.iter().copied().chain([at]) {
                        let joined =
                            format!("{}{}{}", &pattern[..open], &pattern[start..end], &pattern[at + 1..]);
                        results.extend(expand_braces(&joined));
                        start = end + 1;
                    }
                    return results;
                }
            }
            _ => {}
        }
        at += 1;
    }
    vec![pattern.to_owned()]
}

fn match_from(pattern: &[char], path: &[char], flags: Flags, segment_start: bool) -> bool {
    if segment_start && flags.pathname && pattern.starts_with(&['*', '*', '/']) {
        let rest = &pattern[3..];
        if match_from(rest, path, flags, true) {
            return true;
        }
        // Skip one folder that a wildcard may stand for and try again.
        let hidden = path.first() == Some(&'.') && !flags.dot_match;
        return match path.iter().position(|character| *character == '/') {
            Some(slash) if !hidden => match_from(pattern, &path[slash + 1..], flags, true),
            _ => false,
        };
    }
    let hidden = segment_start && path.first() == Some(&'.') && !flags.dot_match;
    match pattern.first() {
        None => path.is_empty(),
        Some('*') => {
            let rest = &pattern[pattern.iter().take_while(|character| **character == '*').count()..];
            if hidden {
                return false;
            }
            for skip in 0..=path.len() {
                if match_from(rest, &path[skip..], flags, false) {
                    return true;
                }
                if flags.pathname && path.get(skip) == Some(&'/') {
                    return false;
                }
            }
            false
        }
        Some('?') => match path.first() {
            Some('/') if flags.pathname => false,
            Some(_) if !hidden => match_from(&pattern[1..], &path[1..], flags, false),
            _ => false,
        },
        Some('[') => match path.first() {
            Some('/') if flags.pathname => false,
            Some(&character) if !hidden => match match_class(&pattern[1..], character, flags) {
                Some((true, used)) => match_from(&pattern[1 + used..], &path[1..], flags, false),
                _ => false,
            },
            _ => false,
        },
        Some('\\') if !flags.no_escape && pattern.len() > 1 => literal(&pattern[1..], path, flags),
        Some(_) => literal(pattern, path, flags),
    }
}

fn literal(pattern: &[char], path: &[char], flags: Flags) -> bool {
    match path.first() {
        Some(&character) if same(pattern[0], character, flags) => {
            match_from(&pattern[1..], &path[1..], flags, flags.pathname && character == '/')
        }
        _ => false,
    }
}

fn same(a: char, b: char, flags: Flags) -> bool {
    a == b || flags.case_fold && a.to_lowercase().eq(b.to_lowercase())
}

/// Whether a class such as `[a-z]` names the character, and how long the class is.
fn match_class(pattern: &[char], character: char, flags: Flags) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('^' | '!'));
    let mut at = usize::from(negated);
    let mut found = false;
    let mut first = true;
    loop {
        let mut low = *pattern.get(at)?;
        if low == ']' && !first {
            return Some((found != negated, at + 1));
        }
        first = false;
        if low == '\\' && !flags.no_escape {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|next| *next != ']') {
            high = *pattern.get(at + 1)?;
            at += 2;
        }
        let folded = |edge: char| edge.to_lowercase().next().unwrap_or(edge);
        found |= (low..=high).contains(&character)
            || flags.case_fold && (folded(low)..=folded(high)).contains(&folded(character));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, bits: i64) -> bool {
        matches(pattern, path, Flags::from_bits(bits))
    }

    #[test]
    fn wildcards_match_as_ruby_documents_them() {
        for (pattern, path, bits, expected) in [
            ("cat", "cat", 0, true),
            ("cat", "category", 0, false),
            ("c*", "cats", 0, true),
            ("c?t", "cat", 0, true),
            ("ca[a-z]", "cat", 0, true),
            ("ca[^t]", "cat", 0, false),
            ("cat", "CAT", 8, true),
            ("?", "/", 2, false),
            ("*", ".profile", 0, false),
            ("*", ".profile", 4, true),
            (".*", ".profile", 0, true),
            ("*", "dave/.profile", 0, true),
            ("**/*.rb", "main.rb", 2, true),
            ("**/*.rb", "./main.rb", 2, false),
            ("**/*.rb", "lib/song.rb", 2, true),
            ("**/foo", "a/b/c/foo", 2, true),
            ("**/foo", "/a/b/c/foo", 2, true),
            ("**/foo", "a/.b/c/foo", 2, false),
            ("**/foo", "a/.b/c/foo", 6, true),
            ("c{at,ub}s", "cats", 0, false),
            ("c{at,ub}s", "cubs", 16, true),
            ("\\*", "*", 0, true),
            ("\\?", "a", 0, false),
        ] {
            assert_eq!(check(pattern, path, bits), expected, "{pattern} on {path} with {bits}");
        }
    }

    #[test]
    fn braces_nest() {
        assert_eq!(expand_braces("{a,b{1,2}}x"), ["ax", "b1x", "b2x"]);
        assert_eq!(expand_braces("plain"), ["plain"]);
        assert_eq!(expand_braces("{open"), ["{open"]);
    }
}
