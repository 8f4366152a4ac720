//! The shim's program: `install DIR`, `installed DIR`, or without arguments one execution environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    runtime_shim::run(&arguments)
}
