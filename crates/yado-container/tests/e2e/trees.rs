//! The file tree: what is hidden, who owns what, what stays.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::time::Duration;

use yado_container::spec::{Mount, folder_mappings};
use yado_container::{CreateOptions, Identity};

use crate::Test;
use crate::ground::{FIRST_ID, Ground, shell, shell_as};

pub(crate) const TESTS: &[Test] = &[
    ("kernel_interfaces_are_hidden_or_read_only", masks),
    ("the_usual_file_systems_and_devices_are_there", usual),
    ("files_on_disk_keep_the_containers_own_owners", owners_on_disk),
    ("a_synced_folder_translates_owners_both_ways", synced_folder),
    ("changes_survive_a_new_container_on_the_same_layers", persistence),
    ("the_host_never_sees_a_mount", invisible),
    ("a_plain_directory_can_be_the_root", plain_root),
    ("a_read_only_root_cannot_be_written", read_only_root),
    ("several_layers_lie_in_order", layers),
    ("a_mounts_target_cannot_lead_out_of_the_root", escape),
    ("device_nodes_in_a_layer_are_dead", dead_devices),
    ("private_folders_of_the_host_can_be_shown", private_source),
];

fn masks() {
    let ground = Ground::new();
    let container = ground.container("masks");
    assert_eq!(shell(&container, "wc -c < /proc/keys"), "0");
    assert_eq!(shell(&container, "ls /sys/firmware | wc -l"), "0");
    for path in ["/proc/sys/kernel/domainname", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run"] {
        let line = format!("[ ! -e {path} ] || ! echo 0 2>/dev/null > {path}");
        assert_eq!(shell(&container, &line), "", "{path}");
    }
}

fn usual() {
    let ground = Ground::new();
    let container = ground.container("usual");
    assert_eq!(shell(&container, "ps -o pid= -p 1 | tr -d ' '"), "1");
    assert_eq!(
        shell(&container, "head -c 3 /dev/urandom | wc -c; echo x > /dev/null; ls -l /dev/ptmx | wc -l"),
        "3\n1"
    );
    assert_eq!(shell(&container, "echo in > /dev/shm/file; cat /dev/shm/file"), "in");
    assert_eq!(shell(&container, "stat -f -c %T /dev/pts /dev/mqueue /proc /sys").lines().count(), 4);
    assert_eq!(shell(&container, "ls /sys/fs/cgroup >/dev/null && echo there"), "there");
    assert_eq!(shell(&container, "mkdir /sys/fs/cgroup/x 2>/dev/null || echo refused"), "refused");
    assert_eq!(shell(&container, "cat /proc/self/uid_map | tr -s ' '"), format!(" 0 {FIRST_ID} 65536"));
    let names = shell(&container, "readlink /proc/self/ns/cgroup /proc/self/ns/ipc /proc/self/ns/uts");
    for (inside, name) in names.lines().zip(["cgroup", "ipc", "uts"]) {
        let host = std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap();
        assert_ne!(inside, host.to_str().unwrap());
    }
}

fn owners_on_disk() {
    let ground = Ground::new();
    let container = ground.container("owners");
    shell(&container, "echo a > /root-file; echo b > /user-file; chown 1000:1001 /user-file; mkdir /sub");
    let upper = ground.folder.join("machines/owners/upper");
    let owner = |name: &str| {
        let status = std::fs::metadata(upper.join(name)).unwrap();
        (status.uid(), status.gid())
    };
    assert_eq!((owner("root-file"), owner("user-file"), owner("sub")), ((0, 0), (1000, 1001), (0, 0)));
    // The lower layer belongs to the host's root on disk and to the container's inside.
    assert_eq!(shell(&container, "stat -c %u:%g /etc/passwd"), "0:0");
    shell(&container, "echo more >> /etc/passwd; rm -r /var; mkdir /var; rm /etc/passwd");
    assert!(ground.folder.join("skeleton/etc/passwd").exists());
    // On the host the processes are nobody special.
    let status = std::fs::read_to_string(format!("/proc/{}/status", container.pid())).unwrap();
    assert!(status.contains(&format!("Uid:\t{FIRST_ID}\t")), "{status}");
}

