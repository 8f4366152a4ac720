//! Which of several replicas acts: the one that holds a Lease.
//!
//! A replica takes the Lease when nobody holds it, or when its holder has not renewed it for its duration by
//! this replica's own clock (clocks of two nodes are never compared). A holder that cannot renew stops acting
//! before the Lease could be taken from it, and ends; whoever starts it again makes it a candidate. A holder
//! that ends in good order gives the Lease back, so that the other one need not wait.

pub mod record;

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use self::record::{Sighting, Step, decide, released, taken};
use crate::cluster::FIELD_MANAGER;
use crate::moment::Clock;

/// How long the Lease holds without renewal, in seconds.
pub const LEASE_SECONDS: u64 = 15;
/// How long a holder acts without having renewed it, in seconds: less than it holds.
pub const RENEW_DEADLINE_SECONDS: u64 = 10;
/// How often the Lease is looked at, in seconds.
pub const RETRY_SECONDS: u64 = 2;
/// How long one request may take, in seconds.
pub const REQUEST_SECONDS_MAX: u64 = 4;

/// How a candidate paces itself.
#[derive(Debug, Clone, Copy)]
struct Pace {
    renew_deadline: Duration,
    retry: Duration,
}

const PACE: Pace = Pace {
    renew_deadline: Duration::from_secs(RENEW_DEADLINE_SECONDS),
    retry: Duration::from_secs(RETRY_SECONDS),
};

/// A replica that would lead.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The operator's own namespace.
    pub namespace: String,
    /// `metadata.name` of the Lease.
    pub lease: String,
    /// This replica's name, unlike every other's.
    pub identity: String,
}

/// Why one attempt came to nothing.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error(transparent)]
    Api(#[from] kube::Error),
    #[error("no answer in time")]
    TimedOut,
}

impl Candidate {
    /// Tells `leads` once this replica leads, and returns once it does not any more.
    pub async fn campaign(&self, client: Client, clock: Clock, leads: &watch::Sender<bool>) {
        self.campaign_at(PACE, client, clock, leads).await;
    }

    async fn campaign_at(&self, pace: Pace, client: Client, clock: Clock, leads: &watch::Sender<bool>) {
        let api: Api<Lease> = Api::namespaced(client, &self.namespace);
        let mut sighting = Sighting::default();
        let mut renewed_at: Option<Duration> = None;
        loop {
            let began = clock.now().elapsed;
            let left = renewed_at.map(|at| (at + pace.renew_deadline).saturating_sub(began));
            if left.is_some_and(|left| left.is_zero()) {
                tracing::error!("The Lease could not be renewed in time");
                break;
            }
            let attempt = self.attempt(&api, &mut sighting, clock);
            let held = match left {
                // An attempt is several requests; a holder does not wait for them beyond its deadline.
                Some(left) => timeout(left, attempt).await.unwrap_or(Err(AttemptError::TimedOut)),
                None => attempt.await,
            };
            match held {
                Ok(true) => renewed_at = Some(began),
                Ok(false) if renewed_at.is_some() => {
                    tracing::error!("Another replica took the Lease");
                    break;
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "Cannot renew or take the Lease"),
            }
            let Some(at) = renewed_at else {
                sleep(pace.retry).await;
                continue;
            };
            let left = (at + pace.renew_deadline).saturating_sub(clock.now().elapsed);
            if !left.is_zero() && !leads.send_replace(true) {
                tracing::info!(identity = self.identity, "This replica leads");
            }
            sleep(pace.retry.min(left)).await;
        }
        leads.send_replace(false);
    }

    /// One look at the Lease; whether this replica holds it afterwards.
    async fn attempt(
        &self,
        api: &Api<Lease>,
        sighting: &mut Sighting,
        clock: Clock,
    ) -> Result<bool, AttemptError> {
        let lease = bounded(api.get_opt(&self.lease)).await?;
        let now = clock.now();
        sighting.note(lease.as_ref(), now.elapsed);
        let parameters = parameters();
        match decide(lease.as_ref(), sighting, &self.identity, now.elapsed) {
            Step::Wait => Ok(false),
            Step::Create => {
                let lease = taken(None, &self.lease, &self.identity, now);
                held(bounded(api.create(&parameters, &lease)).await)
            }
            Step::Take => {
                // The resource version goes along, so of two that try at once one fails.
                let lease = taken(lease, &self.lease, &self.identity, now);
                held(bounded(api.replace(&self.lease, &parameters, &lease)).await)
            }
        }
    }

    /// Gives the Lease back, if this replica holds it.
    pub async fn release(&self, client: Client) {
        let api: Api<Lease> = Api::namespaced(client, &self.namespace);
        let given_back = async {
            let Some(lease) = bounded(api.get_opt(&self.lease)).await? else { return Ok(()) };
            let Some(lease) = released(lease, &self.identity) else { return Ok(()) };
            bounded(api.replace(&self.lease, &parameters(), &lease)).await.map(drop)
        };
        match given_back.await {
            Ok(()) => tracing::info!("The Lease is given back"),
            Err(error) => tracing::warn!(%error, "Cannot give the Lease back"),
        }
    }
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// A conflict means that another replica was faster.
fn held(result: Result<Lease, AttemptError>) -> Result<bool, AttemptError> {
    match result {
        Ok(_) => Ok(true),
        Err(AttemptError::Api(kube::Error::Api(status))) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

async fn bounded<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, AttemptError> {
    let bound = Duration::from_secs(REQUEST_SECONDS_MAX);
    Ok(timeout(bound, request).await.map_err(|_| AttemptError::TimedOut)??)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, Full};
    use hyper::body::Bytes;
    use hyper::{Method, Request, Response};
    use kube::client::Body;

    use super::*;

    /// An API server that lets the Lease be created, and answers nothing more.
    async fn answer(request: Request<Body>, is_created: bool) -> Response<Full<Bytes>> {
        if is_created {
            std::future::pending::<()>().await;
        }
        let (head, body) = request.into_parts();
        if head.method == Method::POST {
            let body = body.collect().await.unwrap().to_bytes();
            return Response::new(Full::new(body));
        }
        let status =
            r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}"#;
        let mut answer = Response::new(Full::new(Bytes::from(status)));
        *answer.status_mut() = hyper::StatusCode::NOT_FOUND;
        answer
    }

    #[tokio::test]
    async fn a_holder_stops_at_its_deadline_while_a_request_hangs() {
        let mut requests = 0;
        let service = tower::service_fn(move |request: Request<Body>| {
            requests += 1;
            let is_created = requests > 2;
            async move { Ok::<_, Infallible>(answer(request, is_created).await) }
        });
        let client = Client::new(service, "default");
        let candidate =
            Candidate { namespace: "n".to_owned(), lease: "l".to_owned(), identity: "a".to_owned() };
        let pace = Pace { renew_deadline: Duration::from_millis(600), retry: Duration::from_millis(100) };
        let (leads, mut leading) = watch::channel(false);
        let clock = Clock::start();
        let campaign = candidate.campaign_at(pace, client, clock, &leads);
        let led = async { leading.wait_for(|&leads| leads).await.map(drop) };
        let ((), led) = tokio::join!(campaign, led);
        led.unwrap();
        assert!(!*leads.borrow());
        // One request alone may take four seconds.
        assert!(clock.now().elapsed < Duration::from_secs(REQUEST_SECONDS_MAX / 2));
    }
}
