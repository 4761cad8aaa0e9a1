//! See the description in Cargo.toml; grown module by module.
