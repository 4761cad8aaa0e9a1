//! `cfengine`

use yado_ruby::Value;

use crate::schema::{EMPTY, Section, plain, with};
use crate::validate::provisioners as check;

/// `cfengine`
pub(super) static CFENGINE: Section = Section {
    class: "VagrantPlugins::CFEngine::Config",
    title: "CFEngine",
    settings: &[
        with("am_policy_hub", "false"),
        plain("classes"),
        with("deb_repo_file", "\"/etc/apt/sources.list.d/cfengine-community.list\""),
        with("deb_repo_line", "\"deb https://cfengine.com/pub/apt/packages stable main\""),
        plain("extra_agent_args"),
        plain("files_path"),
        with("force_bootstrap", "false"),
        with("install", "true"),
        with("mode", "\"bootstrap\""),
        with("package_name", "\"cfengine-community\""),
        plain("policy_server_address"),
        with("repo_gpg_key_url", "\"https://cfengine.com/pub/gpg.key\""),
        plain("run_file"),
        with("upload_path", "\"/tmp/vagrant-cfengine-file\""),
        with("yum_repo_file", "\"/etc/yum.repos.d/cfengine-community.repo\""),
        with("yum_repo_url", "\"https://cfengine.com/pub/yum/$basearch\""),
    ],
    finalize: Some(|_, _, config| {
        for name in ["mode", "install"] {
            if let Some(text) = config.text(name) {
                config.put(name, Value::sym(&text));
            }
        }
        Ok(())
    }),
    validate: Some(check::cfengine),
    ..EMPTY
};
