//! Everything that yado drives: providers (with their ways in) and provisioners, a folder or file per kind. No folder here
//! imports a sibling; what two need lives in `yado-core`.

pub mod providers;
pub mod provisioners;

use yado_core::Registry;

/// All kinds that this program knows.
pub fn registry() -> Registry {
    Registry { providers: providers::PROVIDERS, provisioners: provisioners::PROVISIONERS }
}
