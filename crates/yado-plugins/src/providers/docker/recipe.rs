//! How a container is made: by the engine's `run` with these words, or by Docker Compose as this service.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};
use yado_core::{Context, Forward, Result};

use super::image::Source;
use super::machine::Machine;
use super::settings::Settings;
use super::{compose, networks, run};

/// What a container is made by.
pub(super) enum Recipe {
    /// Arguments of `run`.
    Run(Vec<String>),
    /// A service of the environment's project.
    Service(Value),
}

impl Recipe {
    /// Tells containers that were made otherwise.
    pub(super) fn fingerprint(&self) -> String {
        let digest = match self {
            Self::Run(arguments) => Sha256::digest(arguments.join("\0").as_bytes()),
            Self::Service(service) => Sha256::digest(service.to_string().as_bytes()),
        };
        digest.iter().fold(String::new(), |mut text, byte| {
            // Writing to text cannot fail.
            let _written = write!(text, "{byte:02x}");
            text
        })
    }
}

impl Machine {
    /// How its container is made from `source`.
    pub(super) fn recipe(
        &self,
        settings: &Settings,
        source: &Source,
        forwards: &[Forward],
    ) -> Result<Recipe> {
        let spec = self.spec()?;
        if !settings.compose {
            let mut words = networks::first(self.engine, spec, settings);
            words.extend(run::arguments(spec, settings, source, forwards));
            return Ok(Recipe::Run(words));
        }
        let machines = self.place.store.machines(Some(&self.record.environment))?;
        let is_service = |name: &str| machines.iter().any(|other| other.name == name);
        Ok(Recipe::Service(compose::service(spec, settings, source, forwards, &is_service)))
    }

    /// Makes the container, running; its id.
    pub(super) fn follow(&self, context: &Context, settings: &Settings, recipe: &Recipe) -> Result<String> {
        match recipe {
            Recipe::Service(service) => self.compose_up(context, service, &recipe.fingerprint()),
            Recipe::Run(arguments) => {
                let name = self.container_name(settings);
                let words = run::command(&self.record, &name, &recipe.fingerprint(), arguments);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let id = self.engine.run(context, &words)?;
                // Warnings of the engine may come before the id.
                Ok(id.lines().last().unwrap_or_default().to_owned())
            }
        }
    }

    /// Starts a container that was made by this recipe.
    pub(super) fn switch_on(&self, context: &Context, id: &str, recipe: &Recipe) -> Result<()> {
        match recipe {
            // What the project has besides machines starts with them.
            Recipe::Service(service) if compose::has_more(&self.settings()) => {
                self.compose_up(context, service, &recipe.fingerprint()).map(drop)
            }
            _ => self.engine.run(context, &["start", id]).map(drop),
        }
    }
}
