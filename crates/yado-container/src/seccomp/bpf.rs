//! A small assembler for classic BPF: blocks with labels, laid out so that every jump goes forward and fits.

use super::{Comparison, Outcome, Test};
use crate::error::{Error, Result};

/// One instruction, as the kernel's `sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Instruction {
    /// Operation.
    pub(crate) code: u16,
    /// How far to jump when true.
    pub(crate) jump_true: u8,
    /// How far to jump when false.
    pub(crate) jump_false: u8,
    /// Operand.
    pub(crate) operand: u32,
}

/// What is known about a call from its number alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Always(u32),
    Depends(Outcome),
}

const LOAD: u16 = 0x20;
const RETURN: u16 = 0x06;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
const AND: u16 = 0x54;

/// Offsets in `seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

const KILL_PROCESS: u32 = 0x8000_0000;

#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xC000_00B7;

impl Instruction {
    /// As the kernel reads it.
    pub(crate) fn bytes(&self) -> [u8; 8] {
        let ([c0, c1], [o0, o1, o2, o3]) = (self.code.to_ne_bytes(), self.operand.to_ne_bytes());
        [c0, c1, self.jump_true, self.jump_false, o0, o1, o2, o3]
    }
}

/// Runs a program as the kernel would, on a call of this architecture: its verdict, and how many instructions led to it.
/// `None` for what this assembler does not make.
pub(super) fn run(program: &[Instruction], call: u32, arguments: [u64; 6]) -> Option<(u32, usize)> {
    let mut data = [0u32; 16];
    data[0] = call;
    data[1] = NATIVE;
    for (index, argument) in arguments.iter().enumerate() {
        data[4 + 2 * index] = *argument as u32;
        data[5 + 2 * index] = (*argument >> 32) as u32;
    }
    let (mut at, mut value, mut steps) = (0usize, 0u32, 0);
    loop {
        let step = program.get(at)?;
        at += 1;
        steps += 1;
        let jump = |taken: bool| usize::from(if taken { step.jump_true } else { step.jump_false });
        match step.code {
            LOAD => value = *data.get((step.operand / 4) as usize)?,
            AND => value &= step.operand,
            JUMP => at += step.operand as usize,
            JUMP_EQUAL => at += jump(value == step.operand),
            JUMP_GREATER => at += jump(value > step.operand),
            JUMP_GREATER_OR_EQUAL => at += jump(value >= step.operand),
            RETURN => return Some((step.operand, steps)),
            _ => return None,
        }
    }
}

fn instruction(code: u16, operand: u32, jump_true: u8, jump_false: u8) -> Instruction {
    Instruction { code, jump_true, jump_false, operand }
}

fn ret(value: u32) -> Instruction {
    instruction(RETURN, value, 0, 0)
}

/// A run of call numbers with one verdict, up to and including `last`.
#[derive(Debug)]
struct Range<'a> {
    last: u32,
    verdict: &'a Verdict,
}

/// Builds the whole program.
pub(super) fn assemble(verdicts: Vec<(u32, Verdict)>, default: u32) -> Result<Vec<Instruction>> {
    let otherwise = Verdict::Always(default);
    let mut program = vec![
        instruction(LOAD, ARCHITECTURE, 0, 0),
        instruction(JUMP_EQUAL, NATIVE, 1, 0),
        ret(KILL_PROCESS),
        instruction(LOAD, NUMBER, 0, 0),
    ];
    // The x32 calls share the architecture's token and hide behind bit 30.
    #[cfg(target_arch = "x86_64")]
    program.extend([
        instruction(JUMP_GREATER_OR_EQUAL, 0x4000_0000, 0, 1),
        ret(0x0005_0000 | libc::ENOSYS as u32),
    ]);
    program.extend(tree(&ranges(&verdicts, &otherwise)));
    if program.len() > 4096 {
        return Err(Error::invalid(
            "linux.seccomp",
            format!("the filter needs {} instructions; the kernel takes 4096", program.len()),
        ));
    }
    Ok(program)
}

