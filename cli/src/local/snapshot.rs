//! What is served now: every function with its runtime, and the revision that its environments must be.
//!
//! Pure: from projects to values. Namespaces of manifests are not kept apart; all is in one.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use domain::AccountId;
use gateway::catalog::{
    Created, Declared, DeclaredFunction, DeclaredNamespace, Tenancy, Unavailable, settings_of,
};
use protocol::lambda_api::configuration::FunctionState;
use protocol::link::assignment::{ConfigurationHash, Revision};
use resources::configuration::{account_of_namespace, configuration_hash};
use resources::{Function, RuntimeSpec};
use serde_json::json;

use crate::project::{BrokenFunction, LocalCode, LocalFunction};

/// The one namespace of local mode.
pub(crate) const NAMESPACE: &str = "default";
/// A time-out that is none: what `--debug` gives every function, in seconds (a day).
pub(crate) const DEBUG_SECONDS: u32 = 86_400;

/// A function that is served.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// What its environments must be.
    pub revision: Revision,
    /// The function and where its code is.
    pub local: LocalFunction,
    /// The Runtime that the folder declares for it, if it does.
    pub runtime: Option<RuntimeSpec>,
    /// Its time-out, in seconds.
    pub timeout_seconds: u32,
    /// Why it cannot run here.
    pub unavailable: Option<Unavailable>,
}

impl Served {
    /// Nothing of it times out.
    pub(crate) fn is_debugged(&self) -> bool {
        self.timeout_seconds == DEBUG_SECONDS
    }
}

/// All that is served.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// In the order of files and documents.
    pub functions: Vec<Arc<Served>>,
    /// What is declared and cannot be served: an invocation is told why.
    broken: Vec<Arc<Served>>,
}

/// The account id of everything in local mode: that of the namespace in a cluster that says nothing else.
pub(crate) fn account() -> AccountId {
    account_of_namespace(NAMESPACE, None)
}

impl Snapshot {
    /// The snapshot of functions, each with the stamp of its code; and what is worth telling.
    pub(crate) fn build(
        functions: Vec<(LocalFunction, u64)>,
        runtimes: &BTreeMap<String, RuntimeSpec>,
        debug: bool,
    ) -> (Self, Vec<String>) {
        let (mut snapshot, mut notes) = (Self::default(), Vec::new());
        for (local, stamp) in functions {
            let name = local.function.aws_name().to_owned();
            if let Some(first) = snapshot.find(&name) {
                let (first, second) = (first.local.source.display(), local.source.display());
                notes.push(format!("{second}: '{name}' is already declared in {first}, which is served"));
                continue;
            }
            let runtime = local.function.spec.runtime.as_ref().and_then(|name| runtimes.get(name)).cloned();
            snapshot.functions.push(Arc::new(served(local, runtime, stamp, debug)));
        }
        (snapshot, notes)
    }

    /// Adds a function that cannot be served, unless it is served as it was before.
    pub(crate) fn add_broken(&mut self, broken: &BrokenFunction) {
        // Nothing of it counts but the name.
        let spec = serde_json::from_value(json!({"functionName": broken.name, "code": {}}));
        let (None, Ok(spec)) = (self.find(&broken.name), spec) else { return };
        let function = Function::new(&broken.name.to_ascii_lowercase(), spec);
        let local = LocalFunction::of_manifest(function, Path::new(""));
        let unavailable = Some(Unavailable::Invalid { message: broken.why.clone() });
        self.broken.push(Arc::new(Served { unavailable, ..served(local, None, 0, false) }));
    }

