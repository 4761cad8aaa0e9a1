//! `yado box list`.

use clap::Args;
use yado_boxes::{BoxStore, Usage};
use yado_core::Result;

use crate::session::Session;

/// Show the boxes on this computer
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Also where each came from, its digest and size
    #[arg(short = 'i', long)]
    box_info: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let store = session.settings.home.is_dir().then(|| session.boxes()).transpose()?;
    let boxes = store.as_ref().map_or_else(|| Ok(Vec::new()), BoxStore::list)?;
    if boxes.is_empty() {
        session.ui.plain("There are no installed boxes! Use `yado box add` to add some.");
        return Ok(0);
    }
    let width = boxes.iter().map(|installed| installed.name.len()).max().unwrap_or(0);
    // Only asked for sizes, since every file has to be looked at for them.
    let usages = match &store {
        Some(store) if arguments.box_info => store.usage(&boxes)?,
        _ => vec![Usage::default(); boxes.len()],
    };
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    for (installed, usage) in boxes.iter().zip(usages) {
        session.ui.data(None, "box-name", &[&installed.name]);
        session.ui.data(None, "box-provider", &[&installed.provider]);
        session.ui.data(None, "box-version", &[&installed.version]);
        session
            .ui
            .plain(&format!("{:<width$} ({}, {})", installed.name, installed.provider, installed.version));
        if arguments.box_info {
            let facts = [
                ("source", installed.source.clone()),
                ("digest", installed.digest.clone()),
                ("size", mebibytes(installed.size)),
                ("on disk, own", mebibytes(usage.own)),
                ("on disk, shared with other boxes", mebibytes(usage.shared)),
            ];
            for (key, value) in facts {
                session.ui.data(None, "box-info", &[key, &value]);
                session.ui.plain(&format!("  - {key}: {value}"));
            }
        }
    }
    Ok(0)
}
