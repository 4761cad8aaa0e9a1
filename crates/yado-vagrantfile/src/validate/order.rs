//! `before:` and `after:` of provisioners.

use yado_ruby::Value;

use super::Report;
use crate::vm::Vm;

/// Checks that what provisioners are ordered by exists.
pub(super) fn check(report: &mut Report<'_>, vm: &Vm) {
    for one in &vm.provisioners {
        let one = one.borrow().clone();
        let name = one.name.clone().unwrap_or_else(|| one.kind.clone());
        if one.before.is_some() && one.after.is_some() {
            let message = "Dependency provisioners cannot currently set both `before` and `after` options.";
            report.say_under("provisioner", message, one.origin.clone());
        }
        for (option, value) in [("before", &one.before), ("after", &one.after)] {
            let Some(value) = value else { continue };
            if value.text_or_symbol().is_none() {
                let message =
                    format!("Provisioner option `{option}` is not set as a valid type. Must be a string.");
                report.say_under("provisioner", message, one.origin.clone());
            }
            let wanted = report.interpreter.to_s(value).unwrap_or_default();
            if matches!(value, Value::Sym(_)) && ["all", "each"].contains(&wanted.as_str()) {
                continue;
            }
            if one.before.is_some() && one.after.is_some() {
                continue;
            }
            let target = vm.provisioners.iter().find(|other| other.borrow().name.as_deref() == Some(&wanted));
            let message = match target {
                None => format!(
                    "Could not find provisioner name `{wanted}` defined for machine `{}` to run provisioner \"{name}\" `{option}`.",
                    report.machine
                ),
                Some(target) if target.borrow().before.is_some() || target.borrow().after.is_some() => {
                    format!(
                        "Dependency provisioner \"{name}\" relies on another dependency provisioner \"{wanted}\". This is currently not supported."
                    )
                }
                Some(_) => continue,
            };
            report.say_under("provisioner", message, one.origin.clone());
        }
    }
}
