//! Boxes from catalogues and URLs: a real web server with a private authority, as a company has one.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::web::Web;
use support::{Sandbox, can_make_machines, roots};

/// A catalogue with two versions for containers and a newer one for another provider.
fn publish(web: &Web) {
    let site = web.site();
    roots::make_box(&site.join("one.box"), "lxc", "one", 1, "gzip");
    roots::make_box(&site.join("two.box"), "lxc", "two", 20, "cat");
    let file = |name: &str, program: &str, kind: &str| {
        serde_json::json!({"name": "lxc", "url": web.url(name), "checksum_type": kind,
            "checksum": roots::checksum(program, &site.join(name))})
    };
    write_catalogue(
        &site,
        serde_json::json!([
            {"version": "1.0.0", "providers": [file("one.box", "sha512sum", "sha512")]},
            {"version": "1.1.0", "providers": [file("moved/two.box", "md5sum", "md5")
                .as_object().map(|offer| { let mut offer = offer.clone();
                    offer["checksum"] = roots::checksum("md5sum", &site.join("two.box")).into(); offer }).unwrap(),
                {"name": "virtualbox", "url": "x"}]},
            {"version": "2.0.0", "providers": [{"name": "virtualbox", "url": "x"}]},
        ]),
    );
}

fn write_catalogue(site: &Path, versions: serde_json::Value) {
    let folder = site.join("catalogues/team");
    std::fs::create_dir_all(&folder).unwrap();
    let catalogue = serde_json::json!({"name": "team/box", "versions": versions});
    std::fs::write(folder.join("box.json"), catalogue.to_string()).unwrap();
}

fn greeting(sandbox: &Sandbox, version: &str) -> String {
    let list = sandbox.ok(&["box", "list", "-i"]);
    let mut lines = list.lines().skip_while(|line| !line.contains(&format!(", {version})")));
    let layers = std::fs::read_dir(sandbox.home().join("layers")).unwrap();
    assert!(lines.next().is_some(), "no version {version} in {list}");
    layers
        .flatten()
        .filter_map(|layer| std::fs::read_to_string(layer.path().join("etc/greeting")).ok())
        .collect::<Vec<_>>()
        .join(",")
}

#[test]
fn a_catalogue_on_a_server_with_a_private_authority_serves_a_team() {
    if !can_make_machines("a box") {
        return;
    }
    let Some(web) = Web::start("a catalogue") else { return };
    publish(&web);
    let ca = web.key("ca.pem");
    let sandbox = Sandbox::new("Vagrant.configure('2') { |c| c.vm.box = 'team/box' }")
        .with_variable("VAGRANT_SERVER_URL", &web.url(""))
        .with_variable("VAGRANT_CLOUD_TOKEN", "sesame");
    // Nobody believes an unknown authority.
    sandbox.run(&["box", "add", "team/box"]).refused(&["certificate", "--cacert"]);
    let said = sandbox.ok(&["box", "add", "team/box", "--box-version", "~> 1.0.0", "--cacert", &ca]);
    assert!(said.contains("Loading metadata for box 'team/box'"), "{said}");
    assert!(said.contains("Successfully added box 'team/box' (v1.0.0)"), "{said}");
    sandbox
        .run(&["box", "add", "team/box", "--box-version", "1.0.0", "--cacert", &ca])
        .refused(&["already exists"]);
    sandbox
        .run(&["box", "add", "team/box", "--box-version", ">= 2", "--cacert", &ca])
        .refused(&["nothing for the provider 'container'", "Providers: virtualbox"]);
    sandbox
        .run(&["box", "add", "team/box", "--box-version", "= 7", "--cacert", &ca])
        .refused(&["no version that satisfies '= 7'", "Versions: 2.0.0, 1.1.0, 1.0.0"]);
    sandbox
        .run(&[
            "box",
            "add",
            "team/box",
            "--architecture",
            "s390x",
            "--force",
            "--box-version",
            "< 1",
            "--insecure",
        ])
        .refused(&["no version"]);
    assert_eq!(greeting(&sandbox, "1.0.0"), "one");

    let outdated = sandbox.ok(&["box", "outdated", "--cacert", &ca]);
    assert!(outdated.contains("A newer version of the box 'team/box'"), "{outdated}");
    let global = sandbox.ok(&[
        "box",
        "outdated",
        "--global",
        "--capath",
        &web.site().parent().unwrap().display().to_string(),
    ]);
    assert!(
        global.contains("'team/box' for 'container' is outdated! Current: 1.0.0. Latest: 1.1.0"),
        "{global}"
    );
    let said = sandbox.ok(&["box", "update", "--cacert", &ca]);
    assert!(said.contains("from version '1.0.0' to '1.1.0'"), "{said}");
    let said = sandbox.ok(&["box", "update", "--box", "team/box", "--cacert", &ca]);
    assert!(said.contains("running the latest version"), "{said}");
    // The token was shown to the catalogue's server.
    assert!(
        web.log()
            .iter()
            .any(|line| line.contains("/api/v2/vagrant/team/box") && line.contains("Bearer sesame"))
    );

    // The catalogue lies about a checksum.
    let versions = serde_json::json!([{"version": "3", "providers": [{"name": "lxc", "url": web.url("one.box"),
        "checksum_type": "sha256", "checksum": "00"}]}]);
    write_catalogue(&web.site(), versions);
    sandbox
        .run(&["box", "update", "--cacert", &ca])
        .refused(&["checksum of the downloaded box did not match"]);
    assert!(!sandbox.ok(&["box", "list"]).contains(", 3)"));
}

