//! The operator's program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use operator::settings::{EXIT_USAGE, Flags, Settings};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let settings = match Flags::try_parse() {
        Ok(flags) => Settings::judge(flags),
        Err(error) if error.use_stderr() => Err(vec![error.to_string()]),
        Err(help) => return print(&mut std::io::stdout(), &help.to_string(), ExitCode::SUCCESS),
    };
    let settings = match settings {
        Ok(settings) => settings,
        Err(wrong) => return print(&mut std::io::stderr(), &wrong.join("\n"), ExitCode::from(EXIT_USAGE)),
    };
    let filter = match EnvFilter::try_new(&settings.log) {
        Ok(filter) => filter,
        Err(error) => {
            let wrong = format!("--log: {error}");
            return print(&mut std::io::stderr(), &wrong, ExitCode::from(EXIT_USAGE));
        }
    };
    tracing_subscriber::fmt().with_env_filter(filter).json().flatten_event(true).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return print(&mut std::io::stderr(), &error.to_string(), ExitCode::FAILURE),
    };
    match runtime.block_on(operator::run::run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(error, "The operator ends");
            ExitCode::FAILURE
        }
    }
}

fn print(to: &mut dyn Write, text: &str, code: ExitCode) -> ExitCode {
    match writeln!(to, "{text}") {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}
