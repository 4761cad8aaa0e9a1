//! `yado init`: a first Vagrantfile.

use std::path::{Path, PathBuf};

use clap::Args;
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

use crate::session::Session;

/// Write a first Vagrantfile
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The box's name
    name: Option<String>,
    /// Where to get the box
    url: Option<String>,
    /// The box's version
    #[arg(long, value_name = "VERSION")]
    box_version: Option<String>,
    /// Replace a Vagrantfile that is there
    #[arg(short, long)]
    force: bool,
    /// Without comments
    #[arg(short, long)]
    minimal: bool,
    /// Write to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make it from this template (ERB), which knows `box_name`, `box_url` and `box_version`
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<u8> {
    let text = match &arguments.template {
        Some(template) => from_template(&session.directory.join(template), arguments)?,
        None => vagrantfile(arguments),
    };
    let output = arguments.output.clone().unwrap_or_else(|| PathBuf::from("Vagrantfile"));
    if output.as_os_str() == "-" {
        session.ui.raw(&text);
        return Ok(0);
    }
    let path = session.directory.join(&output);
    if path.exists() && !arguments.force {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "`{}` already exists in this directory. Remove it before\nrunning `yado init`.",
                output.display()
            ),
        )
        .hinted("Use `--force` to replace it."));
    }
    std::fs::write(&path, text).doing(|| format!("writing '{}'", path.display()))?;
    session.ui.plain(
        "A `Vagrantfile` has been placed in this directory. You are now\n\
         ready to `yado up` your first virtual environment! Please read\n\
         the comments in the Vagrantfile.",
    );
    Ok(0)
}

/// What the machine is made from when nothing else is said.
const BOX: &str = "host";

fn from_template(template: &Path, arguments: &Arguments) -> Result<String> {
    let variables = [
        ("box_name", Some(arguments.name.as_deref().unwrap_or(BOX))),
        ("box_url", arguments.url.as_deref()),
        ("box_version", arguments.box_version.as_deref()),
    ];
    yado_vagrantfile::render(template, &variables)
}

fn vagrantfile(arguments: &Arguments) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let name = arguments.name.as_deref().unwrap_or(BOX);
    let mut text = String::from("# -*- mode: ruby -*-\n# vi: set ft=ruby :\n\n");
    let comment = |text: &mut String, lines: &str| {
        if !arguments.minimal {
            text.push_str(lines);
        }
    };
    comment(&mut text, "# All settings of Vagrant's configuration language, version 2, can be used here.\n");
    text.push_str("Vagrant.configure(\"2\") do |config|\n");
    comment(
        &mut text,
        "  # What the machine is made from. \"host\" is this computer's own /usr, read-only: no download.\n  \
           # \"debian/bookworm64\" is built from Debian's packages.\n",
    );
    text.push_str(&format!("  config.vm.box = {}\n", quoted(name)));
    if let Some(version) = &arguments.box_version {
        text.push_str(&format!("  config.vm.box_version = {}\n", quoted(version)));
    }
    if let Some(url) = &arguments.url {
        text.push_str(&format!("  config.vm.box_url = {}\n", quoted(url)));
    }
    comment(
        &mut text,
        r#"
  # A port of this computer that leads to a port of the machine. Opened on 127.0.0.1 unless `host_ip:` says otherwise.
  # config.vm.network "forwarded_port", guest: 80, host: 8080, auto_correct: true

  # An address that this computer and the other machines reach the machine by.
  # config.vm.network "private_network", ip: "192.168.56.10"

  # A directory of this computer that is visible in the machine. This one's own is at /vagrant.
  # config.vm.synced_folder "../data", "/data"

  # Limits for the machine.
  # config.vm.provider "container" do |container|
  #   container.memory = 512
  #   container.cpus = 1
  # end

  # What is done when the machine is first brought up.
  # config.vm.provision "shell", inline: <<-SHELL
  #   apt-get update
  #   apt-get install -y nginx
  # SHELL
"#,
    );
    text.push_str("end\n");
    text
}
