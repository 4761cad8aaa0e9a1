//! From a seccomp profile in the specification's words to the program that the kernel runs.
//!
//! The usual translation is a chain of comparisons, one for each call, which takes the kernel eight times
//! longer to install than what is built here: numbers with the same verdict are joined into ranges, and the
//! ranges are searched as a tree.

mod bpf;
#[cfg(target_arch = "aarch64")]
#[path = "numbers_aarch64.rs"]
mod numbers;
#[cfg(target_arch = "x86_64")]
#[path = "numbers_x86_64.rs"]
mod numbers;

use std::path::Path;

use crate::error::{Error, Result};
use crate::spec::{Seccomp, SyscallArgument};
pub(crate) use bpf::Instruction;
use bpf::{Verdict, assemble};

/// How an argument is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// The argument under this mask.
    Masked(u64),
}

/// One comparison of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Test {
    index: u32,
    comparison: Comparison,
    value: u64,
}

/// What becomes of a call: the first rule whose tests all hold decides, else the last word does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    conditional: Vec<(Vec<Test>, u32)>,
    otherwise: u32,
}

/// How each name begins, in the order of the names: profiles have hundreds of them, and numbers are compared sooner.
static BEGINNINGS: [u64; numbers::NUMBERS.len()] = {
    let mut beginnings = [0; numbers::NUMBERS.len()];
    let mut index = 0;
    while index < beginnings.len() {
        beginnings[index] = beginning(numbers::NUMBERS[index].0);
        index += 1;
    }
    beginnings
};

/// The first eight bytes of a name, which compare as the names do.
const fn beginning(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut value = [0; 8];
    let mut index = 0;
    while index < bytes.len() && index < value.len() {
        value[index] = bytes[index];
        index += 1;
    }
    u64::from_be_bytes(value)
}

/// The number of a call on this architecture.
pub(crate) fn number(name: &str) -> Option<u32> {
    let wanted = beginning(name);
    let first = BEGINNINGS.partition_point(|beginning| *beginning < wanted);
    let alike = BEGINNINGS[first..].iter().take_while(|beginning| **beginning == wanted).count();
    numbers::NUMBERS[first..first + alike].iter().find(|entry| entry.0 == name).map(|entry| entry.1)
}

/// Compiles a profile; the result can be kept and installed many times.
pub(crate) fn compile(profile: &Seccomp) -> Result<Vec<Instruction>> {
    let default = action(&profile.default_action, profile.default_errno_ret)?;
    // By number, which are few and lie close together.
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    for rule in &profile.syscalls {
        let verdict = action(&rule.action, rule.errno_ret)?;
        let tests = rule.args.iter().map(test).collect::<Result<Vec<_>>>()?;
        for number in rule.names.iter().filter_map(|name| number(name)) {
            let index = number as usize;
            if outcomes.len() <= index {
                outcomes.resize(index + 1, None);
            }
            let outcome =
                outcomes[index].get_or_insert(Outcome { conditional: Vec::new(), otherwise: default });
            if tests.is_empty() {
                outcome.otherwise = verdict;
            } else {
                outcome.conditional.push((tests.clone(), verdict));
            }
        }
    }
    let verdicts = (0..)
        .zip(outcomes)
        .filter_map(|(number, outcome)| {
            let outcome = outcome?;
            let decided = outcome.conditional.iter().all(|(_, verdict)| *verdict == outcome.otherwise);
            let verdict =
                if decided { Verdict::Always(outcome.otherwise) } else { Verdict::Depends(outcome) };
            Some((number, verdict))
        })
        .collect();
    assemble(verdicts, default)
}

/// The action that asks a program on the host.
const NOTIFY: &str = "SCMP_ACT_NOTIFY";

/// The flag by which the kernel returns a descriptor for that program.
pub(crate) const NEW_LISTENER: u32 = 8;

/// Calls that a starting process makes between the filter and its program, which can wait for nobody.
const MADE_BY_STARTING: [&str; 7] =
    ["sendmsg", "close", "close_range", "capset", "prctl", "exit_group", "write"];

/// Whether calls are decided by a program on the host.
fn notifies(profile: &Seccomp) -> bool {
    profile.syscalls.iter().any(|rule| rule.action == NOTIFY)
}

