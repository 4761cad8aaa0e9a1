//! Every folder in `cases` holds a Vagrantfile of ours and what Vagrant 2.3.4 makes of it, written down once with
//! the real program.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod compare;

use std::path::{Path, PathBuf};

use compare::{compare, configuration, named};

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let home = tempfile::tempdir().unwrap();
    let want = serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let got = configuration(&folder, home.path());
    let places = [
        (folder.to_string_lossy().into_owned(), "${CASE}"),
        (folder.parent().unwrap().to_string_lossy().into_owned(), "${CASE}/.."),
        (home.path().to_string_lossy().into_owned(), "${HOME}"),
    ];
    let found = compare(&named(&want, &[]), &named(&got, &places), true);
    assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
}

macro_rules! cases {
    ($($test:ident = $folder:literal),* $(,)?) => {
        $(#[test] fn $test() { check($folder); })*

        #[test]
        fn every_folder_is_tested() {
            let known = [$($folder),*];
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
            let folders: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
            for path in folders {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                assert!(known.contains(&name.as_str()), "no test for cases/{name}");
            }
        }
    };
}

cases! {
    a_provider_call_without_arguments_is_kept = "bad-provider-call",
    an_empty_or_blank_box_is_told_apart_from_a_missing_one = "box-missing",
    the_project_folder_is_shared_unless_it_is_already = "current-folder-shared",
    disks_and_cloud_init_take_effect_with_the_flag = "disks",
    docker_settings_add_up_or_displace_one_another = "docker-provider",
    unknown_sections_record_their_calls = "dummies",
    a_block_that_says_nothing_is_a_machine_without_box = "empty-configure",
    a_file_that_says_nothing_is_a_machine_without_box = "empty-file",
    errors_in_provider_blocks_are_load_errors = "error-in-provider",
    errors_in_provisioner_blocks_keep_their_class = "error-in-provisioner",
    folders_of_one_name_are_laid_over_each_other = "folders",
    hyperv_settings_are_checked = "hyperv-validation",
    settings_that_do_not_exist_are_reported_by_section = "invalid-settings",
    blocks_run_as_often_as_in_vagrant = "load-count",
    a_name_error_in_configure_is_told_as_such = "name-error-in-block",
    a_name_error_in_define_is_told_as_such = "name-error-in-define",
    overrides_and_nested_definitions_find_their_place = "nested-define",
    networks_of_one_id_replace_one_another = "networks",
    values_that_json_does_not_have_are_described = "odd-values",
    the_outer_config_in_define_counts_for_every_machine = "outer-config",
    inline_plugins_bring_sections_and_provisioners = "plugin-classes",
    chef_puppet_salt_and_cfengine_are_completed = "provisioner-chef-puppet-salt",
    ansible_docker_podman_and_file_are_completed = "provisioner-settings",
    named_provisioners_override_one_another = "provisioners",
    push_strategies_are_completed = "pushes",
    push_strategies_are_checked = "push-validation",
    a_version_that_is_too_old_stops_the_load = "require-version",
    small_sections_are_completed_and_checked = "sections",
    shell_scripts_are_checked = "shell-validation",
    the_calls_of_two_blocks_follow_each_other = "single-machine-dummies",
    triggers_are_completed_and_checked = "triggers",
    an_unknown_configuration_version_is_an_error = "unknown-version",
    version_one_is_said_again_in_version_two = "version-one",
    virtualbox_commands_add_up = "virtualbox",
    machine_settings_are_completed_and_checked = "vm-settings",
    calls_of_version_one_are_no_settings_of_version_two = "first-language-calls",
    tables_of_nodes_are_walked = "node-tables",
    classes_and_methods_configure_machines = "classes-and-helpers",
    a_windows_guest_gets_its_forwards_and_triggers = "windows-guest",
    provisioners_of_all_families_live_in_one_file = "many-provisioners",
    the_vagrant_module_answers_as_vagrant_does = "vagrant-module",
    settings_made_nil_are_told_apart_from_unset_ones = "explicit-nothing",
    other_files_are_loaded_and_evaluated = "other-files",
    overrides_of_the_environments_provider_are_applied = "libvirt-overrides",
    provisioners_of_two_scopes_are_joined_by_name = "provisioners-in-two-scopes",
    a_folder_without_guest_path_is_an_error = "too-few-arguments",
    settings_can_be_read_back = "reading-settings-back",
    every_provisioner_takes_its_options = "every-provisioner-option",
    sections_of_version_one_find_their_successors = "version-one-sections",
    the_box_can_depend_on_the_provider = "box-by-provider",
    folder_options_are_brought_into_one_form = "folder-options",
    triggers_can_be_written_in_many_ways = "trigger-forms",
    access_settings_fall_back_on_their_defaults = "access-settings",
    settings_of_newer_vagrants_do_not_exist_in_2_3_4 = "newer-settings",
    odd_provisioner_options_are_kept_or_corrected = "provisioner-corners",
    blocks_within_provider_blocks_are_kept_as_calls = "clouds-with-regions",
    providers_that_are_not_there_take_any_setting = "many-providers",
    tables_of_settings_are_written_by_key = "desktop-hypervisors",
    docker_machines_say_what_they_are_made_of = "docker-corners",
    libvirt_settings_are_kept_in_order = "libvirt-settings",
    ansible_settings_are_checked = "ansible-corners",
    puppet_paths_have_sides = "puppet-corners",
    chef_folders_have_sides = "chef-corners",
    salt_pillars_are_laid_over_each_other = "salt-corners",
    shell_arguments_become_text = "shell-corners",
    folders_of_every_type_are_completed = "folder-corners",
    networks_of_every_kind_are_checked = "network-corners",
    an_error_in_a_push_is_a_load_error = "push-load-error",
    every_section_takes_its_settings = "every-section",
    ports_are_numbers_and_used_once = "port-corners",
    triggers_are_checked_one_by_one = "trigger-corners",
    a_trigger_that_says_nothing_is_an_error = "trigger-without-anything",
    a_trigger_in_the_old_language_is_an_error = "trigger-of-old-plugin",
    pushes_of_one_name_add_up = "push-corners",
    machines_are_defined_in_many_ways = "machine-corners",
    version_one_has_no_providers = "version-one-provider",
    no_cookbooks_is_told_apart_from_none_named = "chef-nothing",
    disks_need_the_flag = "disks-without-flag",
    provisioners_can_be_read_back = "reading-provisioners",
    machines_come_from_a_yaml_template = "yaml-from-template",
    settings_of_well_known_plugins_are_kept = "well-known-plugins",
    commands_of_virtualbox_are_said_in_many_ways = "customizing",
    the_key_that_everybody_has_is_not_missing = "well-known-key",
    a_file_can_read_options_of_its_own = "options-of-its-own",
    ruby_of_many_kinds_configures_machines = "more-ruby",
    evaluated_files_share_what_they_define = "evaluated-files",
    an_unset_setting_cannot_be_added_to = "adding-to-settings",
    a_file_can_speak = "speaking",
    plugins_are_named_in_a_list = "plugins-as-list",
    plugins_are_named_in_a_table = "plugins-as-table",
    plugins_with_unknown_keys_are_an_error = "plugins-with-unknown-keys",
    plugins_of_no_known_form_are_an_error = "plugins-of-no-form",
    inline_plugins_are_checked_and_merged = "plugin-classes-checked",
    overrides_of_providers_lie_above_all_scopes = "overrides-in-scopes",
    provisioners_are_ordered_by_name = "ordered-provisioners",
    machines_come_from_json_and_csv = "json-and-csv",
    blocks_of_all_arities_configure = "blocks-of-all-arities",
    blocks_of_providers_run_late = "late-blocks",
    windows_guests_have_three_communicators = "windows-corners",
    the_environment_chooses_the_provider = "provider-by-environment",
    carriage_returns_are_read_as_ruby_reads_them = "carriage-returns",
}
