//! `yado provider`: which provider a machine has.

use clap::Args;
use yado_core::{Error, ErrorKind, Result, Usable};

use crate::session::Session;
use crate::targets::Wanted;

/// Show which provider a machine has
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Machine name or id
    name: Option<String>,
    /// Install the provider's programs (refused: that is for the system's packages)
    #[arg(long)]
    install: bool,
    /// Say instead with code 0 or 1 whether it can be used here
    #[arg(long)]
    usable: bool,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let wanted = Wanted { recorded: true, ..Wanted::default() };
    let target = session.one_target(arguments.name.as_ref(), wanted)?;
    let usable = target.kind.usable(&session.context.host);
    if arguments.install {
        return match usable {
            Usable::Yes => {
                session.ui.plain(&format!("The provider '{}' can be used as it is.", target.kind.name()));
                Ok(0)
            }
            Usable::No(reason) => Err(Error::new(ErrorKind::ProviderNotUsable, reason)
                .hinted("yado installs nothing into the system by itself.")),
        };
    }
    session.ui.data(Some(&target.name), "provider-name", &[target.kind.name()]);
    session.ui.plain(target.kind.name());
    Ok(u8::from(arguments.usable && !matches!(usable, Usable::Yes)))
}
