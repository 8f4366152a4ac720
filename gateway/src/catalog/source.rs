//! The seam to whatever declares functions: the API server, or a folder of manifests.

use std::sync::Arc;

use domain::{AccountId, FunctionName, TracingMode};
use futures::future::BoxFuture;
use protocol::lambda_api::configuration::{FunctionSettings, FunctionState};
use protocol::link::assignment::ConfigurationHash;
use tokio::sync::watch;

/// When an object was made, for deciding which of two is older: creation time, then uid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Created {
    /// Seconds since the epoch.
    pub epoch_seconds: i64,
    /// `metadata.uid`.
    pub uid: String,
}

/// Why a function cannot be invoked, as far as its declaration tells. What only a start can tell (an image that
/// cannot be pulled, a module that cannot be loaded) is not decided here: a start may succeed the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unavailable {
    /// It names a Runtime that does not exist.
    UnknownRuntime {
        /// The name.
        runtime: String,
    },
    /// Its manifest breaks a rule.
    Invalid {
        /// Which, for its author.
        message: String,
    },
}

/// Whom a function is for, as far as a caller may name a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tenancy {
    /// Its environments serve everybody: a tenant id is refused, as on AWS without tenant isolation.
    #[default]
    Shared,
    /// Each environment serves one tenant only: an invocation without a tenant id is refused.
    PerTenant,
    /// Nothing is known of it, as of an image: a tenant id is handed on, as AWS's emulator does, and isolates nobody.
    Unknown,
}

/// One function as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredFunction {
    /// Its namespace.
    pub namespace: String,
    /// `metadata.name`.
    pub object: String,
    /// When it was made.
    pub created: Created,
    /// Its AWS name.
    pub name: FunctionName,
    /// The version that runs: `$LATEST`, unless whoever declares it says otherwise.
    pub version: String,
    /// Digest of everything that its environments depend on.
    pub configuration: ConfigurationHash,
    /// Its time-out, in seconds.
    pub timeout_seconds: u32,
    /// Its memory, in MB.
    pub memory_mb: u32,
    /// Most environments at once.
    pub environments_max: u32,
    /// Whether the platform traces it by itself.
    pub tracing: TracingMode,
    /// Whether callers may name a tenant.
    pub tenancy: Tenancy,
    /// Why it cannot be invoked.
    pub unavailable: Option<Unavailable>,
    /// What the Lambda API shows beside.
    pub settings: Arc<FunctionSettings>,
    /// Whether it can be invoked, as the Lambda API shows it.
    pub state: FunctionState,
}

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredNamespace {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Created,
    /// Its account id.
    pub account: AccountId,
}

/// Everything that is declared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared {
    /// Functions, in any order; two may have one name.
    pub functions: Vec<DeclaredFunction>,
    /// Namespaces, in any order; two may have one account.
    pub namespaces: Vec<DeclaredNamespace>,
}

/// Where a source puts what it found; nothing until its first complete look.
pub type DeclaredSender = watch::Sender<Option<Arc<Declared>>>;

/// Finds out what is declared, and follows its changes.
pub trait CatalogSource: Send {
    /// Puts the whole of it into `declared` after the first complete look and after every change, for as long
    /// as it runs. It is dropped when the gateway ends.
    fn follow(self: Box<Self>, declared: DeclaredSender) -> BoxFuture<'static, ()>;
}
