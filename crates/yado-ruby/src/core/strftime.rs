//! `Time#strftime`: every directive with its flags (`-`, `0`, `_`, `^`, `#`, `:`) and width.

/// A point in time taken apart in some zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// Year, 1 BC being 0.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
    /// Sunday is 0.
    pub weekday: u32,
    /// 1 to 366.
    pub day_of_year: u32,
    /// Seconds east of Greenwich.
    pub offset: i32,
    /// `CET`, `UTC`; empty for a bare offset.
    pub zone: String,
    /// Seconds since 1970.
    pub epoch: i64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The English name of a month (1 to 12).
pub(crate) fn month_name(month: u32) -> &'static str {
    MONTHS.get(month.wrapping_sub(1) as usize).copied().unwrap_or("")
}

/// The English name of a weekday (Sunday is 0).
pub(crate) fn day_name(weekday: u32) -> &'static str {
    DAYS.get(weekday as usize).copied().unwrap_or("")
}

#[derive(Default, Clone, Copy)]
struct Flags {
    padding: Option<char>,
    no_padding: bool,
    upper: bool,
    swap: bool,
    colons: usize,
    width: Option<usize>,
}

/// Writes `moment` by `format`.
pub(crate) fn strftime(moment: &Moment, format: &str) -> String {
    let mut result = String::with_capacity(format.len() * 2);
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        result.push_str(&rest[..at]);
        let (written, used) = directive(moment, &rest[at + 1..]);
        match written {
            Some(text) => result.push_str(&text),
            None => result.push_str(&rest[at..=at + used]),
        }
        rest = &rest[at + 1 + used..];
    }
    result.push_str(rest);
    result
}

fn directive(moment: &Moment, text: &str) -> (Option<String>, usize) {
    let mut flags = Flags::default();
    for (at, character) in text.char_indices() {
        match character {
            '-' => flags.no_padding = true,
            '0' if flags.width.is_none() => flags.padding = Some('0'),
            '_' => flags.padding = Some(' '),
            '^' => flags.upper = true,
            '#' => flags.swap = true,
            ':' => flags.colons += 1,
            '0'..='9' => {
                let digit = character.to_digit(10).unwrap_or(0) as usize;
                flags.width =
                    Some(flags.width.unwrap_or(0).saturating_mul(10).saturating_add(digit).min(1024));
            }
            'E' | 'O' => {}
            conversion => return (convert(moment, conversion, flags), at + conversion.len_utf8()),
        }
    }
    (None, text.len())
}

fn convert(moment: &Moment, conversion: char, flags: Flags) -> Option<String> {
    let number = |value: i64, width: usize, fill: char| {
        let fill = flags.padding.unwrap_or(fill);
        let width = if flags.no_padding { 0 } else { flags.width.unwrap_or(width) };
        let digits = value.abs().to_string();
        let sign = if value < 0 { "-" } else { "" };
        let missing = width.saturating_sub(digits.len() + sign.len());
        let filling: String = std::iter::repeat_n(fill, missing).collect();
        Some(if fill == '0' {
            format!("{sign}{filling}{digits}")
        } else {
            format!("{filling}{sign}{digits}")
        })
    };
    let name = |text: &str| {
        let text = if flags.upper || flags.swap { text.to_uppercase() } else { text.to_owned() };
        let fill = flags.padding.unwrap_or(' ');
        let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
        Some(format!("{}{text}", std::iter::repeat_n(fill, missing).collect::<String>()))
    };
    let whole = |format: &str| name(&strftime(moment, format));
    let hour12 = i64::from((moment.hour + 11) % 12 + 1);
    match conversion {
        'Y' => number(moment.year, if moment.year < 0 { 5 } else { 4 }, '0'),
        'C' => number(moment.year.div_euclid(100), 2, '0'),
        'y' => number(moment.year.rem_euclid(100), 2, '0'),
        'm' => number(moment.month.into(), 2, '0'),
        'B' => name(month_name(moment.month)),
        'b' | 'h' => name(month_name(moment.month).get(..3).unwrap_or("")),
        'd' => number(moment.day.into(), 2, '0'),
        'e' => number(moment.day.into(), 2, ' '),
        'j' => number(moment.day_of_year.into(), 3, '0'),
        'H' => number(moment.hour.into(), 2, '0'),
        'k' => number(moment.hour.into(), 2, ' '),
        'I' => number(hour12, 2, '0'),
        'l' => number(hour12, 2, ' '),
        'P' => name(if moment.hour < 12 { "am" } else { "pm" }),
        'p' if flags.swap => Some(if moment.hour < 12 { "am" } else { "pm" }.to_owned()),
        'p' => name(if moment.hour < 12 { "AM" } else { "PM" }),
        'M' => number(moment.minute.into(), 2, '0'),
        'S' => number(moment.second.into(), 2, '0'),
        'L' => Some(fraction(moment, flags.width.unwrap_or(3))),
        'N' => Some(fraction(moment, flags.width.unwrap_or(9))),
        'z' => Some(offset(moment.offset, flags.colons)),
        'Z' if flags.swap => Some(moment.zone.to_lowercase()),
        'Z' => name(&moment.zone),
        'A' => name(day_name(moment.weekday)),
        'a' => name(day_name(moment.weekday).get(..3).unwrap_or("")),
        'u' => number(if moment.weekday == 0 { 7 } else { moment.weekday.into() }, 1, '0'),
        'w' => number(moment.weekday.into(), 1, '0'),
        'G' => number(iso_week(moment).0, 4, '0'),
        'g' => number(iso_week(moment).0.rem_euclid(100), 2, '0'),
        'V' => number(iso_week(moment).1, 2, '0'),
        'U' => number(i64::from((moment.day_of_year + 6 - moment.weekday) / 7), 2, '0'),
        'W' => number(i64::from((moment.day_of_year + 6 - (moment.weekday + 6) % 7) / 7), 2, '0'),
        's' => number(moment.epoch, 1, '0'),
        'n' => Some("\n".to_owned()),
        't' => Some("\t".to_owned()),
        '%' => Some("%".to_owned()),
        'c' => whole("%a %b %e %H:%M:%S %Y"),
        'D' | 'x' => whole("%m/%d/%y"),
        'F' => whole("%Y-%m-%d"),
        'v' => Some(strftime(moment, "%e-%^b-%Y")),
        'X' | 'T' => whole("%H:%M:%S"),
        'r' => whole("%I:%M:%S %p"),
        'R' => whole("%H:%M"),
        '+' => whole("%a %b %e %H:%M:%S %Z %Y"),
        _ => None,
    }
}

