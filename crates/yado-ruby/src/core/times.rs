//! `Time`: a moment with a zone, on `jiff`.

use std::time::UNIX_EPOCH;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::format::float;
use crate::core::strftime::{self, Moment};
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of times.
pub(crate) const METHODS: Table = &[
    ("year", |_, this, _| part(this, |it| i64::from(it.year())), NONE),
    ("month", |_, this, _| part(this, |it| i64::from(it.month())), NONE),
    ("mon", |_, this, _| part(this, |it| i64::from(it.month())), NONE),
    ("day", |_, this, _| part(this, |it| i64::from(it.day())), NONE),
    ("mday", |_, this, _| part(this, |it| i64::from(it.day())), NONE),
    ("hour", |_, this, _| part(this, |it| i64::from(it.hour())), NONE),
    ("min", |_, this, _| part(this, |it| i64::from(it.minute())), NONE),
    ("sec", |_, this, _| part(this, |it| i64::from(it.second())), NONE),
    ("usec", |_, this, _| part(this, |it| i64::from(it.subsec_nanosecond()) / 1000), NONE),
    ("nsec", |_, this, _| part(this, |it| i64::from(it.subsec_nanosecond())), NONE),
    ("wday", |_, this, _| part(this, |it| i64::from(it.weekday().to_sunday_zero_offset())), NONE),
    ("yday", |_, this, _| part(this, |it| i64::from(it.day_of_year())), NONE),
    (
        "to_i",
        |_, this, _| part(this, |it| it.timestamp().as_nanosecond().div_euclid(1_000_000_000) as i64),
        NONE,
    ),
    ("tv_sec", |_, this, _| part(this, |it| it.timestamp().as_second()), NONE),
    ("to_f", |_, this, _| Ok(Value::Float(seconds(this))), NONE),
    ("to_r", |_, this, _| Ok(Value::Float(seconds(this))), NONE),
    ("utc_offset", |_, this, _| part(this, |it| i64::from(it.offset().seconds())), NONE),
    ("gmt_offset", |_, this, _| part(this, |it| i64::from(it.offset().seconds())), NONE),
    (
        "zone",
        |_, this, _| Ok(this.data::<Zoned>().map_or(Value::Nil, |it| Value::str(moment(&it).zone))),
        NONE,
    ),
    ("utc", |ruby, this, _| in_zone(ruby, this, TimeZone::UTC), NONE),
    ("getutc", |ruby, this, _| in_zone(ruby, this, TimeZone::UTC), NONE),
    ("gmtime", |ruby, this, _| in_zone(ruby, this, TimeZone::UTC), NONE),
    ("localtime", local, Arity::between(0, 1)),
    ("getlocal", local, Arity::between(0, 1)),
    ("utc?", |_, this, _| Ok(Value::Bool(is_utc(this))), NONE),
    ("gmt?", |_, this, _| Ok(Value::Bool(is_utc(this))), NONE),
    ("strftime", format, ONE),
    ("iso8601", iso8601, Arity::between(0, 1)),
    ("xmlschema", iso8601, Arity::between(0, 1)),
    ("rfc2822", |_, this, _| shown(this, "%a, %d %b %Y %H:%M:%S %z"), NONE),
    (
        "httpdate",
        |ruby, this, _| {
            let utc = in_zone(ruby, this, TimeZone::UTC)?;
            shown(&utc, "%a, %d %b %Y %H:%M:%S GMT")
        },
        NONE,
    ),
    (
        "to_s",
        |_, this, _| shown(this, if is_utc(this) { "%Y-%m-%d %H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S %z" }),
        NONE,
    ),
    ("inspect", inspect, NONE),
    ("ctime", |_, this, _| shown(this, "%c"), NONE),
    ("asctime", |_, this, _| shown(this, "%c"), NONE),
    ("+", plus, ONE),
    ("-", minus, ONE),
    ("<=>", compare, ONE),
    (
        "eql?",
        |_, this, args| Ok(Value::Bool(stamp(this).is_some() && stamp(this) == stamp(&args.at(0)))),
        ONE,
    ),
    ("hash", |_, this, _| Ok(Value::Int(stamp(this).unwrap_or(0) as i64)), NONE),
    ("to_a", to_a, NONE),
    ("monday?", |_, this, _| on(this, 1), NONE),
    ("tuesday?", |_, this, _| on(this, 2), NONE),
    ("wednesday?", |_, this, _| on(this, 3), NONE),
    ("thursday?", |_, this, _| on(this, 4), NONE),
    ("friday?", |_, this, _| on(this, 5), NONE),
    ("saturday?", |_, this, _| on(this, 6), NONE),
    ("sunday?", |_, this, _| on(this, 0), NONE),
    ("round", |_, this, _| Ok(this.clone()), ANY),
];