    /// The function of this AWS name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Served>> {
        self.functions.iter().find(|served| served.local.function.aws_name() == name)
    }

    /// The function of this revision.
    pub(crate) fn of(&self, revision: &Revision) -> Option<&Arc<Served>> {
        self.functions.iter().find(|served| served.revision == *revision)
    }

    /// Runtimes that this machine must have something for.
    pub(crate) fn runtimes(&self) -> BTreeSet<String> {
        let own = self.functions.iter().filter(|served| served.runtime.is_none());
        own.filter_map(|served| served.local.function.spec.runtime.clone()).collect()
    }

    /// As the gateway's catalog takes it.
    pub(crate) fn declared(&self) -> Declared {
        let all = self.functions.iter().chain(&self.broken);
        let functions = all.enumerate().filter_map(|(index, served)| {
            let spec = &served.local.function.spec;
            let name = served.local.function.aws_name().parse().ok()?;
            Some(DeclaredFunction {
                settings: Arc::new(settings_of(&served.local.function, &name)),
                state: match &served.unavailable {
                    Some(Unavailable::Invalid { message: reason }) => {
                        FunctionState::Failed { code: "InvalidConfiguration", reason: reason.clone() }
                    }
                    Some(Unavailable::UnknownRuntime { .. }) | None => FunctionState::Active,
                },
                namespace: NAMESPACE.to_owned(),
                object: served.revision.function.clone(),
                created: Created {
                    epoch_seconds: i64::try_from(index).ok()?,
                    uid: served.revision.uid.clone(),
                },
                name,
                version: served.revision.version.clone(),
                configuration: served.revision.configuration.clone(),
                timeout_seconds: served.timeout_seconds,
                memory_mb: spec.memory_size,
                environments_max: spec.scaling.max_environments,
                tracing: spec.tracing(),
                tenancy: match served.local.code {
                    LocalCode::Image { .. } => Tenancy::Unknown,
                    _ if spec.isolates_tenants() => Tenancy::PerTenant,
                    _ => Tenancy::Shared,
                },
                unavailable: served.unavailable.clone(),
            })
        });
        let namespace =
            DeclaredNamespace { name: NAMESPACE.to_owned(), created: Created::default(), account: account() };
        Declared { functions: functions.collect(), namespaces: vec![namespace] }
    }
}

fn served(local: LocalFunction, runtime: Option<RuntimeSpec>, stamp: u64, debug: bool) -> Served {
    let spec = &local.function.spec;
    let object = local.function.metadata.name.clone().unwrap_or_default();
    // The code and layers that lie outside of the manifest count as well: saving a file makes another revision.
    let mut hasher = DefaultHasher::new();
    (stamp, debug).hash(&mut hasher);
    let configuration = format!("{}-{:016x}", configuration_hash(spec, runtime.as_ref()), hasher.finish());
    let elsewhere = spec.code.image.as_ref().filter(|_| local.code == LocalCode::Manifest);
    let unavailable = elsewhere.map(|image| Unavailable::Invalid {
        message: format!(
            "{image} is a container image; local mode runs code on this machine. Start the image itself with this \
             program as its entry point: kubelambda emulate"
        ),
    });
    Served {
        revision: Revision {
            namespace: NAMESPACE.to_owned(),
            uid: format!("local-{object}"),
            function: object,
            version: domain::LATEST.to_owned(),
            configuration: ConfigurationHash(configuration),
        },
        timeout_seconds: if debug { DEBUG_SECONDS } else { spec.timeout },
        runtime,
        unavailable,
        local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, text: &str) -> LocalFunction {
        let spec = json!({"runtime": "python3.11", "handler": "a.b", "code": {"inline": {"a.py": text}}});
        let function = Function::new(name, serde_json::from_value(spec).unwrap());
        LocalFunction::of_manifest(function, std::path::Path::new("f.yaml"))
    }

    #[test]
    fn a_change_of_code_is_another_revision_and_nothing_else_is() {
        let revision = |text: &str, stamp| {
            let (snapshot, _) = Snapshot::build(vec![(function("f", text), stamp)], &BTreeMap::new(), false);
            snapshot.functions[0].revision.clone()
        };
        assert_eq!(revision("x", 1), revision("x", 1));
        assert_ne!(revision("x", 1), revision("y", 1));
        assert_ne!(revision("x", 1), revision("x", 2));
    }

    #[test]
    fn of_two_with_one_name_the_first_is_served_and_it_is_said() {
        let functions = vec![(function("f", "x"), 0), (function("f", "y"), 0), (function("g", "z"), 0)];
        let (snapshot, notes) = Snapshot::build(functions, &BTreeMap::new(), false);
        assert_eq!(snapshot.functions.len(), 2);
        assert!(notes[0].contains("'f' is already declared"));
        let declared = snapshot.declared();
        assert_eq!((declared.functions.len(), declared.functions[0].timeout_seconds), (2, 3));
    }

    #[test]
    fn a_debugged_function_has_a_day() {
        let (snapshot, _) = Snapshot::build(vec![(function("f", "x"), 0)], &BTreeMap::new(), true);
        assert_eq!(snapshot.declared().functions[0].timeout_seconds, DEBUG_SECONDS);
    }
}
