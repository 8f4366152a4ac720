//! `kubelambda`: the same functions without a cluster, and what a person types.
//!
//! The program is two: started by `kubelambda local` for an environment, it is a shim and nothing else.

mod command_line;
mod import;
mod invoke;
mod local;
mod manifest;
mod output;
mod project;
mod reading;
mod sam;
mod yaml;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use command_line::{Command, CommandLine};
use local::environment::{PARENT, SHIM_COMMAND};
use local::image::{EMULATOR_NAME, translated};
use local::opt;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tracing_subscriber::EnvFilter;

/// The variable that says what is logged about the gateway's work.
const LOG: &str = "KUBELAMBDA_LOG";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if words.get(1).is_some_and(|word| word == SHIM_COMMAND) && std::env::var_os(PARENT).is_some() {
        return shim();
    }
    let called = words.first().and_then(|name| Path::new(name).file_name());
    let arguments = match called {
        Some(name) if name == EMULATOR_NAME => CommandLine::parse_from(translated(words.into_iter().skip(1))),
        _ => CommandLine::parse(),
    };
    let filter = std::env::var(LOG).ok().and_then(|text| EnvFilter::try_new(text).ok());
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

/// This process is a shim, which ends with the program that started it, however that ends.
fn shim() -> ExitCode {
    if let Some(folder) = std::env::var_os(opt::VARIABLE)
        && let Err(message) = opt::bind(Path::new(&folder))
    {
        output::note(message);
        return ExitCode::FAILURE;
    }
    if std::env::var_os(opt::TRIAL).is_some() {
        return ExitCode::SUCCESS;
    }
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        output::note(format_args!(
            "kubelambda: an environment may outlive the program that started it: {error}"
        ));
    }
    let started_by = std::env::var(PARENT).unwrap_or_default();
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().to_string());
    if parent.as_ref() != Some(&started_by) {
        output::note("kubelambda: an environment is started by `kubelambda local`, which is gone");
        return ExitCode::FAILURE;
    }
    runtime_shim::run(&[])
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
