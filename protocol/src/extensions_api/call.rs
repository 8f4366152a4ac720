//! The calls of extensions, by method and path.

/// A call of the Extensions, Telemetry or Logs API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `POST /2020-01-01/extension/register`
    Register,
    /// `GET /2020-01-01/extension/event/next`
    Next,
    /// `POST /2020-01-01/extension/init/error`
    InitError,
    /// `POST /2020-01-01/extension/exit/error`
    ExitError,
    /// `PUT /2022-07-01/telemetry`
    SubscribeTelemetry,
    /// `PUT` or `POST /2020-08-15/logs`
    SubscribeLogs,
}

impl Call {
    /// Reads method and path; none if the path is not among these. An error is a wrong
    /// method, and names those that are right, as the header `Allow` does.
    pub fn read(method: &str, path: &str) -> Option<Result<Self, &'static str>> {
        let call = [
            Self::Register,
            Self::Next,
            Self::InitError,
            Self::ExitError,
            Self::SubscribeTelemetry,
            Self::SubscribeLogs,
        ]
        .into_iter()
        .find(|call| call.path() == path)?;
        let allowed = call.methods();
        Some(if allowed.split(", ").any(|allowed| allowed == method) { Ok(call) } else { Err(allowed) })
    }

    /// The path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Register => "/2020-01-01/extension/register",
            Self::Next => "/2020-01-01/extension/event/next",
            Self::InitError => "/2020-01-01/extension/init/error",
            Self::ExitError => "/2020-01-01/extension/exit/error",
            Self::SubscribeTelemetry => "/2022-07-01/telemetry",
            Self::SubscribeLogs => "/2020-08-15/logs",
        }
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Register | Self::InitError | Self::ExitError => "POST",
            Self::Next => "GET",
            Self::SubscribeTelemetry => "PUT",
            Self::SubscribeLogs => "PUT, POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_path_and_method() {
        assert_eq!(Call::read("GET", "/2020-01-01/extension/event/next"), Some(Ok(Call::Next)));
        assert_eq!(Call::read("POST", "/2020-01-01/extension/event/next"), Some(Err("GET")));
        assert_eq!(Call::read("PATCH", "/2020-08-15/logs"), Some(Err("PUT, POST")));
        assert_eq!(Call::read("GET", "/2020-01-01/extension/"), None);
    }
}