/// Methods of `Time` itself.
pub(crate) const CLASS_METHODS: Table = &[
    ("now", now, ANY.with_keywords()),
    ("new", new, ANY.with_keywords()),
    ("at", at, Arity::between(1, 3).with_keywords()),
    ("mktime", |ruby, _, args| build(ruby, &args, zone()), ANY),
    ("local", |ruby, _, args| build(ruby, &args, zone()), ANY),
    ("utc", |ruby, _, args| build(ruby, &args, TimeZone::UTC), ANY),
    ("gm", |ruby, _, args| build(ruby, &args, TimeZone::UTC), ANY),
    ("parse", parse, Arity::between(1, 2)),
    ("iso8601", parse, ONE),
    ("xmlschema", parse, ONE),
];

/// The zone of this machine; looked up once because reading it opens files.
fn zone() -> TimeZone {
    thread_local!(static ZONE: TimeZone = TimeZone::system());
    ZONE.with(TimeZone::clone)
}

fn stamp(value: &Value) -> Option<i128> {
    value.data::<Zoned>().map(|time| time.timestamp().as_nanosecond())
}

fn seconds(value: &Value) -> f64 {
    stamp(value).unwrap_or(0) as f64 / 1e9
}

fn part(this: &Value, look: fn(&Zoned) -> i64) -> Eval {
    Ok(this.data::<Zoned>().map_or(Value::Nil, |time| Value::Int(look(&time))))
}

fn on(this: &Value, weekday: i8) -> Eval {
    Ok(Value::Bool(
        this.data::<Zoned>().is_some_and(|time| time.weekday().to_sunday_zero_offset() == weekday),
    ))
}

fn is_utc(this: &Value) -> bool {
    this.data::<Zoned>().is_some_and(|time| *time.time_zone() == TimeZone::UTC)
}

/// A time taken apart for `strftime`.
fn moment(time: &Zoned) -> Moment {
    let zone = if *time.time_zone() == TimeZone::UTC {
        "UTC".to_owned()
    } else if time.time_zone().iana_name().is_some() {
        time.time_zone().to_offset_info(time.timestamp()).abbreviation().to_owned()
    } else {
        String::new()
    };
    Moment {
        year: i64::from(time.year()),
        month: time.month() as u32,
        day: time.day() as u32,
        hour: time.hour() as u32,
        minute: time.minute() as u32,
        second: time.second() as u32,
        nanosecond: time.subsec_nanosecond() as u32,
        weekday: time.weekday().to_sunday_zero_offset() as u32,
        day_of_year: time.day_of_year() as u32,
        offset: time.offset().seconds(),
        zone,
        epoch: time.timestamp().as_second(),
    }
}

fn shown(this: &Value, format: &str) -> Eval {
    Ok(this.data::<Zoned>().map_or(Value::Nil, |time| Value::str(strftime::strftime(&moment(&time), format))))
}

fn format(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let format = ruby.expect_string(&args.at(0))?;
    shown(this, &format)
}

fn iso8601(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let digits = if args.is_empty() { 0 } else { ruby.expect_int(&args.at(0))? };
    let fraction = if digits > 0 { format!(".%{digits}N") } else { String::new() };
    let zone = if is_utc(this) { "Z" } else { "%:z" };
    shown(this, &format!("%Y-%m-%dT%H:%M:%S{fraction}{zone}"))
}

fn inspect(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let nanoseconds = this.data::<Zoned>().map_or(0, |time| time.subsec_nanosecond());
    let fraction = format!("{nanoseconds:09}");
    let fraction = fraction.trim_end_matches('0');
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    let zone = if is_utc(this) { "UTC" } else { "%z" };
    shown(this, &format!("%Y-%m-%d %H:%M:%S{fraction} {zone}"))
}