/// Joins neighbours with the same verdict; gaps get the default's.
fn ranges<'a>(verdicts: &'a [(u32, Verdict)], otherwise: &'a Verdict) -> Vec<Range<'a>> {
    let mut ranges: Vec<Range<'a>> = Vec::new();
    let mut push = |last: u32, verdict: &'a Verdict| match ranges.last_mut() {
        Some(previous) if previous.verdict == verdict => previous.last = last,
        _ => ranges.push(Range { last, verdict }),
    };
    let mut next = 0;
    for (number, verdict) in verdicts {
        if *number > next {
            push(number - 1, otherwise);
        }
        push(*number, verdict);
        next = number + 1;
    }
    push(u32::MAX, otherwise);
    ranges
}

/// A balanced search over the ranges; the accumulator holds the number.
fn tree(ranges: &[Range<'_>]) -> Vec<Instruction> {
    match ranges {
        [] => Vec::new(),
        [only] => match only.verdict {
            Verdict::Always(value) => vec![ret(*value)],
            Verdict::Depends(outcome) => decide(outcome),
        },
        _ => {
            let (left, right) = ranges.split_at(ranges.len() / 2);
            let last = left[left.len() - 1].last;
            branch(JUMP_GREATER, last, tree(right), tree(left))
        }
    }
}

/// `if accumulator OP operand { when_true } else { when_false }`, both ending in a return.
fn branch(
    code: u16,
    operand: u32,
    when_true: Vec<Instruction>,
    when_false: Vec<Instruction>,
) -> Vec<Instruction> {
    let mut block = Vec::with_capacity(when_true.len() + when_false.len() + 2);
    if let Ok(distance) = u8::try_from(when_false.len()) {
        block.push(instruction(code, operand, distance, 0));
    } else {
        // Conditional jumps reach 255 instructions; an unconditional one goes any distance.
        block.push(instruction(code, operand, 0, 1));
        block.push(instruction(JUMP, when_false.len() as u32, 0, 0));
    }
    block.extend(when_false);
    block.extend(when_true);
    block
}

/// The rules that look at arguments, in order.
fn decide(outcome: &Outcome) -> Vec<Instruction> {
    let mut block = vec![ret(outcome.otherwise)];
    for (tests, verdict) in outcome.conditional.iter().rev() {
        let mut holds = vec![ret(*verdict)];
        for test in tests.iter().rev() {
            holds = compare(test, holds, &block);
        }
        block = holds;
    }
    block
}

/// `if the argument passes { then } else { otherwise }`, in two halves since BPF has 32 bits.
fn compare(test: &Test, then: Vec<Instruction>, otherwise: &[Instruction]) -> Vec<Instruction> {
    let low = ARGUMENTS + 8 * test.index;
    let high_value = (test.value >> 32) as u32;
    let low_value = test.value as u32;
    let load = |offset: u32, mask: Option<u32>| {
        let mut block = vec![instruction(LOAD, offset, 0, 0)];
        block.extend(mask.map(|mask| instruction(AND, mask, 0, 0)));
        block
    };
    let with = |mut head: Vec<Instruction>, tail: Vec<Instruction>| {
        head.extend(tail);
        head
    };
    let otherwise = otherwise.to_vec();
    let equal = |mask: Option<u64>, then: Vec<Instruction>, otherwise: Vec<Instruction>| {
        let low_half = with(
            load(low, mask.map(|mask| mask as u32)),
            branch(JUMP_EQUAL, low_value, then, otherwise.clone()),
        );
        with(
            load(low + 4, mask.map(|mask| (mask >> 32) as u32)),
            branch(JUMP_EQUAL, high_value, low_half, otherwise),
        )
    };
    // argument > value (or >=): the high half decides unless it is equal.
    let above = |code: u16, then: Vec<Instruction>, otherwise: Vec<Instruction>| {
        let low_half = with(load(low, None), branch(code, low_value, then.clone(), otherwise.clone()));
        let same = branch(JUMP_EQUAL, high_value, low_half, otherwise);
        with(load(low + 4, None), branch(JUMP_GREATER, high_value, then, same))
    };
    match test.comparison {
        Comparison::Equal => equal(None, then, otherwise),
        Comparison::NotEqual => equal(None, otherwise, then),
        Comparison::Masked(mask) => equal(Some(mask), then, otherwise),
        Comparison::Greater => above(JUMP_GREATER, then, otherwise),
        Comparison::GreaterOrEqual => above(JUMP_GREATER_OR_EQUAL, then, otherwise),
        Comparison::LessOrEqual => above(JUMP_GREATER, otherwise, then),
        Comparison::Less => above(JUMP_GREATER_OR_EQUAL, otherwise, then),
    }
}
