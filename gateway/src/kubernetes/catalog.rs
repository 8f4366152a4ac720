//! The catalog of a cluster: watches of Functions, Runtimes and Namespaces, put together.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::watcher;
use kube::{Api, Client};
use resources::{Function, Runtime};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::objects::Objects;
use super::watching;
use crate::catalog::{CatalogSource, DeclaredSender};

/// Changes of one kind that wait to be looked at; beyond it the watch waits.
const CHANGES_QUEUE: usize = 256;
/// How long changes are gathered before a snapshot is made of them: an apply of many is one snapshot.
const GATHER: Duration = Duration::from_millis(20);

/// Follows the API server.
#[derive(Clone)]
pub struct KubernetesCatalog {
    client: Client,
}

impl std::fmt::Debug for KubernetesCatalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KubernetesCatalog")
    }
}

impl KubernetesCatalog {
    /// Follows the API server behind `client`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn gather(self, declared: DeclaredSender) {
        let (function_changes, mut functions) = mpsc::channel(CHANGES_QUEUE);
        let (runtime_changes, mut runtimes) = mpsc::channel(CHANGES_QUEUE);
        let (namespace_changes, mut namespaces) = mpsc::channel(CHANGES_QUEUE);
        let config = watcher::Config::default;
        let watches = futures::future::join3(
            watching::follow::<Function>(Api::all(self.client.clone()), config(), function_changes),
            watching::follow::<Runtime>(Api::all(self.client.clone()), config(), runtime_changes),
            watching::follow::<Namespace>(Api::all(self.client.clone()), config(), namespace_changes),
        );
        let gathering = async move {
            let (mut objects, mut due) = (Objects::default(), None);
            loop {
                let publish = sleep_until(due.unwrap_or_else(Instant::now));
                tokio::select! {
                    Some(change) = functions.recv() => objects.functions.take(change),
                    Some(change) = runtimes.recv() => objects.runtimes.take(change),
                    Some(change) = namespaces.recv() => objects.namespaces.take(change),
                    () = publish, if due.is_some() => {
                        due = None;
                        publish_to(&declared, &objects);
                        continue;
                    }
                    else => return,
                }
                due = due.or_else(|| Some(Instant::now() + GATHER));
            }
        };
        futures::future::join(watches, gathering).await;
    }
}

fn publish_to(declared: &DeclaredSender, objects: &Objects) {
    let Some(now) = objects.declared() else { return };
    tracing::debug!(functions = now.functions.len(), namespaces = now.namespaces.len(), "Catalog");
    declared.send_replace(Some(Arc::new(now)));
}

impl CatalogSource for KubernetesCatalog {
    fn follow(self: Box<Self>, declared: DeclaredSender) -> BoxFuture<'static, ()> {
        Box::pin(self.gather(declared))
    }
}
