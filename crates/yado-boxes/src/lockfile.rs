//! [`LockFile`]: the boxes and scripts that a team agreed on, as a file beside the Vagrantfile that is made for
//! review: TOML, sorted, one fact a line, the same text whoever writes it.
//!
//! Only what yado writes is read: tables of strings. Whatever else there is (the marks of a merge that was not
//! finished, a field of a newer yado) is refused with its line, since skipping it would loosen what was agreed on.

use std::path::Path;

use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

use crate::scratch::Scratch;
use crate::store::InstalledBox;
use crate::version::{Constraints, Version};

const HEAD: &str = "# What this project's machines are made of, for 'yado up --locked'. Commit this file.\n\
                    # 'yado up' adds what is new, 'yado lock update' takes what there is now.\n";
const FORMAT: &str = "1";

/// A box as it was agreed on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedBox {
    /// Its name.
    pub name: String,
    /// The kind of provider that it serves.
    pub provider: String,
    /// Its architecture.
    pub architecture: String,
    /// Its version.
    pub version: String,
    /// Where it came from, for readers; the digest is what counts.
    pub source: String,
    /// The digest over its layers (`sha256:…`).
    pub digest: String,
}

impl LockedBox {
    /// An installed box; a source below the directory `project` is written relative to it, since the project lies
    /// elsewhere for others.
    pub fn of(installed: &InstalledBox, project: &Path) -> Self {
        let source = Path::new(&installed.source)
            .strip_prefix(project)
            .map_or_else(|_| installed.source.clone(), |path| format!("./{}", path.display()));
        Self {
            name: installed.name.clone(),
            provider: installed.provider.clone(),
            architecture: installed.architecture.clone(),
            version: installed.version.clone(),
            source,
            digest: installed.digest.clone(),
        }
    }

    /// Whether both are the same version of the same box for the same provider and architecture.
    fn is_version_of(&self, other: &Self) -> bool {
        let key = |one: &Self| {
            (one.name.clone(), one.provider.clone(), one.architecture.clone(), one.version.clone())
        };
        key(self) == key(other)
    }
}

/// A script that is fetched from a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedScript {
    /// Where it is fetched from.
    pub url: String,
    /// The digest of its bytes (`sha256:…`).
    pub digest: String,
}

/// What a team agreed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFile {
    /// Boxes.
    pub boxes: Vec<LockedBox>,
    /// Scripts.
    pub scripts: Vec<LockedScript>,
}

impl LockFile {
    /// Reads the file at `path`; `None` when there is none.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing(|| format!("reading '{}'", path.display())),
        }
    }

    /// Writes the file at `path`, at once or not at all; a file that says the same already is left alone.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = self.render();
        if std::fs::read_to_string(path).is_ok_and(|before| before == text) {
            return Ok(());
        }
        let doing = || format!("writing '{}'", path.display());
        let scratch = Scratch::file(path.parent().unwrap_or(Path::new("/")))?;
        std::fs::write(scratch.path(), text).doing(doing)?;
        use std::os::unix::fs::PermissionsExt;
        // Colleagues read it, too, where they share a checkout.
        std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o644)).doing(doing)?;
        scratch.replace(path)
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let mut text = format!("{HEAD}format = \"{FORMAT}\"\n");
        let (mut boxes, mut scripts) = (self.boxes.clone(), self.scripts.clone());
        boxes.sort();
        boxes.dedup();
        scripts.sort();
        scripts.dedup();
        for locked in &boxes {
            text.push_str("\n[[box]]\n");
            for (key, value) in [
                ("name", &locked.name),
                ("version", &locked.version),
                ("provider", &locked.provider),
                ("architecture", &locked.architecture),
                ("source", &locked.source),
                ("digest", &locked.digest),
            ] {
                text.push_str(&format!("{key} = {}\n", quoted(value)));
            }
        }
        for locked in &scripts {
            text.push_str("\n[[script]]\n");
            text.push_str(&format!("url = {}\ndigest = {}\n", quoted(&locked.url), quoted(&locked.digest)));
        }
        text
    }

    /// Reads a text; `name` is how the file is called in messages.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let mut tables: Vec<(usize, &str, Vec<(String, String)>)> = vec![(1, "", Vec::new())];
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let refuse = |what: &str| refused(name, index + 1, what);
            match line {
                "" => {}
                line if line.starts_with('#') => {}
                "[[box]]" | "[[script]]" => {
                    tables.push((index + 1, if line == "[[box]]" { "box" } else { "script" }, Vec::new()));
                }
                line => {
                    let (key, value) = line
                        .split_once('=')
                        .and_then(|(key, value)| Some((key.trim().to_owned(), unquoted(value.trim())?)))
                        .ok_or_else(|| refuse("is not 'KEY = \"VALUE\"'"))?;
                    let Some((_, _, fields)) = tables.last_mut() else { continue };
                    if fields.iter().any(|(known, _)| *known == key) {
                        return Err(refuse(&format!("sets '{key}' a second time")));
                    }
                    fields.push((key, value));
                }
            }
        }
        let mut found = Self::default();
        for (line, kind, fields) in tables {
            let mut fields = Fields { name, line, values: fields };
            match kind {
                "box" => found.boxes.push(LockedBox {
                    name: fields.take("name")?,
                    version: fields.take("version")?,
                    provider: fields.take("provider")?,
                    architecture: fields.take("architecture")?,
                    source: fields.take("source")?,
                    digest: fields.take("digest")?,
                }),
                "script" => found
                    .scripts
                    .push(LockedScript { url: fields.take("url")?, digest: fields.take("digest")? }),
                _ => {
                    let format = fields.take("format")?;
                    if format != FORMAT {
                        return Err(refused(name, line, &format!("has the format '{format}'"))
                            .hinted("A newer yado wrote it; use that one."));
                    }
                }
            }
            fields.end()?;
        }
        Ok(found)
    }

    /// The newest locked version of a box that satisfies the constraints.
    pub fn find(
        &self,
        name: &str,
        provider: &str,
        architecture: &str,
        constraints: Option<&str>,
    ) -> Result<Option<&LockedBox>> {
        let constraints = Constraints::parse(constraints.unwrap_or(""))?;
        // A suite's version has nothing to do with the constraint on the box that it stands for.
        let is_allowed = |locked: &LockedBox| {
            locked.source.starts_with("bootstrap:")
                || Version::parse(&locked.version).is_some_and(|version| constraints.allow(&version))
        };
        let of_box = self.boxes.iter().filter(|locked| {
            locked.name == name && locked.provider == provider && locked.architecture == architecture
        });
        Ok(of_box.filter(|locked| is_allowed(locked)).max_by_key(|locked| Version::parse(&locked.version)))
    }

    /// The locked script of a URL.
    pub fn script(&self, url: &str) -> Option<&LockedScript> {
        self.scripts.iter().find(|locked| locked.url == url)
    }

    /// What is agreed on about the same version of the same box.
    pub fn same_version(&self, found: &LockedBox) -> Option<&LockedBox> {
        self.boxes.iter().find(|locked| locked.is_version_of(found))
    }

    /// Takes a box as it is now.
    pub fn put_box(&mut self, found: LockedBox) {
        self.boxes.retain(|locked| !locked.is_version_of(&found));
        self.boxes.push(found);
        self.boxes.sort();
    }

    /// Takes a script as it is now.
    pub fn put_script(&mut self, found: LockedScript) {
        self.scripts.retain(|locked| locked.url != found.url);
        self.scripts.push(found);
        self.scripts.sort();
    }
}