#[test]
fn urls_with_all_that_companies_put_before_them() {
    if !can_make_machines("a box") {
        return;
    }
    let Some(web) = Web::start("a direct URL") else { return };
    for (name, program) in [("a.box", "gzip"), ("b.box", "xz -0"), ("c.box", "zstd -q"), ("d.box", "cat")] {
        roots::make_box(&web.site().join(name), "lxc", name, 1, program);
    }
    let sandbox = Sandbox::empty().with_variable("CURL_CA_BUNDLE", &web.key("ca.pem"));
    for name in ["a.box", "b.box", "c.box", "d.box"] {
        sandbox.ok(&["box", "add", &web.url(name), "--name", name, "--box-version", "1.5"]);
    }
    let list = sandbox.ok(&["box", "list"]);
    assert_eq!(list.lines().filter(|line| line.contains("(container, 1.5)")).count(), 4, "{list}");
    sandbox.run(&["box", "add", &web.url("a.box")]).refused(&["A name is required"]);
    sandbox.run(&["box", "add", &web.url("nowhere"), "--name", "n"]).refused(&["does not exist there"]);
    // A client certificate, shown or not.
    let known = web.url("known/a.box");
    sandbox.run(&["box", "add", &known, "--name", "k"]).refused(&["status 403"]);
    sandbox.ok(&["box", "add", &known, "--name", "k", "--cert", &web.key("client.pem")]);
    // Nothing of it without a network, and a word on what to do.
    let offline = Sandbox::empty().with_variable("YADO_OFFLINE", "1");
    offline
        .run(&["box", "add", &web.url("a.box"), "--name", "a"])
        .refused(&["YADO_OFFLINE", "yado box list"]);
    // Settings of a Vagrantfile.
    let project = Sandbox::new(&format!(
        "Vagrant.configure('2') do |c|\n c.vm.box = 's'\n c.vm.box_url = '{}'\n c.vm.box_download_ca_cert = '{}'\n \
         c.vm.box_download_options = {{'header' => 'Authorization: Bearer sesame', 'retry' => '3'}}\nend",
        web.url("secret/a.box"),
        web.key("ca.pem")
    ));
    project.run(&["up"]).refused(&["'retry' of 'box_download_options'", "Vagrantfile:2"]);
}

