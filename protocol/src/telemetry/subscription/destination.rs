//! Where a subscriber's events go.

use serde_json::{Map, Value};

use super::{InvalidSubscription, invalid};

/// Longest path of a destination, in bytes.
const PATH_BYTES_MAX: usize = 1_024;
/// The names by which the sandbox is called.
const HOSTS: [&str; 2] = ["sandbox.localdomain", "sandbox"];

/// Where events go; the host is always the sandbox itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Batches as JSON lists.
    Http {
        /// The port.
        port: u16,
        /// Path and query.
        path: String,
        /// PUT; otherwise POST.
        put: bool,
    },
    /// One JSON object a line.
    Tcp {
        /// The port.
        port: u16,
    },
}

pub(super) fn read(told: Option<&Value>) -> Result<Destination, InvalidSubscription> {
    let Some(Value::Object(told)) = told else { return invalid("destination is missing or no object") };
    match told.get("protocol").and_then(Value::as_str) {
        Some("HTTP") => http(told),
        Some("TCP") => {
            let port = told.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
            match port.filter(|port| *port > 0) {
                Some(port) => Ok(Destination::Tcp { port }),
                None => invalid("destination.port is missing or no port"),
            }
        }
        _ => invalid("destination.protocol must be HTTP or TCP"),
    }
}

fn http(told: &Map<String, Value>) -> Result<Destination, InvalidSubscription> {
    let put = match told.get("method").filter(|method| !method.is_null()).map(Value::as_str) {
        Some(Some("PUT")) => true,
        None | Some(Some("POST")) => false,
        Some(_) => return invalid("destination.method must be PUT or POST"),
    };
    match told.get("URI").and_then(Value::as_str).map(parts) {
        Some(Some((Some(port), path))) => Ok(Destination::Http { port, path, put }),
        Some(Some((None, _))) => invalid("destination.URI has no port"),
        Some(None) => invalid("destination.URI must be http://sandbox.localdomain:PORT/PATH"),
        None => invalid("destination.URI is missing or no string"),
    }
}

/// Port, if there is one, and path of a URI whose host is the sandbox.
fn parts(uri: &str) -> Option<(Option<u16>, String)> {
    let rest = uri.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let port = if port.is_empty() { None } else { Some(read_port(port)?) };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let visible = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (HOSTS.contains(&host) && visible && path.len() <= PATH_BYTES_MAX).then_some((port, path))
}

fn read_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}
