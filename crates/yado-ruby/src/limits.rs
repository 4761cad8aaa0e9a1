//! The limits of the sandbox: steps, memory, and depth. A program that runs away ends in a clear failure
//! instead of taking the machine with it.

use std::cell::Cell;
use std::time::Duration;

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
    /// Processor time. Waiting does not count.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // Real configurations need a thousandth of this. Unoptimized builds are slower, and their stacks larger.
        let (memory, seconds) = if cfg!(debug_assertions) { (1 << 30, 15.0) } else { (160 << 20, 1.4) };
        Self { steps: 50_000_000, memory, time: Duration::from_secs_f64(seconds) }
    }
}

/// The stack of a thread started by [`on_big_stack`]. Only what is used is ever backed by memory.
const BIG_STACK: usize = 1 << 30;
/// What we assume about a thread that somebody else started: the smallest usual stack, less a reserve.
const UNKNOWN_STACK: usize = 2 * 1024 * 1024 - 512 * 1024;
/// How much of a big stack Ruby calls may use. Native code needs the rest: freeing deeply nested values, for one.
const FOR_CALLS: usize = if cfg!(debug_assertions) { BIG_STACK / 2 } else { 96 << 20 };

thread_local! {
    static STACK_FLOOR: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs something on a thread with a stack big enough for deep recursion, and waits for it.
pub fn on_big_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new().name("ruby".to_owned()).stack_size(BIG_STACK).spawn_scoped(
            scope,
            || {
                STACK_FLOOR.set(Some(address_of_frame().saturating_sub(FOR_CALLS)));
                stock_memory();
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

/// Makes this thread's heap grow by the megabyte. The C library's allocator gives a thread a heap of its own and lets it
/// grow by single pages, each with a call of the kernel; once something large was freed, it keeps what it has.
fn stock_memory() {
    for bytes in [4 << 20, 1 << 20] {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes)));
    }
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

/// The processor time that this thread used.
fn processor_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// How often memory is measured: every so many announced bytes.
const MEASURE_EVERY: u64 = 8 * 1024 * 1024;
/// How often memory and time are measured when nothing is announced: every so many steps.
const MEASURE_STEPS: u64 = 1 << 14;
/// What ends sooner cannot have filled much memory, and is not measured: asking the kernel for it is not cheap.
const SHORT: Duration = Duration::from_millis(4);

/// What has been used so far.
pub(crate) struct Usage {
    limits: Limits,
    steps: u64,
    announced: u64,
    /// What the process used when it was first measured.
    memory_before: Option<u64>,
    time_before: Duration,
}

impl Usage {
    pub(crate) fn new(limits: Limits) -> Self {
        EXHAUSTED.set(None);
        COMPARISONS_LEFT.set(COMPARISONS);
        Self { limits, steps: 0, announced: 0, memory_before: None, time_before: processor_time() }
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
            return self.measure(0);
        }
        Ok(())
    }

    /// Measures, as if so much more memory were in use.
    fn measure(&mut self, more: u64) -> Eval<()> {
        if let Some(limit) = EXHAUSTED.get() {
            return Err(Control::Abort(limit));
        }
        let used = processor_time().saturating_sub(self.time_before);
        if more > 0 || used > SHORT || self.memory_before.is_some() {
            let now = resident_memory();
            let before = *self.memory_before.get_or_insert(now);
            if now.saturating_sub(before) + more > self.limits.memory {
                return Err(Control::Abort(Limit::Memory));
            }
        }
        if used > self.limits.time {
            return Err(Control::Abort(Limit::Steps));
        }
        Ok(())
    }

    fn announce(&mut self, bytes: u64) -> Eval<()> {
        if let Some(limit) = EXHAUSTED.get() {
            return Err(Control::Abort(limit));
        }
        self.announced = self.announced.saturating_add(bytes);
        if self.announced > MEASURE_EVERY {
            self.announced = 0;
            let measured = self.measure(bytes);
            if let Err(Control::Abort(limit)) = &measured {
                // Not everybody who announces can stop at once; from here on everybody is told.
                exhaust(*limit);
            }
            return measured;
        }
        Ok(())
    }
}

thread_local! {
    /// A limit that was reached where no error could be returned; the next measurement does that.
    static EXHAUSTED: Cell<Option<Limit>> = const { Cell::new(None) };
    static COMPARISONS_LEFT: Cell<u64> = const { Cell::new(COMPARISONS) };
}

/// How many arrays and hashes may be compared where no error can be returned.
const COMPARISONS: u64 = 10_000_000;

/// Counts a comparison; `false` when there were too many, and the program will end.
pub(crate) fn spend() -> bool {
    let left = COMPARISONS_LEFT.get().saturating_sub(1);
    COMPARISONS_LEFT.set(left);
    if left == 0 {
        exhaust(Limit::Steps);
    }
    left > 0
}

/// Ends the program that this thread evaluates, for a host that has had enough of it.
pub fn exhaust(limit: Limit) {
    EXHAUSTED.set(Some(limit));
}

impl Interpreter {
    /// Begins to count anew: what the embedding program did meanwhile is not the Ruby code's to answer for.
    pub fn renew_limits(&mut self) {
        self.usage = Usage::new(self.usage.limits);
    }

    /// Whether a limit was reached where no error could be returned.
    pub fn check_limits(&mut self) -> Eval<()> {
        self.usage.measure(0)
    }

    /// Counts a turn of a native loop that a program can make long.
    pub(crate) fn tick(&mut self) -> Eval<()> {
        self.usage.step()
    }

    /// Announces that so many bytes are about to be allocated; call it before building anything whose size
    /// a program chooses (`"x" * n`, `Array.new(n)`).
    pub fn charge(&mut self, bytes: usize) -> Eval<()> {
        self.usage.announce(bytes as u64)
    }
}
