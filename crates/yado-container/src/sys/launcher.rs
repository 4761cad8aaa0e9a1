//! The step that a container's first process takes between the engine's code and its program.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::become_process::Plan;
use super::{clone, sealed};

/// The step between the last act here and the program: the sealed small program, which installs the filter of a
/// process without further privileges and runs the first candidate. What runs then finds that small program as
/// `/proc/self/exe` at most, and never the engine's file.
pub(crate) struct Launcher<'a> {
    program: BorrowedFd<'a>,
    /// Where it tells why the program could not be run.
    answer: BorrowedFd<'a>,
    filter: Option<OwnedFd>,
    arguments: Vec<CString>,
}

impl<'a> Launcher<'a> {
    /// Prepares the step for a plan.
    pub(crate) fn new(plan: &Plan, program: BorrowedFd<'a>, answer: BorrowedFd<'a>) -> io::Result<Self> {
        let filter = if plan.no_new_privileges && !plan.filter.is_empty() {
            let bytes: Vec<u8> = plan.filter.iter().flat_map(|instruction| instruction.bytes()).collect();
            Some(sealed::bytes(&bytes)?)
        } else {
            None
        };
        let number = |fd: RawFd| fd.to_string();
        let words = [
            "yado".to_owned(),
            "__container-run".to_owned(),
            number(answer.as_raw_fd()),
            filter.as_ref().map_or_else(|| "-".to_owned(), |file| number(file.as_raw_fd())),
            plan.filter_flags.to_string(),
        ];
        let mut arguments = clone::c_strings(words.iter().map(String::as_str))?;
        arguments.extend(plan.candidates.iter().cloned());
        arguments.push(CString::default());
        arguments.extend(plan.arguments.iter().cloned());
        Ok(Self { program, answer, filter, arguments })
    }

    /// What the step is started with: the way to tell, the filter, the candidates, and the program's own arguments.
    pub(crate) fn arguments(&self) -> &[CString] {
        &self.arguments
    }

    /// Goes the step. Returns why that was not possible. Async-signal-safe.
    pub(crate) fn run(&self, arguments: &[*const libc::c_char], environment: &[*const libc::c_char]) -> i32 {
        let answer = self.answer.as_raw_fd();
        let filter = self.filter.as_ref().map_or(answer, AsRawFd::as_raw_fd);
        sealed::run_prepared(self.program, arguments, environment, &[answer, filter])
    }
}
