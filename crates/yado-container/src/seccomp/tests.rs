//! The compiled filters, run as the kernel would run them.

use super::*;
use crate::spec::{SyscallRule, default_seccomp};

/// The verdict that a program comes to.
fn run(program: &[Instruction], call: u32, arguments: [u64; 6]) -> u32 {
    bpf::run(program, call, arguments).unwrap().0
}

const ALLOW: u32 = 0x7FFF_0000;
const DENY: u32 = 0x0005_0001;

#[test]
fn the_default_profile_allows_and_denies_as_dockers() {
    let program = compile(&default_seccomp()).unwrap();
    let verdict = |name: &str, first: u64| run(&program, number(name).unwrap(), [first, 0, 0, 0, 0, 0]);
    for name in ["read", "execve", "openat", "exit_group", "futex", "uname", "chroot"] {
        assert_eq!(verdict(name, 0), ALLOW, "{name}");
    }
    for name in [
        "mount",
        "bpf",
        "kexec_load",
        "init_module",
        "unshare",
        "setns",
        "keyctl",
        "add_key",
        "io_uring_setup",
    ] {
        assert_eq!(verdict(name, 0), DENY, "{name}");
    }
    assert_eq!(verdict("clone", 0x11), ALLOW);
    assert_eq!(verdict("clone", 0x1000_0011), DENY);
    assert_eq!(verdict("clone3", 0), 0x0005_0026);
    assert_eq!(verdict("statmount", 0), 0x0005_0026);
    assert_eq!(verdict("listmount", 0), 0x0005_0026);
    assert_eq!(verdict("socket", 2), ALLOW);
    assert_eq!(verdict("socket", 40), DENY);
    assert_eq!(verdict("personality", 0xFFFF_FFFF), ALLOW);
    assert_eq!(verdict("personality", 0x40000), DENY);
}

#[test]
fn a_filter_for_one_call_alone_leaves_no_room_for_a_step_in_between() {
    assert!(lets_launch(&[]));
    assert!(lets_launch(&compile(&default_seccomp()).unwrap()));
    let rule = SyscallRule {
        names: ["execve", "read"].map(str::to_owned).to_vec(),
        action: "SCMP_ACT_ALLOW".to_owned(),
        errno_ret: None,
        args: Vec::new(),
    };
    let narrow =
        Seccomp { default_action: "SCMP_ACT_KILL".to_owned(), syscalls: vec![rule], ..Seccomp::default() };
    assert!(!lets_launch(&compile(&narrow).unwrap()));
}

#[test]
fn no_call_takes_many_steps() {
    let program = compile(&default_seccomp()).unwrap();
    for call in 0..600 {
        let steps = bpf::run(&program, call, [0; 6]).unwrap().1;
        assert!(steps <= 20, "call {call} takes {steps} steps");
    }
}

#[test]
fn every_allowed_name_is_spelled_as_the_kernel_spells_it() {
    let known = ["read", "writev", "openat2", "mseal", "listmount"];
    for name in known {
        assert!(number(name).is_some(), "{name}");
    }
    assert_eq!(number("read_it_all"), None);
    assert!(numbers::NUMBERS.is_sorted_by_key(|entry| entry.0));
    for (name, value) in numbers::NUMBERS {
        assert_eq!(number(name), Some(*value), "{name}");
    }
    for unknown in ["", "a", "openat3", "zzzzzzzzzzzz", "pidfd_", "pidfd_opens", "r\0"] {
        assert_eq!(number(unknown), None, "{unknown}");
    }
}

#[test]
fn comparisons_see_all_sixty_four_bits() {
    let value = 0x1_0000_0005;
    let cases: [(&str, &[u64], &[u64]); 6] = [
        ("SCMP_CMP_EQ", &[value], &[5, value + 1]),
        ("SCMP_CMP_NE", &[5, value + 1], &[value]),
        ("SCMP_CMP_LT", &[5, 4, value - 1], &[value, value + 1, 0x2_0000_0000]),
        ("SCMP_CMP_LE", &[5, value], &[value + 1, 0x2_0000_0000]),
        ("SCMP_CMP_GT", &[value + 1, 0x2_0000_0000], &[value, 6]),
        ("SCMP_CMP_GE", &[value, 0x2_0000_0000], &[value - 1, 6]),
    ];
    for (op, holds, fails) in cases {
        let profile = Seccomp {
            default_action: "SCMP_ACT_ERRNO".to_owned(),
            syscalls: vec![SyscallRule {
                names: vec!["read".to_owned()],
                action: "SCMP_ACT_ALLOW".to_owned(),
                errno_ret: None,
                args: vec![SyscallArgument { index: 2, value, value_two: 0, op: op.to_owned() }],
            }],
            ..Seccomp::default()
        };
        let program = compile(&profile).unwrap();
        let verdict = |third: u64| run(&program, number("read").unwrap(), [0, 0, third, 0, 0, 0]);
        for third in holds {
            assert_eq!(verdict(*third), ALLOW, "{op} {third:#x}");
        }
        for third in fails {
            assert_eq!(verdict(*third), DENY, "{op} {third:#x}");
        }
    }
}

#[test]
fn unknown_actions_are_refused() {
    let profile = Seccomp { default_action: "SCMP_ACT_MAYBE".to_owned(), ..Seccomp::default() };
    assert!(compile(&profile).unwrap_err().to_string().contains("SCMP_ACT_MAYBE"));
}
