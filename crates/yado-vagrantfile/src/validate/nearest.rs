//! What somebody who mistyped a name probably meant.

/// The known name that is closest, if it is close enough to be a slip.
pub(super) fn name<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let allowed = 1 + typed.len() / 5;
    known
        .iter()
        .filter(|name| !name.starts_with('_'))
        .map(|name| (distance(typed, name), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be changed, added, removed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    for (index, cell) in rows[0].iter_mut().enumerate() {
        *cell = index;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        assert_eq!(name("boxx", &["box", "hostname"]), Some("box"));
        assert_eq!(name("hsotname", &["box", "hostname"]), Some("hostname"));
        assert_eq!(name("colour", &["box", "hostname"]), None);
    }
}
