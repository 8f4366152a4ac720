//! A watch that never ends: lists, follows, and lists again after a failure, with backoff.
//!
//! Every object is cut down to what is kept on receipt ([`Watched::cut`]). One that cannot be read counts as
//! absent, and does not keep the others from being seen.

use std::fmt::Debug;

use futures::StreamExt as _;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

/// Namespace (empty for what has none) and name.
pub(super) type ObjectKey = (String, String);

/// What a watch tells.
#[derive(Debug)]
pub(super) enum Change<T> {
    /// Everything that there is; what is not among it is gone.
    All(Vec<(ObjectKey, T)>),
    /// It is new, or has changed.
    Applied(ObjectKey, T),
    /// It is gone, or cannot be read any more.
    Deleted(ObjectKey),
}

/// What is kept of an object.
pub(super) trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static
{
    /// What is kept.
    type Kept: Send + 'static;

    /// Cuts an object down; `None` where nothing of it can be used.
    fn cut(self) -> Option<Self::Kept>;
}

/// Follows every `K` that `config` selects, until nobody listens.
pub(super) async fn follow<K: Watched>(
    api: Api<DeserializeGuard<K>>,
    config: watcher::Config,
    changes: mpsc::Sender<Change<K::Kept>>,
) {
    let mut events = watcher::watcher(api, config).default_backoff().boxed();
    let mut listed = Vec::new();
    while let Some(event) = events.next().await {
        let change = match event {
            Ok(Event::Init) => {
                listed = Vec::new();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listed.extend(kept(object).1);
                continue;
            }
            Ok(Event::InitDone) => Change::All(std::mem::take(&mut listed)),
            Ok(Event::Apply(object)) => match kept(object) {
                (_, Some((key, kept))) => Change::Applied(key, kept),
                (key, None) => Change::Deleted(key),
            },
            Ok(Event::Delete(object)) => Change::Deleted(key_of(&object)),
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), %error, "A watch failed and starts again");
                continue;
            }
        };
        if changes.send(change).await.is_err() {
            return;
        }
    }
}

type Kept<T> = (ObjectKey, Option<(ObjectKey, T)>);

fn kept<K: Watched>(object: DeserializeGuard<K>) -> Kept<K::Kept> {
    let key = key_of(&object);
    let kept = match object.0 {
        Ok(object) => object.cut(),
        Err(error) => {
            let (namespace, name) = (&key.0, &key.1);
            tracing::warn!(kind = %K::kind(&()), namespace, name, %error, "An object cannot be read");
            None
        }
    };
    (key.clone(), kept.map(|kept| (key, kept)))
}

fn key_of<K: Watched>(object: &DeserializeGuard<K>) -> ObjectKey {
    (object.namespace().unwrap_or_default(), object.name_any())
}
