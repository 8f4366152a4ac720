//! How a template's function logs. A setting that only AWS knows keeps no function from being served.

use serde_json::{Map, Value};

use super::template::Template;
use crate::manifest::from_aws;
use crate::yaml::{Content, Node};

impl Template<'_> {
    /// Adds `loggingConfig` to the spec; returns what cannot be known, which is left at its default.
    pub(super) fn logging(
        &self,
        logical: &str,
        resource: &Node,
        spec: &mut Map<String, Value>,
    ) -> Vec<String> {
        let name = spec.get("functionName").and_then(Value::as_str).unwrap_or(logical).to_owned();
        let (config, notes) = match self.value(resource, "LoggingConfig") {
            Ok(config) => (config, Vec::new()),
            Err(_) => self.known_settings(logical, resource),
        };
        let logging = from_aws::logging(&config, &name);
        spec.extend(logging.map(|logging| ("loggingConfig".to_owned(), logging)));
        notes
    }

    /// Of `LoggingConfig` what can be known, and what cannot.
    fn known_settings(&self, logical: &str, resource: &Node) -> (Value, Vec<String>) {
        let (mut said, mut notes) = (Map::new(), Vec::new());
        let mut keep = |setting: Option<&str>, node: &Node| match (self.scope.value(node), setting) {
            (Ok(value), Some(setting)) if !value.is_null() => drop(said.insert(setting.to_owned(), value)),
            (Ok(_), _) => {}
            (Err(error), _) => {
                let of = setting.map(|setting| format!(".{setting}")).unwrap_or_default();
                notes.push(format!("{logical}.LoggingConfig{of} is left at its default: {}", error.message));
            }
        };
        let [globals, own] = self.both(resource, "LoggingConfig");
        match own.or(globals) {
            Some(Node { content: Content::Map(settings), .. }) => {
                for (setting, _, node) in settings {
                    keep(Some(setting.as_str()), node);
                }
            }
            Some(node) => keep(None, node),
            None => {}
        }
        (Value::Object(said), notes)
    }
}
