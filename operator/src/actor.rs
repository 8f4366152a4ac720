//! The task that decides: it feeds the core, one message at a time, and has its effects carried out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::link::control::FromOperator;
use protocol::link::environment::ToEnvironment;
use protocol::link::frame::Frame;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::cluster::writes::Writes;
use crate::core::{Core, Effect, GatewayId, Input, LinkId};
use crate::image::registry::Registries;
use crate::link::{Links, Message};
use crate::metrics::Metrics;

/// Messages that wait to be taken; whoever has more waits.
pub const MESSAGES_MAX: usize = 4_096;
/// Messages that are taken before one decision.
pub const BATCH_MESSAGES_MAX: usize = 256;
/// Images that are read from registries at once.
pub const IMAGE_READS_MAX: usize = 16;
/// How often what becomes due with time is looked at, in milliseconds.
pub const TICK_MILLIS: u64 = 500;

/// Carries out what the core wants.
#[derive(Debug)]
pub struct Actor {
    core: Core,
    links: Links,
    writes: Writes,
    registries: Registries,
    image_reads: Arc<Semaphore>,
    metrics: Metrics,
    ready: watch::Sender<bool>,
    environments: HashMap<LinkId, mpsc::Sender<Frame<ToEnvironment>>>,
    gateways: HashMap<GatewayId, mpsc::Sender<FromOperator>>,
}

impl Actor {
    /// An actor around `core`; `ready` is told once everything was listed.
    pub fn new(
        core: Core,
        links: Links,
        writes: Writes,
        registries: Registries,
        metrics: Metrics,
        ready: watch::Sender<bool>,
    ) -> Self {
        let (environments, gateways) = (HashMap::new(), HashMap::new());
        let image_reads = Arc::new(Semaphore::new(IMAGE_READS_MAX));
        Self { core, links, writes, registries, image_reads, metrics, ready, environments, gateways }
    }

    /// Runs until nobody sends messages any more, or the future is dropped.
    pub async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut tick = interval(Duration::from_millis(TICK_MILLIS));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH_MESSAGES_MAX);
        loop {
            tokio::select! {
                taken = messages.recv_many(&mut batch, BATCH_MESSAGES_MAX) => {
                    if taken == 0 {
                        return;
                    }
                }
                _ = tick.tick() => batch.push(Message::Observed(Input::Tick)),
            }
            let now = self.links.clock.now();
            for message in batch.drain(..) {
                let input = self.unwrap(message);
                self.core.take(input, now);
            }
            for effect in self.core.settle(now) {
                self.carry_out(effect);
            }
            let census = self.core.census();
            self.ready
                .send_if_modified(|ready| std::mem::replace(ready, census.is_synced) != census.is_synced);
            self.metrics.census(&census);
        }
    }

    /// Keeps the queue that comes with a message; the core knows connections by number only.
    fn unwrap(&mut self, message: Message) -> Input {
        match message {
            Message::Observed(input) => {
                match &input {
                    Input::EnvironmentUnlinked(link) => drop(self.environments.remove(link)),
                    Input::GatewayUnlinked(gateway) => drop(self.gateways.remove(gateway)),
                    _ => {}
                }
                input
            }
            Message::EnvironmentLinked { pod, link, address, queue } => {
                self.environments.insert(link, queue);
                Input::EnvironmentLinked { pod, link, address }
            }
            Message::GatewayLinked { gateway, queue } => {
                self.gateways.insert(gateway, queue);
                Input::GatewayLinked(gateway)
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ToEnvironment(link, frame) => self.tell_environment(link, *frame),
            Effect::CloseLink(link) => drop(self.environments.remove(&link)),
            Effect::ToGateways(message) => {
                self.gateways.retain(|_, queue| queue.try_send(message.clone()).is_ok());
            }
            Effect::ToGateway(gateway, message) => self.tell_gateway(gateway, message),
            Effect::Dial(pod, address) => drop(tokio::spawn(self.links.clone().dial(pod, address))),
            Effect::CreatePod(key, pod) => {
                tracing::info!(pod = key.name, namespace = key.namespace, "Creating a pod");
                let writes = self.writes.clone();
                self.observe(async move { writes.create_pod(key, *pod).await });
            }
            Effect::DeletePod(key, uid) => {
                tracing::info!(pod = key.name, namespace = key.namespace, "Deleting a pod");
                let writes = self.writes.clone();
                self.observe(async move { writes.delete_pod(key, uid).await });
            }
            Effect::WriteStatus(key, status) => {
                let writes = self.writes.clone();
                self.observe(async move { writes.write_status(key, &status).await });
            }
            Effect::ReadImage(key, generation, question) => {
                let (registries, permits) = (self.registries.clone(), Arc::clone(&self.image_reads));
                self.observe(async move {
                    // Nobody closes the semaphore; the permit is held until the answer is there.
                    let _permit = permits.acquire().await;
                    let progress = registries.read(&key.namespace, &question).await;
                    Input::ImageRead(key, generation, progress)
                });
            }
            Effect::Publish(notice) => {
                let writes = self.writes.clone();
                tokio::spawn(async move { writes.publish(notice).await });
            }
            Effect::Measure(measured) => self.metrics.measured(measured),
        }
    }

    /// Has something done elsewhere, and its outcome told as a message.
    fn observe(&self, work: impl Future<Output = Input> + Send + 'static) {
        let messages = self.links.messages.clone();
        tokio::spawn(async move {
            let input = work.await;
            if messages.send(Message::Observed(input)).await.is_err() {
                tracing::debug!("Nobody takes observations any more");
            }
        });
    }

    /// A peer whose queue is full reads too slowly: it is hung up on, and is told everything when it returns.
    fn tell_environment(&mut self, link: LinkId, frame: Frame<ToEnvironment>) {
        let Some(queue) = self.environments.get(&link) else { return };
        if queue.try_send(frame).is_err() {
            self.environments.remove(&link);
        }
    }

    fn tell_gateway(&mut self, gateway: GatewayId, message: FromOperator) {
        let Some(queue) = self.gateways.get(&gateway) else { return };
        if queue.try_send(message).is_err() {
            self.gateways.remove(&gateway);
        }
    }
}
