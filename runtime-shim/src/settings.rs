//! What the pod is started with, read from its environment before anything else happens.
//!
//! All wrong values are named at once. None of these variables ever reaches a child; a function's own may begin alike.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use protocol::link::ENVIRONMENT_PORT;
use protocol::link::trust::{PublicKey, Ticket};

/// Prefix of every variable that is the shim's own.
const PREFIX: &str = "KUBELAMBDA_";
/// What follows it. The last four are of local mode, before the shim is one.
const NAMES: [&str; 16] = [
    "TICKET",
    "PUBLIC_KEY",
    "ANNOUNCE",
    "LISTEN",
    "RUNTIME_API",
    "TASK_ROOT",
    "EXTENSIONS",
    "TEMPORARY",
    "IDLE_GRACE_MILLIS",
    "INIT_LIMIT_MILLIS",
    "ZONE",
    "ADDRESSES_FILE",
    "PARENT",
    "OPT",
    "OWN_MOUNTS",
    "TRIAL",
];

/// Whether a variable of this name is a setting.
pub(crate) fn is_setting(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| NAMES.contains(&rest))
}

/// See the fields; each is `KUBELAMBDA_` and its name in capitals.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// What the shim proves itself with.
    pub ticket: Ticket,
    /// What gateways and the operator are checked against.
    pub public_key: PublicKey,
    /// `ip:port` of the operator that created the pod, if it is to be dialled.
    pub announce: Option<SocketAddr>,
    /// Where gateways and the operator reach the shim.
    pub listen: SocketAddr,
    /// Where the runtime reaches the shim; loopback.
    pub runtime_api: SocketAddr,
    /// Where code is laid out.
    pub task_root: PathBuf,
    /// Where external extensions are: every file in it is one.
    pub extensions: PathBuf,
    /// The function's `/tmp`.
    pub temporary: PathBuf,
    /// Whether that folder is this environment's alone: named for it, or a mount of its own as in a pod. One that
    /// others use too is neither measured nor cleared.
    pub temporary_is_own: bool,
    /// How long processes run on after an invocation before they are stopped.
    pub idle_grace: Duration,
    /// How long an init phase may take.
    pub init_limit: Duration,
    /// Name of the node's zone, where it has one.
    pub zone: Option<String>,
    /// Where the bound addresses are written, for whoever passed port 0: local mode and tests.
    pub addresses_file: Option<PathBuf>,
}

/// Every value that is missing or wrong.
#[derive(Debug, thiserror::Error)]
#[error("wrong settings: {}", .0.join("; "))]
pub(crate) struct WrongSettings(Vec<String>);

impl Settings {
    /// Reads all settings through `variable`.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WrongSettings> {
        let mut reader = Reader { variable, wrong: Vec::new() };
        let ticket = reader.required("TICKET", |text| Ticket::from_text(text).ok());
        let public_key = reader.required("PUBLIC_KEY", |text| PublicKey::from_text(text).ok());
        let announce = reader.optional("ANNOUNCE");
        let listen = reader.or("LISTEN", SocketAddr::from(([0, 0, 0, 0], ENVIRONMENT_PORT)));
        let runtime_api = reader.or("RUNTIME_API", SocketAddr::from(([127, 0, 0, 1], 9001)));
        let task_root = reader.or("TASK_ROOT", PathBuf::from("/var/task"));
        let extensions = reader.or("EXTENSIONS", PathBuf::from("/opt/extensions"));
        let temporary = reader.or("TEMPORARY", PathBuf::from("/tmp"));
        let temporary_is_own = reader.text("TEMPORARY").is_some() || is_mount(&temporary);
        let idle_grace = reader.or("IDLE_GRACE_MILLIS", 100);
        let init_limit = reader.or("INIT_LIMIT_MILLIS", domain::limits::INIT_SECONDS_MAX * 1_000);
        let zone = reader.optional("ZONE");
        let addresses_file = reader.optional("ADDRESSES_FILE");
        if !runtime_api.ip().is_loopback() {
            reader.wrong.push(format!("{PREFIX}RUNTIME_API must be a loopback address"));
        }
        match (ticket, public_key) {
            (Some(ticket), Some(public_key)) if reader.wrong.is_empty() => Ok(Self {
                ticket,
                public_key,
                announce,
                listen,
                runtime_api,
                task_root,
                extensions,
                temporary,
                temporary_is_own,
                idle_grace: Duration::from_millis(idle_grace),
                init_limit: Duration::from_millis(init_limit),
                zone,
                addresses_file,
            }),
            _ => Err(WrongSettings(reader.wrong)),
        }
    }
}

fn is_mount(folder: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, folder, AtFlags::empty(), StatxFlags::BASIC_STATS)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

struct Reader<F> {
    variable: F,
    wrong: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn text(&self, name: &str) -> Option<String> {
        debug_assert!(NAMES.contains(&name), "{name} would reach a function");
        (self.variable)(&format!("{PREFIX}{name}")).filter(|text| !text.is_empty())
    }

    fn required<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let Some(text) = self.text(name) else {
            self.wrong.push(format!("{PREFIX}{name} is missing"));
            return None;
        };
        let value = read(&text);
        if value.is_none() {
            // Not the value itself: a ticket is a secret.
            self.wrong.push(format!("{PREFIX}{name} cannot be read"));
        }
        value
    }

    fn optional<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong.push(format!("{PREFIX}{name} cannot be read: '{text}'"));
        }
        value
    }

    fn or<T: FromStr>(&mut self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use protocol::link::trust::{LinkKey, TicketClaims};

    use super::*;

    fn read(pairs: &[(&str, String)]) -> Result<Settings, WrongSettings> {
        Settings::read(|name| {
            pairs.iter().find(|(key, _)| format!("KUBELAMBDA_{key}") == name).map(|(_, value)| value.clone())
        })
    }

    fn trust() -> Vec<(&'static str, String)> {
        let key = LinkKey::from_secret(&[1; 32]).unwrap();
        let claims = TicketClaims {
            namespace: "n".into(),
            pod: "p".into(),
            pool: "q".into(),
            expires_epoch_seconds: 1,
        };
        vec![("TICKET", key.issue(claims).to_text()), ("PUBLIC_KEY", key.public_key().to_text())]
    }

    #[test]
    fn a_folder_that_others_use_too_is_not_the_environments_own() {
        let own = [trust(), vec![("TEMPORARY", "/one/of/my/own".into())]].concat();
        assert!(read(&own).unwrap().temporary_is_own);
        assert_eq!(read(&trust()).unwrap().temporary_is_own, is_mount(Path::new("/tmp")));
        assert!(is_mount(Path::new("/proc")) && !is_mount(Path::new("/proc/self")));
    }

    #[test]
    fn ticket_and_key_are_enough() {
        let settings = read(&trust()).unwrap();
        assert_eq!(settings.listen.port(), 9700);
        assert_eq!(settings.runtime_api.to_string(), "127.0.0.1:9001");
        assert_eq!(settings.task_root, PathBuf::from("/var/task"));
    }

    #[test]
    fn all_wrong_values_are_named_at_once() {
        let error = read(&[
            ("TICKET", "secret".into()),
            ("LISTEN", "nowhere".into()),
            ("RUNTIME_API", "0.0.0.0:9001".into()),
        ])
        .unwrap_err()
        .to_string();
        for name in ["TICKET", "PUBLIC_KEY", "LISTEN", "RUNTIME_API"] {
            assert!(error.contains(&format!("KUBELAMBDA_{name}")), "{error}");
        }
        assert!(!error.contains("secret"), "{error}");
    }
}
