//! One environment: a shim as a child process, from its start to its end.
//!
//! The shim announces itself to [`super::announcements`], is assigned over that link as the operator would do
//! it, and tells its phases there. It ends by SIGTERM, as a pod does: an invocation that runs finishes first.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use protocol::link::environment::{FromEnvironment, Phase};
use protocol::link::frame::{FRAME_BYTES_MAX, read_frame, write_frame};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::debugging;
use super::recipe::Recipe;
use super::shim::{ADDRESSES_FILE, COMMAND, PARENT};
use super::turns::Turn;
use super::workspace::Place;

/// How long a shim may take to announce itself, in seconds.
const ANNOUNCE_SECONDS_MAX: u64 = 10;
/// How long a shim may take from SIGTERM to its end when everything ends, in milliseconds.
const END_MILLIS_MAX: u64 = 2_000;
/// How often it is looked whether it has ended, in milliseconds.
const END_LOOK_MILLIS: u64 = 10;

/// What an environment tells of itself.
#[derive(Debug)]
pub(crate) enum Told {
    /// It has its turn: its process starts.
    Started,
    /// It is assigned and can be dialled.
    Up(SocketAddr),
    /// It is in another phase.
    Phase(Phase),
}

/// What an environment is started with.
#[derive(Debug)]
pub(crate) struct Start {
    /// This program.
    pub program: PathBuf,
    /// Its folders.
    pub place: Place,
    /// Its settings, `KUBELAMBDA_` and all.
    pub settings: Vec<(String, String)>,
    /// What it becomes.
    pub recipe: Recipe,
    /// The function's name, where a debugger is to find its process.
    pub debugged: Option<String>,
    /// Cancelled: it is to take no further invocation and end.
    pub leave: CancellationToken,
    /// Cancelled: it is to end within [`END_MILLIS_MAX`].
    pub stop: CancellationToken,
}

/// Runs an environment, whose link arrives in `link`, to its end; an error tells why it never became one. Its `turn`
/// to start lasts until its init phase has ended.
pub(super) async fn run(
    start: Start,
    link: oneshot::Receiver<TcpStream>,
    turn: Turn,
    told: mpsc::Sender<Told>,
) -> Result<(), String> {
    let mut child = spawn(&start).map_err(|error| format!("the shim cannot be started: {error}"))?;
    let lived = tokio::select! {
        lived = live(&start, &mut child, (link, turn), &told) => lived,
        () = impatient(&start.stop) => Ok(()),
    };
    let Some(pid) = pid(&child) else { return lived };
    // Its link is over; the process follows in a moment, or is made to.
    signal(pid, Signal::TERM);
    let patience = Duration::from_millis(END_MILLIS_MAX);
    if !start.stop.is_cancelled() {
        drop(tokio::time::timeout(patience, ended(pid)).await);
    }
    // A shim that was killed has ended nothing. Until it is collected, no other group has its id.
    end_all(pid);
    drop(tokio::time::timeout(patience, child.wait()).await);
    lived
}

/// Its id, for as long as it was not collected.
fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

/// Waits until the process has ended, without collecting it.
async fn ended(pid: Pid) {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while let Ok(None) = waitid(WaitId::Pid(pid), look) {
        tokio::time::sleep(Duration::from_millis(END_LOOK_MILLIS)).await;
    }
}

fn spawn(start: &Start) -> std::io::Result<Child> {
    let Start { program, place, settings, recipe, .. } = start;
    let own = [
        ("KUBELAMBDA_LISTEN", "127.0.0.1:0".to_owned()),
        ("KUBELAMBDA_RUNTIME_API", "127.0.0.1:0".to_owned()),
        ("KUBELAMBDA_TASK_ROOT", recipe.task_root.display().to_string()),
        (ADDRESSES_FILE, place.addresses.display().to_string()),
        (PARENT, std::process::id().to_string()),
    ];
    let mut command = Command::new(program);
    command.arg(COMMAND).env_clear().envs(&recipe.variables).envs(own);
    if place.temporary_is_own {
        command.env("KUBELAMBDA_TEMPORARY", &place.temporary);
    }
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    // A group of its own: Ctrl-C is this program's business, which ends its environments in order.
    command.stdin(Stdio::null()).process_group(0).spawn()
}

/// When everything ends, nothing is waited for longer than this.
async fn impatient(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(Duration::from_millis(END_MILLIS_MAX)).await;
}

/// From the announcement to the end of the link, which ends with the shim.
async fn live(
    start: &Start,
    child: &mut Child,
    (link, turn): (oneshot::Receiver<TcpStream>, Turn),
    told: &mpsc::Sender<Told>,
) -> Result<(), String> {
    let pid = pid(child);
    let stream = tokio::select! {
        arrived = tokio::time::timeout(Duration::from_secs(ANNOUNCE_SECONDS_MAX), link) => arrived.ok(),
        ended = child.wait() => return Err(format!("the shim ended before it announced itself: {}", exit_text(ended))),
        () = start.stop.cancelled() => return Ok(()),
    };
    let Some(Ok(stream)) = stream else {
        return Err(format!("the shim did not announce itself within {ANNOUNCE_SECONDS_MAX} s"));
    };
    let (reader, mut writer) = stream.into_split();
    let sent = write_frame(&mut writer, &start.recipe.assignment).await;
    sent.map_err(|error| format!("the shim cannot be assigned: {error}"))?;
    drop(told.send(Told::Up(address(start)?)).await);
    let phases = follow(reader, turn, told);
    tokio::pin!(phases);
    tokio::select! {
        () = tell_debugger(start, pid) => {}
        () = &mut phases => return Ok(()),
        () = start.leave.cancelled() => {}
        () = start.stop.cancelled() => {}
    }
    if let Some(pid) = pid {
        signal(pid, Signal::TERM);
    }
    phases.await;
    Ok(())
}

/// Where the shim listens: it has written that before it announced itself.
fn address(start: &Start) -> Result<SocketAddr, String> {
    let text = std::fs::read_to_string(&start.place.addresses).unwrap_or_default();
    let link = text.lines().find_map(|line| line.strip_prefix("link=")?.parse().ok());
    link.ok_or_else(|| "the shim did not tell its address".to_owned())
}

/// Never ends: tells where a debugger finds the runtime, if one is wanted.
async fn tell_debugger(start: &Start, pid: Option<Pid>) {
    if let Some(function) = &start.debugged {
        debugging::tell(function, &start.recipe.task_root, pid).await;
    }
    std::future::pending::<()>().await;
}

/// Tells every phase until the link ends; the first after the init phase ends its turn.
async fn follow(mut reader: OwnedReadHalf, turn: Turn, told: &mpsc::Sender<Told>) {
    let mut turn = Some(turn);
    while let Ok(frame) = read_frame::<FromEnvironment, _>(&mut reader, FRAME_BYTES_MAX).await {
        if let FromEnvironment::State(state) = frame.header {
            if !matches!(state.phase, Phase::Generic | Phase::Init) {
                drop(turn.take());
            }
            drop(told.send(Told::Phase(state.phase)).await);
        }
    }
}

/// Ends the shim and everything in its group, stopped or not.
fn end_all(pid: Pid) {
    if let Err(error) = kill_process_group(pid, Signal::KILL) {
        tracing::debug!(%error, "An environment has ended by itself");
    }
}

fn signal(pid: Pid, signal: Signal) {
    if let Err(error) = kill_process(pid, signal) {
        tracing::debug!(%error, "An environment has ended by itself");
    }
}

fn exit_text(ended: std::io::Result<ExitStatus>) -> String {
    ended.map_or_else(|error| error.to_string(), |status| status.to_string())
}
