//! Random bytes from the kernel.

use crate::diagnostics::say;

/// Bytes that nobody can guess. A kernel that gives none is said, and the bytes are zero.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        say(format_args!("the kernel gives no random bytes"));
    }
    bytes
}
