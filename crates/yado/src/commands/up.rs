//! `yado up`: machines that run and are provisioned.

use std::path::PathBuf;

use clap::Args;
use yado_core::lifecycle::Options;
use yado_core::plan::Goal;
use yado_core::spec::BoxSpec;
use yado_core::{Error, ErrorKind, MachineSpec, Result};

use super::batch::Batch;
use super::{ProvisionArguments, boxes, timings};
use crate::agreement::Mode;
use crate::session::{Project, Session};
use crate::targets::{Target, Wanted};

/// Create, start and provision the machines of this environment
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    #[command(flatten)]
    provision: ProvisionArguments,
    /// Use what the lock file has and nothing else; refuse whatever differs from it
    #[arg(long)]
    locked: bool,
    /// Build the machines with this provider
    #[arg(long)]
    pub(crate) provider: Option<String>,
    /// Remove a machine whose making failed (default)
    #[arg(long, overrides_with = "no_destroy_on_error")]
    destroy_on_error: bool,
    /// Keep a machine whose making was interrupted
    #[arg(long)]
    no_destroy_on_error: bool,
    /// Work on several machines at once (default)
    #[arg(long, overrides_with = "no_parallel")]
    parallel: bool,
    /// Work on one machine after another
    #[arg(long)]
    no_parallel: bool,
    /// Taken, and without effect: yado says which package a provider needs
    #[arg(long, hide = true)]
    #[allow(dead_code, reason = "scripts give it to Vagrant's command")]
    install_provider: bool,
    /// Taken, and without effect
    #[arg(long, hide = true)]
    #[allow(dead_code, reason = "scripts give it to Vagrant's command")]
    no_install_provider: bool,
    /// Tell where the time went; with a file, also write it for trace viewers such as Perfetto
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    timings: Option<Option<PathBuf>>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let Some(trace) = &arguments.timings else { return bring_up(session, arguments) };
    timings::check(trace.as_deref())?;
    session.context.host.keep_times();
    let outcome = bring_up(session, arguments);
    // Where the time went until it failed may be why.
    let told = timings::tell(session, trace.as_deref());
    outcome.and_then(|code| told.map(|()| code))
}

fn bring_up(session: &Session, arguments: &Arguments) -> Result<u8> {
    let time = session.context.time("look for interrupted work");
    session.prepare_for_changes()?;
    drop(time);
    let wanted = Wanted {
        provider: arguments.provider.as_deref(),
        autostart: true,
        spec: true,
        checked: true,
        ..Wanted::default()
    };
    let time = session.context.time("read the Vagrantfile");
    let mut project = session.project_for(wanted)?;
    let mut targets = session.targets_of(&mut project, &arguments.names, wanted)?;
    drop(time);
    if targets.is_empty() {
        session.ui.plain("No machines are to be started: all have 'autostart: false'. Name one to start it.");
        return Ok(0);
    }
    super::check_provisioners(session, &arguments.provision.wish(), &targets)?;
    for target in &targets {
        session.ui.plain(&format!(
            "Bringing machine '{}' up with '{}' provider...",
            target.name,
            target.kind.name()
        ));
    }
    agree(session, &targets, arguments.locked)?;
    let time = session.context.time("ask for newer boxes");
    tell_of_newer_boxes(session, &targets)?;
    drop(time);
    let time = session.context.time("have boxes that bring settings");
    listen_to_new_boxes(session, &mut project, &mut targets)?;
    drop(time);
    agree_on_scripts(session, &mut targets)?;
    let specs: Vec<&MachineSpec> = targets.iter().filter_map(|target| target.spec.as_ref()).collect();
    let messages: Vec<(String, String)> =
        specs.iter().map(|spec| (spec.name.clone(), spec.post_up_message.clone())).collect();
    let options = Options {
        provision: arguments.provision.wish(),
        keep_on_error: arguments.no_destroy_on_error,
        ..Options::default()
    };
    let outcome = Batch { goal: Goal::Running, action: "up", options, parallel: !arguments.no_parallel }
        .run(session, targets);
    // What some machines were made of is known even if others failed.
    session.agreement.keep(&session.context);
    outcome?;
    show_messages(session, &messages);
    Ok(0)
}

/// Holds the machines that exist to the lock file; boxes follow when machines are made.
fn agree(session: &Session, targets: &[Target], locked: bool) -> Result<()> {
    // Machines named by their ids have no project here.
    let Some(vagrantfile) = session.vagrantfile() else { return Ok(()) };
    session.agreement.open(&vagrantfile, if locked { Mode::Strict } else { Mode::Grow })?;
    let store = session.boxes()?;
    for target in targets {
        let Some(spec) = &target.spec else { continue };
        let context = session.context.for_machine(&target.name);
        if let Some(wanted) = &spec.clone_from {
            if locked {
                return Err(Error::new(
                    ErrorKind::ConfigInvalid,
                    format!(
                        "'{}' is a copy of a machine, which differs from computer to computer and cannot be locked.",
                        target.name
                    ),
                )
                .hinted("Use a box, or 'up' without '--locked'.")
                .at(wanted.origin.clone()));
            }
            continue;
        }
        let provider = target.kind.boxes();
        let recorded = target.record.as_ref().and_then(|record| record.image.as_deref());
        let image: Option<yado_core::Image> = recorded.and_then(|text| serde_json::from_str(text).ok());
        match image {
            Some(image) => session.agreement.meet(&context, &store, &spec.image, &image, provider)?,
            // What is missing is told before the first machine is made.
            None if target.kind.needs_box(spec) => {
                session.agreement.pinned(&store, &spec.image, provider).map(drop)?;
            }
            None => {}
        }
    }
    Ok(())
}

