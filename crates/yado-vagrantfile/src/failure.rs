//! What is told when a Vagrantfile cannot be read: in Vagrant's words, which people search the web for, and with
//! the line that is at fault.

use std::path::{Path, PathBuf};

use yado_core::spec::{Origin, Problem};
use yado_core::{Error, ErrorKind};
use yado_ruby::{Control, Failure, FailureKind, Interpreter, Location};

const HEAD: &str = "There was an error loading a Vagrantfile. The file being loaded\nand the error message are shown below. This is usually caused by\n";

/// Of many places at fault the first ones are shown; the others mostly follow from them.
const MOST_SHOWN: usize = 5;

/// A place in a file, and what is wrong there. Lines count from 1, columns (in bytes) from 0.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line where it begins.
    pub line: usize,
    /// The column where it begins.
    pub column: usize,
    /// The line where it ends.
    pub end_line: usize,
    /// The column where it ends.
    pub end_column: usize,
    /// What is wrong.
    pub label: String,
}

impl Place {
    fn new(location: &Location, label: &str) -> Self {
        Self {
            file: location.file.to_string(),
            line: location.line,
            column: location.column,
            end_line: location.end_line,
            end_column: location.end_column,
            label: label.to_owned(),
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            file: PathBuf::from(&self.file),
            line: self.line as u32,
            column: self.column as u32 + 1,
            end_column: match self.end_column {
                column if self.end_line == self.line && column < usize::MAX => column as u32 + 1,
                _ => 0,
            },
        }
    }
}

/// Why a Vagrantfile could not be read.
#[derive(Debug)]
pub struct LoadError {
    /// The class of the error as Vagrant names it, such as `Vagrant::Errors::VagrantfileSyntaxError`.
    pub class: String,
    /// The message in Vagrant's words.
    pub message: String,
    /// The exit status that the Vagrantfile asked for (`exit`, `abort`).
    pub status: Option<i32>,
    /// What the sandbox refused, if that is the reason.
    pub refused: Vec<String>,
    details: Box<Details>,
}

/// What only the report needs.
#[derive(Debug, Default)]
struct Details {
    places: Vec<Place>,
    trust: bool,
}

impl LoadError {
    /// There is no Vagrantfile at or above this folder.
    pub(crate) fn none(start: &Path) -> Self {
        let message = "A Vagrant environment or target machine is required to run this\ncommand. Run `vagrant init` to create a new Vagrant environment. Or,\nget an ID of a target machine from `vagrant global-status` to run\nthis command on. A final option is to change to a directory with a\nVagrantfile and to try again.";
        let mut error = Self::of("Vagrant::Errors::NoEnvironmentError", message.to_owned());
        error
            .message
            .push_str(&format!("\n\nNo Vagrantfile was found in '{}' or above it.", start.display()));
        error
    }

    fn of(class: &str, message: String) -> Self {
        Self { class: class.to_owned(), message, status: None, refused: Vec::new(), details: Box::default() }
    }

    /// The error that ended the evaluation of a file, or (`block`) of what it gave to `Vagrant.configure`.
    pub(crate) fn new(interpreter: &mut Interpreter, path: &Path, control: Control, block: bool) -> Self {
        let vagrant_error = is_a(interpreter, &control, "Vagrant::Errors::VagrantError");
        let name_error = is_a(interpreter, &control, "NameError");
        let failure = interpreter.failure(control);
        let line = failure.location.as_ref().map_or(0, |place| place.line);
        let details =
            |message: String| format!("Path: {}\nLine number: {line}\nMessage: {message}", path.display());
        let mut error = match failure.kind {
            // Text that is evaluated in a block of `Vagrant.configure` fails under Ruby's own name.
            FailureKind::Syntax if block => Self::of("SyntaxError", failure.message.clone()),
            FailureKind::Syntax => Self::of("Vagrant::Errors::VagrantfileSyntaxError", syntax_text(&failure)),
            FailureKind::Exit => {
                let mut error = Self::of("SystemExit", failure.message.clone());
                error.status = Some(failure.status);
                error
            }
            FailureKind::Refused => {
                let text = format!(
                    "{HEAD}a sandbox that refuses what it was not allowed.\n\n{}",
                    details(failure.message.clone())
                );
                let mut error = Self::of("Refused", text);
                error.refused.push(failure.message.clone());
                error.details.trust = true;
                error
            }
            FailureKind::Limit(_) => Self::of(
                "Limit",
                format!("{HEAD}a loop that does not end.\n\n{}", details(failure.message.clone())),
            ),
            FailureKind::Raised if vagrant_error => Self::of(&failure.class, failure.message.clone()),
            FailureKind::Raised if block && name_error => {
                let message = failure.message.split(" for #<").next().unwrap_or_default().to_owned();
                Self::of(
                    "Vagrant::Errors::VagrantfileNameError",
                    format!("{HEAD}an invalid or undefined variable.\n\n{}", details(message)),
                )
            }
            FailureKind::Raised if block => Self::of(&failure.class, failure.message.clone()),
            FailureKind::Raised => {
                let message = format!("{}: {}", failure.class, failure.message);
                Self::of(
                    "Vagrant::Errors::VagrantfileLoadError",
                    format!("{HEAD}a syntax error.\n\n{}", details(message)),
                )
            }
        };
        error.point_at(interpreter, &failure);
        error
    }

