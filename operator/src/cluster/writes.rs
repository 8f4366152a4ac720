//! What is written: pods, statuses, events. Each request has a bound, and so has their number.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client, Resource};
use resources::{Function, FunctionStatus};
use serde_json::json;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::FIELD_MANAGER;
use crate::core::{CreateError, Input, Notice, PodKey};
use crate::function::FunctionKey;

/// Requests to the API server at once.
pub const REQUESTS_MAX: usize = 64;
/// How long one request may take, in seconds.
pub const REQUEST_SECONDS_MAX: u64 = 20;
/// Most bytes of an event's note: the API server takes 1,024.
const NOTE_BYTES_MAX: usize = 1_000;

/// Writes for the replica that leads, and for no other.
#[derive(Clone)]
pub struct Writes {
    client: Client,
    recorder: Recorder,
    permits: Arc<Semaphore>,
    leads: watch::Receiver<bool>,
}

impl std::fmt::Debug for Writes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writes")
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Api(#[from] kube::Error),
    #[error("no answer within {REQUEST_SECONDS_MAX} s")]
    TimedOut,
    #[error("this replica does not lead any more")]
    NotLeading,
}

impl WriteError {
    fn code(&self) -> u16 {
        match self {
            Self::Api(kube::Error::Api(status)) => status.code,
            _ => 0,
        }
    }

    /// The API server's own words, where it answered.
    fn words(&self) -> String {
        match self {
            Self::Api(kube::Error::Api(status)) => status.message.clone(),
            other => other.to_string(),
        }
    }
}

impl Writes {
    /// Writes through `client` for as long as `leads` says so.
    pub fn new(client: Client, leads: watch::Receiver<bool>) -> Self {
        let recorder = Recorder::new(client.clone(), Reporter::from(FIELD_MANAGER));
        Self { client, recorder, permits: Arc::new(Semaphore::new(REQUESTS_MAX)), leads }
    }

    async fn request<T>(
        &self,
        request: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, WriteError> {
        let _permit = self.permits.acquire().await.map_err(|_| WriteError::NotLeading)?;
        if !*self.leads.borrow() {
            return Err(WriteError::NotLeading);
        }
        let bound = Duration::from_secs(REQUEST_SECONDS_MAX);
        let mut leads = self.leads.clone();
        tokio::select! {
            // What is under way does not outlive the Lease.
            _ = leads.wait_for(|&leads| !leads) => Err(WriteError::NotLeading),
            answer = timeout(bound, request) => Ok(answer.map_err(|_| WriteError::TimedOut)??),
        }
    }

    /// Creates a pod.
    pub async fn create_pod(&self, key: PodKey, pod: Pod) -> Input {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let result = match self.request(api.create(&parameters, &pod)).await {
            Ok(created) => Ok(created.metadata.uid.unwrap_or_default()),
            Err(error) => {
                let words = error.words();
                tracing::warn!(error = words, pod = key.name, "Cannot create a pod");
                let is_refusal = matches!(error.code(), 400 | 403 | 422);
                Err(if is_refusal { CreateError::Refused(words) } else { CreateError::Failed(words) })
            }
        };
        Input::PodCreated(key, result)
    }

    /// Deletes a pod; its grace period is in its specification.
    pub async fn delete_pod(&self, key: PodKey, uid: Option<String>) -> Input {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let preconditions = Preconditions { uid, resource_version: None };
        let parameters = DeleteParams::default().preconditions(preconditions);
        let result = match self.request(api.delete(&key.name, &parameters)).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code(), 404 | 409) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, pod = key.name, "Cannot delete a pod");
                Err(error.words())
            }
        };
        Input::PodDeleted(key, result)
    }

    /// Writes a Function's status by server-side apply.
    pub async fn write_status(&self, key: FunctionKey, status: &FunctionStatus) -> Input {
        let api: Api<Function> = Api::namespaced(self.client.clone(), &key.namespace);
        let patch = Patch::Apply(json!({
            "apiVersion": Function::api_version(&()),
            "kind": Function::kind(&()),
            "metadata": {"name": key.name, "namespace": key.namespace},
            "status": status,
        }));
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let request = api.patch_status(&key.name, &parameters, &patch);
        let result = match self.request(request).await {
            Ok(_) => Ok(()),
            // The Function was deleted meanwhile.
            Err(error) if error.code() == 404 => Ok(()),
            Err(error) => {
                tracing::warn!(%error, function = key.name, namespace = key.namespace, "Cannot write a status");
                Err(error.words())
            }
        };
        Input::StatusWritten(key, result)
    }

    /// Publishes an event; one that cannot be published is only logged.
    pub async fn publish(&self, notice: Notice) {
        let event = Event {
            type_: if notice.is_warning { EventType::Warning } else { EventType::Normal },
            reason: notice.reason.to_owned(),
            note: Some(cut(notice.note)),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.request(self.recorder.publish(&event, &notice.about)).await {
            tracing::info!(%error, "Cannot publish an event");
        }
    }
}

/// The beginning of a note, as much as the API server takes.
fn cut(mut note: String) -> String {
    note.truncate(note.floor_char_boundary(NOTE_BYTES_MAX));
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_cut_by_bytes_between_characters() {
        assert_eq!(cut("short".to_owned()), "short");
        let cut = cut("€".repeat(NOTE_BYTES_MAX));
        assert_eq!((cut.len(), cut.chars().all(|one| one == '€')), (999, true));
    }

    #[tokio::test]
    async fn a_write_under_way_ends_with_the_lease() {
        let service = tower::service_fn(|_: hyper::Request<kube::client::Body>| {
            std::future::pending::<
                Result<hyper::Response<http_body_util::Full<hyper::body::Bytes>>, kube::Error>,
            >()
        });
        let (leads, leading) = watch::channel(true);
        let writes = Writes::new(Client::new(service, "default"), leading);
        let key = PodKey { namespace: "n".to_owned(), name: "p".to_owned() };
        let lost = async {
            tokio::task::yield_now().await;
            leads.send_replace(false);
        };
        let (outcome, ()) = tokio::join!(writes.delete_pod(key, None), lost);
        let Input::PodDeleted(_, Err(words)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(words, "this replica does not lead any more");
    }
}
