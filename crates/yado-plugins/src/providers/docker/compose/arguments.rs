//! `create_args` in the words of a Compose file: the options of `run` that both know.

use serde_json::{Map, Value};

use super::service::verbatim;

/// How an option is said.
#[derive(Clone, Copy)]
enum Said {
    /// It has no value; these keys become true.
    Flag(&'static [&'static str]),
    /// The key takes its value.
    Value(&'static str),
    /// The key's list takes its value.
    List(&'static str),
    /// The key's table takes its value, `NAME=VALUE`.
    Table(&'static str),
}

use Said::{Flag, List, Table, Value as One};

/// Options of `run`, and what they are called in a Compose file.
const KNOWN: &[(&[&str], Said)] = &[
    (&["-d", "--detach"], Flag(&[])),
    (&["-t", "--tty"], Flag(&["tty"])),
    (&["-i", "--interactive"], Flag(&["stdin_open"])),
    (&["-it", "-ti"], Flag(&["stdin_open", "tty"])),
    (&["--init"], Flag(&["init"])),
    (&["--oom-kill-disable"], Flag(&["oom_kill_disable"])),
    (&["--privileged"], Flag(&["privileged"])),
    (&["--read-only"], Flag(&["read_only"])),
    (&["-h", "--hostname"], One("hostname")),
    (&["-m", "--memory"], One("mem_limit")),
    (&["-u", "--user"], One("user")),
    (&["-w", "--workdir"], One("working_dir")),
    (&["-c", "--cpu-shares"], One("cpu_shares")),
    (&["--cpus"], One("cpus")),
    (&["--cpuset-cpus"], One("cpuset")),
    (&["--domainname"], One("domainname")),
    (&["--entrypoint"], One("entrypoint")),
    (&["--ipc"], One("ipc")),
    (&["--mac-address"], One("mac_address")),
    (&["--memory-reservation"], One("mem_reservation")),
    (&["--memory-swap"], One("memswap_limit")),
    (&["--memory-swappiness"], One("mem_swappiness")),
    (&["--name"], One("container_name")),
    (&["--net", "--network"], One("network_mode")),
    (&["--oom-score-adj"], One("oom_score_adj")),
    (&["--pid"], One("pid")),
    (&["--pids-limit"], One("pids_limit")),
    (&["--platform"], One("platform")),
    (&["--restart"], One("restart")),
    (&["--runtime"], One("runtime")),
    (&["--shm-size"], One("shm_size")),
    (&["--stop-signal"], One("stop_signal")),
    (&["--userns"], One("userns_mode")),
    (&["--add-host"], List("extra_hosts")),
    (&["--cap-add"], List("cap_add")),
    (&["--cap-drop"], List("cap_drop")),
    (&["--device"], List("devices")),
    (&["--dns"], List("dns")),
    (&["--dns-option"], List("dns_opt")),
    (&["--dns-search"], List("dns_search")),
    (&["--env-file"], List("env_file")),
    (&["--expose"], List("expose")),
    (&["--group-add"], List("group_add")),
    (&["-p", "--publish"], List("ports")),
    (&["--security-opt"], List("security_opt")),
    (&["--tmpfs"], List("tmpfs")),
    (&["-v", "--volume"], List("volumes")),
    (&["-e", "--env"], Table("environment")),
    (&["-l", "--label"], Table("labels")),
    (&["--sysctl"], Table("sysctls")),
];

/// The arguments as keys of a service; the first that cannot be said.
pub(super) fn translate(words: &[String]) -> Result<Map<String, Value>, String> {
    let mut service = Map::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word.as_str(), None),
        };
        let known = KNOWN.iter().find(|(names, _)| names.contains(&name));
        let Some((_, said)) = known else { return Err(word.clone()) };
        if let Flag(keys) = said {
            let value = joined.is_none_or(|value| value != "false");
            keys.iter().for_each(|key| drop(service.insert((*key).to_owned(), value.into())));
            continue;
        }
        let Some(value) = joined.or_else(|| words.next().map(String::as_str)) else {
            return Err(word.clone());
        };
        put(&mut service, *said, value).ok_or_else(|| format!("{name} {value}"))?;
    }
    Ok(service)
}

fn put(service: &mut Map<String, Value>, said: Said, value: &str) -> Option<()> {
    match said {
        Flag(_) => {}
        // A network of its own name is a matter of the project; here are only those that stand for another's.
        One("network_mode")
            if !(["host", "none", "bridge"].contains(&value) || value.starts_with("container:")) =>
        {
            return None;
        }
        One(key) => drop(service.insert(key.to_owned(), number_or_text(value))),
        List(key) => {
            let list = service.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut()?.push(verbatim(value).into());
        }
        Table(key) => {
            let (name, value) = value.split_once('=')?;
            let table = service.entry(key).or_insert_with(|| Value::Object(Map::new()));
            table.as_object_mut()?.insert(name.to_owned(), verbatim(value).into());
        }
    }
    Some(())
}

/// Compose tells numbers from text where `run` takes either.
fn number_or_text(value: &str) -> Value {
    let whole = value.parse::<i64>().map(Value::from);
    whole.or_else(|_| value.parse::<f64>().map(Value::from)).unwrap_or_else(|_| verbatim(value).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Result<Value, String> {
        translate(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).map(Value::Object)
    }

    #[test]
    fn options_of_run_become_keys() {
        assert_eq!(
            said(&[
                "-it",
                "--memory=64m",
                "--cpus",
                "1.5",
                "--cap-add",
                "NET_ADMIN",
                "--cap-add=SYS_TIME",
                "-e",
                "A=$b",
                "--init=false"
            ]),
            Ok(serde_json::json!({"tty": true, "stdin_open": true, "mem_limit": "64m", "cpus": 1.5,
                "cap_add": ["NET_ADMIN", "SYS_TIME"], "environment": {"A": "$$b"}, "init": false}))
        );
    }

    #[test]
    fn what_cannot_be_said_is_named() {
        assert_eq!(said(&["--ulimit", "nofile=1"]), Err("--ulimit".to_owned()));
        assert_eq!(said(&["--network", "theirs"]), Err("--network theirs".to_owned()));
        assert_eq!(said(&["--memory"]), Err("--memory".to_owned()));
        assert_eq!(said(&["-e", "HOME"]), Err("-e HOME".to_owned()));
    }
}
