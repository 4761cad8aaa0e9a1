//! The engine's own commands on a machine's container, for `docker-exec`, `docker-run`, `docker-logs` and `package`.

use std::path::Path;

use yado_core::provider::EngineCommands;
use yado_core::{Context, Error, ErrorKind, MachineState, Result};

use super::engine::MACHINE_LABEL;
use super::machine::{Machine, uninterrupted};
use super::{compose, run};

impl Machine {
    fn argv(&self, words: &[&str]) -> Vec<String> {
        std::iter::once(self.engine.program).chain(words.iter().copied()).map(str::to_owned).collect()
    }
}

impl EngineCommands for Machine {
    fn exec(&self, context: &Context, options: &[String], command: &[String]) -> Result<Vec<String>> {
        let found = self.must_exist(context)?;
        if found.state != MachineState::Running {
            return Err(Error::new(
                ErrorKind::Other,
                format!("The container of '{}' does not run.", self.record.name),
            )
            .hinted("Run `yado up` first."));
        }
        let mut argv = self.argv(&["exec"]);
        argv.extend(options.iter().cloned());
        argv.push(found.id);
        argv.extend(command.iter().cloned());
        Ok(argv)
    }

    fn run(&self, _context: &Context, options: &[String], command: &[String]) -> Result<Vec<String>> {
        let mut settings = self.settings();
        settings.ports.clear();
        settings.cmd = command.to_vec();
        let mut argv = self.argv(&["run"]);
        argv.extend(options.iter().cloned());
        // An image that was kept of a machine may carry its label.
        argv.extend(["--label".to_owned(), format!("{MACHINE_LABEL}=")]);
        if settings.compose {
            // Links need not be told where services find each other by name.
            settings.links.clear();
            settings.volumes.iter_mut().for_each(|volume| compose::name_in_project(&self.record, volume));
            argv.extend(["--network".to_owned(), compose::network(&self.record)]);
        }
        argv.extend(run::arguments(self.spec()?, &settings, &self.source()?, &[]));
        Ok(argv)
    }

    fn logs(&self, context: &Context, follow: bool) -> Result<Vec<String>> {
        let found = self.must_exist(context)?;
        let mut argv = self.argv(&["logs"]);
        argv.extend(follow.then(|| "--follow".to_owned()));
        argv.push(found.id);
        Ok(argv)
    }

    fn save_image(&self, context: &Context, output: &Path) -> Result<()> {
        let found = self.must_exist(context)?;
        context.info("Committing the container to an image...");
        let image = self.engine.commit(context, &found.id, "")?;
        let output = output.display().to_string();
        let saved = self.engine.run_patiently(context, &["save", "-o", &output, &image]);
        let removed = self.engine.run(&uninterrupted(context), &["rmi", &image]);
        saved.and(removed.map(drop))
    }
}
