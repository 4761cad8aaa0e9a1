//! Bringing the subjects up, and going round: every measure of every subject in turn.

use std::time::{Duration, Instant};

use yado_core::{Context, Error, ErrorKind, Event, Result};

use crate::Options;
use crate::evidence::{self, Architecture};
use crate::footprint::Processes;
use crate::measure::{Measure, Tools};
use crate::report::{Gap, Sample};
use crate::schedule;
use crate::subject::Subject;

/// What was found.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) samples: Vec<Sample>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) architectures: Vec<Architecture>,
}

pub(crate) fn measure_all(
    context: &Context,
    tools: &Tools<'_>,
    options: &Options,
    measures: &[&'static Measure],
    subjects: &mut Vec<Subject>,
) -> Result<Taken> {
    let begin = Instant::now();
    let mut taken = Taken { architectures: vec![evidence::here(context)], ..Taken::default() };
    let mut place = 1;
    while place < subjects.len() {
        match bring_up(context, tools, &mut subjects[place], &taken.architectures[0]) {
            Ok(architecture) => {
                taken.architectures.push(architecture);
                place += 1;
            }
            Err(problem) if options.leave_out && problem.kind() != ErrorKind::Interrupted => {
                let subject = subjects.remove(place);
                let (name, why) = (subject.name().to_owned(), with_hint(&problem));
                context.warn(format!("'{name}' is left out. {why}"));
                subject.remove(context)?;
                taken.gaps.push(Gap { measure: "all".to_owned(), subject: name, why });
            }
            Err(problem) => return Err(problem),
        }
    }
    // Switching off comes last, for the others need a machine that runs.
    let mut order = measures.to_vec();
    order.sort_by_key(|measure| measure.name == "stop");
    let mut costs: Vec<Option<Duration>> = vec![None; order.len()];
    let mut round = 0;
    let count = subjects.len();
    loop {
        let due = match options.rounds {
            Some(rounds) => vec![round < rounds; order.len()],
            None => schedule::choose(&costs, round, options.time.saturating_sub(begin.elapsed())),
        };
        if !due.contains(&true) {
            clear(context);
            return Ok(taken);
        }
        let wanted = due.iter().filter(|due| **due).count() * count;
        let mut done = 0;
        for (place, measure) in order.iter().enumerate().filter(|(place, _)| due[*place]) {
            let before = Instant::now();
            // Each comes first in turn: whoever follows a heavy neighbour is not always the same.
            for turn in 0..count {
                let subject = &mut subjects[(turn + round as usize) % count];
                context.cancel.check()?;
                show(context, round, measure, subject, (done, wanted));
                done += 1;
                taken.take(context, tools, measure, subject)?;
            }
            costs[place] = Some(before.elapsed());
        }
        round += 1;
    }
}

/// Makes a subject's machine, has everything in it that measures need, and looks at what it is.
fn bring_up(
    context: &Context,
    tools: &Tools<'_>,
    subject: &mut Subject,
    bare: &Architecture,
) -> Result<Architecture> {
    context.cancel.check()?;
    context.info(format!("Bringing up '{}'...", subject.name()));
    tracing::debug!(subject = subject.name(), "bringing up");
    if let Some(sysbench) = tools.sysbench {
        subject.run(context, Some(sysbench), "sysbench --version")?;
    }
    let Subject::Machine(made) = subject else { return Ok(bare.clone()) };
    made.must_run(context)?;
    let processes = Processes::of(context, made)?;
    evidence::of(context, made, &processes, bare)
}

impl Taken {
    /// Takes one value. What cannot be measured of a subject is noted once, with the reason, and is not tried again.
    fn take(
        &mut self,
        context: &Context,
        tools: &Tools<'_>,
        measure: &Measure,
        subject: &mut Subject,
    ) -> Result<()> {
        if self.gaps.iter().any(|gap| gap.measure == measure.name && gap.subject == subject.name()) {
            return Ok(());
        }
        let value = match measure.take(context, tools, subject) {
            Ok(Some(value)) => value,
            Ok(None) => return Ok(()),
            Err(problem) if problem.kind() == ErrorKind::Interrupted || context.cancel.is_cancelled() => {
                return Err(problem);
            }
            Err(problem) => {
                let why = with_hint(&problem);
                context.warn(format!("'{}' of '{}' is not measured. {why}", measure.name, subject.name()));
                self.gaps.push(Gap {
                    measure: measure.name.to_owned(),
                    subject: subject.name().to_owned(),
                    why,
                });
                return Ok(());
            }
        };
        let known = |one: &&mut Sample| one.measure == measure.name && one.subject == subject.name();
        match self.samples.iter_mut().find(known) {
            Some(sample) => sample.values.push(value),
            None => self.samples.push(Sample {
                measure: measure.name.to_owned(),
                subject: subject.name().to_owned(),
                unit: measure.unit.to_owned(),
                more_is_better: measure.more_is_better,
                values: vec![value],
            }),
        }
        Ok(())
    }
}

/// Why something failed, and the first thing that may help.
fn with_hint(problem: &Error) -> String {
    let hint = problem.hints().first().map_or_else(String::new, |hint| format!(" {hint}"));
    format!("{problem}{hint}")
}

fn show(context: &Context, round: u32, measure: &Measure, subject: &Subject, (done, all): (usize, usize)) {
    tracing::debug!(measure = measure.name, subject = subject.name(), round, "measuring");
    context.events.emit(Event::Progress {
        machine: None,
        what: format!("Round {}: {} of {}", round + 1, measure.name, subject.name()),
        done: done as u64,
        total: Some(all as u64),
    });
}

fn clear(context: &Context) {
    context.events.emit(Event::ProgressEnd { machine: None });
}
