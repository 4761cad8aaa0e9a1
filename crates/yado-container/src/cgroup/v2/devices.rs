//! v2 devices: there is no controller; a program attached to the cgroup decides about every device that is opened.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use crate::error::{Context, Result};
use crate::spec::DeviceRule;
use crate::sys::bpf::{Instruction, filter_devices};

const RESULT: u8 = 0;
/// Where the kernel's question is on entry; free afterwards.
const QUESTION: u8 = 1;
const ACCESS: u8 = 2;
const KIND: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

const LOAD: u8 = 0x61;
const COPY: u8 = 0xBF;
const SET: u8 = 0xB7;
const AND: u8 = 0x57;
const SHIFT_RIGHT: u8 = 0x77;
const JUMP_EQUAL: u8 = 0x15;
const JUMP_NOT_EQUAL: u8 = 0x55;
const EXIT: u8 = 0x95;

/// Attaches the rules to a cgroup. Together with those of cgroups above, only what all allow is allowed.
pub(in crate::cgroup) fn apply(folder: &Path, rules: &[DeviceRule]) -> Result<()> {
    let cgroup = File::open(folder).path("open the cgroup", folder)?;
    match filter_devices(cgroup.as_fd(), &program(rules)) {
        // Without rights over the host's devices there is nothing that could be filtered.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) && !rules_the_host() => {
            tracing::debug!("devices are not filtered: in a user namespace none can be made");
            Ok(())
        }
        other => other.path("filter the devices of the cgroup", folder),
    }
}

/// Whether this process has the rights of the host's root: it is root, and of the first user namespace.
fn rules_the_host() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    rustix::process::geteuid().is_root() && map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Letters as the kernel's bits.
fn bits(access: Option<&str>) -> i32 {
    access.unwrap_or("rwm").chars().fold(0, |bits, letter| {
        bits | match letter {
            'm' => 1,
            'r' => 2,
            'w' => 4,
            _ => 0,
        }
    })
}

fn step(code: u8, to: u8, from: u8, offset: i16, operand: i32) -> Instruction {
    Instruction { code, registers: to | from << 4, offset, operand }
}

