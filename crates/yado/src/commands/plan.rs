//! `yado plan`: what `up` would do, and nothing done.

use clap::Args;
use yado_core::plan::{Goal, Step, plan};
use yado_core::provisioning::{self, Wish};
use yado_core::{MachineRecord, MachineSpec, MachineState, Result, lifecycle};

use super::ProvisionArguments;
use crate::session::Session;
use crate::targets::{Target, Wanted};

/// Show what `up` would do, without doing it
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine names, /regular expressions/ or ids; all machines when none is given
    names: Vec<String>,
    #[command(flatten)]
    provision: ProvisionArguments,
    /// As if the machines were to be built with this provider
    #[arg(long)]
    provider: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let wanted = Wanted {
        provider: arguments.provider.as_deref(),
        autostart: true,
        spec: true,
        checked: true,
        ..Wanted::default()
    };
    let targets = session.targets(&arguments.names, wanted)?;
    let wish = arguments.provision.wish();
    super::check_provisioners(session, &wish, &targets)?;
    let mut nothing = true;
    for target in &targets {
        let Some(spec) = &target.spec else { continue };
        let context = session.context.for_machine(&target.name);
        let what = Changes::of(session, target, spec, &wish)?;
        session.ui.data(Some(&target.name), "plan", &what.names());
        if what.lines.is_empty() {
            context.info(format!("Nothing to do: {} ({})", what.state.short(), target.kind.name()));
        } else {
            nothing = false;
            context.info(format!("Now {} ({}). `yado up` would", what.state.short(), target.kind.name()));
        }
        for (_, line) in &what.lines {
            context.detail(format!("- {line}"));
        }
        if !what.waiting.is_empty() {
            context.detail(format!(
                "Changed, and taken over at the next start (`yado reload`): {}",
                what.waiting.join(", ")
            ));
        }
    }
    if nothing {
        session.ui.plain("`yado up` would change nothing.");
    }
    Ok(0)
}

/// What would be done to one machine.
struct Changes {
    state: MachineState,
    lines: Vec<(&'static str, String)>,
    waiting: Vec<&'static str>,
}

impl Changes {
    fn of(session: &Session, target: &Target, spec: &MachineSpec, wish: &Wish) -> Result<Self> {
        let context = session.context.for_machine(&target.name);
        let store = session.store()?;
        let mut provider = match &target.record {
            Some(record) => Some(target.kind.open(record, Some(spec), &lifecycle::place(store, record))?),
            None => None,
        };
        let state = match &provider {
            Some(provider) => provider.state(&context)?,
            None => MachineState::NotCreated,
        };
        let mut lines = Vec::new();
        for step in plan(state, Goal::Running) {
            match step {
                Step::FetchImage if spec.clone_from.is_some() => {}
                Step::FetchImage => {
                    if let Some(name) = spec.image.name.as_ref().filter(|_| target.kind.needs_box(spec)) {
                        let there = session.installed_box(&spec.image, target)?.is_some();
                        let what = if there { "take the box" } else { "get the box" };
                        lines.push(("box", format!("{what} '{name}'")));
                    }
                }
                Step::Create => lines.push(("create", create(spec))),
                Step::Start => lines.push(("start", start(spec, target))),
                Step::Resume => lines.push(("resume", "let it go on".to_owned())),
                Step::Adjust => {
                    if let Some(limits) = provider.as_mut().and_then(|provider| provider.limits()) {
                        let changes = limits.pending(&context)?;
                        lines.extend(changes.into_iter().map(|change| ("limits", format!("apply {change}"))));
                    }
                }
                Step::Provision => lines.extend(provisioners(session, target, spec, wish)?),
                Step::WaitReady | Step::Stop | Step::Suspend | Step::Destroy => {}
            }
        }
        let started = target.record.as_ref().and_then(started_with);
        let waiting = match (state, started) {
            (MachineState::Running | MachineState::Suspended, Some(started)) => {
                lifecycle::waiting_for_restart(&started, spec)
            }
            _ => Vec::new(),
        };
        Ok(Self { state, lines, waiting })
    }

    fn names(&self) -> Vec<&'static str> {
        self.lines.iter().map(|(name, _)| *name).collect()
    }
}

fn create(spec: &MachineSpec) -> String {
    match &spec.clone_from {
        Some(model) => format!("create the machine as a copy of that of '{}'", model.project.display()),
        None => "create the machine".to_owned(),
    }
}

fn started_with(record: &MachineRecord) -> Option<MachineSpec> {
    serde_json::from_str(record.spec.as_deref()?).ok()
}

fn start(spec: &MachineSpec, target: &Target) -> String {
    // What cannot be made sense of was told before, by the check.
    let forwards = yado_core::ports::wanted(spec, target.kind.forwards_ssh()).unwrap_or_default();
    let mut with: Vec<String> = forwards
        .iter()
        .map(|wish| format!("port {} on {}", wish.forward.guest_port, wish.forward.host_port))
        .collect();
    with.extend(spec.synced_folders.iter().map(|folder| format!("folder {}", folder.guest_path)));
    let networks = spec.networks.iter().filter(|network| network.kind != "forwarded_port").count();
    match networks {
        0 => {}
        1 => with.push("a network".to_owned()),
        several => with.push(format!("{several} networks")),
    }
    if with.is_empty() { "start it".to_owned() } else { format!("start it with {}", with.join(", ")) }
}

fn provisioners(
    session: &Session,
    target: &Target,
    spec: &MachineSpec,
    wish: &Wish,
) -> Result<Vec<(&'static str, String)>> {
    let (records, provisioned) = match &target.record {
        Some(record) => (session.store()?.provision_records(&record.id)?, record.provisioned),
        None => (Vec::new(), false),
    };
    let due = provisioning::due(&spec.provisioners, provisioned, &records, wish);
    let line = |position: usize| {
        ("provision", format!("run the provisioner {}", provisioning::label(&spec.provisioners[position])))
    };
    Ok(due.positions.into_iter().map(line).collect())
}
