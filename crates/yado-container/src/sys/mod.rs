//! The thin layer over system calls that no safe wrapper covers. All unsafe code of the crate is here.

pub(crate) mod allocator;
pub(crate) mod become_process;
pub(crate) mod beside;
pub(crate) mod bpf;
pub(crate) mod clone;
pub(crate) mod enter;
mod entry;
pub(crate) mod fds;
pub(crate) mod ground;
pub(crate) mod launcher;
pub(crate) mod mount;
pub(crate) mod name_service;
pub(crate) mod netlink;
pub(crate) mod sealed;
pub(crate) mod signals;
mod stage;
