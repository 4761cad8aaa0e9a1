//! Tests of [seeds](super): what is in the volume, as other programs read it.

use std::process::Command;

use yado_core::disk::{HostKey, UserData};

use super::*;

fn sample() -> Seed {
    Seed {
        instance_id: "i-1".into(),
        hostname: "web.example.org".into(),
        user: "vagrant".into(),
        authorized_key: "ssh-ed25519 AAAA yado\n".into(),
        host_keys: vec![HostKey {
            kind: "ed25519".into(),
            private: "PRIVATE".into(),
            public: "PUBLIC".into(),
        }],
        interfaces: vec![
            SeedInterface {
                mac: "52:54:00:00:00:01".into(),
                addresses: vec![("10.0.2.15".parse().unwrap(), 24)],
                dhcp: false,
                gateway: Some("10.0.2.2".parse().unwrap()),
                dns: vec!["10.0.2.3".parse().unwrap()],
                mtu: Some(1400),
            },
            SeedInterface { mac: "52:54:00:00:00:02".into(), dhcp: true, ..SeedInterface::default() },
        ],
        names: vec![("192.168.61.13".parse().unwrap(), "db".into())],
        user_data: Vec::new(),
    }
}

/// The volume as a program reads it that makes CDs: by its plain names, or by Joliet's.
fn read(volume: &Path, name: &str, joliet: bool) -> Option<String> {
    let mut command = Command::new("isoinfo");
    command.arg("-i").arg(volume).args(joliet.then_some("-J"));
    let output = command.args(["-x", name]).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn other_programs_read_the_volume() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed");
    write_seed(&sample(), &path).unwrap();
    write_seed(&sample(), &path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let Some(meta) = read(&path, "/meta-data", true) else {
        eprintln!("skipped: reading the volume needs isoinfo (package genisoimage)");
        return;
    };
    assert_eq!(meta, "{\"instance-id\":\"i-1\",\"local-hostname\":\"web.example.org\"}\n");
    assert_eq!(read(&path, "/META-DATA.;1", false).unwrap(), meta);
    let files = read(&path, "/FILES.TAR;1", false).unwrap();
    assert_eq!(files.as_bytes(), super::files(&sample()).unwrap());
    let network = read(&path, "/network-config", true).unwrap();
    assert!(network.contains("\"via\":\"10.0.2.2\"") && network.contains("\"mtu\":1400"), "{network}");
    let about = Command::new("isoinfo").arg("-d").arg("-i").arg(&path).output().unwrap();
    let about = String::from_utf8_lossy(&about.stdout).into_owned();
    assert!(
        about.contains("Volume id: cidata") && about.contains("Joliet with UCS level 3 found"),
        "{about}"
    );
}

#[test]
fn files_have_their_places_and_permissions() {
    let bytes = files(&sample()).unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut found = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mode = entry.header().mode().unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        found.insert(name, (mode, text));
    }
    assert_eq!(found["etc/ssh/ssh_host_ed25519_key"], (0o600, "PRIVATE\n".into()));
    assert_eq!(found["etc/ssh/yado/vagrant"], (0o644, "ssh-ed25519 AAAA yado\n".into()));
    assert_eq!(found["etc/machine-id"].1.len(), 33);
    assert_eq!(found["etc/resolv.conf"].1, "nameserver 10.0.2.3\n");
    assert!(
        !found.contains_key("etc/systemd/network/10-yado-0.network"),
        "it is given before systemd starts"
    );
    assert!(found.contains_key(NETWORKD), "somebody must ask for the other one");
    assert_eq!(
        network_lines(&sample().interfaces),
        "52:54:00:00:00:01 up\n52:54:00:00:00:01 address 10.0.2.15/24\n52:54:00:00:00:01 gateway 10.0.2.2\n"
    );
    assert!(found["etc/systemd/network/10-yado-1.network"].1.contains("DHCP=ipv4\n"));
}

#[test]
fn nothing_that_would_begin_a_new_line_is_told() {
    for spoil in [
        (|seed| seed.hostname = "a\nb".into()) as fn(&mut Seed),
        |seed| seed.authorized_key = "a\nb".into(),
        |seed| seed.names[0].1 = "a b".into(),
        |seed| seed.user = "../x".into(),
        |seed| seed.interfaces[0].mac = "52\n[Network]".into(),
    ] {
        let mut seed = sample();
        spoil(&mut seed);
        assert!(volume(&seed).is_err(), "{seed:?}");
    }
}

#[test]
fn peoples_own_user_data_comes_first_and_is_added_to() {
    let mut seed = sample();
    assert!(user_data(&seed).starts_with("#cloud-config\n{"));
    seed.user_data = vec![UserData {
        content_type: "text/x-shellscript".into(),
        name: Some("first\".sh".into()),
        content: "#!/bin/sh\necho ==yado==\n".into(),
    }];
    let text = user_data(&seed);
    assert!(text.contains("boundary=\"==yado===\""), "{text}");
    let (theirs, ours) = (text.find("first.sh").unwrap(), text.find("Merge-Type: list(append)").unwrap());
    assert!(theirs < ours && text.ends_with("--==yado===--\n"), "{text}");
}