/// The fields of one table.
struct Fields<'a> {
    name: &'a str,
    line: usize,
    values: Vec<(String, String)>,
}

impl Fields<'_> {
    fn take(&mut self, key: &str) -> Result<String> {
        match self.values.iter().position(|(known, _)| known == key) {
            Some(position) => Ok(self.values.remove(position).1),
            None => Err(refused(self.name, self.line, &format!("begins what has no '{key}'"))),
        }
    }

    fn end(self) -> Result<()> {
        match self.values.first() {
            None => Ok(()),
            Some((key, _)) => Err(refused(
                self.name,
                self.line,
                &format!("begins what has '{key}', which this yado does not know"),
            )),
        }
    }
}

fn refused(name: &str, line: usize, what: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("{name}:{line}: this line {what}."))
        .hinted("Restore the file from version control, or remove it and run 'yado lock update'.")
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04X}", control as u32)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut found = String::new();
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => return None,
            '\\' => match rest.next()? {
                'n' => found.push('\n'),
                'u' => {
                    let digits: String = rest.by_ref().take(4).collect();
                    found.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                mark @ ('"' | '\\') => found.push(mark),
                _ => return None,
            },
            other => found.push(other),
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, version: &str) -> LockedBox {
        LockedBox {
            name: name.into(),
            provider: "container".into(),
            architecture: "amd64".into(),
            version: version.into(),
            source: "https://boxes.example/\"odd\"\\\u{7}".into(),
            digest: "sha256:00".into(),
        }
    }

    #[test]
    fn whatever_the_order_the_text_is_the_same_and_is_read_again() {
        let (one, two) = (sample("a/b", "2.0.0"), sample("a/a", "1"));
        let script = LockedScript { url: "https://x/y.sh".into(), digest: "sha256:1".into() };
        let lock = LockFile { boxes: vec![one.clone(), two.clone()], scripts: vec![script] };
        let other = LockFile { boxes: vec![two, one], ..lock.clone() };
        assert_eq!(lock.render(), other.render());
        let again = LockFile::parse(&lock.render(), "x").unwrap();
        assert_eq!(again, other);
        assert_eq!(again.render(), lock.render());
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let good = LockFile { boxes: vec![sample("a/b", "1")], scripts: Vec::new() }.render();
        for (bad, line) in [
            (format!("{good}<<<<<<< HEAD\n"), 12),
            (format!("{good}signature = \"x\"\n"), 5),
            (format!("{good}digest = \"x\"\n"), 12),
            (good.replace("digest = \"sha256:00\"\n", ""), 5),
            (good.replace("format = \"1\"", "format = \"2\""), 1),
            (good.replace("sha256:00\"", "sha256:00"), 11),
        ] {
            let error = LockFile::parse(&bad, "V.lock").unwrap_err();
            assert!(error.message().starts_with(&format!("V.lock:{line}:")), "{error}\n{bad}");
        }
    }

    #[test]
    fn the_newest_version_that_is_allowed_is_found_and_a_suite_needs_no_permission() {
        let suite = LockedBox { source: "bootstrap:debian/bookworm".into(), ..sample("d/b", "12.1") };
        let lock = LockFile {
            boxes: vec![sample("a/b", "1.9.0"), sample("a/b", "1.10.0"), sample("a/b", "2.0"), suite],
            scripts: Vec::new(),
        };
        let find = |name: &str, constraints: Option<&str>| {
            lock.find(name, "container", "amd64", constraints).unwrap().map(|found| found.version.clone())
        };
        assert_eq!(find("a/b", Some("~> 1.0")).as_deref(), Some("1.10.0"));
        assert_eq!(find("a/b", None).as_deref(), Some("2.0"));
        assert_eq!(find("a/b", Some("> 2")), None);
        assert_eq!(find("d/b", Some("= 20240101")).as_deref(), Some("12.1"));
        assert_eq!(lock.find("a/b", "docker", "amd64", None).unwrap(), None);
    }
}
