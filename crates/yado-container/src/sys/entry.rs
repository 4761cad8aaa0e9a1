//! The first instructions of a program that is linked statically (`build.rs` of the program names them as the entry).
//!
//! The first write to each page of its data and of its stack is a fault that the kernel answers; asking for these few at
//! once takes less. The functions that a container's start needs lie side by side (`start_order.ld` of the program), and
//! are asked for as well: the kernel would map them in pieces of 64 KiB, each with a fault of its own. Kernels before 5.14
//! refuse, and nothing is lost.
#![allow(unsafe_code)] // Nothing but assembly can come before the C library.

// The stack that a short command uses (the kernel has made room for 128 KiB) and the data, to be written to
// (MADV_POPULATE_WRITE, 23); then the functions in order, to be read (MADV_POPULATE_READ, 22), which are but this one where
// the linker was not told an order. rdx and the stack are as the kernel left them when the C library's own entry is reached.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.yado_start,\"ax\",@progbits",
    ".globl yado_start",
    ".hidden yado_start",
    ".hidden __data_start",
    ".hidden _end",
    ".weak yado_start_order",
    ".hidden yado_start_order",
    ".weak yado_start_order_end",
    ".hidden yado_start_order_end",
    "yado_start_order:",
    "yado_start_order_end:",
    "yado_start:",
    "mov r8, rdx",
    "lea rdi, [rsp - 98304]",
    "and rdi, -4096",
    "mov esi, 98304",
    "mov edx, 23",
    "mov eax, 28",
    "syscall",
    "lea rdi, [rip + __data_start]",
    "and rdi, -4096",
    "lea rsi, [rip + _end]",
    "sub rsi, rdi",
    "mov edx, 23",
    "mov eax, 28",
    "syscall",
    "lea rdi, [rip + yado_start_order]",
    "lea rsi, [rip + yado_start_order_end]",
    "and rdi, -4096",
    "sub rsi, rdi",
    "mov edx, 22",
    "mov eax, 28",
    "syscall",
    "mov rdx, r8",
    "xor eax, eax",
    "jmp _start",
    ".popsection",
);
