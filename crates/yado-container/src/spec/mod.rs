//! The OCI runtime specification 1.3 as data: what the engine is told about a container.
//!
//! Field names follow the specification's JSON. Unknown fields are ignored, as it demands.

mod defaults;
mod linux;
mod process;
mod profile;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use defaults::*;
pub use linux::*;
pub use process::*;
pub use profile::default_seccomp;

/// Reads a document or a part of one from JSON.
///
/// A property that is `null` is one that is not there: writers in languages whose empty lists are `null` mean that.
pub fn read<T: serde::de::DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(text).or_else(|error| {
        let mut document: Value = serde_json::from_slice(text)?;
        // Without any, the first error is the one that names the place.
        if drop_nulls(&mut document) { serde_json::from_value(document) } else { Err(error) }
    })
}

/// Tells whether there were any.
fn drop_nulls(value: &mut Value) -> bool {
    let mut found = false;
    match value {
        Value::Object(properties) => {
            properties.retain(|_, value| {
                found |= value.is_null() || drop_nulls(value);
                !value.is_null()
            });
        }
        Value::Array(list) => {
            for value in list {
                found |= drop_nulls(value);
            }
        }
        _ => {}
    }
    found
}

/// A whole container configuration (`config.json`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// The version of the specification that the document follows.
    pub oci_version: String,
    /// The root file system, unless an overlay is given in the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// The process to run, and the defaults for commands run later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// The host name inside the UTS namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The NIS domain name inside the UTS namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domainname: Option<String>,
    /// Mounts made in this order on top of the root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Programs to run at points of the container's life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
    /// Free key-value pairs; the engine hands them back unread.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What is special to Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux: Option<Linux>,
}

impl Spec {
    /// Whether the document follows version 1.`minor` of the specification or a later one.
    pub(crate) fn follows(&self, minor: u32) -> bool {
        let second = self.oci_version.split('.').nth(1).and_then(|number| number.parse::<u32>().ok());
        second.is_some_and(|second| second >= minor)
    }
}

/// The root file system of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Root {
    /// A directory on the host.
    pub path: PathBuf,
    /// Whether it is read-only inside.
    pub readonly: bool,
}

/// One mount inside the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mount {
    /// An absolute path inside the container.
    pub destination: PathBuf,
    /// The kind of file system; empty or `none` or `bind` for bind mounts.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A path on the host for bind mounts, a name otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PathBuf>,
    /// Mount options, as in fstab.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// User ids: `containerID` is the id on disk, `hostID` what it becomes on the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uid_mappings: Vec<IdMapping>,
    /// Group ids, the same way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gid_mappings: Vec<IdMapping>,
}

/// A run of ids that are translated together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdMapping {
    /// The first id inside (or, for a mount, on disk).
    #[serde(rename = "containerID")]
    pub container_id: u32,
    /// The first id on the host.
    #[serde(rename = "hostID")]
    pub host_id: u32,
    /// How many ids.
    pub size: u32,
}

/// Programs to run at points of the container's life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hooks {
    /// Deprecated: as `createRuntime`, before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prestart: Vec<Hook>,
    /// On the host, after the namespaces exist and before the root is changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub create_runtime: Vec<Hook>,
    /// In the container's namespaces, before the root is changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub create_container: Vec<Hook>,
    /// In the container, before its program starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub start_container: Vec<Hook>,
    /// On the host, after its program started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub poststart: Vec<Hook>,
    /// On the host, after the container was deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub poststop: Vec<Hook>,
}

/// One program to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hook {
    /// An absolute path.
    pub path: PathBuf,
    /// Its arguments, the program's name first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Its environment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Seconds until it is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_survives_reading_and_writing() {
        let text = r#"{"ociVersion":"1.2.0","root":{"path":"rootfs","readonly":true},
            "process":{"args":["sh"],"cwd":"/","user":{"uid":1,"gid":2,"additionalGids":[3]},
              "rlimits":[{"type":"RLIMIT_NOFILE","hard":10,"soft":5}]},
            "mounts":[{"destination":"/v","type":"bind","source":"/s","options":["rbind","ro"],
              "uidMappings":[{"containerID":1000,"hostID":101000,"size":1}]}],
            "linux":{"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],
              "namespaces":[{"type":"pid"},{"type":"network","path":"/n"}],
              "resources":{"memory":{"limit":1048576},"cpu":{"quota":5000,"cpus":"0-1"},"pids":{"limit":9}}},
            "aFieldFromTheFuture":{"x":1}}"#;
        let spec: Spec = serde_json::from_str(text).unwrap();
        let linux = spec.linux.as_ref().unwrap();
        assert_eq!(linux.uid_mappings[0].host_id, 100_000);
        assert_eq!(linux.namespaces[1].path.as_deref(), Some(std::path::Path::new("/n")));
        assert_eq!(linux.resources.as_ref().unwrap().memory.as_ref().unwrap().limit, Some(1_048_576));
        assert_eq!(spec.process.as_ref().unwrap().rlimits[0].kind, "RLIMIT_NOFILE");
        let again: Spec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        assert_eq!(again, spec);
    }

    #[test]
    fn documents_follow_their_version() {
        let of = |version: &str| Spec { oci_version: version.to_owned(), ..Spec::default() };
        assert!(of("1.3.0").follows(3) && of("1.4.0-rc.1").follows(3));
        assert!(!of("1.2.1").follows(3) && !of("").follows(3));
    }

    #[test]
    fn what_is_null_is_not_there() {
        let spec: Spec = read(br#"{ "mounts": null, "linux": { "sysctl": null, "namespaces": [{ "type": "pid", "path": null }] } }"#).unwrap();
        assert_eq!(spec.linux.unwrap().namespaces.len(), 1);
        assert!(read::<Spec>(br#"{ "mounts": null, "linux": 1 }"#).is_err());
        let error = read::<Spec>(b"{\n\"mounts\": 1 }").unwrap_err();
        assert_eq!(error.line(), 2);
    }
}
