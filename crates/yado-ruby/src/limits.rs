//! The limits of the sandbox: steps, memory, and depth. A program that runs away ends in a clear failure
//! instead of taking the machine with it.

use std::cell::Cell;

use crate::control::Control;
use crate::failure::Limit;
use crate::interpreter::Interpreter;
use crate::value::Eval;

/// How much a program may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Evaluation steps: calls and turns of loops.
    pub steps: u64,
    /// Bytes of memory beyond what the process used at the start.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 200_000_000, memory: 1 << 30 }
    }
}

/// The stack of a thread started by [`on_big_stack`]. Only what is used is ever backed by memory.
const BIG_STACK: usize = 1 << 30;
/// What we assume about a thread that somebody else started: the smallest usual stack, less a reserve.
const UNKNOWN_STACK: usize = 2 * 1024 * 1024 - 512 * 1024;
/// What is kept free for native code at the deepest call.
const RESERVE: usize = 1024 * 1024;

thread_local! {
    static STACK_FLOOR: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs something on a thread with a stack big enough for deep recursion, and waits for it.
pub fn on_big_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new().name("ruby".to_owned()).stack_size(BIG_STACK).spawn_scoped(
            scope,
            || {
                STACK_FLOOR.set(Some(address_of_frame().saturating_sub(BIG_STACK - RESERVE)));
                run()
            },
        );
        match started.map(|thread| thread.join()) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => std::panic::panic_any(format!("cannot start a thread: {error}")),
        }
    })
}

#[inline(never)]
fn address_of_frame() -> usize {
    let marker = 0u8;
    std::ptr::from_ref(&marker) as usize
}

/// Whether the current thread's stack is nearly used up.
pub(crate) fn stack_is_low() -> bool {
    let here = address_of_frame();
    let floor = STACK_FLOOR.get().unwrap_or_else(|| {
        let floor = here.saturating_sub(UNKNOWN_STACK);
        STACK_FLOOR.set(Some(floor));
        floor
    });
    here < floor
}

/// The memory that this process uses, in bytes.
fn resident_memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let resident = pages.as_deref().and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    resident.unwrap_or(0) * 4096
}

/// How often memory is measured: every so many announced bytes.
const MEASURE_EVERY: u64 = 64 * 1024 * 1024;
/// How often memory is measured when nothing is announced: every so many steps.
const MEASURE_STEPS: u64 = 1 << 18;

/// What has been used so far.
pub(crate) struct Usage {
    limits: Limits,
    steps: u64,
    announced: u64,
    at_start: Option<u64>,
}

impl Usage {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, steps: 0, announced: 0, at_start: None }
    }

    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    #[inline]
    pub(crate) fn step(&mut self) -> Eval<()> {
        self.steps += 1;
        if self.steps & (MEASURE_STEPS - 1) == 0 {
            if self.steps > self.limits.steps {
                return Err(Control::Abort(Limit::Steps));
            }
            return self.measure();
        }
        Ok(())
    }

    fn measure(&mut self) -> Eval<()> {
        let used = resident_memory();
        let start = *self.at_start.get_or_insert(used.min(256 << 20));
        if used.saturating_sub(start) > self.limits.memory {
            return Err(Control::Abort(Limit::Memory));
        }
        Ok(())
    }

    fn announce(&mut self, bytes: u64) -> Eval<()> {
        if bytes > self.limits.memory {
            return Err(Control::Abort(Limit::Memory));
        }
        self.announced += bytes;
        if self.announced > MEASURE_EVERY {
            self.announced = 0;
            return self.measure();
        }
        Ok(())
    }
}

impl Interpreter {
    /// Announces that so many bytes are about to be allocated; call it before building anything whose size
    /// a program chooses (`"x" * n`, `Array.new(n)`).
    pub fn charge(&mut self, bytes: usize) -> Eval<()> {
        self.usage.announce(bytes as u64)
    }
}
