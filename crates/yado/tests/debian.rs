//! The example with three servers, on Debian built from its packages: what it serves, what outlives a halt, and that
//! nothing is left of it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use std::path::Path;
use std::time::Instant;

use support::{Sandbox, debian, get_until};

#[test]
fn three_servers_work_together_and_keep_their_data_over_a_halt() {
    let Some(home) = debian::home("three_servers") else { return };
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/three-tier");
    let sandbox = Sandbox::copy_of(&example).with_home(home);
    let begin = Instant::now();
    let said = sandbox.ok(&["up"]);
    eprintln!("up: {:?}", begin.elapsed());
    for (machine, provisioner) in [("db", "database"), ("app", "application"), ("web", "proxy")] {
        assert!(
            said.contains(&format!("==> {machine}: Running provisioner: {provisioner} (shell)...")),
            "{said}"
        );
    }
    assert!(get_until(sandbox.port("web", 80), "Welcome to the inn.").contains("200 OK"));

    // By name, in every direction.
    for (from, to, address) in [("web", "app", 12), ("app", "db", 13), ("db", "web", 11)] {
        let hosts = sandbox.inside(from, &format!("getent hosts {to}"));
        assert!(hosts.starts_with(&format!("192.168.61.{address} ")), "{from} finds {to} at: {hosts}");
    }
    assert_eq!(sandbox.inside("app", &query("SELECT count(*) FROM greeting")), "1\n");
    let insert = "INSERT INTO greeting (text) VALUES (''Come again.'')".replace("''", "'");
    sandbox.inside("db", &format!("sudo runuser -u postgres -- psql -q inn -c \"{insert}\""));

    sandbox.ok(&["halt"]);
    let status = sandbox.ok(&["status"]);
    assert_eq!(status.matches("stopped (container)").count(), 3, "{status}");

    let begin = Instant::now();
    let said = sandbox.ok(&["up"]);
    eprintln!("up again: {:?}", begin.elapsed());
    assert_eq!(said.matches("Machine already provisioned.").count(), 3, "{said}");
    assert!(!said.contains("(database)") && !said.contains("postgresql (15"), "installed again:\n{said}");
    assert!(get_until(sandbox.port("web", 80), "Welcome to the inn.").contains("200 OK"));
    assert_eq!(
        sandbox.inside("app", &query("SELECT text FROM greeting ORDER BY id")),
        "Welcome to the inn.\nCome again.\n"
    );
    sandbox.destroy_and_audit();
}

/// Asks the database from the application's machine, over the network and by the database's name.
fn query(statement: &str) -> String {
    format!(
        "python3 -c 'import psycopg2
with psycopg2.connect(host=\"db\", dbname=\"inn\", user=\"guest\", password=\"guest\") as c:
    cursor = c.cursor()
    cursor.execute(\"{statement}\")
    for row in cursor.fetchall(): print(row[0])'"
    )
}
