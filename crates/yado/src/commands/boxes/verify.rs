//! `yado box verify`: whether boxes are still what they were, byte by byte.

use clap::Args;
use yado_boxes::Verified;
use yado_core::{Error, ErrorKind, MessageKind, Result};

use crate::session::Session;

/// Check that boxes are undamaged, and make damaged ones again
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The box's name; all boxes when none is given
    name: Option<String>,
    /// This version
    #[arg(long, value_name = "VERSION")]
    box_version: Option<String>,
    /// Of this provider
    #[arg(long)]
    provider: Option<String>,
    /// Change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    session.prepare_for_changes()?;
    let store = session.boxes()?;
    let context = session.context.for_machine("box");
    let (name, version) = (arguments.name.as_deref(), arguments.box_version.as_deref());
    let mut damaged = Vec::new();
    for installed in store.matching(name, version, arguments.provider.as_deref())? {
        let what = format!("{} ({}, {})", installed.name, installed.provider, installed.version);
        match store.verify(&context, &installed, !arguments.dry_run)? {
            Verified::Intact => context.say(MessageKind::Success, format!("{what} is intact.")),
            Verified::Repaired => {
                context.say(MessageKind::Success, format!("{what} was damaged and is repaired."));
            }
            Verified::Damaged(why) => damaged.push(format!("{what}: {why}.")),
        }
    }
    if damaged.is_empty() {
        return Ok(0);
    }
    Err(Error::new(ErrorKind::Other, format!("Damaged boxes:\n  {}", damaged.join("\n  ")))
        .hinted("Remove them with `yado box remove` and add them again; machines keep what they have."))
}
