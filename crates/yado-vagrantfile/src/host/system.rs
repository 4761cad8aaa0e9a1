//! What programs say about this machine and its user: `uname`, `nproc`, `id`, `date` and their like.

use yado_ruby::Output;

use super::answers::{Asked, fails, says};

/// What a program says; `None` if it must be run to be known.
pub(super) fn answer(name: &str, arguments: &[&str], asked: &Asked<'_>) -> Option<Output> {
    match (name, arguments) {
        ("uname", _) => uname(arguments),
        ("arch", []) => uname(&["-m"]),
        ("hostname", [] | ["-s" | "--short" | "-f" | "--fqdn" | "-d" | "--domain"]) => {
            Some(says(hostname(arguments.first().copied().unwrap_or_default(), asked)))
        }
        ("nproc", [] | ["--all"]) | ("getconf", ["_NPROCESSORS_ONLN" | "_NPROCESSORS_CONF"]) => {
            Some(says(std::thread::available_parallelism().map_or(1, std::num::NonZero::get).to_string()))
        }
        ("getconf", ["LONG_BIT"]) => Some(says(usize::BITS.to_string())),
        ("whoami", []) => Some(says(user(asked))),
        ("id", _) => id(arguments, asked),
        ("sysctl", _) => sysctl(arguments, asked),
        ("lsb_release", _) => lsb_release(arguments, asked),
        ("free", [] | ["-k" | "-m" | "-g" | "-b"]) => free(arguments.first().copied().unwrap_or("-k"), asked),
        ("date", _) => date(arguments),
        ("basename", [path]) => Some(says(path.trim_end_matches('/').rsplit('/').next().unwrap_or(path))),
        _ => None,
    }
}

/// A public file's text.
fn text_of(path: &str, asked: &Asked<'_>) -> Option<String> {
    String::from_utf8(asked.reading.read(path.as_ref()).ok()?).ok()
}

fn uname(arguments: &[&str]) -> Option<Output> {
    let facts = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let parts = [
        ('s', text(facts.sysname())),
        ('n', text(facts.nodename())),
        ('r', text(facts.release())),
        ('v', text(facts.version())),
        ('m', text(facts.machine())),
        ('p', "unknown".to_owned()),
        ('i', "unknown".to_owned()),
        ('o', "GNU/Linux".to_owned()),
    ];
    let letters: String = if arguments.is_empty() {
        "s".to_owned()
    } else {
        arguments.iter().map(|it| letters(it)).collect::<Option<_>>()?
    };
    if !letters.chars().all(|letter| letter == 'a' || parts.iter().any(|(known, _)| *known == letter)) {
        return None;
    }
    let all = letters.contains('a');
    let shown = parts.iter().filter(|(letter, text)| letters.contains(*letter) || (all && text != "unknown"));
    Some(says(shown.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")))
}

/// The letters of a short option, or the one that a long option stands for.
fn letters(option: &str) -> Option<String> {
    let long = [
        ("--all", "a"),
        ("--kernel-name", "s"),
        ("--nodename", "n"),
        ("--kernel-release", "r"),
        ("--machine", "m"),
        ("--operating-system", "o"),
    ];
    match long.iter().find(|(name, _)| *name == option) {
        Some((_, letter)) => Some((*letter).to_owned()),
        None => option
            .strip_prefix('-')
            .filter(|rest| !rest.is_empty() && !rest.starts_with('-'))
            .map(str::to_owned),
    }
}

fn hostname(option: &str, asked: &Asked<'_>) -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let short = name.split('.').next().unwrap_or(&name).to_owned();
    let hosts = text_of("/etc/hosts", asked).unwrap_or_default();
    let full = hosts
        .lines()
        .find_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace().skip(1);
            let first = words.next()?;
            (first == name || words.any(|other| other == name)).then(|| first.to_owned())
        })
        .unwrap_or_else(|| name.clone());
    match option {
        "-s" | "--short" => short,
        "-f" | "--fqdn" => full,
        "-d" | "--domain" => full.split_once('.').map_or(String::new(), |(_, domain)| domain.to_owned()),
        _ => name,
    }
}

/// The first column of the line of a table like `/etc/passwd` whose third column is this number.
fn name_of(table: &str, number: u32, asked: &Asked<'_>) -> String {
    let text = text_of(table, asked).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let columns: Vec<&str> = line.split(':').collect();
        (columns.get(2)?.parse::<u32>().ok()? == number).then(|| columns[0].to_owned())
    });
    found.unwrap_or_else(|| number.to_string())
}