/// How many pieces of downloads are on record.
fn pieces(downloads: &Path) -> usize {
    let files = std::fs::read_dir(downloads).into_iter().flatten().flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|kind| kind == "pieces"))
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .map(|text| text.lines().filter(|line| line.starts_with("piece ")).count())
        .sum()
}

#[test]
fn a_killed_download_goes_on_and_twenty_requests_are_one() {
    if !can_make_machines("a box") {
        return;
    }
    let Some(web) = Web::start("an interrupted download") else { return };
    roots::make_box(&web.site().join("big.box"), "lxc", "big", 60, "cat");
    let size = web.site().join("big.box").metadata().unwrap().len();
    let sandbox = Sandbox::empty();
    let url = format!("http://localhost:{}/slow/big.box", web.plain);
    let add = ["box", "add", url.as_str(), "--name", "big"];
    let downloads = sandbox.home().join("cache/downloads");
    let mut there = 0;
    // Killed as soon as there is more on disk than before, when the next pieces are under way.
    for _ in 0..2 {
        let mut child = sandbox.command(&add).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let limit = Instant::now() + Duration::from_secs(30);
        while pieces(&downloads) <= there {
            assert!(Instant::now() < limit && child.try_wait().unwrap().is_none(), "{there} pieces");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        there = pieces(&downloads);
    }
    // Five at once: one of them does the rest, the others find it done.
    let children: Vec<_> = (0..5)
        .map(|_| sandbox.command(&add).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let mut said = String::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        // Whoever comes when all is done is told that the box exists; nobody fails otherwise.
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || errors.contains("already exists"), "{errors}");
        said.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    assert!(said.contains("resuming from prior download progress"), "{said}");
    // What was fetched twice is what the two killed ones had under way: at most five pieces each.
    let sent: u64 = web.log().iter().filter_map(|line| line.split(' ').nth(4)?.parse::<u64>().ok()).sum();
    assert!(sent < size + 2 * 5 * (4 << 20), "{sent} of {size}");
    let list = sandbox.ok(&["box", "list"]);
    assert_eq!(list.trim(), "big (container, 0)");
    let left: Vec<_> = std::fs::read_dir(sandbox.home().join("layers")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let parts = std::fs::read_dir(sandbox.home().join("cache/downloads")).unwrap().flatten();
    assert_eq!(parts.filter(|file| file.path().extension().is_none_or(|kind| kind != "lock")).count(), 0);
}

#[test]
fn twenty_ups_of_one_new_box_download_it_once() {
    if !can_make_machines("a box") {
        return;
    }
    let Some(web) = Web::start("many ups") else { return };
    roots::make_box(&web.site().join("one.box"), "lxc", "one", 60, "cat");
    let address = format!("http://localhost:{}/one.box", web.plain);
    let text = format!("Vagrant.configure('2') {{ |c| c.vm.box = 'one'; c.vm.box_url = '{address}' }}");
    let home = Sandbox::empty();
    let projects: Vec<_> = (0..20).map(|_| Sandbox::new(&text).with_home(&home.home())).collect();
    let children: Vec<_> = projects.iter().map(|project| project.start(&["up"])).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let size = web.site().join("one.box").metadata().unwrap().len();
    let sent: u64 = web.log().iter().filter_map(|line| line.split(' ').nth(4)?.parse::<u64>().ok()).sum();
    // Each may look once what is there, and the server has sent a beginning of it before it sees that no more is wanted:
    // what the buffers of a connection hold.
    assert!(sent >= size && sent <= size + 20 * (1 << 20), "{sent} of {size}");
    let layers: Vec<_> = std::fs::read_dir(home.home().join("layers")).unwrap().flatten().collect();
    assert_eq!(layers.len(), 1, "{layers:?}");
    home.ok(&["box", "verify"]);
    for project in &projects {
        project.destroy_and_audit();
    }
}
