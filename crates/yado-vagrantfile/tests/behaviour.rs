//! What yado adds to Vagrant's reading: places of settings, refusals that say what to do, plain data for the rest.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

use std::path::Path;

use yado_core::kind::{Schema, Setting, SettingType};
use yado_core::spec::{MachineSpec, RunWhen};
use yado_vagrantfile::{LoadError, LoadOptions, Loaded, Sources, find, load};

fn project(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Vagrantfile"), text).unwrap();
    folder
}

fn read(folder: &Path) -> Result<Loaded, LoadError> {
    load(LoadOptions::new(folder))
}

fn machine(text: &str, provider: &str) -> MachineSpec {
    let folder = project(text);
    read(folder.path()).unwrap().machine("default", provider).unwrap()
}

#[test]
fn the_vagrantfile_is_searched_upwards() {
    let folder = project("");
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    assert_eq!(find(&below, None), Some(folder.path().join("Vagrantfile")));
    assert_eq!(find(&below, Some("Other")), None);
    let loaded = read(&below).unwrap();
    assert_eq!(loaded.root(), folder.path());
}

#[test]
fn without_a_vagrantfile_the_error_says_where_it_was_searched() {
    let folder = tempfile::tempdir().unwrap();
    let error = read(folder.path()).err().unwrap();
    assert_eq!(error.class, "Vagrant::Errors::NoEnvironmentError");
    assert!(error.message.contains(&folder.path().display().to_string()), "{}", error.message);
}

#[test]
fn settings_remember_where_they_were_made() {
    let spec = machine(
        "Vagrant.configure('2') do |config|\n  config.vm.box = 'x'\n  config.vm.network 'private_network', ip: '10.0.0.2'\n  config.vm.provider 'docker' do |d|\n    d.image = 'y'\n  end\nend\n",
        "docker",
    );
    assert_eq!(spec.image.origin.unwrap().line, 2);
    assert_eq!(spec.networks[0].origin.as_ref().unwrap().line, 3);
    let docker = &spec.providers[0];
    assert_eq!(docker.settings["image"], "y");
    assert_eq!(docker.origins[0].1.line, 5);
    assert_eq!(docker.origin.as_ref().unwrap().line, 4);
}

#[test]
fn a_mistyped_setting_is_reported_with_its_place_and_what_was_meant() {
    let spec = machine("Vagrant.configure('2') do |config|\n  config.vm.boxx = 'y'\nend\n", "docker");
    let (title, problems) = &spec.problems[0];
    assert_eq!(title, "vm");
    assert!(problems[0].message.starts_with("The following settings shouldn't exist: boxx"));
    assert_eq!(problems[0].remedy.as_deref(), Some("'boxx' looks like 'box'"));
    assert_eq!(problems[0].origin.as_ref().unwrap().line, 2);
}

#[test]
fn settings_of_newer_vagrants_count_and_are_no_problem() {
    let text = "Vagrant.configure('2') do |config|\n  config.vm.box = 'x'\n  config.vm.box_architecture = 'arm64'\n  config.ssh.key_type = :ed25519\nend\n";
    let spec = machine(text, "docker");
    assert!(spec.problems.is_empty(), "{:?}", spec.problems);
    assert_eq!(spec.ssh.settings["key_type"], "ed25519");
}

#[test]
fn a_command_is_refused_until_the_project_is_trusted() {
    let text = "VERSION = `seq 7 7`\nVagrant.configure('2') { |config| config.vm.box = VERSION.strip }\n";
    let folder = project(text);
    let error = read(folder.path()).err().unwrap();
    assert_eq!(error.class, "Refused");
    assert!(error.message.contains("seq 7 7"), "{error}");
    assert_eq!(error.origin().unwrap().line, 1);
    assert!(error.hint().unwrap().contains("yado trust"), "{:?}", error.hint());
    let mut options = LoadOptions::new(folder.path());
    options.trusted = true.into();
    options.env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    let spec = load(options).unwrap().machine("default", "docker").unwrap();
    assert_eq!(spec.image.name.as_deref(), Some("7"));
}

#[test]
fn a_file_is_not_written_until_the_project_is_trusted() {
    let folder = project("File.write('made', 'x')\n");
    let error = read(folder.path()).err().unwrap();
    assert_eq!(error.class, "Refused");
    assert!(!folder.path().join("made").exists());
}

