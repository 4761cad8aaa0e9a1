//! The settings of a `docker` block, as plain data.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use yado_core::MachineSpec;
use yado_core::spec::{Origin, Problem};

use super::compose;

/// What the block says, defaults filled in.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) image: Option<String>,
    pub(super) build_dir: Option<PathBuf>,
    pub(super) dockerfile: Option<String>,
    pub(super) git_repo: Option<String>,
    pub(super) build_args: Vec<String>,
    pub(super) cmd: Vec<String>,
    pub(super) compose: bool,
    pub(super) compose_configuration: Map<String, Value>,
    pub(super) create_args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) env_file: Vec<PathBuf>,
    pub(super) expose: Vec<String>,
    pub(super) links: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) ports: Vec<String>,
    pub(super) privileged: bool,
    pub(super) pull: bool,
    pub(super) remains_running: bool,
    pub(super) stop_timeout: u64,
    pub(super) volumes: Vec<String>,
    pub(super) auth_server: Option<String>,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    /// Settings that need another machine around the engine: name and place.
    refused: Vec<(&'static str, Option<Origin>)>,

    pub(super) block: Option<Origin>,
    origins: Vec<(String, Origin)>,
}

impl Settings {
    /// What a machine's block for this provider says. Podman takes what Docker takes: without a block of its own, a
    /// Vagrantfile's for Docker counts.
    pub(super) fn of(spec: &MachineSpec, provider: &str) -> Self {
        let block = |name: &str| spec.providers.iter().find(|block| block.name == name);
        let own = block(provider);
        let Some(block) = own.filter(|own| !own.settings.is_empty()).or_else(|| block("docker")).or(own)
        else {
            return Self { remains_running: true, stop_timeout: 1, ..Self::default() };
        };
        let read = Reader(&block.settings);
        let place = |name: &str| {
            block.origins.iter().find(|(setting, _)| setting == name).map(|(_, origin)| origin.clone())
        };
        let refused = ["force_host_vm", "vagrant_machine", "vagrant_vagrantfile"]
            .into_iter()
            .filter(|name| read.is_set(name))
            .map(|name| (name, place(name)))
            .collect();
        Self {
            image: read.text("image"),
            build_dir: read.text("build_dir").map(|text| spec.project.join(text)),
            dockerfile: read.text("dockerfile"),
            git_repo: read.text("git_repo"),
            build_args: read.list("build_args"),
            cmd: read.list("cmd"),
            compose: read.is_set("compose"),
            compose_configuration: read.table("compose_configuration"),
            create_args: read.list("create_args"),
            env: read.map("env"),
            env_file: read.list("env_file").iter().map(|path| spec.project.join(path)).collect(),
            expose: read.list("expose"),
            links: read.list("links"),
            name: read.text("name"),
            ports: read.list("ports"),
            privileged: read.is_set("privileged"),
            pull: read.is_set("pull"),
            remains_running: !block.settings.contains_key("remains_running")
                || read.is_set("remains_running"),
            stop_timeout: read.text("stop_timeout").and_then(|text| text.parse().ok()).unwrap_or(1),
            volumes: read
                .list("volumes")
                .iter()
                .map(|volume| volume_argument(volume, &spec.project))
                .collect(),
            auth_server: read.text("auth_server"),
            username: read.text("username"),
            password: read.text("password"),

            refused,
            block: block.origin.clone(),
            origins: block.origins.clone(),
        }
    }

    /// Where a setting was made.
    pub(super) fn origin(&self, setting: &str) -> Option<Origin> {
        let found = self.origins.iter().find(|(name, _)| name == setting).map(|(_, origin)| origin.clone());
        found.or_else(|| self.block.clone())
    }

    /// Whether the block itself says what the container is made from.
    pub(super) fn names_an_image(&self) -> bool {
        self.image.is_some() || self.build_dir.is_some() || self.git_repo.is_some()
    }

