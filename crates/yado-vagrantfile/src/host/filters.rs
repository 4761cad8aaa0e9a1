//! Programs that show or filter text, as far as Vagrantfiles use them on small files: `cat`, `grep`, `awk`, `sed`,
//! `tr`, `head`, `tail`, `wc`, `cut`. Patterns are plain text, perhaps tied to the beginning or end of a line.

use yado_ruby::{HostError, Output};

use super::answers::{Asked, Reply, fails};

/// What one of these programs says; `None` if it is not one of them.
pub(super) fn answer(name: &str, arguments: &[&str], asked: &Asked<'_>, input: &[u8]) -> Option<Reply> {
    let plan = match name {
        "cat" => parse_cat(arguments),
        "grep" | "egrep" | "fgrep" => parse_grep(arguments),
        "awk" | "gawk" | "mawk" => parse_awk(arguments),
        "sed" => parse_sed(arguments),
        "tr" => parse_tr(arguments),
        "head" | "tail" => parse_ends(name == "head", arguments),
        "wc" => parse_wc(arguments),
        "cut" => parse_cut(arguments),
        _ => return None,
    };
    let Some((filter, files)) = plan else { return Some(Ok(None)) };
    Some(apply(name, &filter, &files, asked, input))
}

/// A text to look for in lines.
struct Pattern {
    text: String,
    at_start: bool,
    at_end: bool,
    ignore_case: bool,
}

impl Pattern {
    /// A pattern that has no special characters but `^` and `$` at its ends.
    fn parse(text: &str) -> Option<Self> {
        let (at_start, text) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
        let (at_end, text) = text.strip_suffix('$').map_or((false, text), |rest| (true, rest));
        let plain =
            !text.contains(['.', '*', '[', ']', '\\', '^', '$', '+', '?', '(', ')', '{', '}', '|', '\n']);
        (plain && !text.is_empty()).then(|| Self {
            text: text.to_owned(),
            at_start,
            at_end,
            ignore_case: false,
        })
    }

    fn matches(&self, line: &str) -> bool {
        let (line, text) = if self.ignore_case {
            (line.to_lowercase(), self.text.to_lowercase())
        } else {
            (line.to_owned(), self.text.clone())
        };
        match (self.at_start, self.at_end) {
            (true, true) => line == text,
            (true, false) => line.starts_with(&text),
            (false, true) => line.ends_with(&text),
            (false, false) => line.contains(&text),
        }
    }
}

/// What happens to a text.
enum Filter {
    Copy,
    Grep { pattern: Pattern, count: bool, quiet: bool, inverted: bool },
    Fields { pattern: Option<Pattern>, separator: Option<char>, field: usize },
    Substitute(Vec<(Pattern, String, bool)>),
    Delete(Vec<char>),
    Ends { first: bool, lines: usize },
    CountLines,
    Cut { separator: char, field: usize },
}

type Plan<'a> = Option<(Filter, Vec<&'a str>)>;

fn parse_cat<'a>(arguments: &[&'a str]) -> Plan<'a> {
    let files: Vec<&str> = arguments.to_vec();
    (!files.iter().any(|file| file.starts_with('-'))).then_some((Filter::Copy, files))
}

fn parse_grep<'a>(arguments: &[&'a str]) -> Plan<'a> {
    let options: Vec<&str> = arguments.iter().copied().take_while(|it| it.starts_with('-')).collect();
    let letters: String = options.iter().map(|option| &option[1..]).collect();
    if !letters.chars().all(|letter| "ciqvEFm1".contains(letter)) || letters.contains('m') {
        return None;
    }
    let (text, files) = arguments[options.len()..].split_first()?;
    let mut pattern = Pattern::parse(text)?;
    pattern.ignore_case = letters.contains('i');
    let has = |letter: char| letters.contains(letter);
    // With several files, every line begins with its file's name.
    let filter = Filter::Grep { pattern, count: has('c'), quiet: has('q'), inverted: has('v') };
    (files.len() < 2).then(|| (filter, files.to_vec()))
}

