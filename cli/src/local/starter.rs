//! What it takes to start one environment: its runtime, its folders, its ticket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use domain::Region;
use protocol::link::assignment::Revision;
use protocol::link::control::Obstacle;
use protocol::link::trust::LinkKey;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::announcements::Announcements;
use super::clients;
use super::environment::{self, Start, Told};
use super::interpreters::Interpreter;
use super::opt::{self, Binding, Layers};
use super::recipe::recipe;
use super::runtimes::Runtimes;
use super::shim::OWN_MOUNTS;
use super::snapshot::{DEBUG_SECONDS, Served};
use super::turns::Turns;
use super::workspace::{Folders, Workspace};
use crate::project::LocalCode;

/// How long a start waits for its runtime, in seconds: a little less than the gateway waits for an environment, so
/// that the caller is told what it is that takes so long.
const FETCH_SECONDS_MAX: u64 = 50;

/// Why an environment cannot start: what kind of obstacle, and in words.
pub(crate) type NotStarted = (Obstacle, String);

/// Starts environments of any function.
#[derive(Debug)]
pub(crate) struct Starter {
    /// This program, which is the shim as well.
    pub program: PathBuf,
    /// Interpreters and clients.
    pub runtimes: Runtimes,
    /// Folders of this run.
    pub workspace: Workspace,
    /// Whether layers can be in `/opt`, and `sandbox` be a name.
    pub binding: Binding,
    /// Where shims announce themselves.
    pub announcements: Announcements,
    /// Whose turn it is to start.
    pub turns: Turns,
    /// The region that functions see.
    pub region: Region,
}

impl Starter {
    /// With folders of its own and this program as the shim.
    pub(crate) async fn create(key: Arc<LinkKey>, region: Region) -> anyhow::Result<Self> {
        Ok(Self {
            program: std::env::current_exe().context("this program's own path")?,
            runtimes: Runtimes::new(clients::cache_folder()),
            workspace: Workspace::create(random()?).context("a folder for this run")?,
            binding: Binding::default(),
            announcements: Announcements::listen(key).await.context("a port for environments")?,
            turns: Turns::of_this_machine(),
            region,
        })
    }

    /// Runs an environment to its end; an error tells why it never became one.
    pub(crate) async fn run(
        &self,
        name: &str,
        served: &Served,
        leave: CancellationToken,
        stop: CancellationToken,
        told: mpsc::Sender<Told>,
    ) -> Result<(), NotStarted> {
        let starts = async {
            let interpreter = self.interpreter(served).await?;
            let turn = if served.is_debugged() { Turns::beside_all() } else { self.turns.next().await };
            drop(told.send(Told::Started).await);
            let (settings, link) = self.announcements.expect(name);
            let start = self
                .prepare(name, served, interpreter.as_ref(), settings, leave.clone(), stop.clone())
                .await?;
            Ok::<_, NotStarted>((start, link, turn))
        };
        let (start, link, turn) = tokio::select! {
            started = starts => started?,
            () = leave.cancelled() => return Ok(()),
            () = stop.cancelled() => return Ok(()),
        };
        let result = environment::run(start, link, turn, told).await;
        self.workspace.remove(name);
        result.map_err(|message| (Obstacle::Refused, message))
    }

    /// What runs the function, once it is there; none where a Runtime of the folder says it, or an image has it.
    async fn interpreter(&self, served: &Served) -> Result<Option<Interpreter>, NotStarted> {
        let (None, Some(name)) = (&served.runtime, &served.local.function.spec.runtime) else {
            return Ok(None);
        };
        let patience = Duration::from_secs(FETCH_SECONDS_MAX);
        let found = tokio::time::timeout(patience, self.runtimes.of(name)).await;
        let fetching = format!("what runs {name} is still being fetched; try again in a moment");
        let found = found.map_err(|_| (Obstacle::Refused, fetching))?;
        found.map(Some).map_err(|message| (Obstacle::UnknownRuntime, message))
    }

    async fn prepare(
        &self,
        name: &str,
        served: &Served,
        interpreter: Option<&Interpreter>,
        mut settings: Vec<(String, String)>,
        leave: CancellationToken,
        stop: CancellationToken,
    ) -> Result<Start, NotStarted> {
        let refused = |error: std::io::Error| (Obstacle::Refused, error.to_string());
        let invalid = |message: String| (Obstacle::Invalid, message);
        let folders = self.folders(served, interpreter).await.map_err(invalid)?;
        settings.extend(folders.layers.as_ref().map(Layers::settings));
        let mut place = self.workspace.place(name).map_err(refused)?;
        if matches!(served.local.code, LocalCode::Image { .. }) {
            // The image's own; one container has one.
            place.temporary = PathBuf::from("/tmp");
            place.temporary_is_own = false;
        } else if self.cannot_bind().await.is_none() {
            settings.push((OWN_MOUNTS.to_owned(), "1".to_owned()));
        }
        let log_stream = random().map_err(refused)?;
        let recipe =
            recipe(served, interpreter, &folders, &place, &self.region, log_stream).map_err(invalid)?;
        if served.is_debugged() {
            let limit = u64::from(DEBUG_SECONDS) * 1_000;
            settings.push(("KUBELAMBDA_INIT_LIMIT_MILLIS".to_owned(), limit.to_string()));
        }
        let debugged = served.is_debugged().then(|| served.local.function.aws_name().to_owned());
        Ok(Start { program: self.program.clone(), place, settings, recipe, debugged, leave, stop })
    }
}

impl Starter {
    /// Why environments cannot have mounts of their own on this machine, if they cannot.
    pub(crate) async fn cannot_bind(&self) -> Option<String> {
        self.binding.tried(&self.program, self.workspace.folder()).await.err()
    }

    async fn folders(&self, served: &Served, interpreter: Option<&Interpreter>) -> Result<Folders, String> {
        // Unpacking an archive takes a moment, once; other tasks go on meanwhile.
        let (code, layers) = tokio::task::block_in_place(|| {
            Ok::<_, String>((self.workspace.code(&served.local)?, self.workspace.layers(&served.local)?))
        })?;
        let Some(folder) = layers else { return Ok(Folders { code, layers: None }) };
        let started = served.runtime.as_ref().and_then(|runtime| runtime.entry_point.first()).map(Path::new);
        let of_interpreter = interpreter.into_iter().flat_map(Interpreter::places);
        let needed = [self.workspace.folder(), &folder].into_iter();
        let needed = needed.chain(code.as_deref()).chain(started).chain(of_interpreter);
        let is_bound = !opt::hides(needed) && self.cannot_bind().await.is_none();
        Ok(Folders { code, layers: Some(Layers { folder, is_bound }) })
    }
}

/// A name that no environment of this run has had.
pub(crate) fn name(revision: &Revision) -> String {
    let random = random().unwrap_or_default();
    format!("{}-{:08x}", revision.function, u128::from_be_bytes(random) >> 96)
}

/// Sixteen random bytes.
pub(crate) fn random() -> std::io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
    Ok(bytes)
}
