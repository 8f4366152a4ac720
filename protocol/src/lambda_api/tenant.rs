//! `X-Amz-Tenant-Id`.

use super::errors::ServiceError;

/// Longest tenant id, in characters.
const TENANT_ID_CHARS_MAX: usize = 256;
const PATTERN: &str = "[a-zA-Z0-9\\._:\\/=+\\-@ ]+";

/// Checks the header's value.
pub fn parse(header: &[u8]) -> Result<String, ServiceError> {
    let text = String::from_utf8_lossy(header);
    let shown = || text.chars().take(TENANT_ID_CHARS_MAX).flat_map(char::escape_debug).collect::<String>();
    if header.len() > TENANT_ID_CHARS_MAX {
        let constraint = format!("Member must have length less than or equal to {TENANT_ID_CHARS_MAX}");
        return Err(ServiceError::validation(&shown(), "tenantId", &constraint));
    }
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(byte);
    if header.is_empty() || !header.iter().all(valid) {
        let constraint = format!("Member must satisfy regular expression pattern: {PATTERN}");
        return Err(ServiceError::validation(&shown(), "tenantId", &constraint));
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_and_the_length_are_those_of_the_service_model() {
        assert_eq!(parse(b"a b:c/d=e+f-g@h._").unwrap(), "a b:c/d=e+f-g@h._");
        assert!(parse(&[b'a'; 256]).is_ok());
        assert!(parse(&[b'a'; 257]).is_err());
        for refused in [&b""[..], b"a\tb", b"\xff", b"a\r\nb", b"#"] {
            let error = parse(refused).unwrap_err();
            assert!(!error.message.contains(char::is_control), "{refused:?} is told as it came");
        }
    }
}
