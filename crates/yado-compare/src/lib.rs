//! Measures kinds of virtualization against each other and against the bare machine: the same programs, in turn, on
//! each, and what the figures can and cannot tell.
//!
//! Every measure is taken of every subject once a round, so that drift of the machine hits all alike. What is compared
//! are medians, with an interval that says how far chance may have moved them.

mod against;
mod chart;
mod density;
mod diagram;
mod evidence;
mod findings;
mod footprint;
pub mod leftovers;
mod made;
mod measure;
mod page;
mod picture;
mod report;
mod rounds;
mod schedule;
mod statistics;
mod subject;
mod sysbench;
mod table;
mod wanted;
mod wire;
mod words;

use std::time::Duration;

use yado_core::lifecycle::Workshop;
use yado_core::{Context, Error, ErrorKind, Result};

pub use against::against;
pub use measure::MEASURES;
pub use page::page;
pub use picture::{can_draw, picture};
pub use report::{Report, Sample};
pub use table::{csv, table};
pub use wanted::Wanted;
pub use words::Language;

use report::{Own, System};
use subject::Subject;
use sysbench::Sysbench;

/// What is measured, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// The subjects besides the bare machine.
    pub subjects: Vec<Wanted>,
    /// Whether a subject that cannot be brought up is left out, with a warning, instead of ending it all.
    pub leave_out: bool,
    /// The box that machines are made from.
    pub image: String,
    /// Names of measures; all when empty.
    pub measures: Vec<String>,
    /// How many times each is measured; as fits into `time` when not set.
    pub rounds: Option<u32>,
    /// How long all of it may take, roughly.
    pub time: Duration,
}

/// Hands a state of its own, in which no box is prepared, to some work; it is taken away afterwards.
pub type Elsewhere<'a> = dyn Fn(&Context, &mut Work<'_>) -> Result<Option<f64>> + 'a;

/// Work in a state that it is handed.
pub type Work<'a> = dyn FnMut(&Context, &Workshop) -> Result<Option<f64>> + 'a;

/// Measures. Machines are made for it and taken away again, also when the user interrupts.
///
/// # Errors
/// When a subject cannot be brought up; when there is no sysbench and a measure needs it; when the user interrupts.
pub fn compare(
    context: &Context,
    workshop: &Workshop,
    elsewhere: &Elsewhere<'_>,
    options: &Options,
) -> Result<Report> {
    let chosen = chosen(&options.measures)?;
    let system = System::here();
    let sysbench = if chosen.iter().any(|measure| measure.needs_sysbench()) {
        Some(Sysbench::here(context)?)
    } else {
        None
    };
    let mut subjects = vec![Subject::bare(context)?];
    for wanted in &options.subjects {
        subjects.push(Subject::machine(context, workshop, wanted, &options.image)?);
    }
    let tools = measure::Tools { sysbench: sysbench.as_ref(), elsewhere };
    let begin = std::time::Instant::now();
    let result = rounds::measure_all(context, &tools, options, &chosen, &mut subjects);
    let names = subjects.iter().map(|subject| subject.name().to_owned()).collect();
    let mut cleaned = Ok(());
    for subject in subjects {
        // All are taken away, whatever became of one.
        cleaned = subject.remove(context).and(cleaned);
    }
    let taken = result?;
    cleaned?;
    Ok(Report {
        system,
        subjects: names,
        samples: taken.samples,
        gaps: taken.gaps,
        architectures: taken.architectures,
        image: options.image.clone(),
        sysbench: sysbench.map(|sysbench| sysbench.version).unwrap_or_default(),
        own: Some(Own::now(begin.elapsed())),
    })
}

fn chosen(names: &[String]) -> Result<Vec<&'static measure::Measure>> {
    if let Some(unknown) = names.iter().find(|name| !MEASURES.iter().any(|measure| measure.name == **name)) {
        let known: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
        return Err(Error::new(ErrorKind::Usage, format!("There is no measure '{unknown}'."))
            .hinted(format!("There are: {}.", known.join(", "))));
    }
    Ok(MEASURES
        .iter()
        .filter(|measure| names.is_empty() || names.iter().any(|name| name == measure.name))
        .collect())
}
