//! `config.vm.cloud_init`: what the Vagrantfile has for cloud-init, which finds it in the machine's seed, and waiting until
//! cloud-init has done it.

use std::path::PathBuf;
use std::time::Duration;

use yado_core::disk::UserData;
use yado_core::error::Doing;
use yado_core::spec::{EntrySpec, Origin, Problem};
use yado_core::{Communicator, Context, Error, ErrorKind, Exec, MachineSpec, Result};

use super::settings::{option, plain};

/// What cloud-init knows how to treat.
const CONTENT_TYPES: &[&str] = &[
    "text/cloud-boothook",
    "text/cloud-config",
    "text/cloud-config-archive",
    "text/jinja2",
    "text/part-handler",
    "text/upstart-job",
    "text/x-include-once-url",
    "text/x-include-url",
    "text/x-shellscript",
];

/// Waits for cloud-init; 9 where there is none. Its own code 2 says that something may be amiss and all is done.
const WAIT: &str = "command -v cloud-init >/dev/null || exit 9\n\
                    cloud-init status --wait >/dev/null; s=$?; [ $s -ne 1 ] || cloud-init status --long; exit $s";

/// What is wrong with them.
pub(super) fn problems(spec: &MachineSpec) -> Vec<Problem> {
    let found = spec.cloud_init.iter().filter(|part| !part.checked).filter_map(|part| {
        objection(spec, part).map(|message| Problem { message, origin: part.origin.clone(), remedy: None })
    });
    found.collect()
}

fn text(part: &EntrySpec, name: &str) -> Option<String> {
    option(&part.options, name).map(plain).filter(|text| !text.is_empty())
}

fn objection(spec: &MachineSpec, part: &EntrySpec) -> Option<String> {
    if let Some(unknown) = part.unknown.first() {
        return Some(format!("A part for cloud-init has no option '{unknown}'."));
    }
    if part.kind != "user_data" {
        return Some(format!("For cloud-init there is ':user_data', not ':{}'.", part.kind));
    }
    let kind = text(part, "content_type").unwrap_or_default();
    if !CONTENT_TYPES.contains(&kind.as_str()) {
        return Some(format!(
            "'content_type: \"{kind}\"' is none that cloud-init knows; there are: {}.",
            CONTENT_TYPES.join(", ")
        ));
    }
    match (text(part, "path"), text(part, "inline")) {
        (Some(_), Some(_)) => Some("A part for cloud-init has either a 'path' or 'inline'.".to_owned()),
        (None, None) => Some("A part for cloud-init needs a 'path' or 'inline'.".to_owned()),
        (Some(path), None) if !spec.project.join(&path).is_file() => {
            Some(format!("There is no file '{path}' for cloud-init."))
        }
        _ => None,
    }
}

/// The files that are handed over.
pub(super) fn files(spec: &MachineSpec) -> Vec<(PathBuf, Option<Origin>)> {
    let path = |part: &EntrySpec| Some((spec.project.join(text(part, "path")?), part.origin.clone()));
    spec.cloud_init.iter().filter_map(path).collect()
}

/// The parts, with their contents.
pub(super) fn parts(spec: &MachineSpec) -> Result<Vec<UserData>> {
    let read = |part: &EntrySpec| {
        let content = match text(part, "path").map(|path| spec.project.join(path)) {
            Some(path) => std::fs::read_to_string(&path).doing(|| format!("reading '{}'", path.display()))?,
            None => text(part, "inline").unwrap_or_default(),
        };
        Ok(UserData {
            content_type: text(part, "content_type").unwrap_or_default(),
            name: text(part, "content_disposition_filename"),
            content,
        })
    };
    spec.cloud_init.iter().map(read).collect()
}

/// Waits until cloud-init has done what the Vagrantfile has for it.
pub(super) fn wait(context: &Context, spec: &MachineSpec, inside: &dyn Communicator) -> Result<()> {
    let Some(first) = spec.cloud_init.first() else { return Ok(()) };
    context.detail("Waiting for cloud-init to finish...");
    let command = Exec {
        argv: ["timeout", &spec.boot_timeout.to_string(), "sh", "-c", WAIT].map(str::to_owned).to_vec(),
        user: Some("root".to_owned()),
        directory: Some("/".to_owned()),
        ..Exec::default()
    };
    let mut said = Vec::new();
    let ended = inside.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
    match ended.code() {
        9 => {
            let place = first.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
            context.warn(format!(
                "'config.vm.cloud_init' has no effect: there is no cloud-init in the box{place}."
            ));
            Ok(())
        }
        1 => Err(failed(&String::from_utf8_lossy(&said), first)),
        124 => {
            let within = Duration::from_secs(spec.boot_timeout).as_secs();
            Err(failed(&format!("it was not done within {within} s ('config.vm.boot_timeout')"), first))
        }
        _ => Ok(()),
    }
}

fn failed(why: &str, part: &EntrySpec) -> Error {
    Error::new(ErrorKind::GuestCommandFailed, format!("cloud-init failed in the machine: {}", why.trim()))
        .hinted("Its log in the machine is '/var/log/cloud-init.log'.")
        .at(part.origin.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::settings::tests::spec;
    use super::*;

    #[test]
    fn parts_are_read_and_bad_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("setup.sh"), "#!/bin/sh\n").unwrap();
        let part = |options: serde_json::Value| {
            let serde_json::Value::Object(options) = options else { panic!("options are a map") };
            EntrySpec {
                kind: "user_data".to_owned(),
                options,
                unknown: Vec::new(),
                checked: false,
                origin: None,
            }
        };
        let mut spec = spec(json!([]));
        spec.project = folder.path().to_owned();
        spec.cloud_init = vec![
            part(json!({"content_type": "text/x-shellscript", "path": "setup.sh"})),
            part(json!({"content_type": "text/cloud-config", "inline": "#cloud-config\n{}\n"})),
        ];
        assert!(problems(&spec).is_empty(), "{:?}", problems(&spec));
        let all = parts(&spec).unwrap();
        assert_eq!(
            (all[0].content.as_str(), all[1].content_type.as_str()),
            ("#!/bin/sh\n", "text/cloud-config")
        );
        spec.cloud_init = vec![
            part(json!({"content_type": "text/plain", "inline": "x"})),
            part(json!({"content_type": "text/jinja2"})),
            part(json!({"content_type": "text/jinja2", "path": "none"})),
            EntrySpec { kind: "metadata".to_owned(), ..part(json!({})) },
        ];
        let said: Vec<String> = problems(&spec).into_iter().map(|problem| problem.message).collect();
        for (at, word) in ["text/plain", "'path' or 'inline'", "'none'", ":metadata"].iter().enumerate() {
            assert!(said[at].contains(word), "{said:?}");
        }
    }
}
