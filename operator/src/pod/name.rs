//! Names of pods, and of Functions where a label must carry them.

use domain::hex;
use ring::digest::{SHA256, digest};

/// Most characters of the Function's name in a pod's name.
const FUNCTION_CHARS_MAX: usize = 40;
/// Digits of the configuration's digest in a pod's name.
const DIGEST_CHARS: usize = 8;
/// Characters that make a pod's name unique in its revision.
const RANDOM_CHARS: usize = 5;
/// Longest value of a label.
const LABEL_CHARS_MAX: usize = 63;
/// Consonants and digits, as Kubernetes uses them, so that no word appears by chance.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// `<function>-<digest>-<random>`: a DNS label, which hostname and name need.
pub fn pod_name(function: &str, configuration: &str, random: u64) -> String {
    let readable: String = function
        .chars()
        .map(
            |character| {
                if character.is_ascii_lowercase() || character.is_ascii_digit() { character } else { '-' }
            },
        )
        .take(FUNCTION_CHARS_MAX)
        .collect();
    let readable = readable.trim_matches('-');
    let digest: String = configuration.chars().take(DIGEST_CHARS).collect();
    let suffix = suffix(random);
    if readable.is_empty() {
        format!("fn-{digest}-{suffix}")
    } else {
        format!("{readable}-{digest}-{suffix}")
    }
}

fn suffix(mut random: u64) -> String {
    let base = ALPHABET.len() as u64;
    let mut draw = || {
        let index = usize::try_from(random % base).unwrap_or_default();
        random /= base;
        ALPHABET.get(index).copied().map_or('b', char::from)
    };
    (0..RANDOM_CHARS).map(|_| draw()).collect()
}

/// `metadata.name` where a label can carry it, otherwise its beginning and a digest: names of objects may have
/// 253 characters, labels 63.
pub fn label_value(name: &str) -> String {
    if name.len() <= LABEL_CHARS_MAX {
        return name.to_owned();
    }
    let digest = hex::encode(digest(&SHA256, name.as_bytes()).as_ref());
    let head: String = name.chars().take(FUNCTION_CHARS_MAX).collect();
    let tail: String = digest.chars().take(DIGEST_CHARS * 2).collect();
    format!("{head}-{tail}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_dns_label(text: &str) -> bool {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&text.len())
            && text.bytes().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-')
    }

    #[test]
    fn a_name_says_whose_pod_it_is() {
        assert_eq!(pod_name("hello", "0123456789abcdef", 0), "hello-01234567-bbbbb");
        assert_eq!(pod_name("a.b", "0123456789abcdef", 1), "a-b-01234567-cbbbb");
    }

    proptest! {
        #[test]
        fn every_name_is_a_dns_label(function in "[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?", random: u64) {
            prop_assert!(is_dns_label(&pod_name(&function, "0123456789abcdef", random)));
            let label = label_value(&function);
            prop_assert!(label.len() <= 63 && label.ends_with(|c: char| c.is_ascii_alphanumeric()));
        }
    }
}