#[test]
fn a_name_error_comes_with_its_place_and_the_text_that_it_is_in() {
    let folder = project("Vagrant.configure('2') do |config|\n  config.vm.box = nonsense\nend\n");
    let sources = Sources::default();
    let error =
        load(LoadOptions { sources: sources.clone(), ..LoadOptions::new(folder.path()) }).err().unwrap();
    assert!(error.message.starts_with("There was an error loading a Vagrantfile."), "{error}");
    assert!(error.message.contains("Line number: 2"), "{error}");
    let place = error.origin().unwrap();
    assert_eq!((place.line, place.column, place.end_column), (2, 19, 27));
    assert!(sources.text(&place.file.to_string_lossy()).unwrap().contains("config.vm.box = nonsense"));
}

#[test]
fn an_error_from_within_yado_points_at_the_line_that_called() {
    let folder = project("x = 1\nVagrantPlugins::ProviderVirtualBox::Driver::Meta.new\n");
    let error = read(folder.path()).err().unwrap();
    assert_eq!(error.class, "Vagrant::Errors::VirtualBoxNotDetected");
    assert_eq!(error.origin().unwrap().line, 2);
}

#[test]
fn libraries_that_vagrant_has_not_loaded_need_to_be_required() {
    let folder = project("x = 1\nservers = YAML.load('a: 1')\n");
    let error = read(folder.path()).err().unwrap();
    assert!(error.message.ends_with("Message: NameError: uninitialized constant YAML"), "{}", error.message);
    let shown = yado_core::Error::from(error).to_string();
    assert!(shown.contains("YAML"), "{shown}");
    for required in [
        "require 'yaml'\nYAML.load('a: 1')\n",
        "require 'time'\nDate.today\n",
        "Vagrant.configure('2') { |c| c.vm.box = 'x' }\nJSON.parse('{}')\nSet.new\nDigest::MD5\nOptionParser.new\n",
    ] {
        let folder = project(required);
        assert!(read(folder.path()).is_ok(), "{required}");
    }
}

#[test]
fn steps_of_vagrants_own_can_be_written_over() {
    let folder = project(
        "class VagrantPlugins::ProviderVirtualBox::Action::SetName
  alias_method :original_call, :call
  def call(env)
    original_call(env)
  end
end
Vagrant.configure('2') { |config| config.vm.box = 'x' }
",
    );
    assert!(read(folder.path()).is_ok());
}

#[test]
fn small_helpers_of_vagrants_own_answer_as_they_do_there() {
    let folder = project(
        "require 'vagrant/util/numeric'
include Vagrant::Util::NetworkIP
include Vagrant::Util::Retryable
tries = 0
found = [
  Vagrant::Util::Numeric.string_to_bytes('2 MB'), Vagrant::Util::Numeric.bytes_to_string(1500),
  Vagrant::Util::Presence.presence(' '), Vagrant::Util::FileMode.from_octal(0100644),
  network_address('192.168.3.7', '255.255.255.0'),
  retryable(tries: 3, on: RuntimeError) { tries += 1; raise 'x' if tries < 3; tries },
  Vagrant::Environment.new.root_path.to_s == Dir.pwd,
]
raise found.inspect unless found == [2_097_152, '1.46KB', false, '644', '192.168.3.0', 3, true]
",
    );
    if let Err(error) = read(folder.path()) {
        panic!("{error}");
    }
}

#[test]
fn a_syntax_error_is_shown_in_vagrants_words() {
    let folder = project("Vagrant.configure('2') do |config|\n");
    let error = read(folder.path()).err().unwrap();
    assert_eq!(error.class, "Vagrant::Errors::VagrantfileSyntaxError");
    assert!(
        error.message.starts_with("There is a syntax error in the following Vagrantfile."),
        "{}",
        error.message
    );
}

#[test]
fn exit_ends_the_load_with_its_status() {
    let folder = project("exit 3\n");
    assert_eq!(read(folder.path()).err().unwrap().status, Some(3));
}

#[test]
fn options_of_other_providers_do_not_reach_the_machine() {
    let text = "Vagrant.configure('2') do |config|\n  config.vm.network 'private_network', ip: '10.0.0.2', docker__ip: '10.0.0.3', hyperv__name: 'n'\nend\n";
    let options = &machine(text, "docker").networks[0].options;
    assert_eq!(options["ip"], "10.0.0.3");
    assert!(!options.contains_key("hyperv__name") && !options.contains_key("docker__ip"));
    assert_eq!(machine(text, "virtualbox").networks[0].options["ip"], "10.0.0.2");
}

