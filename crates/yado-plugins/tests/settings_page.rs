//! `docs/settings.md` says what the code does: it is written from the tables of settings, and this test writes it anew
//! and compares. `YADO_WRITE=1 cargo test -p yado-plugins --test settings_page` replaces it.

#![allow(clippy::unwrap_used, reason = "writing into a text cannot fail")]

use std::fmt::Write as _;
use std::path::Path;

use yado_core::kind::{Schema, SettingType};

fn page() -> String {
    let registry = yado_plugins::registry();
    let mut page = "# Settings of yado's own providers and provisioners\n\nWritten from the tables in the code. What stands \
                    in a block of the Vagrantfile (`config.vm.provider \"container\" do |c|`) is checked against these: \
                    an unknown name or a value of another type is a fault, with its line and the nearest name.\n"
        .to_owned();
    page.push_str("\n## Providers\n");
    for provider in registry.providers {
        write!(page, "\n### {}\n\n{}.", provider.name(), capitalised(provider.summary())).unwrap();
        if !provider.aliases().is_empty() {
            let names: Vec<String> = provider.aliases().iter().map(|name| format!("`{name}`")).collect();
            write!(page, " Also asked for as {}.", names.join(", ")).unwrap();
        }
        page.push('\n');
        settings(&mut page, provider.schema());
    }
    page.push_str("\n## Provisioners\n");
    for provisioner in registry.provisioners {
        write!(page, "\n### {}\n", provisioner.name()).unwrap();
        settings(&mut page, provisioner.schema());
    }
    page
}

fn settings(page: &mut String, schema: &Schema) {
    if schema.settings.is_empty() {
        page.push_str("\nIt has no settings of its own.\n");
        return;
    }
    page.push_str("\n| setting | value | default | |\n| --- | --- | --- | --- |\n");
    for setting in schema.settings {
        let kind = match setting.kind {
            SettingType::Bool => "true or false",
            SettingType::Integer => "whole number",
            SettingType::Number => "number",
            SettingType::Text => "text",
            SettingType::List => "list",
            SettingType::Map => "hash",
            SettingType::Any => "any",
        };
        let default =
            if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        writeln!(page, "| `{}` | {kind} | {default} | {} |", setting.name, setting.doc.replace('|', "\\|"))
            .unwrap();
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[test]
fn the_page_of_settings_says_what_the_tables_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    let fresh = page();
    if std::env::var_os("YADO_WRITE").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == fresh,
        "docs/settings.md is out of date: YADO_WRITE=1 cargo test -p yado-plugins --test settings_page"
    );
}
