//! Text from a template of the user's (ERB), in a sandbox that lets nothing out: `init --template`.

use std::path::Path;

use yado_core::{Error, ErrorKind, Result};
use yado_ruby::{Interpreter, SandboxHost, on_big_stack};

/// The text that a template makes when these variables have these values; `None` is `nil`. As in Vagrant, the name may
/// leave out the ending `.erb`.
pub fn render(template: &Path, variables: &[(&str, Option<&str>)]) -> Result<String> {
    let mut path = template.to_owned();
    if !path.is_file() {
        path.as_mut_os_string().push(".erb");
    }
    let path = match std::fs::canonicalize(&path) {
        Ok(path) if path.is_file() => path,
        _ => {
            let shown = template.display();
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "The Vagrantfile template '{shown}' does not exist. Please double check\nthe template path."
                ),
            ));
        }
    };
    let mut program = String::from("require 'erb'\n");
    for (name, value) in variables {
        program.push_str(&format!("{name} = {}\n", value.map_or_else(|| "nil".to_owned(), quoted)));
    }
    let name = quoted(&path.to_string_lossy());
    program.push_str(&format!(
        "template = ERB.new(File.read({name}), trim_mode: '-')\ntemplate.filename = {name}\ntemplate.result(binding)\n"
    ));
    on_big_stack(move || {
        let mut ruby = Interpreter::new(Box::new(SandboxHost::new()));
        let made = ruby.eval_source("init", &program);
        made.map(|text| text.text_or_symbol().unwrap_or_default()).map_err(|control| {
            let failure = ruby.failure(control);
            let place = failure.location.as_ref().filter(|place| Path::new(&*place.file) == path);
            let at = place.map_or_else(|| path.display().to_string(), |at| format!("{}:{}", path.display(), at.line));
            let text = format!("The Vagrantfile template cannot be used.\n\n{at}: {}", failure.message);
            Error::new(ErrorKind::Usage, text).hinted(
                "A template is text with Ruby between `<%` and `%>` that knows `box_name`, `box_url` and `box_version`.",
            )
        })
    })
}

/// A text as Ruby reads it, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own.erb"), text).unwrap();
        render(&folder.path().join("own"), &[("box_name", Some("it's \\ #{1}")), ("box_url", None)])
    }

    #[test]
    fn variables_are_known_and_lines_are_trimmed() {
        let text = "box = <%= box_name.inspect %>\n<% if box_url -%>\nurl\n<% end -%>\nend\n";
        assert_eq!(made(text).unwrap(), "box = \"it's \\\\ \\#{1}\"\nend\n");
    }

    #[test]
    fn a_fault_is_told_with_its_line_and_nothing_is_run() {
        let fault = made("one\n<%= nobody %>\n").unwrap_err();
        assert!(fault.message().contains("own.erb:2: ") && fault.message().contains("nobody"), "{fault}");
        let refused = made("<%= `id` %>").unwrap_err();
        assert!(refused.message().contains("own.erb"), "{refused}");
        let missing = render(Path::new("/nowhere/t"), &[]).unwrap_err();
        assert!(missing.message().contains("'/nowhere/t' does not exist"), "{missing}");
    }
}
