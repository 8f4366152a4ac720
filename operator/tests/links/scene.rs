//! An operator's actor and link port, with one Function and one Runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use operator::actor::Actor;
use operator::cluster::writes::Writes;
use operator::core::{Change, Core, Input, Rules};
use operator::function::FunctionKey;
use operator::function::recipe::revision;
use operator::image::registry::Registries;
use operator::image::transport::Transport;
use operator::link::listener::listen;
use operator::link::{Links, Message};
use operator::metrics::Metrics;
use operator::moment::{Clock, system_draw};
use operator::pod::Installation;
use protocol::link::assignment::Revision;
use protocol::link::trust::{LinkKey, Ticket, TicketClaims};
use resources::{Function, Runtime};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::api_server::{Written, client};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn key() -> LinkKey {
    LinkKey::from_secret(&[7; 32]).unwrap()
}

/// A pod that the operator asked for, reduced to its ticket.
pub(crate) struct Created {
    pub(crate) claims: TicketClaims,
}

impl Created {
    fn read(pod: &Value) -> Self {
        let variables = pod["spec"]["containers"][1]["env"].as_array().unwrap();
        let ticket = variables.iter().find(|one| one["name"] == "KUBELAMBDA_TICKET").unwrap();
        Self { claims: Ticket::from_text(ticket["value"].as_str().unwrap()).unwrap().claims }
    }

    pub(crate) fn example() -> Self {
        let claims = TicketClaims {
            namespace: "team".into(),
            pod: "hello-0".into(),
            pool: "p".into(),
            expires_epoch_seconds: u64::MAX,
        };
        Self { claims }
    }

    pub(crate) fn rename(&mut self, pod: &str) {
        pod.clone_into(&mut self.claims.pod);
    }
}

pub(crate) struct Scene {
    pub(crate) address: SocketAddr,
    function: Function,
    runtime: Runtime,
    messages: mpsc::Sender<Message>,
    written: mpsc::UnboundedReceiver<Written>,
    requests: Arc<AtomicUsize>,
    leads: watch::Sender<bool>,
}

impl Scene {
    pub(crate) async fn leading() -> Self {
        let scene = Self::following().await;
        scene.leads.send_replace(true);
        scene.tell(Input::Leads).await;
        scene
    }

    pub(crate) async fn following() -> Self {
        let (client, written, requests) = client();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (messages, inbox) = mpsc::channel(64);
        let (leads, leading) = watch::channel(false);
        let links = Links::new(Arc::new(key()), messages.clone(), Clock::start());
        let installation = Installation {
            shim_image: "shim".into(),
            image_pull_policy: None,
            announce: address,
            public_key: key().public_key(),
            user: 1_000,
        };
        let rules = Rules {
            region: "eu-west-1".parse().unwrap(),
            idle_timeout: Duration::from_mins(10),
            starts_per_function_max: 10,
            starts_max: 10,
        };
        let actor = Actor::new(
            Core::new(rules, installation, Arc::new(key()), system_draw()),
            links.clone(),
            Writes::new(client.clone(), leading),
            Registries::new(Transport::new(None).unwrap(), client),
            Metrics::new().unwrap(),
            watch::channel(false).0,
        );
        tokio::spawn(actor.run(inbox));
        tokio::spawn(listen(listener, links));
        let function: Function = serde_json::from_value(json!({
            "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
            "metadata": {"name": "hello", "namespace": "team", "uid": "u-1", "generation": 1},
            "spec": {"runtime": "python3.13", "handler": "a.b", "code": {"inline": {"a.py": "x"}}},
        }))
        .unwrap();
        let runtime = Runtime::new("python3.13", serde_json::from_value(json!({"image": "python"})).unwrap());
        let scene = Self { address, function, runtime, messages, written, requests, leads };
        scene.tell(Input::Runtimes(Change::Listed(vec![scene.runtime.clone()]))).await;
        scene.tell(Input::Namespaces(Change::Listed(Vec::new()))).await;
        scene.tell(Input::Pods(Change::Listed(Vec::new()))).await;
        scene.tell(Input::Functions(Change::Listed(vec![Arc::new(scene.function.clone())]))).await;
        scene
    }

    async fn tell(&self, input: Input) {
        self.messages.send(Message::Observed(input)).await.unwrap();
    }

    pub(crate) fn revision(&self) -> Revision {
        revision(&self.function, Some(&self.runtime.spec))
    }

    /// So many Functions whose images are to be read from a registry, with a Secret of the API server.
    pub(crate) async fn add_images(&self, count: usize) {
        for number in 0..count {
            let mut image = self.function.clone();
            image.metadata.name = Some(format!("image-{number}"));
            image.metadata.uid = Some(format!("u-image-{number}"));
            image.spec = serde_json::from_value(json!({
                "code": {"image": "r.test/i:1"}, "imagePullSecrets": [{"name": "pull"}],
            }))
            .unwrap();
            self.tell(Input::Functions(Change::Seen(Arc::new(image)))).await;
        }
    }

    pub(crate) async fn delete_function(&self) {
        self.tell(Input::Functions(Change::Gone(FunctionKey::of(&self.function)))).await;
    }

    async fn next(&mut self) -> Written {
        timeout(PATIENCE, self.written.recv()).await.unwrap().unwrap()
    }

    pub(crate) async fn created(&mut self) -> Created {
        match self.next().await {
            Written::Created(pod) => Created::read(&pod),
            Written::Deleted(pod) => panic!("{pod} was deleted"),
        }
    }

    pub(crate) async fn deleted(&mut self) -> String {
        match self.next().await {
            Written::Deleted(pod) => pod,
            Written::Created(pod) => panic!("{pod} was created"),
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}