    /// What cannot be done; a box takes the place of an image.
    pub(super) fn problems(&self, has_box: bool, provider: &str) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self
            .refused
            .iter()
            .map(|(name, origin)| Problem {
                message: format!(
                    "'{name}' asks for a virtual machine around Docker; yado uses the engine of this host, or the one \
                     that DOCKER_HOST names."
                ),
                origin: origin.clone(),
                remedy: None,
            })
            .collect();
        let sources = [("image", &self.image), ("git_repo", &self.git_repo)];
        problems.extend(sources.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref().filter(|value| value.starts_with('-'))?;
            Some(Problem {
                message: format!("'{value}' is no '{name}'."),
                origin: self.origin(name),
                remedy: None,
            })
        }));
        if provider == "podman"
            && let Some(link) = self.links.first()
        {
            problems.push(Problem {
                message: format!(
                    "Podman has no links ('{link}'). Put the machines on one 'private_network', where containers find \
                     each other by their names."
                ),
                origin: self.block.clone(),
                remedy: None,
            });
        }
        if self.compose && provider == "podman" {
            problems.push(Problem {
                message: "'compose' is Docker's. With the provider 'docker' and DOCKER_HOST set to Podman's socket, \
                          Docker Compose works on Podman, too."
                    .to_owned(),
                origin: self.origin("compose"),
                remedy: None,
            });
        } else if self.compose {
            problems.extend(compose::problems(self));
        }
        problems.extend(self.env_file.iter().filter(|path| !path.is_file()).map(|path| Problem {
            message: format!("'env_file' is not there: '{}'.", path.display()),
            origin: self.origin("env_file"),
            remedy: None,
        }));
        if !self.names_an_image() && !has_box {
            problems.push(Problem {
                message:
                    "One of 'image', 'build_dir' and 'git_repo', or a box, must be set for a machine of this provider."
                        .to_owned(),
                origin: self.block.clone(),
                remedy: None,
            });
        }
        problems
    }
}

/// A host directory is meant from the project on; what is neither a path nor there is the name of a volume.
fn volume_argument(volume: &str, project: &Path) -> String {
    let Some((host, rest)) = volume.split_once(':') else { return volume.to_owned() };
    let expanded = match host.strip_prefix("~/") {
        Some(below) => std::env::home_dir().unwrap_or_default().join(below),
        None => project.join(host),
    };
    let is_path = host.starts_with(['/', '.', '~']) || host.contains('/') || expanded.exists();
    if is_path { format!("{}:{rest}", expanded.display()) } else { volume.to_owned() }
}

/// Values as Ruby programs give them: numbers and symbols for text, one thing for a list of one.
struct Reader<'a>(&'a Map<String, Value>);

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(plain).filter(|text| !text.is_empty())
    }

    fn is_set(&self, name: &str) -> bool {
        !matches!(self.0.get(name), None | Some(Value::Null | Value::Bool(false)))
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(plain).collect(),
            Some(other) => plain(other).into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn table(&self, name: &str) -> Map<String, Value> {
        self.0.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    fn map(&self, name: &str) -> Vec<(String, String)> {
        let Some(Value::Object(entries)) = self.0.get(name) else { return Vec::new() };
        entries.iter().map(|(name, value)| (name.clone(), plain(value).unwrap_or_default())).collect()
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_paths_from_the_project_on_or_names() {
        let project = Path::new("/nonexistent/project");
        assert_eq!(volume_argument("./data:/data:ro", project), "/nonexistent/project/./data:/data:ro");
        assert_eq!(volume_argument("sub/data:/data", project), "/nonexistent/project/sub/data:/data");
        assert_eq!(volume_argument("/srv:/data", project), "/srv:/data");
        assert_eq!(volume_argument("cache:/data", project), "cache:/data");
        assert_eq!(volume_argument("/data", project), "/data");
    }

    #[test]
    fn numbers_are_text_and_one_thing_is_a_list() {
        let settings = serde_json::json!({"ports": [8080, "1:2"], "cmd": "run", "env": {"A": 1, "B": null}});
        let Value::Object(settings) = settings else { panic!("an object") };
        let read = Reader(&settings);
        assert_eq!(read.list("ports"), ["8080", "1:2"]);
        assert_eq!(read.list("cmd"), ["run"]);
        assert_eq!(read.map("env"), [("A".to_owned(), "1".to_owned()), ("B".to_owned(), String::new())]);
    }
}
