//! The C library's calls that nothing wraps safely: the one module of the program with code that the compiler does
//! not check.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::os::fd::RawFd;

/// From `<fcntl.h>`.
const F_SETFD: c_int = 2;
const FD_CLOEXEC: c_int = 1;

// SAFETY: the declaration is that of `<fcntl.h>`.
unsafe extern "C" {
    fn fcntl(descriptor: c_int, command: c_int, ...) -> c_int;
}

#[cfg(target_env = "gnu")]
// SAFETY: the declarations are those of `<malloc.h>`. The functions take plain numbers, refuse what they do not know,
// and may be called at any time.
unsafe extern "C" {
    pub(crate) safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
    pub(crate) safe fn malloc_trim(kept_bytes: usize) -> c_int;
}

/// No program that this one starts inherits the descriptor. One that is not open is passed over.
pub(crate) fn keep_from_children(descriptor: RawFd) {
    // SAFETY: the command takes a number and sets a flag of the descriptor, which stays open and whose it was.
    unsafe { fcntl(descriptor, F_SETFD, FD_CLOEXEC) };
}