/// Where the program listens that decides calls, when there are such.
pub(crate) fn listener(profile: &Seccomp) -> Result<Option<&Path>> {
    if profile.default_action == NOTIFY {
        return Err(Error::invalid(
            "linux.seccomp.defaultAction",
            format!("{NOTIFY} would stop the container before somebody could be asked"),
        ));
    }
    let asked = profile.syscalls.iter().filter(|rule| rule.action == NOTIFY);
    if let Some(name) =
        asked.flat_map(|rule| &rule.names).find(|name| MADE_BY_STARTING.contains(&name.as_str()))
    {
        return Err(Error::invalid(
            "linux.seccomp.syscalls",
            format!("{NOTIFY} cannot be used for '{name}', which is needed to ask"),
        ));
    }
    let path = profile.listener_path.as_deref().filter(|path| !path.as_os_str().is_empty());
    match (notifies(profile), path) {
        (false, _) => Ok(None),
        (true, None) => {
            Err(Error::invalid("linux.seccomp.listenerPath", format!("{NOTIFY} needs somebody to be asked")))
        }
        (true, path) => Ok(path),
    }
}

/// Whether a filter, once installed, still lets a process run the small program that then runs another one.
pub(crate) fn lets_launch(program: &[Instruction]) -> bool {
    const ALLOWED: [u32; 2] = [0x7FFF_0000, 0x7FFC_0000];
    let calls =
        [libc::SYS_execveat, libc::SYS_execve, libc::SYS_fcntl, libc::SYS_write, libc::SYS_exit_group];
    program.is_empty()
        || calls.iter().all(|call| {
            bpf::run(program, *call as u32, [0; 6]).is_some_and(|(verdict, _)| ALLOWED.contains(&verdict))
        })
}

/// The flags for installing the filter.
pub(crate) fn flags(profile: &Seccomp) -> Result<u32> {
    let first = if notifies(profile) { NEW_LISTENER } else { 0 };
    profile.flags.iter().try_fold(first, |flags, name| {
        Ok(flags
            | match name.as_str() {
                "SECCOMP_FILTER_FLAG_LOG" => 2,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => 4,
                // Filters are installed by single-threaded processes: there is nothing to synchronise.
                "SECCOMP_FILTER_FLAG_TSYNC" => 0,
                "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" if notifies(profile) => 32,
                _ => {
                    return Err(Error::invalid("linux.seccomp.flags", format!("'{name}' is not supported")));
                }
            })
    })
}

/// A verdict as the kernel's return value.
fn action(name: &str, errno: Option<u32>) -> Result<u32> {
    let data = errno.unwrap_or(libc::EPERM as u32) & 0xFFFF;
    Ok(match name {
        "SCMP_ACT_ALLOW" => 0x7FFF_0000,
        "SCMP_ACT_LOG" => 0x7FFC_0000,
        NOTIFY => 0x7FC0_0000,
        "SCMP_ACT_TRACE" => 0x7FF0_0000 | data,
        "SCMP_ACT_ERRNO" => 0x0005_0000 | data,
        "SCMP_ACT_TRAP" => 0x0003_0000,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => 0,
        "SCMP_ACT_KILL_PROCESS" => 0x8000_0000,
        _ => {
            return Err(Error::invalid("linux.seccomp", format!("the action '{name}' is not supported")));
        }
    })
}

fn test(argument: &SyscallArgument) -> Result<Test> {
    if argument.index > 5 {
        return Err(Error::invalid(
            "linux.seccomp.syscalls.args.index",
            format!("{} is above 5", argument.index),
        ));
    }
    let (comparison, value) = match argument.op.as_str() {
        "SCMP_CMP_EQ" => (Comparison::Equal, argument.value),
        "SCMP_CMP_NE" => (Comparison::NotEqual, argument.value),
        "SCMP_CMP_LT" => (Comparison::Less, argument.value),
        "SCMP_CMP_LE" => (Comparison::LessOrEqual, argument.value),
        "SCMP_CMP_GT" => (Comparison::Greater, argument.value),
        "SCMP_CMP_GE" => (Comparison::GreaterOrEqual, argument.value),
        "SCMP_CMP_MASKED_EQ" => (Comparison::Masked(argument.value), argument.value_two),
        other => {
            return Err(Error::invalid("linux.seccomp.syscalls.args.op", format!("'{other}' is not known")));
        }
    };
    Ok(Test { index: argument.index, comparison, value })
}

#[cfg(test)]
mod tests;
