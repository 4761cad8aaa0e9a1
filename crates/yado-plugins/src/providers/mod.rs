//! Providers: what builds and operates machines. A new one is a folder and two lines here.

mod container;
mod docker;
mod kvm;
mod networks;
mod values;

use yado_core::ProviderKind;

pub use container::Builder;

/// All providers, in the order of the reference page.
pub static PROVIDERS: &[&dyn ProviderKind] =
    &[&container::CONTAINER, &docker::DOCKER, &docker::PODMAN, &kvm::KVM];