/// The program: the last rule that speaks of the device and the access decides; without one it is allowed, as in a
/// cgroup that nobody restricted.
fn program(rules: &[DeviceRule]) -> Vec<Instruction> {
    let mut program = vec![
        step(LOAD, ACCESS, QUESTION, 0, 0),
        step(COPY, KIND, ACCESS, 0, 0),
        step(AND, KIND, 0, 0, 0xFFFF),
        step(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        step(LOAD, MAJOR, QUESTION, 4, 0),
        step(LOAD, MINOR, QUESTION, 8, 0),
    ];
    for rule in joined(rules).iter().rev() {
        let block = block(rule);
        let unconditional = block.len() == 2;
        program.extend(block);
        if unconditional {
            // The kernel refuses programs with parts that are never reached.
            return program;
        }
    }
    program.extend([step(SET, RESULT, 0, 0, 1), step(EXIT, 0, 0, 0, 0)]);
    program
}

/// Neighbours that allow different accesses to the same device allow both at once.
fn joined(rules: &[DeviceRule]) -> Vec<DeviceRule> {
    let mut joined: Vec<DeviceRule> = Vec::new();
    for rule in rules {
        let same = |other: &DeviceRule| {
            other.allow && (&other.kind, other.major, other.minor) == (&rule.kind, rule.major, rule.minor)
        };
        match joined.last_mut() {
            Some(last) if rule.allow && same(last) => {
                let access = last.access.as_deref().unwrap_or("rwm").to_owned()
                    + rule.access.as_deref().unwrap_or("rwm");
                last.access = Some(access);
            }
            _ => joined.push(rule.clone()),
        }
    }
    joined
}

/// `if the rule speaks of this { return its verdict }`.
fn block(rule: &DeviceRule) -> Vec<Instruction> {
    let mut tests: Vec<(Vec<Instruction>, u8, u8, i32)> = Vec::new();
    let kind = match rule.kind.as_deref() {
        Some("b") => Some(1),
        Some("c") => Some(2),
        _ => None,
    };
    let number = |number: Option<i64>| number.filter(|number| *number >= 0).map(|number| number as i32);
    for (register, wanted) in [(KIND, kind), (MAJOR, number(rule.major)), (MINOR, number(rule.minor))] {
        tests.extend(wanted.map(|wanted| (Vec::new(), JUMP_NOT_EQUAL, register, wanted)));
    }
    let access = bits(rule.access.as_deref());
    if access != 7 {
        // Allowed is what asks for nothing else; denied is what asks for any of it.
        let (mask, jump) = if rule.allow { (!access & 7, JUMP_NOT_EQUAL) } else { (access, JUMP_EQUAL) };
        let masked = vec![step(COPY, QUESTION, ACCESS, 0, 0), step(AND, QUESTION, 0, 0, mask)];
        tests.push((masked, jump, QUESTION, 0));
    }
    let mut block = vec![step(SET, RESULT, 0, 0, i32::from(rule.allow)), step(EXIT, 0, 0, 0, 0)];
    for (before, jump, register, operand) in tests.into_iter().rev() {
        let past = block.len() as i16;
        let mut head = before;
        head.push(step(jump, register, 0, past, operand));
        head.extend(block);
        block = head;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::default_device_rules;

    /// What the kernel would answer.
    fn verdict(rules: &[DeviceRule], kind: u64, access: u64, major: u64, minor: u64) -> u64 {
        let program = program(rules);
        let question = [access << 16 | kind, major, minor];
        let (mut registers, mut at) = ([0u64; 6], 0usize);
        loop {
            let step = program[at];
            at += 1;
            let (to, from) = (usize::from(step.registers & 15), usize::from(step.registers >> 4));
            let operand = step.operand as u64;
            match step.code {
                LOAD => registers[to] = question[step.offset as usize / 4],
                COPY => registers[to] = registers[from],
                SET => registers[to] = operand,
                AND => registers[to] &= operand,
                SHIFT_RIGHT => registers[to] >>= operand,
                JUMP_EQUAL if registers[to] == operand => at += step.offset as usize,
                JUMP_NOT_EQUAL if registers[to] != operand => at += step.offset as usize,
                JUMP_EQUAL | JUMP_NOT_EQUAL => {}
                EXIT => return registers[0],
                other => panic!("unexpected operation {other:#x}"),
            }
        }
    }

    const CHARACTER: u64 = 2;
    const BLOCK: u64 = 1;

    #[test]
    fn the_default_rules_allow_the_default_devices_only() {
        let ask = |kind, access, major, minor| verdict(&default_device_rules(), kind, access, major, minor);
        assert_eq!(ask(CHARACTER, 6, 1, 3), 1, "null");
        assert_eq!(ask(CHARACTER, 6, 136, 77), 1, "a terminal");
        assert_eq!(ask(CHARACTER, 2, 1, 1), 0, "mem");
        assert_eq!(ask(BLOCK, 2, 8, 0), 0, "a disk");
        assert_eq!(ask(BLOCK, 1, 8, 0), 1, "a node of a disk may be made");
    }

    #[test]
    fn the_last_word_counts_and_accesses_add_up() {
        let rule = |allow, access: &str| DeviceRule {
            allow,
            kind: Some("c".to_owned()),
            major: Some(1),
            minor: None,
            access: Some(access.to_owned()),
        };
        let both = [rule(false, "rwm"), rule(true, "r"), rule(true, "w")];
        assert_eq!(verdict(&both, CHARACTER, 6, 1, 5), 1);
        assert_eq!(verdict(&both, CHARACTER, 7, 1, 5), 0);
        let denied = [rule(true, "rwm"), rule(false, "w")];
        assert_eq!((verdict(&denied, CHARACTER, 2, 1, 5), verdict(&denied, CHARACTER, 6, 1, 5)), (1, 0));
        assert_eq!(verdict(&denied, CHARACTER, 6, 2, 5), 1, "nobody spoke of it");
    }

    /// The kernel itself obeys the program, in a cgroup of this test's own.
    #[test]
    fn the_kernel_takes_the_program() {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let tree = mounts.lines().find_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[2] == "cgroup2").then(|| words[1].to_owned())
        });
        let (Some(tree), true) = (tree, rules_the_host()) else {
            println!("skipped: needs root and a v2 tree");
            return;
        };
        let folder = Path::new(&tree).join(format!("yado-devices-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        apply(&folder, &default_device_rules()).unwrap();
        let line = "echo 0 > $1/cgroup.procs; head -c 1 /dev/zero | wc -c; \
            cat /dev/kmsg 2>&1 | grep -c 'not permitted'";
        let output = std::process::Command::new("sh").args(["-c", line, "sh"]).arg(&folder).output().unwrap();
        let mut removed = std::fs::remove_dir(&folder);
        for _ in 0..100 {
            if removed.is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
            removed = std::fs::remove_dir(&folder);
        }
        removed.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n1\n", "{output:?}");
    }
}
