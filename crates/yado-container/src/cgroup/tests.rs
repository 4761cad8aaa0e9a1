//! Layouts and limits, tried on texts and on folders that only look like cgroups.

use std::path::{Path, PathBuf};

use super::layout::{Legacy, Unified};
use super::*;
use crate::spec::{Cpu, Memory, Pids};

const HYBRID_MOUNTS: &str = "\
30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
const HYBRID_OWN: &str = "3:memory:/jobs/a\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/session";

#[test]
fn a_hybrid_layout_is_recognised() {
    let layout = Layout::parse(HYBRID_MOUNTS, HYBRID_OWN, true);
    let memory = layout.legacy_for("memory").unwrap();
    assert_eq!(memory.own, Path::new("/sys/fs/cgroup/memory/jobs/a"));
    assert_eq!(layout.legacy_for("cpuacct").unwrap().controllers, ["cpu", "cpuacct"]);
    assert!(layout.legacy_for("pids").is_none());
    assert_eq!(layout.unified.unwrap().base, Path::new("/sys/fs/cgroup/unified"));
}

#[test]
fn a_mount_that_shows_a_part_is_entered_from_there() {
    let mounts = "32 30 0:28 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
    let layout = Layout::parse(mounts, "3:memory:/docker/x/inner", true);
    assert_eq!(layout.legacy[0].own, Path::new("/sys/fs/cgroup/memory/inner"));
}

