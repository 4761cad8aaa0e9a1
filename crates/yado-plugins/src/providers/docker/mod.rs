//! `docker` and `podman`: machines as containers of an engine that is already there, driven by its own program.
//!
//! A machine is one container, known by a label with the machine's id, so that it is found again whatever its name and
//! also when the process that made it was killed. It is entered by the engine's `exec`: no SSH server is needed, and
//! shell provisioners work in every image that has a shell.

mod accounts;
mod commands;
mod communicator;
mod compose;
mod engine;
mod image;
mod machine;
mod networks;
mod reach;
mod recipe;
mod run;
mod settings;
mod snapshots;

use std::os::unix::net::UnixStream;

use yado_core::provider::{Place, Reach};
use yado_core::spec::Problem;
use yado_core::{
    Context, Host, Image, Kind, MachineRecord, MachineSpec, Provider, ProviderKind, Result, Schema, Usable,
    settings,
};

use settings::Settings;

/// Docker, or what its program is led to.
pub(super) static DOCKER: EngineKind = EngineKind { program: "docker" };
/// Podman.
pub(super) static PODMAN: EngineKind = EngineKind { program: "podman" };

/// An engine with Docker's command line.
pub(super) struct EngineKind {
    program: &'static str,
}

static SCHEMA: Schema = Schema {
    settings: &settings! {
        "image" Text "" "The image to make the container from.";
        "build_dir" Text "" "A directory with a Dockerfile to build the image from.";
        "dockerfile" Text "" "The Dockerfile's name, when it is another.";
        "git_repo" Text "" "A repository with a Dockerfile to build the image from.";
        "build_args" List "[]" "More arguments for the build.";
        "cmd" List "[]" "The command to run instead of the image's own.";
        "create_args" List "[]" "More arguments for the engine's `run`.";
        "compose" Bool "false" "Whether Docker Compose makes the containers, as services of one project.";
        "compose_configuration" Map "{}" "What its file is to say besides.";
        "env" Map "{}" "Environment variables of the container.";
        "env_file" List "[]" "Files with more of them, a NAME=VALUE in each line.";
        "expose" List "[]" "Ports that linked containers may use.";
        "has_ssh" Bool "false" "Whether an SSH server runs in it.";
        "links" List "[]" "Containers to link to, as `\"name:alias\"`.";
        "name" Text "" "The container's name.";
        "ports" List "[]" "Ports to publish, as `\"host:container\"`.";
        "privileged" Bool "false" "All rights for the container.";
        "pull" Bool "false" "Pull the image also when it is there, and again at every reload.";
        "remains_running" Bool "true" "Whether its command is to keep running.";
        "stop_timeout" Integer "1" "Seconds between asking it to stop and killing it.";
        "volumes" List "[]" "Volumes, as `\"host:container[:options]\"`.";
        "auth_server" Text "" "The registry to log in to.";
        "username" Text "\"\"" "The user to log in as.";
        "password" Text "\"\"" "Its password.";
    },
};

impl Kind for EngineKind {
    fn name(&self) -> &'static str {
        self.program
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn usable(&self, host: &Host) -> Usable {
        if host.which(self.program).is_none() {
            let package = if self.program == "docker" { "docker.io" } else { self.program };
            return Usable::No(format!(
                "There is no '{}' program on the PATH; on Debian, `apt-get install {package}` brings it.",
                self.program
            ));
        }
        if self.program == "podman" && !engine::can_map_users() {
            return Usable::No(
                "For users who are not root Podman has to be asked for: `yado up --provider podman`, or \
                 VAGRANT_DEFAULT_PROVIDER=podman. Its machines and those of yado's own engine cannot be worked on by one \
                 command."
                    .to_owned(),
            );
        }
        // Podman has no daemon that could be missing; an engine elsewhere is not asked here: that may take seconds.
        if self.program == "docker"
            && !engine::is_elsewhere()
            && UnixStream::connect("/var/run/docker.sock").is_err()
        {
            return Usable::No(
                "Docker's daemon does not answer at /var/run/docker.sock; start it (`sudo systemctl start docker`), or \
                 become a member of the group 'docker'."
                    .to_owned(),
            );
        }
        Usable::Yes
    }
}

impl ProviderKind for EngineKind {
    fn summary(&self) -> &'static str {
        if self.program == "docker" { "containers of a Docker engine" } else { "containers of Podman" }
    }

    fn needs_box(&self, spec: &MachineSpec) -> bool {
        !Settings::of(spec, self.program).names_an_image() && spec.image.name.is_some()
    }

    fn boxes(&self) -> &'static str {
        "container"
    }

    fn forget_box(&self, context: &Context, image: &Image) -> Result<()> {
        image::forget_box(engine::Engine { program: self.program }, context, image)
    }

    fn forwards_ssh(&self) -> bool {
        false
    }

    fn maps_owners(&self) -> bool {
        false
    }

    fn reach(&self, spec: &MachineSpec) -> Reach {
        reach::of(&Settings::of(spec, self.program))
    }

    fn check(&self, spec: &MachineSpec) -> Vec<Problem> {
        let settings = Settings::of(spec, self.program);
        let mut problems = settings.problems(spec.image.name.is_some(), self.program);
        // A box's files belong to several users, who exist for this user only where yado's own machines are made.
        if self.program == "podman" && self.needs_box(spec) && !rustix::process::geteuid().is_root() {
            problems.push(Problem {
                message: "For users who are not root Podman makes machines of an 'image', a 'build_dir' or a 'git_repo', \
                          not of a box."
                    .to_owned(),
                origin: spec.image.origin.clone(),
                remedy: None,
            });
        }
        problems.extend(networks::problems(spec));
        problems.extend(run::problems(spec));
        problems
    }

    fn open(
        &self,
        record: &MachineRecord,
        spec: Option<&MachineSpec>,
        place: &Place,
    ) -> Result<Box<dyn Provider>> {
        Ok(Box::new(machine::Machine::open(self.program, record, spec, place)))
    }
}
