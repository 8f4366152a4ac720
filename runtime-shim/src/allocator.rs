//! What keeps an idle shim small: the allocator's settings, and giving back what is free.
//!
//! The pod's limit leaves the shim a few megabytes beside the function's. By default glibc keeps what one large
//! payload needed for ever, and gives each thread an arena of its own. What it gives back by itself is only the
//! heap's end: one small block there keeps everything before it, so resident memory would creep. The shim of a pod
//! is linked with musl, whose allocator does none of this; local mode's is not.

pub(crate) use malloc::{give_back, keep_small};

#[cfg(not(target_env = "gnu"))]
mod malloc {
    /// Nothing to set.
    pub(crate) fn keep_small() {}

    /// Free pages are given back as they become free.
    pub(crate) fn give_back() {}
}

#[cfg(target_env = "gnu")]
mod malloc {
    use std::ffi::c_int;

    use crate::libc::{malloc_trim, mallopt};

    /// Allocations from this size on go back to the system when they are freed, in bytes.
    const MAPPED_BYTES_MIN: c_int = 64 * 1024;
    /// Free memory at the heap's end beyond which it goes back to the system, in bytes.
    const TRIM_BYTES: c_int = 128 * 1024;

    /// Parameters of `mallopt`, from `<malloc.h>`.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_THRESHOLD: c_int = -3;
    const M_ARENA_MAX: c_int = -8;

    /// Call once, before anything else is started. An allocator that does not know a setting works as before.
    pub(crate) fn keep_small() {
        for (parameter, value) in
            [(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN), (M_TRIM_THRESHOLD, TRIM_BYTES), (M_ARENA_MAX, 1)]
        {
            mallopt(parameter, value);
        }
    }

    /// Gives every free page back to the system, wherever it is in the heap. Takes some ten microseconds: call it
    /// when nobody waits.
    pub(crate) fn give_back() {
        malloc_trim(0);
    }
}
