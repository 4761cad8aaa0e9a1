//! `yado compare`: what each kind of virtualization costs on this machine, measured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use yado_compare::{Options, Report, Wanted};
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result, Usable};

use crate::session::Session;

/// Measure what each kind of virtualization costs, against the bare machine
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Providers, also with settings (`container:cpus=0.5`); all that can be used when none is given
    #[arg(value_name = "PROVIDER[:SETTING=VALUE,...]")]
    subjects: Vec<String>,
    /// The box that machines are made from; `host` has the same programs as this machine
    #[arg(long = "box", value_name = "NAME", default_value = "host")]
    image: String,
    /// Measure only this; may be given several times (start, stop, cpu, cpu-all, memory-write, ...)
    #[arg(long, value_name = "NAME")]
    measure: Vec<String>,
    /// How often each is measured; as often as the time allows, but three times, when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// How many seconds it may take, roughly
    #[arg(long, value_name = "SECONDS", default_value_t = 100)]
    time: u64,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write all values as lines for spreadsheets
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a page with charts that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Tell what has changed since the figures in this file, which `--json` wrote
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    // Told before minutes of measuring are lost to it.
    let older = arguments.against.as_deref().map(read).transpose()?;
    for path in [&arguments.json, &arguments.csv, &arguments.html].into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let text = format!("'{}' cannot be written: its folder does not exist.", path.display());
            return Err(Error::new(ErrorKind::Usage, text));
        }
    }
    session.prepare_for_changes()?;
    let workshop = session.workshop()?;
    let options = Options {
        subjects: subjects(session, &arguments.subjects)?,
        image: arguments.image.clone(),
        measures: arguments.measure.clone(),
        rounds: arguments.rounds,
        time: Duration::from_secs(arguments.time),
    };
    let report = yado_compare::compare(&session.context, workshop, &options)?;
    session.ui.plain(yado_compare::table(&report).trim_end());
    if let Some(older) = older {
        session.ui.plain(&format!("\n{}", yado_compare::against(&report, &older).trim_end()));
    }
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report).doing(|| "writing the figures")?;
        write(path, &text)?;
    }
    if let Some(path) = &arguments.csv {
        write(path, &yado_compare::csv(&report))?;
    }
    if let Some(path) = &arguments.html {
        write(path, &yado_compare::page(&report))?;
    }
    Ok(0)
}

/// The subjects that are asked for, or every provider that can be used here.
fn subjects(session: &Session, asked: &[String]) -> Result<Vec<Wanted>> {
    let usable: Vec<String>;
    let texts = if asked.is_empty() {
        let registry = session.workshop()?.registry;
        let can = registry.providers.iter().filter(|kind| kind.usable(&session.context.host) == Usable::Yes);
        usable = can.map(|kind| kind.name().to_owned()).collect();
        &usable
    } else {
        asked
    };
    let mut subjects: Vec<Wanted> = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let same = texts[..place].iter().filter(|other| *other == text).count();
        subjects.push(Wanted::parse(text, same + 1)?);
    }
    Ok(subjects)
}

fn read(path: &Path) -> Result<Report> {
    let doing = || format!("reading the figures in '{}'", path.display());
    serde_json::from_slice(&std::fs::read(path).doing(doing)?).doing(doing)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).doing(|| format!("writing '{}'", path.display()))
}