fn fraction(moment: &Moment, digits: usize) -> String {
    let mut text = format!("{:09}", moment.nanosecond);
    while text.len() < digits {
        text.push('0');
    }
    text.truncate(digits);
    text
}

/// `+0100`, `+01:00` or `+01:00:00`.
pub(crate) fn offset(seconds: i32, colons: usize) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let total = seconds.abs();
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60);
    match colons {
        0 => format!("{sign}{hours:02}{minutes:02}"),
        1 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// The ISO 8601 year and week.
fn iso_week(moment: &Moment) -> (i64, i64) {
    let monday_based = i64::from((moment.weekday + 6) % 7);
    let week = (i64::from(moment.day_of_year) - 1 - monday_based + 10) / 7;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let weeks_in = |year: i64| {
        let first = |year: i64| {
            (year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)).rem_euclid(7)
        };
        if first(year) == 4 || first(year - 1) == 3 { 53 } else { 52 }
    };
    debug_assert!(moment.day_of_year <= 365 + u32::from(leap(moment.year)));
    if week < 1 {
        return (moment.year - 1, weeks_in(moment.year - 1));
    }
    if week > weeks_in(moment.year) {
        return (moment.year + 1, 1);
    }
    (moment.year, week)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Moment {
        Moment {
            year: 2023,
            month: 1,
            day: 2,
            hour: 15,
            minute: 4,
            second: 5,
            nanosecond: 123_456_789,
            weekday: 1,
            day_of_year: 2,
            offset: 3600,
            zone: "CET".to_owned(),
            epoch: 1_672_668_245,
        }
    }

    #[test]
    fn every_directive_as_ruby_writes_it() {
        for (format, text) in [
            ("%Y-%m-%d %H:%M:%S", "2023-01-02 15:04:05"),
            ("%-d.%-m.%y", "2.1.23"),
            ("%e|%k|%l|%I", " 2|15| 3|03"),
            ("%a %A %b %B", "Mon Monday Jan January"),
            ("%^a %^B %p %P %#p", "MON JANUARY PM pm pm"),
            ("%j %u %w %U %W %V %G", "002 1 1 01 01 01 2023"),
            ("%L %N %3N %6N", "123 123456789 123 123456"),
            ("%z %:z %::z %Z", "+0100 +01:00 +01:00:00 CET"),
            ("%s %%", "1672668245 %"),
            ("%c", "Mon Jan  2 15:04:05 2023"),
            ("%F %T %D %R", "2023-01-02 15:04:05 01/02/23 15:04"),
            ("%r %v", "03:04:05 PM  2-JAN-2023"),
            ("%10Y|%_m|%010d", "0000002023| 1|0000000002"),
            ("%Q %", "%Q %"),
        ] {
            assert_eq!(strftime(&sample(), format), text, "{format}");
        }
    }
}
