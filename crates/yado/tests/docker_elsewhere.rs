//! The provider `docker` with an engine that is elsewhere: by SSH, through a real server, and by the context in use.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use dockerd::Docker;
use support::Sandbox;

/// OpenSSH's server for root alone, on loopback, with keys of its own; it ends with this value.
struct SshServer {
    folder: tempfile::TempDir,
    child: std::process::Child,
    port: u16,
}

impl SshServer {
    fn start() -> Option<Self> {
        if !support::has_programs("an engine by SSH", &["ssh", "ssh-keygen", "/usr/sbin/sshd"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("yado-sshd-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "user"] {
            let words = ["-q", "-t", "ed25519", "-N", "", "-f", &path(key)];
            assert!(std::process::Command::new("ssh-keygen").args(words).status().unwrap().success());
        }
        // Whoever asks for a free port gets another one each time.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPermitRootLogin prohibit-password\n",
            path("host"),
            path("user.pub")
        );
        std::fs::write(path("sshd_config"), settings).unwrap();
        // ssh looks for its settings in the user's real home, which is not this test's.
        let client = format!(
            "IdentityFile {}\nIdentitiesOnly yes\nStrictHostKeyChecking no\nUserKnownHostsFile {}\nLogLevel ERROR\n",
            path("user"),
            path("known_hosts")
        );
        std::fs::write(path("ssh_config"), client).unwrap();
        std::fs::create_dir(path("bin")).unwrap();
        std::fs::write(
            path("bin/ssh"),
            format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", path("ssh_config")),
        )
        .unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path("bin/ssh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir_all("/run/sshd").unwrap();
        let child = std::process::Command::new("/usr/sbin/sshd")
            .args(["-D", "-E", &path("log"), "-f", &path("sshd_config")])
            .stdin(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, child, port };
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < limit, "sshd does not answer");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Some(server)
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn an_engine_elsewhere_is_reached_by_ssh_and_by_a_context() {
    let Some(docker) = Docker::start_or_say_why_not() else { return };
    let Some(server) = SshServer::start() else { return };
    docker.import_busybox("box", &["cat", "echo", "sh", "sleep", "tail"], "");
    let socket = docker.address().trim_start_matches("unix://").to_owned();
    let address = format!("ssh://root@127.0.0.1:{}{socket}", server.port);
    let search = format!("{}:{}", server.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
    let vagrantfile = "Vagrant.configure('2') do |config|\n  \
         config.vm.provision 'shell', inline: 'echo by the way of $(cat /content)'\n  \
         config.vm.provider 'docker' do |d|\n    d.build_dir = '.'\n  end\nend\n";
    let sandbox =
        Sandbox::new(vagrantfile).with_variable("PATH", &search).with_variable("DOCKER_HOST", &address);
    sandbox.write("Dockerfile", "FROM box\nCOPY content /content\nCMD [\"tail\", \"-f\", \"/dev/null\"]\n");
    sandbox.write("content", "the context\n");
    assert!(sandbox.ok(&["up"]).contains("    default: by the way of the context"));
    assert_eq!(docker.run(&["ps", "-q"]).lines().count(), 1);
    assert!(sandbox.ok(&["status"]).contains("running (docker)"));
    sandbox.ok(&["destroy", "-f"]);

    // What `docker context use` chose counts as much as the variable.
    let configuration = sandbox.path("configuration").display().to_string();
    let context = |words: &[&str]| {
        let output = std::process::Command::new("docker")
            .arg("context")
            .args(words)
            .env("DOCKER_CONFIG", &configuration)
            .output();
        assert!(output.unwrap().status.success(), "{words:?}");
    };
    context(&["create", "there", "--docker", &format!("host={}", docker.address())]);
    context(&["use", "there"]);
    let by_context = Sandbox::new(vagrantfile).with_variable("DOCKER_CONFIG", &configuration);
    by_context.write("Dockerfile", "FROM box\nCMD [\"tail\", \"-f\", \"/dev/null\"]\n");
    by_context.ok(&["up", "--no-provision"]);
    assert_eq!(docker.run(&["ps", "-q"]).lines().count(), 1);
    by_context.ok(&["destroy", "-f"]);
    assert_eq!(docker.run(&["ps", "-aq"]), "");
}
