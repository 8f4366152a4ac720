//! Where a Lambda API is, as a person or a variable says it.

use std::str::FromStr;

use hyper::Uri;

/// The variable that says where `invoke` finds the Lambda API, as it does for AWS's own clients.
pub(crate) const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL_LAMBDA";
/// Where it is otherwise: what `local` listens on.
pub(crate) const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:9000";

/// Where a Lambda API is.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Host and port, as a connection takes them.
    pub(crate) host: String,
    /// What stands before each path of the API, without a slash at its end.
    pub(crate) prefix: String,
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let url = if url.is_empty() { ENDPOINT_DEFAULT } else { url };
        let uri: Uri = url.parse().map_err(|error| format!("is no URL: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!(
                "must begin with http:// (https is not spoken; for AWS itself use `aws lambda invoke`). \
                 {ENDPOINT_VARIABLE} sets it too"
            ));
        }
        let authority = uri.authority().ok_or("names no host")?;
        let port = authority.port_u16().unwrap_or(80);
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { host: format!("{}:{port}", authority.host()), prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_http_urls() {
        let endpoint: Endpoint = "http://localhost:9000/".parse().unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.prefix.as_str()), ("localhost:9000", ""));
        assert!("https://lambda.us-east-1.amazonaws.com".parse::<Endpoint>().is_err());
        assert!("localhost".parse::<Endpoint>().is_err());
    }
}
