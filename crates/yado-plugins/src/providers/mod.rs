//! Providers: what builds and operates machines. A new one is a folder and two lines here.

use yado_core::ProviderKind;

/// All providers, in the order of the reference page.
pub static PROVIDERS: &[&dyn ProviderKind] = &[];
