//! Triggers: what a Vagrantfile wants done around the commands on a machine. Programs on the host need the user's trust,
//! as those that a Vagrantfile runs while it is read do.

use std::time::Duration;

use super::{Machine, Options};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::event::MessageKind;
use crate::provider::MachineState;
use crate::provisioner::Guest;
use crate::spec::{Origin, ProvisionerSpec, RunWhen, TriggerSpec};

/// The longest that a program of a trigger may run: as good as for ever, and still an end.
const LONGEST: Duration = Duration::from_hours(24);

impl Machine {
    /// Uses these triggers instead of those that the machine was last started with.
    pub fn set_triggers(&mut self, triggers: Vec<TriggerSpec>) {
        self.triggers = Some(triggers);
    }

    /// Does the work of a command with the triggers that are meant for it before and after.
    pub fn with_triggers(
        &mut self,
        context: &Context,
        action: &str,
        options: &Options,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let action = action.replace([' ', '-'], "_");
        // Known beforehand, so that nothing is half done.
        for trigger in self.all_triggers().filter(|trigger| trigger.run.is_some() && is_for(trigger, &action))
        {
            if trigger.halt_on_error {
                self.require_trust(trigger, options)?;
            }
        }
        self.fire(context, &action, false, options)?;
        work(self)?;
        self.fire(context, &action, true, options)
    }

    fn all_triggers(&self) -> impl Iterator<Item = &TriggerSpec> {
        self.triggers.as_ref().or(self.spec.as_ref().map(|spec| &spec.triggers)).into_iter().flatten()
    }

    fn require_trust(&self, trigger: &TriggerSpec, options: &Options) -> Result<()> {
        self.require_trust_for("A trigger", trigger.origin.as_ref(), options)
    }