/// Holds scripts that are fetched to the lock file.
fn agree_on_scripts(session: &Session, targets: &mut [Target]) -> Result<()> {
    let store = session.boxes()?;
    for target in targets {
        let Some(spec) = &mut target.spec else { continue };
        let context = session.context.for_machine(&target.name);
        session.agreement.pin_scripts(&context, &store, &mut spec.provisioners)?;
    }
    Ok(())
}

/// Has the boxes of machines that are still to be made, several at once, and asks the Vagrantfile again where a box came
/// with one of its own: what that says counts before ports are taken and the first machine is made.
fn listen_to_new_boxes(
    session: &Session,
    project: &mut Option<Project>,
    targets: &mut [Target],
) -> Result<()> {
    let images = &session.workshop()?.images;
    let mut wanted: Vec<(&MachineSpec, &str)> = Vec::new();
    for target in targets.iter() {
        let is_made = target.record.as_ref().is_some_and(|record| record.image.is_some());
        let Some(spec) = target.spec.as_ref().filter(|spec| !is_made && target.kind.needs_box(spec)) else {
            continue;
        };
        let provider = target.kind.name();
        let is_known = wanted.iter().any(|(known, by)| known.image == spec.image && *by == provider);
        if !is_known && spec.image.name.as_deref().is_some_and(|name| name != "host") {
            wanted.push((spec, provider));
        }
    }
    let whole = &session.context;
    let outcomes: Vec<Result<Option<(BoxSpec, &str)>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = wanted
            .iter()
            .map(|&(spec, provider)| {
                scope.spawn(move || {
                    let context = whole.for_machine(&spec.name);
                    let _time = context.time(&format!("box for {}", spec.name));
                    match images.resolve(&context, &spec.image, &spec.project, provider) {
                        Ok(image) => Ok(image.vagrantfile.map(|_| (spec.image.clone(), provider))),
                        // A trigger that runs before may be what makes the box.
                        Err(error) if error.kind() != ErrorKind::Interrupted && !spec.triggers.is_empty() => {
                            Ok(None)
                        }
                        Err(error) => Err(error),
                    }
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut speaking = Vec::new();
    for outcome in outcomes {
        speaking.extend(outcome?);
    }
    let Some(project) = project else { return Ok(()) };
    session.listen_again();
    for target in targets {
        let Some(spec) = &mut target.spec else { continue };
        if speaking.iter().any(|(image, by)| *image == spec.image && *by == target.kind.name()) {
            *spec = session.spec_of(project, &target.name, target.kind, true)?;
            target.triggers = Some(spec.triggers.clone());
        }
    }
    Ok(())
}

/// Asks the catalogues of boxes that machines are made from, or would be; no answer is no reason to stop.
fn tell_of_newer_boxes(session: &Session, targets: &[Target]) -> Result<()> {
    let network = &session.settings.network;
    if network.no_update_check || network.offline {
        return Ok(());
    }
    for target in targets {
        let Some(spec) = target.spec.as_ref().filter(|spec| spec.image.check_update) else { continue };
        let Some(installed) = session.installed_box(&spec.image, target)? else { continue };
        if installed.catalogue.is_none() || !session.boxes()?.is_check_due(&installed)? {
            continue;
        }
        let context = session.context.for_machine(&target.name);
        context.info(format!(
            "Checking if box '{}' version '{}' is up to date...",
            installed.name, installed.version
        ));
        let constraints = spec.image.version.as_deref().unwrap_or("");
        match session.boxes()?.newer(&installed, constraints, &spec.image.download) {
            Ok(Some(version)) => context.warn(boxes::newer(&installed, &version)),
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => context.warn(format!("There was a problem while asking: {}", error.message())),
        }
    }
    Ok(())
}

/// What the Vagrantfile's author wants said after `up`.
pub(super) fn show_messages(session: &Session, messages: &[(String, String)]) {
    for (name, message) in messages.iter().filter(|(_, message)| !message.is_empty()) {
        session.ui.plain("");
        session.context.for_machine(name).info(format!(
            "Machine '{name}' has a post `vagrant up` message. This is a message\n\
             from the creator of the Vagrantfile, and not from Vagrant itself:\n\n{message}"
        ));
    }
}
