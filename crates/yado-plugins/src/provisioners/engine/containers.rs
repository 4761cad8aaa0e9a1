//! Containers that are to run: started, kept as they are, or made anew when what is said of them or their image changed.
//! What was made lies in the guest, where Vagrant has it.

use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use super::{list, text};
use crate::provisioners::guest_command::quoted;

/// Where the ids of containers lie in the guest.
const IDS: &str = "/var/lib/vagrant/cids";

/// A container that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    image: String,
    command: String,
    arguments: String,
    named: bool,
    in_background: bool,
    restart: Option<String>,
}

/// The containers of a provisioner's settings, in their order.
pub(super) fn wanted(settings: &Map<String, Value>) -> Vec<Wanted> {
    let one = |pair: &Value| {
        let (name, options) = (text(pair.get(0)?)?, pair.get(1)?);
        let said = |key: &str| options.get(key).and_then(text);
        let is_set = |key: &str| !matches!(options.get(key), Some(Value::Null | Value::Bool(false)));
        Some(Wanted {
            image: said("image").unwrap_or_else(|| name.clone()),
            name,
            command: said("cmd").unwrap_or_default(),
            arguments: said("args").unwrap_or_default(),
            named: is_set("auto_assign_name"),
            in_background: is_set("daemonize"),
            restart: if options.get("restart").is_none() {
                Some("always".to_owned())
            } else {
                said("restart")
            },
        })
    };
    list(settings, "containers").iter().filter_map(one).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

impl Wanted {
    /// The engine's command line; arguments and command are lines of the user's, as in Vagrant.
    fn line(&self, program: &str, id_file: &str) -> String {
        let mut line = format!("{program} run --cidfile={id_file}");
        if self.in_background {
            line.push_str(" -d");
        }
        if self.named {
            line.push_str(&format!(" --name {}", quoted(&self.name.replace(['/', ':'], "-"))));
        }
        if let Some(restart) = &self.restart {
            line.push_str(&format!(" --restart={}", quoted(restart)));
        }
        for part in [&self.arguments, &quoted(&self.image), &self.command] {
            if !part.is_empty() {
                line.push(' ');
                line.push_str(part);
            }
        }
        line
    }

    /// The whole work on it as a script.
    pub(super) fn script(&self, program: &str) -> String {
        let id_file = format!("{IDS}/{}", hex(&Sha1::digest(self.name.as_bytes())));
        let line = self.line(program, &id_file);
        let mark = hex(&Sha1::digest(line.as_bytes()));
        let (name, image) = (quoted(&self.name), quoted(&self.image));
        let silent = if self.in_background { " >/dev/null" } else { "" };
        format!(
            r#"
name={name} file={id_file} mark={mark}
id=$(cat $file 2>/dev/null)
state=
[ -n "$id" ] && state=$({program} inspect --type container --format '{{{{.State.Running}}}} {{{{.Image}}}}' "$id" 2>/dev/null)
if [ -n "$state" ]; then
    present=$({program} image inspect --format '{{{{.Id}}}}' {image} 2>/dev/null)
    used=${{state#* }}
    if [ "$(cat $file.made 2>/dev/null)" != $mark ]; then
        echo "-- Detected changes to container '$name' args, restarting..."
    elif [ -n "$present" ] && [ "${{present#sha256:}}" != "${{used#sha256:}}" ]; then
        echo "-- Detected newer image for container '$name', restarting..."
    elif [ "${{state%% *}}" = true ]; then exit 0
    else {program} start "$id" >/dev/null; exit $?
    fi
    {program} rm -f "$id" >/dev/null || exit $?
fi
mkdir -p {IDS} && rm -f $file $file.made || exit $?
{line}{silent} || exit $?
echo $mark > $file.made
"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_becomes_a_command_line() {
        let settings = serde_json::json!({"containers": [
            ["team/web:1", {"image": "team/web:1", "auto_assign_name": true, "daemonize": true, "restart": "always"}],
            ["job", {"image": "tool", "cmd": "run 'all of it'", "args": "-v /a:/b", "auto_assign_name": false,
                    "daemonize": false, "restart": false}],
        ]});
        let Value::Object(settings) = settings else { panic!("an object") };
        let lines: Vec<String> = wanted(&settings).iter().map(|one| one.line("docker", "/id")).collect();
        assert!(
            lines.contains(&"docker run --cidfile=/id -v /a:/b 'tool' run 'all of it'".to_owned()),
            "{lines:?}"
        );
        let web =
            "docker run --cidfile=/id -d --name 'team-web-1' --restart='always' 'team/web:1'".to_owned();
        assert!(lines.contains(&web), "{lines:?}");
    }
}
