//! Which provisioners are due, running them in order, and remembering which ended well: after a failure the next `up`
//! goes on at the one that failed.

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::registry::Registry;
use crate::spec::{MachineSpec, ProvisionerSpec, RunWhen};
use crate::store::ProvisionRecord;

/// What the user said about provisioning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wish {
    /// Nothing: what is due.
    #[default]
    Due,
    /// `--provision`, `provision`: everything but `run: "never"`.
    Force,
    /// `--no-provision`.
    Skip,
    /// `--provision-with a,b`: those types and names, whatever their `run`.
    Only(Vec<String>),
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub struct Due {
    /// Positions in the machine's list, in order.
    pub positions: Vec<usize>,
    /// What to tell the user first.
    pub notice: Option<String>,
}

const ALREADY: &str = "Machine already provisioned. Run `vagrant provision` or use the `--provision`\n\
                       flag to force provisioning. Provisioners marked to run always will still run.";

/// The provisioners that are due on a machine whose earlier runs left `records`; `provisioned` when all of its first
/// `up` ended well.
pub fn due(
    provisioners: &[ProvisionerSpec],
    provisioned: bool,
    records: &[ProvisionRecord],
    wish: &Wish,
) -> Due {
    let all = |test: &dyn Fn(usize, &ProvisionerSpec) -> bool| -> Vec<usize> {
        provisioners.iter().enumerate().filter(|(at, spec)| test(*at, spec)).map(|(at, _)| at).collect()
    };
    let quiet = |positions| Due { positions, notice: None };
    match wish {
        Wish::Skip => Due {
            positions: Vec::new(),
            notice: Some("Machine not provisioned because `--no-provision` is specified.".to_owned()),
        },
        // What never runs by itself runs when it is called by its own name, not by its kind's.
        Wish::Only(wanted) => quiet(all(&|_, spec| {
            wanted.iter().any(|name| {
                Some(name) == spec.name.as_ref() || spec.run != RunWhen::Never && *name == spec.kind
            })
        })),
        Wish::Force => quiet(all(&|_, spec| spec.run != RunWhen::Never)),
        Wish::Due if provisioned => Due {
            positions: all(&|_, spec| spec.run == RunWhen::Always),
            notice: (!provisioners.is_empty())
                .then(|| ALREADY.replace("vagrant provision", "yado provision")),
        },
        Wish::Due => {
            let finished = |at: usize, spec: &ProvisionerSpec| {
                records.iter().any(|record| record.position as usize == at && record.label == label(spec))
            };
            let positions = all(&|at, spec| {
                spec.run == RunWhen::Always || spec.run == RunWhen::Once && !finished(at, spec)
            });
            let resumed = positions
                .iter()
                .find(|at| provisioners[**at].run == RunWhen::Once)
                .filter(|_| !records.is_empty())
                .map(|at| {
                    format!(
                        "Provisioning was not finished last time. Going on at {}.",
                        label(&provisioners[*at])
                    )
                });
            Due { positions, notice: resumed }
        }
    }
}

/// How a provisioner is called in messages: its type, and its name when it has one.
pub fn label(spec: &ProvisionerSpec) -> String {
    match &spec.name {
        Some(name) => format!("{name} ({})", spec.kind),
        None => spec.kind.clone(),
    }
}

/// Refuses `--provision-with` values that are neither a name nor a known type.
pub fn check_names(registry: &Registry, machines: &[&MachineSpec], wanted: &[String]) -> Result<()> {
    for name in wanted {
        let known = registry.provisioner(name).is_some()
            || machines.iter().any(|machine| {
                machine.provisioners.iter().any(|spec| spec.kind == *name || spec.name.as_ref() == Some(name))
            });
        if !known {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("'{name}' is not a known provisioner. Please specify a valid provisioner."),
            ));
        }
    }
    Ok(())
}

/// What is said of a provisioner that a Vagrantfile may have and that is not done here.
pub(crate) fn not_done(provisioner: &ProvisionerSpec) -> Error {
    let text = format!("yado does not do what the '{}' provisioner asks for.", provisioner.kind);
    Error::new(ErrorKind::ConfigInvalid, text)
        .at(provisioner.origin.clone())
        .hinted("`--no-provision` brings the machine up without provisioners, `--provision-with` runs those it names.")
}

/// Says which provisioner runs.
pub fn announce(context: &Context, spec: &ProvisionerSpec) {
    context.info(format!("Running provisioner: {}...", label(spec)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provisioner(name: &str, run: RunWhen) -> ProvisionerSpec {
        ProvisionerSpec {
            kind: "shell".into(),
            name: Some(name.into()),
            run,
            communicator_required: true,
            settings: serde_json::Map::new(),
            origin: None,
        }
    }

    fn list() -> Vec<ProvisionerSpec> {
        vec![
            provisioner("a", RunWhen::Once),
            provisioner("b", RunWhen::Always),
            provisioner("c", RunWhen::Once),
            provisioner("d", RunWhen::Never),
        ]
    }

    fn record(position: u32, name: &str) -> ProvisionRecord {
        ProvisionRecord { position, label: format!("{name} (shell)"), fingerprint: String::new() }
    }

    #[test]
    fn the_first_up_runs_all_but_never() {
        assert_eq!(due(&list(), false, &[], &Wish::Due).positions, vec![0, 1, 2]);
    }

    #[test]
    fn after_a_failure_the_finished_ones_are_not_repeated() {
        let due = due(&list(), false, &[record(0, "a"), record(1, "b")], &Wish::Due);
        assert_eq!(due.positions, vec![1, 2]);
        assert!(due.notice.unwrap().contains("Going on at c (shell)"));
    }

    #[test]
    fn a_provisioned_machine_runs_only_always_and_says_so() {
        let due = due(&list(), true, &[], &Wish::Due);
        assert_eq!(due.positions, vec![1]);
        assert!(due.notice.unwrap().starts_with("Machine already provisioned."));
    }

    #[test]
    fn never_runs_only_when_named() {
        assert_eq!(due(&list(), true, &[], &Wish::Only(vec!["d".into()])).positions, vec![3]);
        assert_eq!(due(&list(), true, &[], &Wish::Force).positions, vec![0, 1, 2]);
        assert_eq!(due(&list(), false, &[], &Wish::Skip).positions, Vec::<usize>::new());
        assert_eq!(due(&list(), true, &[], &Wish::Only(vec!["shell".into()])).positions, vec![0, 1, 2]);
    }
}
