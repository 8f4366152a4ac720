//! What is watched: Functions, Runtimes, namespaces and the pods of functions.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use resources::{Function, Runtime, labels};
use tokio::sync::mpsc;

use crate::core::{Change, Input, PodKey, SeenNamespace};
use crate::function::FunctionKey;
use crate::link::Message;
use crate::pod::observation::SeenPod;

/// Objects that one page of a list holds; a Function may carry 700 KB.
const PAGE_OBJECTS: u32 = 100;

/// Watches everything until the program ends.
pub async fn watch_all(client: Client, messages: mpsc::Sender<Message>) {
    tokio::join!(
        functions(client.clone(), messages.clone()),
        runtimes(client.clone(), messages.clone()),
        namespaces(client.clone(), messages.clone()),
        pods(client, messages),
    );
}

async fn functions(client: Client, messages: mpsc::Sender<Message>) {
    let api: Api<Function> = Api::all(client);
    let config = watcher::Config::default().page_size(PAGE_OBJECTS);
    let read = |mut function: Function| {
        function.metadata.managed_fields = None;
        Some(Arc::new(function))
    };
    let key = |function: &Function| FunctionKey::of(function);
    relay(watcher(api, config), read, key, Input::Functions, messages).await;
}

async fn runtimes(client: Client, messages: mpsc::Sender<Message>) {
    let api: Api<Runtime> = Api::all(client);
    let stream = watcher(api, watcher::Config::default());
    relay(stream, Some, |runtime: &Runtime| runtime.name_any(), Input::Runtimes, messages).await;
}

async fn namespaces(client: Client, messages: mpsc::Sender<Message>) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    let stream = watcher(api, watcher::Config::default());
    let read = |namespace: PartialObjectMeta<Namespace>| {
        let account = namespace.annotations().get(labels::ACCOUNT_ID).cloned();
        Some(SeenNamespace { name: namespace.name_any(), account })
    };
    relay(stream, read, ResourceExt::name_any, Input::Namespaces, messages).await;
}

async fn pods(client: Client, messages: mpsc::Sender<Message>) {
    let api: Api<Pod> = Api::all(client);
    let selector =
        format!("{}={},{}={}", labels::MANAGED_BY, labels::MANAGER, labels::COMPONENT, labels::ENVIRONMENT);
    let stream = watcher(api, watcher::Config::default().labels(&selector));
    let key = |pod: &Pod| PodKey { namespace: pod.namespace().unwrap_or_default(), name: pod.name_any() };
    relay(stream, |pod: Pod| SeenPod::read(&pod), key, Input::Pods, messages).await;
}

/// Turns a watch's events into observations: a list is handed on as a whole, once it is complete.
async fn relay<O, T, K>(
    stream: impl Stream<Item = watcher::Result<Event<O>>> + Send,
    read: impl Fn(O) -> Option<T> + Send,
    key: impl Fn(&O) -> K + Send,
    input: impl Fn(Change<T, K>) -> Input + Send,
    messages: mpsc::Sender<Message>,
) where
    O: Resource + Send + Debug,
    O::DynamicType: Default,
    T: Send,
    K: Send,
{
    let kind = O::kind(&O::DynamicType::default()).into_owned();
    let mut listed = Vec::new();
    let mut stream = pin!(stream.default_backoff());
    while let Some(event) = stream.next().await {
        let change = match event {
            Ok(Event::Init) => {
                listed.clear();
                None
            }
            Ok(Event::InitApply(object)) => {
                listed.extend(read(object));
                None
            }
            Ok(Event::InitDone) => Some(Change::Listed(std::mem::take(&mut listed))),
            Ok(Event::Apply(object)) => read(object).map(Change::Seen),
            Ok(Event::Delete(object)) => Some(Change::Gone(key(&object))),
            Err(error) => {
                tracing::warn!(%error, kind, "A watch failed and begins anew");
                None
            }
        };
        if let Some(change) = change
            && send(&messages, input(change)).await.is_err()
        {
            return;
        }
    }
}

fn send(
    messages: &mpsc::Sender<Message>,
    input: Input,
) -> impl Future<Output = Result<(), mpsc::error::SendError<Message>>> + Send {
    messages.send(Message::Observed(input))
}
