//! From what is to what should be, as steps. Pure: no machine is touched here.
//!
//! ```text
//!   not created ──create──▶ stopped ──start──▶ running ◀──resume/suspend──▶ suspended
//!        ▲                     │  ▲               │                            │
//!        └──────destroy────────┘  └─────stop──────┴────────────stop────────────┘
//! ```

use crate::provider::MachineState;

/// What a command wants of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// `up`, `resume`: it runs and is provisioned.
    Running,
    /// `reload`: it was switched off and on again with the present configuration.
    Restarted,
    /// `provision`: its provisioners have run.
    Provisioned,
    /// `halt`: it is switched off.
    Stopped,
    /// `suspend`: it is frozen.
    Suspended,
    /// `destroy`: it does not exist.
    Destroyed,
}

/// One named change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Have the box at hand.
    FetchImage,
    /// Make the machine, switched off.
    Create,
    /// Switch it on, with networks and folders.
    Start,
    /// Wait until commands can be run inside.
    WaitReady,
    /// Let limits that were changed count.
    Adjust,
    /// Run what is due of its provisioners.
    Provision,
    /// Switch it off.
    Stop,
    /// Freeze it.
    Suspend,
    /// Go on.
    Resume,
    /// Remove it.
    Destroy,
}

/// The steps that lead from `state` to `goal`; empty when there is nothing to do.
pub fn plan(state: MachineState, goal: Goal) -> Vec<Step> {
    use MachineState::{NotCreated, Running, Stopped, Suspended};
    use Step::{Adjust, Create, Destroy, FetchImage, Provision, Resume, Start, Stop, Suspend, WaitReady};
    match (goal, state) {
        (Goal::Running, NotCreated) => vec![FetchImage, Create, Start, WaitReady, Provision],
        (Goal::Running | Goal::Restarted, Stopped) => vec![Start, WaitReady, Provision],
        (Goal::Running, Suspended) => vec![Resume, WaitReady, Adjust, Provision],
        (Goal::Running, Running) => vec![Adjust, Provision],
        (Goal::Provisioned, Running) => vec![Provision],
        (Goal::Restarted, Running | Suspended) => vec![Stop, Start, WaitReady, Provision],
        (Goal::Stopped, Running | Suspended) => vec![Stop],
        (Goal::Suspended, Running) => vec![Suspend],
        (Goal::Destroyed, Running | Suspended) => vec![Stop, Destroy],
        (Goal::Destroyed, Stopped) => vec![Destroy],
        (
            Goal::Restarted | Goal::Provisioned | Goal::Stopped | Goal::Suspended | Goal::Destroyed,
            NotCreated,
        )
        | (Goal::Provisioned | Goal::Suspended, Stopped | Suspended)
        | (Goal::Stopped, Stopped) => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a step leads, from where it may be taken.
    fn after(step: Step, state: MachineState) -> MachineState {
        use MachineState::{NotCreated, Running, Stopped, Suspended};
        match (step, state) {
            (Step::FetchImage, NotCreated) => NotCreated,
            (Step::Create, NotCreated) => Stopped,
            (Step::Start, Stopped)
            | (Step::WaitReady | Step::Adjust | Step::Provision, Running)
            | (Step::Resume, Suspended) => Running,
            (Step::Stop, Running | Suspended) => Stopped,
            (Step::Suspend, Running) => Suspended,
            (Step::Destroy, Stopped) => NotCreated,
            (step, state) => panic!("{step:?} cannot be taken when {state:?}"),
        }
    }

    #[test]
    fn every_plan_is_possible_and_leads_to_its_goal() {
        use MachineState::{NotCreated, Running, Stopped, Suspended};
        for state in [NotCreated, Stopped, Running, Suspended] {
            for (goal, wanted) in [
                (Goal::Running, vec![Running]),
                (Goal::Restarted, vec![Running, NotCreated]),
                (Goal::Stopped, vec![Stopped, NotCreated]),
                (Goal::Destroyed, vec![NotCreated]),
                (Goal::Suspended, vec![Suspended, Stopped, NotCreated]),
                (Goal::Provisioned, vec![Running, Stopped, Suspended, NotCreated]),
            ] {
                let end = plan(state, goal).into_iter().fold(state, |state, step| after(step, state));
                assert!(wanted.contains(&end), "{state:?} to {goal:?} ends {end:?}");
            }
        }
    }

    #[test]
    fn what_is_already_so_needs_nothing() {
        assert!(plan(MachineState::Stopped, Goal::Stopped).is_empty());
        assert!(plan(MachineState::NotCreated, Goal::Destroyed).is_empty());
        assert_eq!(plan(MachineState::Running, Goal::Provisioned), vec![Step::Provision]);
    }
}
