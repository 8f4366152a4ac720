//! Subscriptions of extensions to the Telemetry and the Logs API.

use domain::ExtensionId;
use domain::extensions::Refusal;
use domain::log_lines;
use protocol::telemetry::{Api, InvalidSubscription, Platform, Subscription, invalid_body, refused};

use super::Actor;
use crate::events::ExtensionAnswer;

/// Body of an accepted subscription, and of one that the extension has already.
const ACCEPTED_BODY: &str = "\"OK\"";
const KNOWN_BODY: &str = "\"AlreadySubscribed\"";

impl Actor {
    pub(super) fn subscribe(
        &mut self,
        id: ExtensionId,
        api: Api,
        subscription: Result<Subscription, InvalidSubscription>,
    ) -> Result<ExtensionAnswer, Refusal> {
        let name = self.extensions.known.get(id)?.name.clone();
        let word = match api {
            Api::Telemetry => "Telemetry",
            Api::Logs => "Logs",
        };
        if self.extensions.known.is_closed() {
            let message = format!("{word} API subscription is closed already");
            return Ok(answer(403, refused(&format!("{word}.SubscriptionClosed"), &message)));
        }
        let other = self.logs.telemetry().api_of(&name).is_some_and(|other| other != api);
        let subscription = match subscription {
            Ok(subscription) if !other => subscription,
            Ok(_) => {
                let message = "the extension has subscribed to the other API";
                return Ok(answer(400, invalid_body(api, message)));
            }
            Err(invalid) => {
                return Ok(answer(400, invalid_body(api, &invalid.to_string())));
            }
        };
        let types = subscription.types.names();
        let fresh = self.logs.telemetry().subscribe(&name, subscription);
        let (state, body) =
            if fresh { ("Subscribed", ACCEPTED_BODY) } else { ("Already subscribed", KNOWN_BODY) };
        let logs = api == Api::Logs;
        let line = log_lines::subscription(logs, &name, state, &types);
        self.logs.record(|| Platform::Subscription { logs, name, state, types }, Some(&line));
        Ok(answer(200, body.to_owned()))
    }
}

fn answer(status: u16, body: String) -> ExtensionAnswer {
    ExtensionAnswer::Subscribed { status, body }
}