/// The Ruby object for a time.
pub(crate) fn time_value(ruby: &mut Interpreter, time: Zoned) -> Value {
    let class = ruby.class_named("Time").unwrap_or_else(|| ruby.core.object.clone());
    ruby.new_object(&class, Some(Box::new(time)))
}

fn from_nanoseconds(ruby: &mut Interpreter, nanoseconds: i128, zone: TimeZone) -> Eval {
    match Timestamp::from_nanosecond(nanoseconds) {
        Ok(timestamp) => Ok(time_value(ruby, timestamp.to_zoned(zone))),
        Err(_) => ruby.raise("ArgumentError", "time out of range"),
    }
}

fn now(ruby: &mut Interpreter, _: &Value, _: Args) -> Eval {
    let since = ruby.host.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    from_nanoseconds(ruby, since.as_nanos() as i128, zone())
}

fn new(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.is_empty() {
        return now(ruby, this, args);
    }
    let zone = match args.get(6).cloned().or_else(|| args.keyword("in")) {
        Some(value) => named_zone(ruby, &value)?,
        None => zone(),
    };
    build(ruby, &args, zone)
}

/// A zone from `+09:00`, `UTC`, `Z` or seconds.
fn named_zone(ruby: &mut Interpreter, value: &Value) -> Eval<TimeZone> {
    let offset = match value {
        Value::Nil => return Ok(zone()),
        Value::Int(seconds) => Offset::from_seconds(*seconds as i32).ok(),
        other => {
            let text = ruby.expect_string(other)?;
            if matches!(text.as_str(), "UTC" | "Z") {
                return Ok(TimeZone::UTC);
            }
            parse_offset(&text)
        }
    };
    match offset {
        Some(offset) => Ok(TimeZone::fixed(offset)),
        None => ruby.raise(
            "ArgumentError",
            "\"+HH:MM\", \"-HH:MM\", \"UTC\" or \"A\"..\"I\",\"K\"..\"Z\" expected for utc_offset",
        ),
    }
}

fn parse_offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) =
        (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..4).and_then(|it| it.parse::<i32>().ok()));
    Offset::from_seconds(sign * (hours * 3600 + minutes.unwrap_or(0) * 60)).ok()
}

fn build(ruby: &mut Interpreter, args: &Args, zone: TimeZone) -> Eval {
    let mut parts = [1970i64, 1, 1, 0, 0, 0];
    let mut nanosecond = 0;
    for (at, place) in parts.iter_mut().enumerate() {
        match args.at(at) {
            Value::Nil => {}
            Value::Float(number) => {
                *place = number.floor() as i64;
                nanosecond = ((number - number.floor()) * 1e9) as i32;
            }
            Value::Str(text) => {
                let text = text.text().to_lowercase();
                let month =
                    (1..=12).find(|month| strftime::month_name(*month).to_lowercase().starts_with(&text));
                *place = month.map_or_else(|| text.parse().unwrap_or(0), i64::from);
            }
            other => *place = ruby.expect_int(&other)?,
        }
    }
    if !(1..=12).contains(&parts[1]) {
        return ruby.raise("ArgumentError", "mon out of range");
    }
    let made = DateTime::new(
        parts[0] as i16,
        parts[1] as i8,
        parts[2] as i8,
        parts[3] as i8,
        parts[4] as i8,
        parts[5] as i8,
        nanosecond,
    );
    match made.and_then(|time| time.to_zoned(zone)) {
        Ok(time) => Ok(time_value(ruby, time)),
        Err(_) => ruby.raise("ArgumentError", "argument out of range"),
    }
}

fn at(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let zone = match args.keyword("in") {
        Some(value) => named_zone(ruby, &value)?,
        None => zone(),
    };
    let nanoseconds = match (stamp(&args.at(0)), args.at(0)) {
        (Some(nanoseconds), _) => nanoseconds,
        (None, Value::Int(seconds)) => i128::from(seconds) * 1_000_000_000,
        (None, other) => (float(ruby, &other)? * 1e9).round() as i128,
    };
    let more = match args.get(1) {
        Some(amount) => {
            let unit = args.get(2).and_then(Value::text_or_symbol);
            let scale = match unit.as_deref() {
                Some("millisecond") => 1e6,
                None | Some("usec" | "microsecond") => 1e3,
                Some("nsec" | "nanosecond") => 1.0,
                Some(other) => return ruby.raise("ArgumentError", format!("unexpected unit: {other}")),
            };
            (float(ruby, amount)? * scale).round() as i128
        }
        None => 0,
    };
    from_nanoseconds(ruby, nanoseconds + more, zone)
}

