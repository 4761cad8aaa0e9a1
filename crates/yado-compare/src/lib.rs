//! Measures kinds of virtualization against each other and against the bare machine: the same programs, in turn, on
//! each, and what the figures can and cannot tell.
//!
//! Every measure is taken of every subject once a round, so that drift of the machine hits all alike. What is compared
//! are medians, with an interval that says how far chance may have moved them.

mod measure;
mod page;
mod report;
mod statistics;
mod subject;
mod table;

use std::time::{Duration, Instant};

use yado_core::lifecycle::Workshop;
use yado_core::{Context, Error, ErrorKind, Result};

pub use measure::MEASURES;
pub use page::page;
pub use report::{Report, Sample};
pub use subject::Wanted;
pub use table::{against, csv, table};

use report::System;
use subject::Subject;

/// What is measured, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// The subjects besides the bare machine.
    pub subjects: Vec<Wanted>,
    /// The box that machines are made from; it must have sysbench.
    pub image: String,
    /// Names of measures; all when empty.
    pub measures: Vec<String>,
    /// How many times each is measured; as many as fit into `time` when not set, but at least three.
    pub rounds: Option<u32>,
    /// How long all of it may take, roughly.
    pub time: Duration,
}

/// Measures. Machines are made for it and taken away again, also when the user interrupts.
///
/// # Errors
/// When a subject cannot be brought up, has no sysbench, or a measure's program fails; when the user interrupts.
pub fn compare(context: &Context, workshop: &Workshop, options: &Options) -> Result<Report> {
    let chosen = chosen(&options.measures)?;
    let mut subjects = vec![Subject::bare(context)?];
    for wanted in &options.subjects {
        subjects.push(Subject::machine(context, workshop, wanted, &options.image)?);
    }
    let result = measure_all(context, options, &chosen, &mut subjects);
    let mut cleaned = Ok(());
    for subject in subjects {
        // All are taken away, whatever became of one.
        cleaned = subject.remove(context).and(cleaned);
    }
    let samples = result?;
    cleaned?;
    Ok(Report { system: System::here(), subjects: names(options), samples })
}

fn names(options: &Options) -> Vec<String> {
    std::iter::once("bare".to_owned())
        .chain(options.subjects.iter().map(|wanted| wanted.name.clone()))
        .collect()
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

fn measure_all(
    context: &Context,
    options: &Options,
    measures: &[&'static measure::Measure],
    subjects: &mut [Subject],
) -> Result<Vec<Sample>> {
    let needs_sysbench = measures.iter().any(|measure| measure.needs_sysbench());
    if needs_sysbench {
        for subject in subjects.iter() {
            subject.must_have_sysbench(context)?;
        }
    }
    let mut samples: Vec<Sample> = Vec::new();
    let begin = Instant::now();
    let mut round = 0;
    loop {
        let before = Instant::now();
        for measure in measures {
            for subject in subjects.iter_mut() {
                context.cancel.check()?;
                let Some(value) = measure.take(context, subject)? else { continue };
                match samples
                    .iter_mut()
                    .find(|one| one.measure == measure.name && one.subject == subject.name())
                {
                    Some(sample) => sample.values.push(value),
                    None => samples.push(Sample {
                        measure: measure.name.to_owned(),
                        subject: subject.name().to_owned(),
                        unit: measure.unit.to_owned(),
                        more_is_better: measure.more_is_better,
                        values: vec![value],
                    }),
                }
            }
        }
        round += 1;
        context.info(format!("Round {round} is done."));
        let enough = match options.rounds {
            Some(rounds) => round >= rounds,
            // Another one must fit.
            None => round >= 3 && begin.elapsed() + before.elapsed() > options.time,
        };
        if enough {
            return Ok(samples);
        }
    }
}