    /// The same, with what the sandbox refused before: a Vagrantfile may carry on for a while without it.
    pub(crate) fn after_refusals(mut self, refused: &[String]) -> Self {
        if !refused.is_empty() {
            self.refused = refused.to_vec();
            self.details.trust = true;
        }
        self
    }

    /// The same, for what a box's own Vagrantfile did: no trust in the project lets it do more.
    pub(crate) fn of_a_box(mut self) -> Self {
        if std::mem::take(&mut self.details.trust) {
            self.message.push_str(
                "\n\nThis is the Vagrantfile that came with the box. It gets no rights from `yado trust`; \
                 `config.vm.ignore_box_vagrantfile = true` leaves it out.",
            );
        }
        self
    }

    /// Remembers the places at fault together with their sources.
    fn point_at(&mut self, interpreter: &Interpreter, failure: &Failure) {
        for diagnostic in &failure.diagnostics {
            self.details.places.push(Place::new(&diagnostic.location, &diagnostic.message));
        }
        if self.details.places.is_empty()
            && let Some(place) = failure.location.clone().or_else(|| interpreter.location())
        {
            let label = failure.message.lines().next().unwrap_or_default();
            let mut place = Place::new(&place, label);
            if !place.file.contains('/')
                && let Some((file, line)) = failure.backtrace.iter().find_map(|call| called_from(call))
            {
                // Raised in what comes with yado: the line that called it is the one to show.
                place = Place { file, line, column: 0, end_line: line, end_column: usize::MAX, ..place };
            }
            self.details.places.push(place);
        }
    }

    /// The places at fault, with what is wrong there; the first one is the most important.
    pub fn places(&self) -> &[Place] {
        &self.details.places
    }

    /// The place that is most at fault.
    pub fn origin(&self) -> Option<Origin> {
        self.details.places.first().map(Place::origin)
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        self.details.trust.then(|| {
            format!(
                "The sandbox refused:\n  {}\nA Vagrantfile may read what is no secret, but runs no commands, writes no \
                 files and opens no connections until you trust it: `yado trust` allows it for this project, \
                 `--trust` once.",
                self.refused.join("\n  ")
            )
        })
    }
}

/// File and line of a call in a backtrace, when it lies in a file of the user's.
fn called_from(call: &str) -> Option<(String, usize)> {
    let (place, _) = call.split_once(":in ")?;
    let (file, line) = place.rsplit_once(':')?;
    file.contains('/').then_some((file.to_owned(), line.parse().ok()?))
}

fn syntax_text(failure: &Failure) -> String {
    let mut text = "There is a syntax error in the following Vagrantfile. The syntax error\nmessage is reproduced below for convenience:\n".to_owned();
    for diagnostic in &failure.diagnostics {
        text.push_str(&format!("\n{}: syntax error, {}", diagnostic.location, diagnostic.message));
    }
    if failure.diagnostics.is_empty() {
        text.push_str(&format!("\n{}", failure.message));
    }
    text
}

/// Whether what ended an evaluation is an exception of this class.
fn is_a(interpreter: &Interpreter, control: &Control, class: &str) -> bool {
    match (control, interpreter.class_named(class)) {
        (Control::Raise(exception), Some(class)) => interpreter.is_a(exception, &class),
        _ => false,
    }
}

/// The error for what went wrong in the block of a provider or push: Vagrant reports those as load errors.
pub(crate) fn in_block(interpreter: &mut Interpreter, what: &str, name: &str, control: Control) -> Control {
    let passes = !matches!(control, Control::Raise(_)) || is_a(interpreter, &control, "Refused");
    if passes {
        return control;
    }
    let failure = interpreter.failure(control.clone());
    let line = failure.location.as_ref().map_or(0, |place| place.line);
    let message = format!(
        "{HEAD}a syntax error.\n\nPath: <{what} config: {name}>\nLine number: {line}\nMessage: {}: {}",
        failure.class, failure.message
    );
    let wrapped = crate::vagrant::error(interpreter, "VagrantfileLoadError", message);
    if let (
        Control::Raise(yado_ruby::Value::Object(inner)),
        Control::Raise(yado_ruby::Value::Object(outer)),
    ) = (&control, &wrapped)
    {
        // The place of the original fault is the one to show.
        let place = inner.data.borrow_mut().take();
        *outer.data.borrow_mut() = place;
    }
    wrapped
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        let kind = match error.class.as_str() {
            "Vagrant::Errors::NoEnvironmentError" => ErrorKind::NoEnvironment,
            _ => ErrorKind::VagrantfileLoad,
        };
        let problem = |place: &Place| Problem {
            message: place.label.clone(),
            origin: Some(place.origin()),
            remedy: crate::vagrant::library_of(&place.label).map(|library| {
                format!("Put `require '{library}'` before it: neither Ruby nor Vagrant loads it.")
            }),
        };
        let problems = error.places().iter().take(MOST_SHOWN).map(problem).collect();
        let mut result =
            Error::new(kind, error.message.clone()).with_problems(vec![(String::new(), problems)]);
        if let Some(hint) = error.hint() {
            result = result.hinted(hint);
        }
        result.caused_by(error)
    }
}