fn user(asked: &Asked<'_>) -> String {
    name_of("/etc/passwd", rustix::process::geteuid().as_raw(), asked)
}

fn id(arguments: &[&str], asked: &Asked<'_>) -> Option<Output> {
    let mut options = String::new();
    for argument in arguments {
        options.push_str(match *argument {
            "--user" => "u",
            "--group" => "g",
            "--name" => "n",
            other => other.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?,
        });
    }
    let has = |letter: char| options.contains(letter);
    if !options.chars().all(|letter| "ugnr".contains(letter)) || has('u') == has('g') {
        return None;
    }
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Some(says(match (has('u'), has('n')) {
        (true, true) => user(asked),
        (true, false) => uid.to_string(),
        (false, true) => name_of("/etc/group", gid, asked),
        (false, false) => gid.to_string(),
    }))
}

/// Variables of the kernel that are no secret. Those of other systems are not there.
fn sysctl(arguments: &[&str], asked: &Asked<'_>) -> Option<Output> {
    let (bare, name) = match arguments {
        ["-n", name] => (true, name),
        [name] if !name.starts_with('-') => (false, name),
        _ => return None,
    };
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)) || name.contains("..")
    {
        return None;
    }
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    if !std::path::Path::new(&path).exists() {
        return Some(fails(255, format!("sysctl: cannot stat {path}: No such file or directory")));
    }
    let value = text_of(&path, asked)?;
    let value = value.trim_end();
    Some(says(if bare { value.to_owned() } else { format!("{name} = {value}") }))
}

fn lsb_release(arguments: &[&str], asked: &Asked<'_>) -> Option<Output> {
    let release = text_of("/etc/os-release", asked)?;
    let value = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map_or_else(|| "n/a".to_owned(), |text| text.trim_matches(['"', '\'']).to_owned())
    };
    let mut id = value("ID");
    if let Some(first) = id.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let options: String = arguments.iter().filter_map(|option| option.strip_prefix('-')).collect();
    let answer = match options.replace('s', "").as_str() {
        "c" => value("VERSION_CODENAME"),
        "i" => id,
        "r" => value("VERSION_ID"),
        "d" => value("PRETTY_NAME"),
        _ => return None,
    };
    let title = match options.replace('s', "").as_str() {
        "c" => "Codename",
        "i" => "Distributor ID",
        "r" => "Release",
        _ => "Description",
    };
    Some(says(if options.contains('s') { answer } else { format!("{title}:\t{answer}") }))
}

/// A number in a column of `free`.
fn pad(value: u64) -> String {
    format!("{value:>12}")
}

/// The memory in the columns that scripts cut out.
fn free(unit: &str, asked: &Asked<'_>) -> Option<Output> {
    let facts = text_of("/proc/meminfo", asked)?;
    let kibibytes = |name: &str| -> u64 {
        let line = facts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    let show = |value: u64| match unit {
        "-b" => value * 1024,
        "-m" => value / 1024,
        "-g" => value / (1024 * 1024),
        _ => value,
    };
    let (total, free, available) = (kibibytes("MemTotal"), kibibytes("MemFree"), kibibytes("MemAvailable"));
    let cache = kibibytes("Buffers") + kibibytes("Cached") + kibibytes("SReclaimable");
    let used = total.saturating_sub(available);
    let (swap, swap_free) = (kibibytes("SwapTotal"), kibibytes("SwapFree"));
    let head = format!(
        "{:>19}{:>12}{:>12}{:>12}{:>12}{:>12}",
        "total", "used", "free", "shared", "buff/cache", "available"
    );
    let memory = [total, used, free, kibibytes("Shmem"), cache, available];
    let row = |values: &[u64]| values.iter().map(|value| pad(show(*value))).collect::<Vec<_>>().concat();
    let memory = row(&memory);
    let swaps = row(&[swap, swap.saturating_sub(swap_free), swap_free]);
    Some(says(format!("{head}\nMem:   {memory}\nSwap:  {swaps}")))
}

fn date(arguments: &[&str]) -> Option<Output> {
    let (utc, arguments) = match arguments {
        ["-u" | "--utc", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let format = match arguments {
        [format] => format.strip_prefix('+')?,
        [] => "%a %b %e %H:%M:%S %Z %Y",
        _ => return None,
    };
    let now = jiff::Zoned::now();
    let now = if utc { now.with_time_zone(jiff::tz::TimeZone::UTC) } else { now };
    let mut text = String::new();
    jiff::fmt::strtime::format(format, &now).ok().map(|shown| text.push_str(&shown))?;
    Some(says(text))
}