#[test]
fn host_paths_of_folders_are_absolute_and_disabled_folders_are_left_out() {
    let folder = project(
        "Vagrant.configure('2') do |config|\n  config.vm.synced_folder '.', '/vagrant', disabled: true\n  config.vm.synced_folder '../x/./y', '/y', type: 'rsync'\nend\n",
    );
    let spec = read(folder.path()).unwrap().machine("default", "docker").unwrap();
    assert_eq!(spec.synced_folders.len(), 1);
    assert_eq!(spec.synced_folders[0].host_path, folder.path().parent().unwrap().join("x/y"));
    assert_eq!(spec.synced_folders[0].kind.as_deref(), Some("rsync"));
}

#[test]
fn provisioners_run_in_the_order_that_before_and_after_ask_for() {
    let text = "Vagrant.configure('2') do |config|\n  config.vm.provision 'a', type: 'shell', inline: '1'\n  config.vm.provision 'b', type: 'shell', inline: '2', run: 'always'\n  config.vm.provision 'c', type: 'shell', inline: '3', before: 'a', run: 'never'\n  config.vm.provision 'd', type: 'shell', inline: '4', after: :each\n  config.vm.provision 'e', type: 'shell', inline: '5', before: :all\nend\n";
    let spec = machine(text, "docker");
    let names: Vec<&str> = spec.provisioners.iter().filter_map(|one| one.name.as_deref()).collect();
    assert_eq!(names, ["e", "c", "d", "a", "d", "b", "d"]);
    assert_eq!(spec.provisioners[1].run, RunWhen::Never);
    assert_eq!(spec.provisioners[5].run, RunWhen::Always);
}

#[test]
fn overrides_of_the_chosen_provider_alone_are_applied() {
    let text = "Vagrant.configure('2') do |config|\n  config.vm.box = 'x'\n  config.vm.provider('docker') { |d, o| o.vm.box = 'y' }\n  config.vm.provider('lxc') { |l, o| o.vm.box = 'z' }\nend\n";
    assert_eq!(machine(text, "docker").image.name.as_deref(), Some("y"));
    assert_eq!(machine(text, "lxc").image.name.as_deref(), Some("z"));
    assert_eq!(machine(text, "other").image.name.as_deref(), Some("x"));
}

#[test]
fn settings_of_a_provider_that_nobody_knows_are_kept() {
    let text = "Vagrant.configure('2') do |config|\n  config.vm.provider('strange') { |s| s.memory = 5; s.storage :file, size: '3G' }\nend\n";
    let strange = &machine(text, "strange").providers[0];
    assert_eq!(strange.settings["memory"], 5);
    assert_eq!(strange.calls[0], serde_json::json!(["storage", "file", {"size": "3G"}]));
}

static SETTINGS: &[Setting] =
    &[Setting { name: "cpus", kind: SettingType::Integer, default: "2", doc: "How many processors." }];
static SCHEMA: Schema = Schema { settings: SETTINGS };

#[test]
fn providers_of_our_own_take_the_settings_of_their_table() {
    let folder = project(
        "Vagrant.configure('2') do |config|\n  config.vm.box = 'x'\n  config.vm.provider('container') { |c| c.cpus = 4; c.cpu = 1 }\nend\n",
    );
    let mut options = LoadOptions::new(folder.path());
    options.extra_providers = vec![("container", &SCHEMA)];
    let spec = load(options).unwrap().machine("default", "container").unwrap();
    assert_eq!(spec.providers[0].settings["cpus"], 4);
    let (title, problems) = &spec.problems[0];
    assert_eq!(title, "container provider");
    assert_eq!(problems[0].remedy.as_deref(), Some("'cpu' looks like 'cpus'"));
}

#[test]
fn the_users_own_vagrantfile_lies_below_the_projects() {
    let folder = project("Vagrant.configure('2') { |config| config.vm.box = 'project' }\n");
    let own = folder.path().join("own");
    std::fs::write(&own, "Vagrant.configure('2') { |c| c.vm.box = 'own'; c.vm.boot_timeout = 9 }\n").unwrap();
    let mut options = LoadOptions::new(folder.path());
    options.home_vagrantfile = Some(own);
    let spec = load(options).unwrap().machine("default", "docker").unwrap();
    assert_eq!((spec.image.name.as_deref(), spec.boot_timeout), (Some("project"), 9));
}

