//! Every limit that AWS documents or that Kubelambda promises, with its unit in its name.
//!
//! Values of AWS are from the Lambda quotas page unless a line says otherwise. A limit that belongs to one
//! queue or connection of one program is named beside that queue, not here.

/// Largest request payload of a synchronous invocation: 6 MiB.
pub const REQUEST_PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Largest buffered response: 6 MiB plus the 100 bytes that the Runtime API grants for its envelope.
pub const RESPONSE_PAYLOAD_BYTES_MAX: usize = REQUEST_PAYLOAD_BYTES_MAX + 100;
/// Largest streamed response: 200 MiB. Its bandwidth is not limited.
pub const STREAMED_RESPONSE_BYTES_MAX: usize = 200 * 1024 * 1024;
/// Longest `X-Amz-Client-Context` header, counted in base64 characters.
pub const CLIENT_CONTEXT_BASE64_BYTES_MAX: usize = 3_583;
/// The log tail that `X-Amz-Log-Type: Tail` returns, before base64.
pub const LOG_TAIL_BYTES_MAX: usize = 4_096;
/// Smallest, default and largest `memorySize`, in MB (of 1,048,576 bytes).
pub const MEMORY_MB_MIN: u32 = 128;
/// See [`MEMORY_MB_MIN`].
pub const MEMORY_MB_MAX: u32 = 10_240;
/// Shortest function time-out, in seconds.
pub const TIMEOUT_SECONDS_MIN: u32 = 1;
/// Time-out of a function that names none, in seconds.
pub const TIMEOUT_SECONDS_DEFAULT: u32 = 3;
/// Longest function time-out, in seconds.
pub const TIMEOUT_SECONDS_MAX: u32 = 900;
/// How long the init phase may take before it is repeated inside the first invocation, in seconds.
pub const INIT_SECONDS_MAX: u64 = 10;
/// Smallest and default size of `/tmp`, in MB.
pub const EPHEMERAL_STORAGE_MB_MIN: u32 = 512;
/// Largest size of `/tmp`, in MB.
pub const EPHEMERAL_STORAGE_MB_MAX: u32 = 10_240;
/// Largest code inside a manifest, inline text or zip archive, in bytes (512 KiB).
pub const MANIFEST_CODE_BYTES_MAX: usize = 512 * 1024;
/// Largest unpacked code, in bytes (250 MiB).
pub const UNPACKED_CODE_BYTES_MAX: u64 = 262_144_000;
/// Names and values of a function's environment variables together, in bytes.
pub const ENVIRONMENT_VARIABLES_BYTES_MAX: usize = 4_096;
/// Longest bare function name, in characters.
pub const FUNCTION_NAME_CHARS_MAX: usize = 64;
/// Longest qualifier, in characters.
pub const QUALIFIER_CHARS_MAX: usize = 128;
/// Longest function reference in an invoke path (name, partial or full ARN), in characters.
pub const FUNCTION_REFERENCE_CHARS_MAX: usize = 256;
