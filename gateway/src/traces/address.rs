//! Addresses that a function's segments tell of, without what logs in or signs.

/// Parameters whose value is a credential or a signature: those that OpenTelemetry's conventions for `url.full` name,
/// and those of AWS's presigned addresses, which these have not. Case counts, as the conventions have it.
const SECRET_PARAMETERS: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];
/// What stands in the place of a secret.
const REDACTED: &str = "REDACTED";

/// An address as `url.full` may have it: who logs in, and the values of [`SECRET_PARAMETERS`], redacted. Nothing where
/// it cannot be told where a password ends.
pub(super) fn redacted(url: &str) -> Option<String> {
    let (address, fragment) = url.find('#').map_or((url, ""), |at| url.split_at(at));
    let (address, query) = address.find('?').map_or((address, ""), |at| address.split_at(at));
    let (scheme, rest) = address.split_at(authority_at(address));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let authority = match authority.rsplit_once('@') {
        Some((_, server)) => format!("{REDACTED}:{REDACTED}@{server}"),
        // A password with a character that ends the authority, of which nothing may be told.
        None if !has_port(authority) && [path, query, fragment].iter().any(|part| part.contains('@')) => {
            return None;
        }
        None => authority.to_owned(),
    };
    let query: Vec<String> = query.split('&').map(parameter).collect();
    Some(format!("{scheme}{authority}{path}{}{fragment}", query.join("&")))
}

/// Where the authority begins.
fn authority_at(address: &str) -> usize {
    let scheme = address.find("//").unwrap_or_default();
    let is_scheme = |text: &str| text.strip_suffix(':').is_some_and(|text| !text.contains(['/', '@']));
    if address.starts_with("//") || (scheme > 0 && is_scheme(&address[..scheme])) { scheme + 2 } else { 0 }
}

/// Whether what follows the authority's colon is a port, as it is where there is none.
fn has_port(authority: &str) -> bool {
    let port = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest).split_once(':');
    port.is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// One parameter of a query, redacted where it is a secret one.
fn parameter(text: &str) -> String {
    match text.split_once('=') {
        Some((key, _)) if SECRET_PARAMETERS.contains(&key.trim_start_matches('?')) => {
            format!("{key}={REDACTED}")
        }
        _ => text.to_owned(),
    }
}

/// The address in a connection URL: without parameters and without who logs in, as both may hold a password.
/// Nothing where the two cannot be told apart.
pub(super) fn without_secrets(url: &str) -> Option<String> {
    let (address, parameters) = url.find(['?', ';']).map_or((url, ""), |at| url.split_at(at));
    let (scheme, rest) = address.split_at(address.find("//").map_or(0, |at| at + 2));
    if !rest.contains('/') && parameters.contains('@') {
        return None;
    }
    let server = rest.rsplit_once('@').map_or(rest, |(_, server)| server);
    Some(format!("{scheme}{server}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_logs_in_and_what_signs_is_redacted_and_the_rest_is_kept() {
        for (url, expected) in [
            ("https://a.test/b?c=d&e#f@g", "https://a.test/b?c=d&e#f@g"),
            (
                "https://www.example.com/path?color=blue&sig=s3cr3t",
                "https://www.example.com/path?color=blue&sig=REDACTED",
            ),
            ("https://username:password@www.example.com/", "https://REDACTED:REDACTED@www.example.com/"),
            ("https://token@a.test:8080?x=u@v", "https://REDACTED:REDACTED@a.test:8080?x=u@v"),
            ("https://u:p@ss@a.test/b", "https://REDACTED:REDACTED@a.test/b"),
            ("//u:p@a.test/b", "//REDACTED:REDACTED@a.test/b"),
            ("u:p@a.test/b?u=https://c.test", "REDACTED:REDACTED@a.test/b?u=https://c.test"),
            ("http://[::1]:80/mail@b.test", "http://[::1]:80/mail@b.test"),
            (
                "/only/a/path?mail=u@b.test&Sig=kept&x-amz-signature=kept",
                "/only/a/path?mail=u@b.test&Sig=kept&x-amz-signature=kept",
            ),
            (
                "https://b.s3.test/k?AWSAccessKeyId=a&Signature=b%3D&Expires=1#x",
                "https://b.s3.test/k?AWSAccessKeyId=REDACTED&Signature=REDACTED&Expires=1#x",
            ),
            (
                "https://b.test/k?X-Amz-Credential=a/b&X-Amz-Security-Token=b=&X-Amz-Signature=c&X-Goog-Signature=d",
                "https://b.test/k?X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED&X-Amz-Signature=REDACTED&X-Goog-Signature=REDACTED",
            ),
        ] {
            assert_eq!(redacted(url).as_deref(), Some(expected));
        }
    }

    #[test]
    fn nothing_is_told_where_a_password_has_no_clear_end() {
        for url in ["https://u:sec/ret@a.test/", "https://u:sec?ret@a.test/", "https://u:sec#ret@a.test/"] {
            assert_eq!(redacted(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_password_is_told(password in "[a-z/?#@&=:]{0,12}") {
            let told = redacted(&format!("https://user:S3CR3T{password}@a.test/b"));
            prop_assert!(told.is_none_or(|told| !told.contains("S3CR3T")));
        }

        #[test]
        fn no_text_makes_it_panic(url in "\\PC{0,60}") {
            drop((redacted(&url), without_secrets(&url)));
        }
    }
}