    /// Programs of the Vagrantfile's run on this computer only once the user has allowed it.
    pub(super) fn require_trust_for(
        &self,
        who: &str,
        origin: Option<&Origin>,
        options: &Options,
    ) -> Result<()> {
        if options.trusted || self.workshop.store.is_trusted(&self.environment.project)? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Other,
            format!("{who} runs a program on this computer, which the Vagrantfile may not do yet."),
        )
        .at(origin.cloned())
        .hinted("`yado trust` allows it for this project, `--trust` once."))
    }

    fn fire(&self, context: &Context, action: &str, after: bool, options: &Options) -> Result<()> {
        let context = &context.for_machine(&self.name);
        let meant: Vec<&TriggerSpec> =
            self.all_triggers().filter(|trigger| trigger.after == after && is_for(trigger, action)).collect();
        if meant.is_empty() {
            return Ok(());
        }
        let when = if after { "after" } else { "before" };
        context.info(format!("Running action triggers {when} {action} ..."));
        for trigger in meant {
            context.cancel.check()?;
            let label = trigger.name.as_ref().map_or_else(String::new, |name| format!(": {name}"));
            context.info(format!("Running trigger{label}..."));
            let _time = context.time(&format!("trigger {when} {action}{label}"));
            if let Err(problem) = self.pull(context, trigger, options) {
                let ends = matches!(problem.kind(), ErrorKind::VagrantfileExited(_) | ErrorKind::Interrupted);
                if trigger.halt_on_error || ends {
                    return Err(problem);
                }
                context.say(MessageKind::Error, "Trigger run failed");
                context.say(MessageKind::Error, problem.message());
                context.warn("Trigger configured to continue on error...");
            }
        }
        Ok(())
    }

    fn pull(&self, context: &Context, trigger: &TriggerSpec, options: &Options) -> Result<()> {
        if let Some(text) = &trigger.info {
            context.info(text.as_str());
        }
        if let Some(text) = &trigger.warn {
            context.warn(text.as_str());
        }
        if let Some(code) = trigger.abort {
            context.warn(format!(
                "Vagrant has been configured to abort. Terminating now with exit code {code}..."
            ));
            return Err(Error::new(ErrorKind::VagrantfileExited(code), "A trigger ended the program."));
        }
        if let Some(settings) = &trigger.run {
            self.run_on_host(context, trigger, settings, options)?;
        }
        if let Some(settings) = &trigger.run_remote {
            self.run_inside(context, trigger, settings)?;
        }
        if trigger.ruby {
            let place = trigger.origin.as_ref().map_or_else(String::new, |origin| format!(" ({origin})"));
            context.warn(format!(
                "The Ruby block of this trigger{place} is not run: yado runs Ruby only while it reads the Vagrantfile. \
                 Use `run` or `run_remote` instead."
            ));
        }
        Ok(())
    }

    fn run_on_host(
        &self,
        context: &Context,
        trigger: &TriggerSpec,
        settings: &serde_json::Map<String, serde_json::Value>,
        options: &Options,
    ) -> Result<()> {
        let project = &self.environment.project;
        self.require_trust(trigger, options)?;
        let text = |name: &str| settings.get(name).and_then(serde_json::Value::as_str);
        let (mut argv, what) = match (text("inline"), text("path")) {
            (Some(inline), _) => {
                context.detail("Running local: Inline script");
                context.detail(inline);
                (words(inline).ok_or_else(|| unclosed(trigger))?, "inline script".to_owned())
            }
            (None, Some(path)) => {
                context.detail(format!("Running local script: {path}"));
                let path = project.join(path).to_string_lossy().into_owned();
                (vec![path.clone()], path)
            }
            (None, None) => return Ok(()),
        };
        match settings.get("args") {
            Some(serde_json::Value::String(line)) => {
                argv.extend(words(line).ok_or_else(|| unclosed(trigger))?);
            }
            Some(serde_json::Value::Array(list)) => argv
                .extend(list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))),
            _ => {}
        }
        let ended = context.host.run_in(&context.cancel, project, &argv, LONGEST)?;
        for (kind, bytes) in
            [(MessageKind::GuestStdout, &ended.stdout), (MessageKind::GuestStderr, &ended.stderr)]
        {
            let said = String::from_utf8_lossy(bytes);
            if !said.trim_end().is_empty() {
                context.say(kind, said.trim_end());
            }
        }
        let code = ended.status.code().unwrap_or(-1);
        if trigger.exit_codes.contains(&code) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Other,
            format!(
                "The trigger's {what} failed: it ended with code {code}, and only {:?} count as success.",
                trigger.exit_codes
            ),
        )
        .at(trigger.origin.clone()))
    }

    fn run_inside(
        &self,
        context: &Context,
        trigger: &TriggerSpec,
        settings: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<()> {
        let failed =
            |text: String| Error::new(ErrorKind::GuestCommandFailed, text).at(trigger.origin.clone());
        let state = self.state(context)?;
        if state != MachineState::Running {
            return Err(failed(format!(
                "Could not run remote script on '{}' because its state is {}",
                self.name,
                state.short()
            )));
        }
        // A machine that is switched off by id has only what is on record of it.
        let record = self.made()?;
        let recorded = record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let spec = self
            .spec
            .clone()
            .or(recorded)
            .ok_or_else(|| failed("The machine has no configuration on record.".to_owned()))?;
        let script = ProvisionerSpec {
            kind: "shell".to_owned(),
            name: None,
            run: RunWhen::Always,
            communicator_required: true,
            settings: settings.clone(),
            origin: trigger.origin.clone(),
        };
        let kind = self
            .workshop
            .registry
            .provisioner("shell")
            .ok_or_else(|| failed("There is no 'shell' provisioner.".to_owned()))?;
        let inside = self.provider(record)?.connect(context)?;
        let neighbours = self.neighbours()?;
        let guest =
            Guest { communicator: &*inside, spec: &spec, user: inside.user(), neighbours: &neighbours };
        kind.open(&script, &spec)?.run(context, &guest).map(drop)
    }
}

/// Whether a trigger is meant for an action. Hooks are steps within Vagrant, and have no counterpart here.
fn is_for(trigger: &TriggerSpec, action: &str) -> bool {
    trigger.kind != "hook"
        && (trigger.command == action
            || trigger.command == "all" && !trigger.ignore.iter().any(|ignored| ignored == action))
}

fn unclosed(trigger: &TriggerSpec) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "A quotation mark in the trigger's command line is not closed.")
        .at(trigger.origin.clone())
}

/// A command line as words, by a shell's rules for quotation marks and backslashes; `None` when one is not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_by_a_shell() {
        let split = |line: &str| words(line).unwrap();
        assert_eq!(split("echo  'a b' \"c \\\"d\" e\\ f ''"), ["echo", "a b", "c \"d", "e f", ""]);
        assert_eq!(split(" \n "), Vec::<String>::new());
        assert_eq!(words("it's"), None);
        assert_eq!(split("bash -c 'x; y'"), ["bash", "-c", "x; y"]);
    }
}