fn synced_folder() {
    let ground = Ground::new();
    let project = ground.folder.join("project");
    std::fs::create_dir(&project).unwrap();
    // A user of the host who is not root.
    std::fs::write(project.join("host-file"), "host").unwrap();
    chown(&project, Some(2345), Some(2346)).unwrap();
    chown(project.join("host-file"), Some(2345), Some(2346)).unwrap();
    let mut spec = ground.spec("synced");
    spec.mounts.push(Mount {
        destination: "/vagrant".into(),
        kind: Some("bind".to_owned()),
        source: Some(project.clone()),
        options: vec!["bind".to_owned()],
        uid_mappings: folder_mappings(2345, 1000, FIRST_ID),
        gid_mappings: folder_mappings(2346, 1000, FIRST_ID),
    });
    let container = ground.container_with("synced", &spec);
    assert_eq!(shell(&container, "stat -c %u:%g /vagrant /vagrant/host-file"), "1000:1000\n1000:1000");
    let (_, status) = shell_as(&container, "echo guest > /vagrant/guest-file", |request| {
        request.user = Some(Identity { uid: 1000, gid: 1000, additional_gids: Vec::new() });
    });
    assert!(status.success());
    let made = std::fs::metadata(project.join("guest-file")).unwrap();
    assert_eq!((made.uid(), made.gid()), (2345, 2346));
    // The container's root can write as well, but its files never become those of the host's root.
    std::fs::set_permissions(&project, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(shell(&container, "touch /vagrant/by-root; stat -c %u /vagrant/by-root"), "0");
    assert_eq!(std::fs::metadata(project.join("by-root")).unwrap().uid(), FIRST_ID);
    shell(&container, "chown 1000:1000 /vagrant/by-root");
    assert_eq!(std::fs::metadata(project.join("by-root")).unwrap().uid(), 2345);
}

fn persistence() {
    let ground = Ground::new();
    let mut container = ground.container("again");
    shell(&container, "echo kept > /root/note; rm /etc/passwd");
    container.stop(Duration::from_secs(5)).unwrap();
    container.delete(false).unwrap();
    let container = ground.container("again");
    assert_eq!(shell(&container, "cat /root/note; ls /etc | wc -l"), "kept\n0");
}

fn invisible() {
    let ground = Ground::new();
    let _container = ground.container("hidden");
    assert!(ground.engine.leftovers().unwrap().mounts.is_empty());
}

fn plain_root() {
    let ground = Ground::new();
    let mut spec = ground.spec("plain");
    spec.root = Some(yado_container::spec::Root { path: ground.folder.join("skeleton"), readonly: false });
    let options = CreateOptions { id_mapped_root: true, ..CreateOptions::default() };
    let container = ground.engine.create("plain", &spec, &options).unwrap();
    shell(&container, "echo direct > /root/file");
    let file = ground.folder.join("skeleton/root/file");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "direct\n");
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), 0);
}

fn read_only_root() {
    let ground = Ground::new();
    let mut spec = ground.spec("fixed");
    spec.root = Some(yado_container::spec::Root { path: "/nowhere".into(), readonly: true });
    let container = ground.container_with("fixed", &spec);
    assert_eq!(
        shell(&container, "touch /x 2>/dev/null || echo refused; touch /dev/shm/x && echo fine"),
        "refused\nfine"
    );
}

fn layers() {
    let ground = Ground::new();
    let (top, middle) = (ground.folder.join("top"), ground.folder.join("middle"));
    for (layer, word) in [(&top, "top"), (&middle, "middle")] {
        std::fs::create_dir_all(layer.join("etc")).unwrap();
        std::fs::write(layer.join("etc/which"), word).unwrap();
        std::fs::write(layer.join("etc").join(word), word).unwrap();
    }
    let mut options = ground.options("layers");
    let lower = &mut options.root_overlay.as_mut().unwrap().lower;
    lower.splice(0..0, [top, middle]);
    let container = ground.engine.create("layers", &ground.spec("layers"), &options).unwrap();
    assert_eq!(shell(&container, "cat /etc/which; ls /etc | tr '\\n' ' '"), "topmiddle passwd top which");
}

fn escape() {
    let ground = Ground::new();
    let aim = ground.folder.join("aim");
    std::fs::create_dir(&aim).unwrap();
    std::os::unix::fs::symlink(&aim, ground.folder.join("skeleton/data")).unwrap();
    let mut spec = ground.spec("escape");
    spec.mounts.push(Mount {
        destination: "/data/inner".into(),
        kind: Some("tmpfs".to_owned()),
        source: Some("tmpfs".into()),
        ..Mount::default()
    });
    let container = ground.container_with("escape", &spec);
    assert!(!aim.join("inner").exists());
    assert_eq!(shell(&container, &format!("stat -f -c %T {}/inner", aim.display())), "tmpfs");
}

fn dead_devices() {
    let ground = Ground::new();
    let node = ground.folder.join("skeleton/zero");
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &node,
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::from_raw_mode(0o666),
        rustix::fs::makedev(1, 5),
    );
    made.unwrap();
    std::fs::set_permissions(&node, std::fs::Permissions::from_mode(0o666)).unwrap();
    let container = ground.container("dead");
    assert_eq!(shell(&container, "head -c 1 /zero 2>/dev/null || echo dead"), "dead");
}

fn private_source() {
    let ground = Ground::new();
    let private = ground.folder.join("private");
    std::fs::create_dir_all(private.join("shown")).unwrap();
    std::fs::write(private.join("shown/file"), "seen").unwrap();
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut spec = ground.spec("private");
    spec.mounts.push(Mount {
        destination: "/shown".into(),
        kind: Some("bind".to_owned()),
        source: Some(private.join("shown")),
        options: vec!["bind".to_owned(), "ro".to_owned()],
        ..Mount::default()
    });
    let container = ground.container_with("private", &spec);
    assert_eq!(
        shell(&container, "cat /shown/file; touch /shown/x 2>/dev/null || echo refused"),
        "seenrefused"
    );
}
