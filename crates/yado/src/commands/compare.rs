//! `yado compare`: what each kind of virtualization costs on this machine, measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use yado_compare::{Language, Options, Report, Wanted, Work, leftovers};
use yado_core::error::Doing;
use yado_core::lifecycle::Workshop;
use yado_core::{Context, Error, ErrorKind, Host, Result, Store, Usable};

use crate::session::Session;

/// Measure what each kind of virtualization costs, against the bare machine
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Providers, also with settings (`container:cpus=0.5`); all that can be used when none is given
    #[arg(value_name = "PROVIDER[:SETTING=VALUE,...]")]
    subjects: Vec<String>,
    /// The box that machines are made from; `host` has this machine's own programs, and serves no virtual machines
    #[arg(long = "box", value_name = "NAME", default_value = "host")]
    image: String,
    /// Measure only this; may be given several times (start, stop, cpu, cpu-all, memory-write, ...)
    #[arg(long, value_name = "NAME")]
    measure: Vec<String>,
    /// How often each is measured; when not given, as often as the time allows, and what takes long at least once
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
    /// Write a page with diagrams and charts that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the page as a picture, which a browser on this computer draws
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Show the figures in this file, which `--json` wrote, instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subjects", "measure", "rounds", "time", "image"])]
    from: Option<PathBuf>,
    /// Tell what has changed since the figures in this file, which `--json` wrote
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// The language of table and page; by default the locale's
    #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "ja"])]
    lang: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    // Told before minutes of measuring are lost to it.
    let older = arguments.against.as_deref().map(read).transpose()?;
    for path in [&arguments.json, &arguments.csv, &arguments.html, &arguments.png].into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let text = format!("'{}' cannot be written: its folder does not exist.", path.display());
            return Err(Error::new(ErrorKind::Usage, text));
        }
    }
    if arguments.png.is_some() {
        yado_compare::can_draw(&session.context)?;
    }
    let language = language(arguments.lang.as_deref());
    let report = match &arguments.from {
        Some(path) => read(path)?,
        None => measure(session, arguments)?,
    };
    session.ui.plain(yado_compare::table(&report, language).trim_end());
    if let Some(older) = older {
        session.ui.plain(&format!("\n{}", yado_compare::against(&report, &older, language).trim_end()));
    }
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report).doing(|| "writing the figures")?;
        write(path, &text)?;
    }
    if let Some(path) = &arguments.csv {
        write(path, &yado_compare::csv(&report))?;
    }
    if let Some(path) = &arguments.html {
        write(path, &yado_compare::page(&report, language))?;
    }
    if let Some(path) = &arguments.png {
        crate::interrupt::watch(&session.context.cancel);
        yado_compare::picture(&session.context, &yado_compare::page(&report, language), path)?;
    }
    Ok(0)
}

fn measure(session: &Session, arguments: &Arguments) -> Result<Report> {
    session.prepare_for_changes()?;
    remove_leftovers(session)?;
    let options = Options {
        subjects: subjects(session, &arguments.subjects)?,
        leave_out: arguments.subjects.is_empty(),
        image: arguments.image.clone(),
        measures: arguments.measure.clone(),
        rounds: arguments.rounds,
        time: Duration::from_secs(arguments.time),
    };
    let elsewhere = |context: &Context, work: &mut Work<'_>| elsewhere(session, context, work);
    yado_compare::compare(&session.context, session.workshop()?, &elsewhere, &options)
}

/// The language that was asked for, or else the locale's, as POSIX orders its variables.
fn language(asked: Option<&str>) -> Language {
    let variable = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = || ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(variable);
    Language::of_locale(&asked.map(str::to_owned).or_else(locale).unwrap_or_default())
}

/// Lets work be done in a state of its own beside the user's, in which nothing was ever prepared, and takes it away.
fn elsewhere(session: &Session, context: &Context, work: &mut Work<'_>) -> Result<Option<f64>> {
    if yado_container::rootless::ground().is_some() {
        return Err(Error::new(
            ErrorKind::Other,
            "A state of its own beside the user's, in which no box is prepared, can be had by root only.",
        ));
    }
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let home =
        tempfile::Builder::new().prefix(ELSEWHERE).permissions(private).tempdir_in(context.host.home());
    let home = home.doing(|| "making a state to measure in")?;
    let held = leftovers::hold(home.path())?;
    let (context, workshop) = state(session, context, home.path())?;
    let result = work(&context, &workshop);
    drop((workshop, held));
    // Layers may hold what only their owner may remove; as root that is no obstacle, and what is left is told.
    let removed = home.close().doing(|| "removing the state that was measured in");
    let value = result?;
    removed?;
    Ok(value)
}

/// What the names of states begin with that are measured in.
const ELSEWHERE: &str = "measuring-";

/// A state in a directory.
fn state(session: &Session, context: &Context, home: &Path) -> Result<(Context, Workshop)> {
    let settings = crate::settings::Settings { home: home.to_owned(), ..session.settings.clone() };
    let workshop = Workshop {
        registry: session.workshop()?.registry,
        images: Arc::new(crate::wiring::Boxes::new(&settings, Arc::default())),
        store: Arc::new(Store::open(home)?),
    };
    Ok((Context { host: Arc::new(Host::new(home)), ..context.clone() }, workshop))
}

/// Takes away what comparisons that were killed left, in the user's state and in those that they made.
fn remove_leftovers(session: &Session) -> Result<()> {
    leftovers::remove(&session.context, session.workshop()?)?;
    let home = session.context.host.home();
    for entry in std::fs::read_dir(home).doing(|| format!("reading '{}'", home.display()))?.flatten() {
        let path = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(ELSEWHERE) || !leftovers::is_abandoned(&path) {
            continue;
        }
        let (context, workshop) = state(session, &session.context, &path)?;
        yado_core::lifecycle::recover_interrupted(&context, &workshop)?;
        leftovers::remove(&context, &workshop)?;
        drop(workshop);
        std::fs::remove_dir_all(&path).doing(|| format!("removing '{}'", path.display()))?;
    }
    Ok(())
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