/// A project whose machine wants the box `a`, beside boxes that bring these Vagrantfiles.
fn with_boxes(text: &str, boxes: &[(&str, &str)], trusted: bool) -> (tempfile::TempDir, LoadOptions) {
    let folder = project(text);
    for (name, own) in boxes {
        std::fs::create_dir_all(folder.path().join("boxes").join(name)).unwrap();
        std::fs::write(folder.path().join("boxes").join(name).join("Vagrantfile"), own).unwrap();
    }
    let store = folder.path().join("boxes");
    let mut options = LoadOptions::new(folder.path());
    options.trusted = trusted.into();
    options.boxes = Some(Box::new(move |wanted| {
        assert_eq!((wanted.machine.as_str(), wanted.provider.as_str()), ("default", "docker"));
        Some(store.join(&wanted.name).join("Vagrantfile")).filter(|path| path.is_file())
    }));
    (folder, options)
}

#[test]
fn the_vagrantfile_of_a_box_lies_below_all_others() {
    let own = "Vagrant.configure('2') { |c| c.vm.hostname = 'from-box'; c.ssh.username = 'core'; c.vm.boot_timeout = 9; c.vm.network 'forwarded_port', guest: 80, host: 8080, id: 'web' }";
    let text = "Vagrant.configure('2') { |c| c.vm.box = 'a'; c.vm.hostname = 'mine' }\n";
    let (_folder, options) = with_boxes(text, &[("a", own)], false);
    let mut loaded = load(options).unwrap();
    let spec = loaded.machine("default", "docker").unwrap();
    assert_eq!((spec.hostname.as_deref(), spec.boot_timeout), (Some("mine"), 9));
    assert_eq!(spec.ssh.username.as_deref(), Some("core"));
    assert!(format!("{:?}", spec.networks).contains("8080"), "{:?}", spec.networks);
    let settings = loaded.settings("default", "docker").unwrap();
    let timeout = settings.iter().find(|setting| setting.key == "vm.boot_timeout").unwrap();
    assert!(format!("{timeout:?}").contains("boxes/a/Vagrantfile"), "{timeout:?}");
}

#[test]
fn the_vagrantfile_of_a_box_can_be_ignored() {
    let own = "Vagrant.configure('2') { |c| c.vm.boot_timeout = 9 }";
    let text = "Vagrant.configure('2') { |c| c.vm.box = 'a'; c.vm.ignore_box_vagrantfile = true }\n";
    let (_folder, options) = with_boxes(text, &[("a", own)], false);
    assert_eq!(load(options).unwrap().machine("default", "docker").unwrap().boot_timeout, 300);
}

#[test]
fn a_provider_that_overrides_the_box_gets_the_vagrantfile_of_that_one() {
    let text = "Vagrant.configure('2') do |c|\n  c.vm.box = 'a'\n  c.vm.provider('docker') { |_, o| o.vm.box = 'b' }\nend\n";
    let boxes = [
        ("a", "Vagrant.configure('2') { |c| c.vm.boot_timeout = 9 }"),
        ("b", "Vagrant.configure('2') { |c| c.vm.graceful_halt_timeout = 7 }"),
    ];
    let (_folder, options) = with_boxes(text, &boxes, false);
    let spec = load(options).unwrap().machine("default", "docker").unwrap();
    assert_eq!(spec.image.name.as_deref(), Some("b"));
    assert_eq!((spec.boot_timeout, spec.graceful_halt_timeout), (300, 7));
}

#[test]
fn trust_in_the_project_is_not_meant_for_the_vagrantfile_of_a_box() {
    let text = "Vagrant.configure('2') { |c| c.vm.box = 'a' }\n";
    for own in [
        "File.write(File.expand_path('../touched', __FILE__), 'x')",
        "Vagrant.configure('2') { |c| `touch #{File.expand_path('../touched', __FILE__)}` }",
    ] {
        let (folder, options) = with_boxes(text, &[("a", own)], true);
        let error = load(options).unwrap().machine("default", "docker").unwrap_err();
        let error = error.to_string();
        assert!(error.contains("boxes/a/Vagrantfile") && error.contains("ignore_box_vagrantfile"), "{error}");
        assert!(!folder.path().join("boxes/a/touched").exists());
    }
}