fn in_zone(ruby: &mut Interpreter, this: &Value, zone: TimeZone) -> Eval {
    let nanoseconds = stamp(this).unwrap_or(0);
    from_nanoseconds(ruby, nanoseconds, zone)
}

fn local(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let zone = named_zone(ruby, &args.at(0))?;
    in_zone(ruby, this, zone)
}

fn shifted(ruby: &mut Interpreter, this: &Value, by: f64) -> Eval {
    let zone = this.data::<Zoned>().map_or(TimeZone::UTC, |time| time.time_zone().clone());
    let nanoseconds = stamp(this).unwrap_or(0) + (by * 1e9).round() as i128;
    from_nanoseconds(ruby, nanoseconds, zone)
}

fn plus(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let by = seconds_of(ruby, &args.at(0))?;
    shifted(ruby, this, by)
}

/// A number of seconds; text is none, though it may look like a number.
fn seconds_of(ruby: &mut Interpreter, value: &Value) -> Eval<f64> {
    if matches!(value, Value::Str(_) | Value::Nil) {
        let class = ruby.describe_for_conversion(value);
        return ruby.raise("TypeError", format!("can't convert {class} into an exact number"));
    }
    float(ruby, value)
}

fn minus(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let (Some(a), Some(b)) = (stamp(this), stamp(&args.at(0))) {
        return Ok(Value::Float((a - b) as f64 / 1e9));
    }
    let by = seconds_of(ruby, &args.at(0))?;
    shifted(ruby, this, -by)
}

fn compare(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(match (stamp(this), stamp(&args.at(0))) {
        (Some(a), Some(b)) => Value::Int(a.cmp(&b) as i64),
        _ => Value::Nil,
    })
}

fn to_a(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let mut parts = Vec::new();
    for name in ["sec", "min", "hour", "day", "month", "year", "wday", "yday"] {
        parts.push(ruby.send(this, name, Args::none())?);
    }
    parts.push(Value::Bool(false));
    parts.push(ruby.send(this, "zone", Args::none())?);
    Ok(Value::array(parts))
}

fn parse(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = ruby.expect_string(&args.at(0))?;
    match parse_text(&text) {
        Some(time) => Ok(time_value(ruby, time)),
        None => {
            let shown = ruby.inspect(&args.at(0))?;
            ruby.raise("ArgumentError", format!("no time information in {shown}"))
        }
    }
}

/// Reads `2020-01-02 03:04:05.5 +0100` and its usual relatives.
pub(crate) fn parse_text(text: &str) -> Option<Zoned> {
    let text = text.trim();
    let (date, rest) = text.split_at(text.find([' ', 'T', 't']).unwrap_or(text.len()));
    let mut fields = date.split(['-', '/']);
    let (year, month, day) =
        (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let rest = rest.trim_start_matches([' ', 'T', 't']);
    let end = rest
        .find(|letter: char| !(letter.is_ascii_digit() || letter == ':' || letter == '.'))
        .unwrap_or(rest.len());
    let (clock, zone_text) = rest.split_at(end);
    let mut fields = clock.split(':');
    let hour = fields.next().filter(|it| !it.is_empty()).map_or(Some(0), |it| it.parse().ok())?;
    let minute = fields.next().map_or(Some(0), |it| it.parse().ok())?;
    let second: f64 = fields.next().map_or(Some(0.0), |it| it.parse().ok())?;
    let nanosecond = ((second - second.floor()) * 1e9).round() as i32;
    let zone = match zone_text.trim() {
        "" => zone(),
        "Z" | "z" | "UTC" | "GMT" => TimeZone::UTC,
        other => TimeZone::fixed(parse_offset(other)?),
    };
    DateTime::new(year, month, day, hour, minute, second.floor() as i8, nanosecond).ok()?.to_zoned(zone).ok()
}
