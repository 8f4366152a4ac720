//! From arguments to a running environment, and back to an exit status.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::net::TcpListener;

use crate::actor::Actor;
use crate::diagnostics::say;
use crate::metadata::Metadata;
use crate::settings::Settings;
use crate::xray::Daemon;
use crate::{allocator, events, inherited, install, links, processes, runtime_api};

/// Wrong arguments or settings, as `sysexits.h` has it.
const EXIT_USAGE: u8 = 64;
/// Something that should work did not.
const EXIT_SOFTWARE: u8 = 70;

/// Runs the program with the arguments after its name.
pub fn run(arguments: &[OsString]) -> ExitCode {
    allocator::keep_small();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
    let done = match words.as_slice() {
        ["install", directory] => runtime.block_on(install::install(Path::new(*directory))),
        ["installed", directory] => runtime.block_on(install::installed(Path::new(*directory))),
        [] => {
            let settings = match Settings::read(|name| std::env::var(name).ok()) {
                Ok(settings) => settings,
                Err(wrong) => {
                    say(format_args!("{wrong}"));
                    return ExitCode::from(EXIT_USAGE);
                }
            };
            let done = runtime.block_on(environment(settings));
            // Threads that still lay out code or look through /tmp are not waited for.
            runtime.shutdown_background();
            done
        }
        _ => {
            say(format_args!("usage: runtime-shim [install DIR | installed DIR]"));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &io::Error) -> ExitCode {
    say(format_args!("{error}"));
    ExitCode::from(EXIT_SOFTWARE)
}

/// One execution environment, until it is told to end.
async fn environment(settings: Settings) -> io::Result<()> {
    inherited::keep();
    let processes = processes::Processes::take_charge()?;
    // After the last file below /proc/self is open. From here on no process of the function can read this one.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let (events, queue) = events::queue();
    let api = TcpListener::bind(settings.runtime_api).await?;
    let links = TcpListener::bind(settings.listen).await?;
    let xray = Daemon::open().await?;
    let addresses = Addresses { runtime_api: api.local_addr()?, link: links.local_addr()? };
    let metadata = Metadata::new(settings.zone.clone());
    let connections = runtime_api::serve(api, events.clone(), metadata.clone());
    links::serve(links, &settings, &events);
    addresses.tell(&settings)?;
    Actor::new(settings, addresses.runtime_api, metadata, xray, processes, connections, events)?
        .run(queue)
        .await
}

struct Addresses {
    runtime_api: std::net::SocketAddr,
    link: std::net::SocketAddr,
}

impl Addresses {
    /// Writes the bound addresses where the settings say so, whole or not at all.
    fn tell(&self, settings: &Settings) -> io::Result<()> {
        let Some(file) = &settings.addresses_file else { return Ok(()) };
        let partial = file.with_extension("partial");
        std::fs::write(&partial, format!("link={}\nruntime_api={}\n", self.link, self.runtime_api))?;
        std::fs::rename(&partial, file)
    }
}
