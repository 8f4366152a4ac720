//! The calls, by method and path.

use domain::RequestId;

/// A call of the Runtime API. `restore/*` is absent: there are no snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `GET /2018-06-01/runtime/invocation/next`
    Next,
    /// `POST /2018-06-01/runtime/invocation/{id}/response`
    Response(RequestId),
    /// `POST /2018-06-01/runtime/invocation/{id}/error`
    Error(RequestId),
    /// `POST /2018-06-01/runtime/init/error`
    InitError,
    /// `GET /2018-06-01/ping`
    Ping,
}

/// Why a request is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCall {
    /// The path is none of the API's.
    UnknownPath,
    /// The path is, the method is not; this one would be.
    WrongMethod(&'static str),
    /// The path is that of an answer to what cannot be a request id.
    BadRequestId,
}

impl Call {
    /// Reads method and path.
    pub fn read(method: &str, path: &str) -> Result<Self, NoCall> {
        let (expected, call) = Self::at(path)?;
        if method != expected {
            return Err(NoCall::WrongMethod(expected));
        }
        call
    }

    /// What is at `path`, and the method it is called with.
    fn at(path: &str) -> Result<(&'static str, Result<Self, NoCall>), NoCall> {
        if path == "/2018-06-01/ping" {
            return Ok(("GET", Ok(Self::Ping)));
        }
        let runtime = path.strip_prefix("/2018-06-01/runtime/").ok_or(NoCall::UnknownPath)?;
        match runtime {
            "invocation/next" => return Ok(("GET", Ok(Self::Next))),
            "init/error" => return Ok(("POST", Ok(Self::InitError))),
            _ => {}
        }
        let answer = runtime.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'));
        let read_id = |id: &str| id.parse().map_err(|_| NoCall::BadRequestId);
        match answer {
            Some((id, "response")) => Ok(("POST", read_id(id).map(Self::Response))),
            Some((id, "error")) => Ok(("POST", read_id(id).map(Self::Error))),
            _ => Err(NoCall::UnknownPath),
        }
    }

    /// The path, for a client.
    pub fn path(&self) -> String {
        match self {
            Self::Next => "/2018-06-01/runtime/invocation/next".to_owned(),
            Self::Response(id) => format!("/2018-06-01/runtime/invocation/{id}/response"),
            Self::Error(id) => format!("/2018-06-01/runtime/invocation/{id}/error"),
            Self::InitError => "/2018-06-01/runtime/init/error".to_owned(),
            Self::Ping => "/2018-06-01/ping".to_owned(),
        }
    }

    /// The method, for a client.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Next | Self::Ping => "GET",
            Self::Response(_) | Self::Error(_) | Self::InitError => "POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_call_is_read_as_it_is_written() {
        let id = RequestId::from_random_bytes([7; 16]);
        for call in [Call::Next, Call::Response(id), Call::Error(id), Call::InitError, Call::Ping] {
            assert_eq!(Call::read(call.method(), &call.path()), Ok(call));
            assert_eq!(Call::read("DELETE", &call.path()), Err(NoCall::WrongMethod(call.method())));
        }
    }

    #[test]
    fn other_paths_are_no_calls() {
        for path in ["/", "/2018-06-01/runtime/restore/next", "/2018-06-01/runtime/invocation/", "/ping"] {
            assert_eq!(Call::read("GET", path), Err(NoCall::UnknownPath), "{path}");
        }
        let path = "/2018-06-01/runtime/invocation/next/response";
        assert_eq!(Call::read("POST", path), Err(NoCall::BadRequestId));
    }

    proptest! {
        #[test]
        fn no_path_makes_the_reader_panic(path in "(/2018-06-01/runtime/(invocation/)?)?\\PC{0,60}") {
            if let Ok(call) = Call::read("POST", &path) {
                prop_assert_eq!(Call::read(call.method(), &call.path()), Ok(call));
            }
        }
    }
}
