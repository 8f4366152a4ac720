//! What is watched: Functions, Runtimes, namespaces and the pods of functions.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, ObjectReference, Pod};
use kube::core::{DeserializeGuard, PartialObjectMeta};
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
    let api: Api<DeserializeGuard<Function>> = Api::all(client);
    let config = watcher::Config::default().page_size(PAGE_OBJECTS);
    relay(watcher(api, config), read_function, key_of, Input::Functions, messages).await;
}

fn read_function(object: DeserializeGuard<Function>) -> Read<Arc<Function>> {
    let about = ObjectReference {
        api_version: Some(Function::api_version(&()).into_owned()),
        kind: Some(Function::kind(&()).into_owned()),
        namespace: object.namespace(),
        name: Some(object.name_any()),
        uid: object.uid(),
        ..ObjectReference::default()
    };
    match object.0 {
        Ok(mut function) => {
            function.metadata.managed_fields = None;
            Ok(Arc::new(function))
        }
        Err(invalid) => {
            let (namespace, name) = (&about.namespace, &about.name);
            tracing::warn!(?namespace, ?name, error = invalid.error, "A Function cannot be read");
            Err(Some(Box::new(Input::FunctionUnreadable(about, invalid.error))))
        }
    }
}

fn key_of(object: &DeserializeGuard<Function>) -> FunctionKey {
    FunctionKey { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

async fn runtimes(client: Client, messages: mpsc::Sender<Message>) {
    let api: Api<DeserializeGuard<Runtime>> = Api::all(client);
    let stream = watcher(api, watcher::Config::default());
    let read = |object: DeserializeGuard<Runtime>| {
        let name = object.name_any();
        object.0.map_err(|invalid| {
            tracing::warn!(name, error = invalid.error, "A Runtime cannot be read");
            None
        })
    };
    relay(stream, read, ResourceExt::name_any, Input::Runtimes, messages).await;
}

async fn namespaces(client: Client, messages: mpsc::Sender<Message>) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    let stream = watcher(api, watcher::Config::default());
    let read = |namespace: PartialObjectMeta<Namespace>| {
        let account = namespace.annotations().get(labels::ACCOUNT_ID).cloned();
        Ok(SeenNamespace { name: namespace.name_any(), account })
    };
    relay(stream, read, ResourceExt::name_any, Input::Namespaces, messages).await;
}

async fn pods(client: Client, messages: mpsc::Sender<Message>) {
    let api: Api<Pod> = Api::all(client);
    let selector =
        format!("{}={},{}={}", labels::MANAGED_BY, labels::MANAGER, labels::COMPONENT, labels::ENVIRONMENT);
    let stream = watcher(api, watcher::Config::default().labels(&selector));
    let key = |pod: &Pod| PodKey { namespace: pod.namespace().unwrap_or_default(), name: pod.name_any() };
    relay(stream, |pod: Pod| SeenPod::read(&pod).ok_or(None), key, Input::Pods, messages).await;
}

/// An object as it is handed on, or what is told in its place.
type Read<T> = Result<T, Option<Box<Input>>>;

/// Turns a watch's events into observations: a list is handed on as a whole, once it is complete.
async fn relay<O, T, K>(
    stream: impl Stream<Item = watcher::Result<Event<O>>> + Send,
    read: impl Fn(O) -> Read<T> + Send,
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
        let observed = match event {
            Ok(Event::Init) => {
                listed.clear();
                None
            }
            Ok(Event::InitApply(object)) => match read(object) {
                Ok(one) => {
                    listed.push(one);
                    None
                }
                Err(told) => told.map(|told| *told),
            },
            Ok(Event::InitDone) => Some(input(Change::Listed(std::mem::take(&mut listed)))),
            Ok(Event::Apply(object)) => {
                read(object).map_or_else(|told| told.map(|told| *told), |one| Some(input(Change::Seen(one))))
            }
            Ok(Event::Delete(object)) => Some(input(Change::Gone(key(&object)))),
            Err(error) => {
                tracing::warn!(%error, kind, "A watch failed and begins anew");
                None
            }
        };
        if let Some(observed) = observed
            && send(&messages, observed).await.is_err()
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(name: &str, spec: &Value) -> DeserializeGuard<Function> {
        serde_json::from_value(json!({
            "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
            "metadata": {"name": name, "namespace": "team", "uid": "u"}, "spec": spec,
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn one_function_that_cannot_be_read_does_not_hide_the_others() {
        let (bad, good) =
            (object("bad", &json!({"code": 5})), object("good", &json!({"code": {"image": "i"}})));
        let events = [Event::Init, Event::InitApply(bad), Event::InitApply(good), Event::InitDone];
        let (messages, mut inbox) = mpsc::channel(8);
        let stream = futures::stream::iter(events.map(Ok));
        relay(stream, read_function, key_of, Input::Functions, messages).await;
        let unreadable = inbox.recv().await;
        let Some(Message::Observed(Input::FunctionUnreadable(about, _))) = unreadable else {
            panic!("{unreadable:?}")
        };
        assert_eq!((about.name.as_deref(), about.uid.as_deref()), (Some("bad"), Some("u")));
        let listed = inbox.recv().await;
        let Some(Message::Observed(Input::Functions(Change::Listed(functions)))) = listed else {
            panic!("{listed:?}")
        };
        assert_eq!(functions.len(), 1);
    }
}
