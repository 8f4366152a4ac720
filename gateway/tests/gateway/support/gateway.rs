//! A gateway on a port of its own, with a catalog and a provider that the test feeds.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use gateway::catalog::{
    CatalogSource, Created, Declared, DeclaredFunction, DeclaredNamespace, DeclaredSender, Tenancy,
    Unavailable,
};
use gateway::environments::{
    DemandReceiver, Environment, EnvironmentEvent, EnvironmentProvider, EventSender, PodName,
};
use gateway::{Gateway, Options};
use protocol::lambda_api::configuration::FunctionState;
use protocol::link::assignment::{ConfigurationHash, Revision};
use protocol::link::trust::{LinkKey, Ticket, TicketClaims};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub const ACCOUNT: &str = "111111111111";
pub const SECRET: [u8; 32] = [7; 32];

pub fn link_key() -> LinkKey {
    LinkKey::from_secret(&SECRET).unwrap()
}

pub fn ticket(pod: &str) -> Ticket {
    link_key().issue(TicketClaims {
        namespace: "default".into(),
        pod: pod.into(),
        pool: "pool".into(),
        expires_epoch_seconds: u64::MAX,
    })
}

struct FedCatalog(watch::Receiver<Declared>);

impl CatalogSource for FedCatalog {
    fn follow(mut self: Box<Self>, declared: DeclaredSender) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            loop {
                let now = self.0.borrow_and_update().clone();
                declared.send_replace(Some(Arc::new(now)));
                if self.0.changed().await.is_err() {
                    return std::future::pending().await;
                }
            }
        })
    }
}

struct FedProvider(mpsc::Receiver<EnvironmentEvent>, mpsc::Sender<DemandReceiver>);

impl EnvironmentProvider for FedProvider {
    fn provide(mut self: Box<Self>, demand: DemandReceiver, events: EventSender) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.1.send(demand).await.unwrap();
            while let Some(event) = self.0.recv().await {
                events.send(event).await.unwrap();
            }
            std::future::pending::<()>().await;
        })
    }
}

pub struct Running {
    pub gateway: Gateway,
    pub api: SocketAddr,
    pub metrics: SocketAddr,
    pub events: mpsc::Sender<EnvironmentEvent>,
    pub demand: DemandReceiver,
    pub shutdown: CancellationToken,
    pub served: tokio::task::JoinHandle<std::io::Result<()>>,
    declared: watch::Sender<Declared>,
}

pub fn options() -> Options {
    Options::new("us-east-1".parse().unwrap(), "default".into(), link_key())
}

pub fn function(name: &str, environments_max: u32) -> DeclaredFunction {
    DeclaredFunction {
        namespace: "default".into(),
        object: name.to_lowercase(),
        created: Created { epoch_seconds: 1, uid: format!("uid-{name}") },
        name: name.parse().unwrap(),
        version: "$LATEST".into(),
        configuration: ConfigurationHash("configuration-1".into()),
        timeout_seconds: 3,
        memory_mb: 128,
        environments_max,
        tracing: domain::TracingMode::default(),
        tenancy: Tenancy::default(),
        unavailable: None,
        settings: Arc::default(),
        state: FunctionState::Active,
    }
}

pub fn unavailable(name: &str, unavailable: Unavailable) -> DeclaredFunction {
    DeclaredFunction { unavailable: Some(unavailable), ..function(name, 1) }
}

pub fn revision(function: &DeclaredFunction) -> Revision {
    Revision {
        namespace: function.namespace.clone(),
        function: function.object.clone(),
        uid: function.created.uid.clone(),
        version: "$LATEST".into(),
        configuration: function.configuration.clone(),
    }
}

impl Running {
    pub async fn start(options: Options, functions: Vec<DeclaredFunction>) -> Self {
        let namespace = DeclaredNamespace {
            name: "default".into(),
            created: Created::default(),
            account: ACCOUNT.parse().unwrap(),
        };
        let (declared, changes) = watch::channel(Declared { functions, namespaces: vec![namespace] });
        let (events, queue) = mpsc::channel(2_000);
        let (give_demand, mut take_demand) = mpsc::channel(1);
        let catalog = Box::new(FedCatalog(changes));
        let gateway = Gateway::new(options, catalog, Box::new(FedProvider(queue, give_demand))).unwrap();
        let demand = take_demand.recv().await.unwrap();
        let (api, metrics) = (listener().await, listener().await);
        let (api_address, metrics_address) = (api.local_addr().unwrap(), metrics.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let (serving, stop) = (gateway.clone(), shutdown.clone());
        let served = tokio::spawn(async move { serving.serve(api, stop).await });
        let (serving, stop) = (gateway.clone(), shutdown.clone());
        tokio::spawn(async move { serving.serve_metrics(metrics, stop).await });
        while !gateway.is_ready() {
            tokio::task::yield_now().await;
        }
        Self {
            gateway,
            api: api_address,
            metrics: metrics_address,
            events,
            demand,
            shutdown,
            served,
            declared,
        }
    }

    pub fn declare(&self, change: impl FnOnce(&mut Declared)) {
        self.declared.send_modify(change);
    }

    /// Tells the gateway of an environment.
    pub async fn up(&self, pod: &str, address: SocketAddr, revision: &Revision) {
        let pod = PodName { namespace: "default".into(), name: pod.into() };
        let environment = Environment { pod, address, revision: Some(revision.clone()) };
        self.events.send(EnvironmentEvent::Up(environment)).await.unwrap();
    }

    pub async fn gone(&self, pod: &str) {
        let pod = PodName { namespace: "default".into(), name: pod.into() };
        self.events.send(EnvironmentEvent::Gone(pod)).await.unwrap();
    }

    /// The text of `/metrics`.
    pub async fn metrics_text(&self) -> String {
        super::client::get(self.metrics, "/metrics").await.text()
    }

    /// Waits until `/metrics` has `line`.
    pub async fn until_metric(&self, line: &str) {
        for _ in 0..500 {
            if self.metrics_text().await.lines().any(|present| present == line) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no {line} in\n{}", self.metrics_text().await);
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
