//! The allocator's two settings that keep an idle shim small.
//!
//! The pod's limit leaves the shim a few megabytes beside the function's. By default glibc keeps what one large
//! payload needed for ever, and gives each thread an arena of its own.

// The one module of the program with code that the compiler does not check.
#![allow(unsafe_code)]

use std::ffi::c_int;

/// Allocations from this size on go back to the system when they are freed, in bytes.
const MAPPED_BYTES_MIN: c_int = 64 * 1024;
/// Free memory at the heap's end beyond which it goes back to the system, in bytes.
const TRIM_BYTES: c_int = 128 * 1024;

/// Parameters of `mallopt`, from `<malloc.h>`.
const M_TRIM_THRESHOLD: c_int = -1;
const M_MMAP_THRESHOLD: c_int = -3;
const M_ARENA_MAX: c_int = -8;

#[cfg(target_env = "gnu")]
// SAFETY: the declaration is that of `<malloc.h>`. The function takes plain numbers, refuses what it does not
// know, and may be called at any time.
unsafe extern "C" {
    safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
}

/// Call once, before anything else is started. An allocator that does not know a setting works as before.
pub(crate) fn keep_small() {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in
        [(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN), (M_TRIM_THRESHOLD, TRIM_BYTES), (M_ARENA_MAX, 1)]
    {
        mallopt(parameter, value);
    }
}