/// `/pattern/ {print $N}`, either part alone, and `-F` with one character.
fn parse_awk<'a>(arguments: &[&'a str]) -> Plan<'a> {
    let (separator, rest) = match arguments {
        ["-F", separator, rest @ ..] => (Some(single(separator)?), rest),
        [option, rest @ ..] if option.starts_with("-F") => (Some(single(&option[2..])?), rest),
        rest => (None, rest),
    };
    let (program, files) = rest.split_first()?;
    let program = program.trim();
    let (pattern, action) = match program.strip_prefix('/') {
        Some(rest) => {
            let (pattern, action) = rest.split_once('/')?;
            (Some(Pattern::parse(pattern)?), action.trim())
        }
        None => (None, program),
    };
    let action = action.strip_prefix('{')?.strip_suffix('}')?.trim().trim_end_matches(';').trim();
    let field = match action.strip_prefix("print")?.trim() {
        "" => 0,
        field => field.strip_prefix('$')?.parse().ok()?,
    };
    Some((Filter::Fields { pattern, separator, field }, files.to_vec()))
}

fn single(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let first = characters.next()?;
    (characters.next().is_none() && first != ' ').then_some(first)
}

/// `s/plain/plain/` once or with several `-e`.
fn parse_sed<'a>(arguments: &[&'a str]) -> Plan<'a> {
    let mut rest = arguments;
    let mut commands = Vec::new();
    while let ["-e", command, after @ ..] = rest {
        commands.push(*command);
        rest = after;
    }
    if commands.is_empty() {
        let (command, after) = rest.split_first()?;
        commands.push(*command);
        rest = after;
    }
    if rest.iter().any(|file| file.starts_with('-')) {
        return None;
    }
    let mut substitutions = Vec::new();
    for command in commands {
        let body = command.strip_prefix('s')?;
        let mark = body.chars().next().filter(|mark| mark.is_ascii_punctuation())?;
        let parts: Vec<&str> = body[1..].split(mark).collect();
        let [from, to, flags @ ("" | "g")] = parts.as_slice() else { return None };
        if to.contains(['\\', '&']) {
            return None;
        }
        substitutions.push((Pattern::parse(from)?, (*to).to_owned(), *flags == "g"));
    }
    Some((Filter::Substitute(substitutions), rest.to_vec()))
}

/// `tr -d` with plain characters, `\n`, `\r` and `\t`.
fn parse_tr<'a>(arguments: &[&'a str]) -> Plan<'a> {
    let ["-d", set] = arguments else { return None };
    let plain =
        set.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").replace("[:space:]", " \t\r\n");
    let understood = !plain.contains(['\\', '-', '[']);
    understood.then(|| (Filter::Delete(plain.chars().collect()), Vec::new()))
}

fn parse_ends<'a>(first: bool, arguments: &[&'a str]) -> Plan<'a> {
    let (lines, files) = match arguments {
        ["-n", lines, files @ ..] => (lines.parse().ok()?, files),
        [option, files @ ..] if option.starts_with('-') => {
            (option[1..].trim_start_matches('n').parse().ok()?, files)
        }
        files => (10, files),
    };
    (files.len() < 2).then(|| (Filter::Ends { first, lines }, files.to_vec()))
}

fn parse_wc<'a>(arguments: &[&'a str]) -> Plan<'a> {
    // With a file, its name is shown too.
    matches!(arguments, ["-l"]).then(|| (Filter::CountLines, Vec::new()))
}

/// `cut -d X -f N`.
fn parse_cut<'a>(arguments: &[&'a str]) -> Plan<'a> {
    let (mut separator, mut field, mut files) = ('\t', None, Vec::new());
    let mut rest = arguments.iter().copied();
    while let Some(word) = rest.next() {
        if let Some(value) = word.strip_prefix("-d") {
            let value = if value.is_empty() { rest.next()? } else { value };
            let mut characters = value.chars();
            separator = characters.next()?;
            if characters.next().is_some() {
                return None;
            }
        } else if let Some(value) = word.strip_prefix("-f") {
            let value = if value.is_empty() { rest.next()? } else { value };
            field = Some(value.parse().ok().filter(|field| *field > 0)?);
        } else if word.starts_with('-') {
            return None;
        } else {
            files.push(word);
        }
    }
    Some((Filter::Cut { separator, field: field? }, files))
}

