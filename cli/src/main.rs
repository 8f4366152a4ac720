//! `kubelambda`: the same functions without a cluster, and what a person types.
//!
//! The program is two: started by `kubelambda local` for an environment, it is a shim and nothing else.

mod command_line;
mod endpoint;
mod import;
mod invoke;
mod local;
mod manifest;
mod output;
mod project;
mod reading;
mod sam;
mod templates;
mod values;
mod yaml;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use command_line::{Command, CommandLine, LOG_VARIABLE};
use local::image::{EMULATOR_NAME, translated};
use local::shim;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if shim::is_wanted(&words) {
        return shim::run();
    }
    let called = words.first().and_then(|name| Path::new(name).file_name());
    let arguments = match called {
        Some(name) if name == EMULATOR_NAME => CommandLine::parse_from(translated(words.into_iter().skip(1))),
        _ => CommandLine::parse(),
    };
    let filter = std::env::var(LOG_VARIABLE).ok().and_then(|text| EnvFilter::try_new(text).ok());
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    match run(&arguments.command) {
        Ok(code) => code,
        Err(error) => {
            output::note(format_args!("kubelambda: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Local(arguments) => runtime.block_on(local::run(arguments)),
        Command::Emulate(arguments) => {
            runtime.block_on(local::image::run(arguments)).map(|()| ExitCode::SUCCESS)
        }
        Command::Invoke(arguments) => runtime.block_on(invoke::run(arguments)),
        Command::Import(arguments) => import::run(arguments).map(|()| ExitCode::SUCCESS),
    }
}
