//! Which accelerator a machine gets: what the Vagrantfile says, or what this host can do.

use yado_core::{Context, Error, ErrorKind, Result};

use super::probe::{self, Kvm};
use super::settings::{Accelerator, Settings};

/// An accelerator, and the processor that the machine sees.
pub(super) fn choose(context: &Context, settings: &Settings) -> Result<(String, String)> {
    let accelerator = match settings.accelerator {
        Accelerator::Tcg => "tcg",
        wanted => match probe::kvm(&context.host)? {
            Kvm::Works => "kvm",
            Kvm::No(why) if wanted == Accelerator::Kvm => {
                return Err(Error::new(
                    ErrorKind::ProviderNotUsable,
                    format!("KVM cannot be used here: {why}."),
                )
                .hinted("With 'accel = \"auto\"' or 'accel = \"tcg\"' the machine is emulated instead."));
            }
            Kvm::No(_) => "tcg",
        },
    };
    // The best of what the host's processor has, or of what can be emulated.
    let best = if accelerator == "kvm" { "host" } else { "max" };
    let model = settings.cpu_model.as_deref().filter(|model| accelerator == "kvm" || *model != "host");
    Ok((accelerator.to_owned(), model.unwrap_or(best).to_owned()))
}

/// Says why a machine is emulated that might not be.
pub(super) fn tell(context: &Context, settings: &Settings) -> Result<()> {
    if settings.accelerator == Accelerator::Auto
        && let Kvm::No(why) = probe::kvm(&context.host)?
    {
        context.detail(format!("The machine is emulated (slowly), since KVM cannot be used: {why}."));
    }
    Ok(())
}
