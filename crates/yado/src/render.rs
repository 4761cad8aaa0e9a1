//! Errors, rendered once: text for people with the lines at fault drawn into it, class names for programs.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use yado_core::spec::Problem;
use yado_core::{Error, ErrorKind, Origin};
use yado_vagrantfile::Sources;

/// How and from what errors are drawn.
#[derive(Debug)]
pub(crate) struct Drawing<'a> {
    /// The texts that were evaluated.
    pub(crate) sources: &'a Sources,
    /// What to put before and after a drawing, when it may have colours of its own within coloured text.
    pub(crate) color: Option<(&'static str, &'static str)>,
}

impl Drawing<'_> {
    /// The text of an error: message, what is wrong and where, what can be done about it.
    pub(crate) fn text(&self, error: &Error) -> String {
        let mut text = error.message().to_owned();
        for (section, problems) in error.problems().iter().filter(|(_, problems)| !problems.is_empty()) {
            if section.is_empty() {
                for problem in problems {
                    text.push_str(&format!("\n\n{}", self.labelled(problem)));
                }
            } else {
                text.push_str(&format!("\n{section}:\n"));
                for problem in problems {
                    text.push_str(&self.listed(problem));
                }
            }
        }
        let mut hints = error.hints().iter();
        if let Some(origin) = error.origin() {
            let drawn = self.place(origin, None, error.hints());
            match drawn {
                Some(drawn) => {
                    text.push_str(&format!("\n\n{drawn}"));
                    hints = [].iter();
                }
                None => text.push_str(&format!("\n\n  at {origin}")),
            }
        }
        for hint in hints {
            text.push_str(&format!("\n\nhint: {hint}"));
        }
        text
    }

    /// A complaint of validation in Vagrant's form, with its place below it.
    fn listed(&self, problem: &Problem) -> String {
        let mut text = format!("* {}\n", problem.message);
        let remedy = problem.remedy.as_slice();
        match &problem.origin {
            Some(origin) => match self.place(origin, None, remedy) {
                Some(drawn) => text.push_str(&format!("{drawn}\n")),
                None => text.push_str(&format!("  at {origin}\n{}", bracketed(remedy))),
            },
            None => text.push_str(&bracketed(remedy)),
        }
        text
    }

    /// A place with what is wrong there written below the mark.
    fn labelled(&self, problem: &Problem) -> String {
        let place = problem.origin.as_ref();
        let drawn =
            place.and_then(|origin| self.place(origin, Some(&problem.message), problem.remedy.as_slice()));
        drawn.unwrap_or_else(|| match place {
            Some(origin) => format!("  at {origin}: {}", problem.message),
            None => problem.message.clone(),
        })
    }

    /// The line of a place with a mark under what is meant; nothing when its text is not at hand.
    fn place(&self, origin: &Origin, label: Option<&str>, helps: &[String]) -> Option<String> {
        let name = origin.file.to_string_lossy();
        let source = self.sources.text(&name)?;
        let mut annotation = AnnotationKind::Primary.span(span(&source, origin)?);
        if let Some(label) = label {
            annotation = annotation.label(label);
        }
        let snippet = Snippet::source(&*source).path(&*name).annotation(annotation);
        let helps = helps.iter().map(|help| Level::HELP.message(help.as_str()));
        let group = helps.fold(Group::with_level(Level::ERROR).element(snippet), Group::element);
        let renderer = if self.color.is_some() { Renderer::styled() } else { Renderer::plain() };
        let (before, after) = self.color.unwrap_or_default();
        Some(format!("{before}{}{after}", renderer.render(&[group])))
    }
}

fn bracketed(remedies: &[String]) -> String {
    remedies.iter().map(|remedy| ["  (", remedy, ")\n"].concat()).collect()
}

/// The bytes of a place in its source, on one line; at least one where the line is not empty.
fn span(source: &str, origin: &Origin) -> Option<Range<usize>> {
    let index = (origin.line as usize).checked_sub(1)?;
    let start: usize = source.split_inclusive('\n').take(index).map(str::len).sum();
    let line = source.split_inclusive('\n').nth(index).unwrap_or_default();
    let length = line.trim_end().len();
    let boundary = |column: usize| (0..=column.min(length)).rev().find(|at| line.is_char_boundary(*at));
    let first = boundary((origin.column as usize).saturating_sub(1))?;
    let first = if origin.column == 0 { line.len() - line.trim_start().len() } else { first };
    let last = match origin.end_column {
        0 => length,
        column => boundary(column as usize - 1)?,
    };
    Some(start + first..start + last.max(first))
}

/// The class that Vagrant would name in its `error-exit` line.
pub(crate) fn class(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::NoEnvironment => "Vagrant::Errors::NoEnvironmentError",
        ErrorKind::VagrantfileLoad => "Vagrant::Errors::VagrantfileLoadError",
        ErrorKind::ConfigInvalid => "Vagrant::Errors::ConfigInvalid",
        ErrorKind::MachineNotFound => "Vagrant::Errors::MachineNotFound",
        ErrorKind::MultiVmTargetRequired => "Vagrant::Errors::MultiVMTargetRequired",
        ErrorKind::ProviderNotFound => "Vagrant::Errors::ProviderNotFound",
        ErrorKind::ProviderNotUsable => "Vagrant::Errors::NoDefaultProvider",
        ErrorKind::MachineFoundWithDifferentProvider => "Vagrant::Errors::MachineFoundWithDifferentProvider",
        ErrorKind::BoxNotFound => "Vagrant::Errors::BoxNotFound",
        ErrorKind::BoxImport => "Vagrant::Errors::BoxUnpackageFailure",
        ErrorKind::Collision => "Vagrant::Errors::ForwardPortCollision",
        ErrorKind::Locked => "Vagrant::Errors::MachineActionLockedError",
        ErrorKind::GuestCommandFailed => "Vagrant::Errors::SSHCommandFailed",
        ErrorKind::Usage => "Vagrant::Errors::CLIInvalidUsage",
        ErrorKind::Interrupted => "Interrupt",
        _ => "Vagrant::Errors::VagrantError",
    }
}