#[test]
fn without_privileges_only_the_delegated_part_is_used() {
    let mounts = "34 30 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    let layout = Layout::parse(mounts, "0::/user.slice/me", false);
    assert_eq!(layout.unified.unwrap().base, Path::new("/sys/fs/cgroup/user.slice/me"));
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("yado-cgroup-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn legacy_layout(top: &Path) -> Layout {
    let hierarchy = |name: &str| {
        let mount = top.join(name);
        std::fs::create_dir_all(&mount).unwrap();
        Legacy { controllers: vec![name.to_owned()], own: mount.clone(), mount }
    };
    Layout { legacy: ["cpu", "memory", "pids", "freezer"].map(hierarchy).into(), unified: None }
}

fn limits() -> Resources {
    Resources {
        memory: Some(Memory { limit: Some(64 << 20), ..Memory::default() }),
        cpu: Some(Cpu { quota: Some(50_000), period: Some(100_000), shares: Some(512), ..Cpu::default() }),
        pids: Some(Pids { limit: 30 }),
        ..Resources::default()
    }
}

#[test]
fn without_limits_no_v1_hierarchy_is_joined() {
    let top = folder("none");
    let layout = legacy_layout(&top);
    assert_eq!(Cgroups::plan(&layout, "web", None, None), Cgroups::default());
    let empty = Resources::default();
    assert_eq!(Cgroups::plan(&layout, "web", None, Some(&empty)).legacy, []);
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn a_detour_leads_through_limits_that_have_room_for_it_and_back() {
    let top = folder("detour");
    let layout = legacy_layout(&top);
    let wide = limits();
    let cgroups = Cgroups::plan(&layout, "web", None, Some(&wide));
    assert!(cgroups.detour(&layout, Some(&wide)).is_none(), "nothing is there");
    for (_, place) in &cgroups.legacy {
        std::fs::create_dir_all(place).unwrap();
        std::fs::write(place.join("tasks"), "").unwrap();
    }
    assert!(cgroups.detour(&layout, Some(&wide)).is_none(), "there is no way back");
    for hierarchy in &layout.legacy {
        std::fs::write(hierarchy.own.join("tasks"), "").unwrap();
    }
    let detour = cgroups.detour(&layout, Some(&wide)).unwrap();
    assert_eq!((detour.there.len(), detour.back.len()), (3, 3));
    let tight = [
        serde_json::json!({"pids": {"limit": 1}}),
        serde_json::json!({"memory": {"limit": 1 << 20}}),
        serde_json::json!({"cpu": {"quota": 1000}}),
        serde_json::json!({"cpu": {"shares": 2}}),
        serde_json::json!({"cpu": {"idle": 1}}),
    ];
    for words in tight {
        assert!(cgroups.detour(&layout, Some(&resources(words.clone()))).is_none(), "{words}");
    }
    let unlimited =
        resources(serde_json::json!({"pids": {"limit": -1}, "memory": {"limit": -1}, "cpu": {"quota": -1}}));
    assert!(cgroups.detour(&layout, Some(&unlimited)).is_some());
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn v1_limits_are_written_into_their_hierarchies() {
    let top = folder("v1");
    let layout = legacy_layout(&top);
    let resources = limits();
    let cgroups = Cgroups::plan(&layout, "web", None, Some(&resources));
    cgroups.make(&layout, Some(&resources)).unwrap();
    let read = |path: &str| std::fs::read_to_string(top.join(path)).unwrap();
    assert_eq!(read("memory/yado/web/memory.limit_in_bytes"), "67108864");
    assert_eq!(read("cpu/yado/web/cpu.cfs_quota_us"), "50000");
    assert_eq!(read("cpu/yado/web/cpu.shares"), "512");
    assert_eq!(read("pids/yado/web/pids.max"), "30");
    assert!(!top.join("freezer/yado").exists());
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn v2_limits_are_written_into_one_folder() {
    let top = folder("v2");
    let layout = Layout {
        legacy: Vec::new(),
        unified: Some(Unified {
            mount: top.clone(),
            base: top.clone(),
            controllers: ["cpu", "memory", "pids"].map(str::to_owned).into(),
            beside_legacy: false,
        }),
    };
    let resources = limits();
    let cgroups = Cgroups::plan(&layout, "web", None, Some(&resources));
    cgroups.make(&layout, Some(&resources)).unwrap();
    let read = |path: &str| std::fs::read_to_string(top.join(path)).unwrap();
    assert_eq!(read("yado/web/memory.max"), "67108864");
    assert_eq!(read("yado/web/cpu.max"), "50000 100000");
    assert_eq!(read("yado/web/cpu.weight"), "20");
    assert_eq!(read("yado/cgroup.subtree_control"), "+memory +cpu +pids");
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn the_v2_tree_in_its_usual_place_is_the_one_in_the_list_of_mounts() {
    let Some(quick) = Layout::without_limits() else {
        return eprintln!("skipped: the v2 tree is in no usual place, or this user is not root");
    };
    let searched = Layout::detect().unwrap().unified.unwrap();
    let found = quick.unified.unwrap();
    assert_eq!((found.mount, found.base), (searched.mount, searched.base));
    assert_eq!(found.beside_legacy, searched.beside_legacy);
}

#[test]
fn a_container_beside_v1_hierarchies_has_one_cgroup_in_the_v2_tree() {
    let place = |mounts: &str, own: &str| {
        Cgroups::plan(&Layout::parse(mounts, own, true), "web", None, None).unified.unwrap()
    };
    assert_eq!(place(HYBRID_MOUNTS, HYBRID_OWN), Path::new("/sys/fs/cgroup/unified/yado-web"));
    let alone = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    assert_eq!(place(alone, "0::/init.scope"), Path::new("/sys/fs/cgroup/yado/web"));
}

#[test]
fn a_limit_that_no_hierarchy_can_hold_is_refused() {
    let resources = limits();
    let layout = Layout::default();
    let error =
        Cgroups::plan(&layout, "web", None, Some(&resources)).make(&layout, Some(&resources)).unwrap_err();
    assert!(error.to_string().starts_with("linux.resources."), "{error}");
}

#[test]
fn an_absolute_cgroups_path_counts_from_the_mount() {
    let layout = Layout::parse(HYBRID_MOUNTS, HYBRID_OWN, true);
    let cgroups = Cgroups::plan(&layout, "web", Some(Path::new("/pods/one")), Some(&limits()));
    assert_eq!(cgroups.unified.unwrap(), Path::new("/sys/fs/cgroup/unified/pods/one"));
    assert_eq!(cgroups.legacy[1].1, Path::new("/sys/fs/cgroup/memory/pods/one"));
}

#[test]
fn huge_pages_are_limited_by_their_size() {
    let top = folder("huge");
    let resources = Resources {
        hugepage_limits: vec![crate::spec::HugepageLimit { page_size: "2MB".to_owned(), limit: 4 << 20 }],
        ..Resources::default()
    };
    v1::apply("hugetlb", &top, &resources).unwrap();
    v2::apply(&top, &resources, &["hugetlb".to_owned()]).unwrap();
    for name in ["hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max"] {
        assert_eq!(std::fs::read_to_string(top.join(name)).unwrap(), "4194304", "{name}");
    }
    assert!(Cgroups::default().apply(&Layout::default(), &resources).is_err(), "nothing can hold it");
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn a_named_place_is_used_in_every_hierarchy() {
    let top = folder("named");
    let layout = legacy_layout(&top);
    let places = |asked| Cgroups::plan(&layout, "web", asked, None).legacy;
    assert!(places(None).is_empty());
    let all = places(Some(Path::new("/docker/web")));
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|(name, folder)| *folder == top.join(name).join("docker/web")), "{all:?}");
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn zeros_say_nothing() {
    let said = Resources {
        memory: Some(Memory { limit: Some(0), swap: Some(-1), ..Memory::default() }),
        cpu: Some(Cpu { shares: Some(0), quota: Some(-1), cpus: Some(String::new()), ..Cpu::default() }),
        pids: Some(Pids { limit: 0 }),
        ..Resources::default()
    }
    .without_zeros();
    let (memory, cpu) = (said.memory.unwrap(), said.cpu.unwrap());
    assert_eq!((memory.limit, memory.swap, said.pids), (None, Some(-1), None));
    assert_eq!((cpu.shares, cpu.quota, cpu.cpus), (None, Some(-1), None));
}

fn resources(words: serde_json::Value) -> Resources {
    serde_json::from_value(words).unwrap()
}

/// What stands in a folder's files, by their names.
fn written(top: &Path) -> std::collections::BTreeMap<String, String> {
    let files = std::fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn packets_disks_and_remote_memory_are_limited_in_the_kernels_words() {
    let said = resources(serde_json::json!({
        "network": { "classID": 255, "priorities": [{ "name": "eth0", "priority": 30 }] },
        "rdma": { "mlx5_1": { "hcaHandles": 3, "hcaObjects": 1000 } },
        "blockIO": { "weight": 500, "weightDevice": [{ "major": 8, "minor": 0, "weight": 300, "leafWeight": 100 }],
            "throttleReadBpsDevice": [{ "major": 8, "minor": 0, "rate": 1024 }],
            "throttleWriteIOPSDevice": [{ "major": 8, "minor": 16, "rate": 7 }] },
    }));
    let top = folder("words");
    for controller in ["net_cls", "net_prio", "rdma", "blkio"] {
        assert!(v1::needed(controller, &said), "{controller}");
        v1::apply(controller, &top, &said).unwrap();
    }
    let expected = [
        ("blkio.bfq.leaf_weight_device", "8:0 100"),
        ("blkio.bfq.weight", "500"),
        ("blkio.bfq.weight_device", "8:0 300"),
        ("blkio.throttle.read_bps_device", "8:0 1024"),
        ("blkio.throttle.write_iops_device", "8:16 7"),
        ("net_cls.classid", "255"),
        ("net_prio.ifpriomap", "eth0 30"),
        ("rdma.max", "mlx5_1 hca_handle=3 hca_object=1000"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(written(&top), expected.into());
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn weights_of_disks_are_translated_for_v2() {
    let said = resources(serde_json::json!({
        "blockIO": { "weight": 1000, "throttleWriteBpsDevice": [{ "major": 8, "minor": 0, "rate": 9 }] },
        "rdma": { "mlx5_1": { "hcaObjects": 5 } },
    }));
    let top = folder("weights");
    let available = ["io", "rdma"].map(str::to_owned);
    assert_eq!(v2::needed(&said, &available), ["io", "rdma"]);
    v2::apply(&top, &said, &available).unwrap();
    let expected =
        [("io.max", "8:0 wbps=9"), ("io.weight", "default 10000"), ("rdma.max", "mlx5_1 hca_object=5")];
    assert_eq!(written(&top), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let leaf = resources(serde_json::json!({ "blockIO": { "leafWeight": 5 } }));
    assert!(v2::apply(&top, &leaf, &available).unwrap_err().to_string().contains("leafWeight"));
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn words_of_v2_go_to_its_files_when_their_controller_is_there() {
    let said =
        resources(serde_json::json!({ "unified": { "memory.high": "1000", "cgroup.type": "threaded" } }));
    let top = folder("unified");
    let available = ["memory".to_owned()];
    assert_eq!(v2::needed(&said, &available), ["memory"]);
    v2::apply(&top, &said, &available).unwrap();
    assert_eq!(written(&top)["memory.high"], "1000");
    let error = v2::apply(&top, &said, &[]).unwrap_err().to_string();
    assert!(error.starts_with("linux.resources.unified.memory.high"), "{error}");
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn what_v2_cannot_hold_is_refused_by_name() {
    let top = folder("cannot");
    let available = ["memory", "cpu"].map(str::to_owned);
    for (words, name) in [
        (serde_json::json!({ "memory": { "swappiness": 5 } }), "swappiness"),
        (serde_json::json!({ "memory": { "disableOOMKiller": true } }), "disableOOMKiller"),
        (serde_json::json!({ "memory": { "kernelTCP": 5 } }), "kernel"),
        (serde_json::json!({ "cpu": { "realtimeRuntime": 5 } }), "realtimeRuntime"),
    ] {
        let error = v2::apply(&top, &resources(words), &available).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    }
    assert!(written(&top).is_empty());
    std::fs::remove_dir_all(top).unwrap();
}

#[test]
fn a_file_that_the_kernel_does_not_have_is_told_from_one_that_may_not_be_written() {
    let top = folder("missing");
    let error = files::write(&top.join("no/such"), "1").unwrap_err().to_string();
    assert!(error.contains("no such setting"), "{error}");
    std::fs::create_dir_all(top.join("there")).unwrap();
    let error = files::write(&top.join("there"), "1").unwrap_err().to_string();
    assert!(error.contains("write the limit"), "{error}");
    std::fs::remove_dir_all(top).unwrap();
}