fn apply(name: &str, filter: &Filter, files: &[&str], asked: &Asked<'_>, input: &[u8]) -> Reply {
    let mut text = Vec::new();
    for file in files {
        match asked.reading.read(&asked.directory.join(file)) {
            Ok(content) => text.extend(content),
            Err(HostError::System(_)) => {
                let status = if name == "cat" || name == "head" || name == "tail" { 1 } else { 2 };
                return Ok(Some(fails(status, format!("{name}: {file}: No such file or directory"))));
            }
            Err(refused) => return Err(refused),
        }
    }
    if files.is_empty() {
        text = input.to_vec();
    }
    if let Filter::Copy = filter {
        return Ok(Some(Output { status: Some(0), stdout: text, stderr: Vec::new() }));
    }
    let (text, status) = filtered(filter, &String::from_utf8_lossy(&text));
    Ok(Some(Output { status: Some(status), stdout: text.into_bytes(), stderr: Vec::new() }))
}

fn filtered(filter: &Filter, text: &str) -> (String, i32) {
    let lines = |mut kept: Vec<String>| {
        // Every line has an end.
        kept.push(String::new());
        kept.join("\n")
    };
    match filter {
        Filter::Copy => (text.to_owned(), 0),
        Filter::Grep { pattern, count, quiet, inverted } => {
            let kept: Vec<String> =
                text.lines().filter(|line| pattern.matches(line) != *inverted).map(str::to_owned).collect();
            let status = i32::from(kept.is_empty());
            match (quiet, count) {
                (true, _) => (String::new(), status),
                (_, true) => (format!("{}\n", kept.len()), status),
                _ => (lines(kept), status),
            }
        }
        Filter::Fields { pattern, separator, field } => {
            let chosen = text.lines().filter(|line| pattern.as_ref().is_none_or(|it| it.matches(line)));
            let fields = chosen.map(|line| match (field, separator) {
                (0, _) => line.to_owned(),
                (at, Some(separator)) => line.split(*separator).nth(at - 1).unwrap_or_default().to_owned(),
                (at, None) => line.split_whitespace().nth(at - 1).unwrap_or_default().to_owned(),
            });
            (lines(fields.collect()), 0)
        }
        Filter::Substitute(substitutions) => {
            (lines(text.lines().map(|line| substituted(line, substitutions)).collect()), 0)
        }
        Filter::Delete(characters) => (text.chars().filter(|it| !characters.contains(it)).collect(), 0),
        Filter::Ends { first: true, lines: count } => {
            (lines(text.lines().take(*count).map(str::to_owned).collect()), 0)
        }
        Filter::Ends { first: false, lines: count } => {
            let skipped = text.lines().count().saturating_sub(*count);
            (lines(text.lines().skip(skipped).map(str::to_owned).collect()), 0)
        }
        Filter::CountLines => (format!("{}\n", text.matches('\n').count()), 0),
        Filter::Cut { separator, field } => {
            let cut = text.lines().map(|line| {
                // A line without the separator is shown whole.
                if line.contains(*separator) {
                    line.split(*separator).nth(field - 1).unwrap_or_default().to_owned()
                } else {
                    line.to_owned()
                }
            });
            (lines(cut.collect()), 0)
        }
    }
}

fn substituted(line: &str, substitutions: &[(Pattern, String, bool)]) -> String {
    let mut line = line.to_owned();
    for (pattern, to, everywhere) in substitutions {
        if !pattern.matches(&line) {
            continue;
        }
        line = match (pattern.at_start, pattern.at_end) {
            (true, _) => format!("{to}{}", &line[pattern.text.len()..]),
            (_, true) => format!("{}{to}", &line[..line.len() - pattern.text.len()]),
            _ if *everywhere => line.replace(&pattern.text, to),
            _ => line.replacen(&pattern.text, to, 1),
        };
    }
    line
}
