//! The metadata endpoint of an execution environment, 2026-01-15: its path, its check of the token and its answer.
//! It tells runtimes and extensions in which Availability Zone they run (AWS's guide,
//! configuration-metadata-endpoint).
//!
//! Statuses, headers and bodies are those of AWS's emulator. Nothing here reads a connection.

use domain::ids::MetadataToken;
use serde_json::json;

/// Where the execution environment is described.
pub const PATH: &str = "/2026-01-15/metadata/execution-environment";
/// Of an answer: an environment never moves to another zone.
pub const CACHE_CONTROL: &str = "private, max-age=43200, immutable";

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It does not bear the token of `AWS_LAMBDA_METADATA_TOKEN`.
    Unauthorized,
    /// It is no GET.
    MethodNotAllowed,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::MethodNotAllowed => 405,
        }
    }

    /// The body of the answer, plain text.
    pub fn body(self) -> &'static str {
        match self {
            Self::Unauthorized => "Unauthorized\n",
            Self::MethodNotAllowed => "Method Not Allowed\n",
        }
    }
}

/// Whether `path` is the endpoint's; the emulator takes it with a slash at its end, too.
pub fn is_at(path: &str) -> bool {
    path.strip_suffix('/').unwrap_or(path) == PATH
}

/// Checks a request at the endpoint; `authorization` is its header of that name.
///
/// # Errors
/// Where it is not `GET` with `Bearer` and the token, letter by letter.
pub fn check(method: &str, authorization: Option<&str>, token: MetadataToken) -> Result<(), Refusal> {
    if method != "GET" {
        return Err(Refusal::MethodNotAllowed);
    }
    let borne = authorization.and_then(|value| value.strip_prefix("Bearer "));
    if borne == Some(token.to_string().as_str()) { Ok(()) } else { Err(Refusal::Unauthorized) }
}

/// The answer: JSON that names the zone. AWS gives the id of one, `use1-az1`; a cluster has what its nodes are labelled with.
pub fn described(zone_id: &str) -> String {
    json!({"AvailabilityZoneID": zone_id}).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> MetadataToken {
        MetadataToken::from_random_bytes([7; 16])
    }

    #[test]
    fn only_the_bearer_of_the_token_is_answered() {
        let bearer = format!("Bearer {}", token());
        assert_eq!(check("GET", Some(&bearer), token()), Ok(()));
        let other = format!("Bearer {}", MetadataToken::from_random_bytes([8; 16]));
        let lower = bearer.replace("Bearer", "bearer");
        let bare = token().to_string();
        for wrong in [None, Some(other.as_str()), Some(&lower), Some(&bare), Some("Bearer "), Some("")] {
            assert_eq!(check("GET", wrong, token()), Err(Refusal::Unauthorized), "{wrong:?}");
        }
        assert_eq!(check("POST", Some(&bearer), token()), Err(Refusal::MethodNotAllowed));
    }

    #[test]
    fn the_zone_is_described_as_the_emulator_does() {
        assert_eq!(described("use1-az1"), r#"{"AvailabilityZoneID":"use1-az1"}"#);
        assert!(is_at("/2026-01-15/metadata/execution-environment/"));
        assert!(!is_at("/2026-01-15/metadata/"));
    }

    proptest! {
        #[test]
        fn no_other_text_is_the_token(authorization in "(Bearer )?\\PC{0,50}") {
            prop_assert_eq!(check("GET", Some(&authorization), token()), Err(Refusal::Unauthorized));
        }
    }
}
