//! Identities of an invocation, of each attempt to run it, and of an extension.
//!
//! All are UUIDs (version 4). Their bytes come from the caller: this crate draws no random numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::InvalidName;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// The id made from 16 random bytes; version and variant bits are set here.
            pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
                let random = u128::from_be_bytes(bytes);
                let versioned = (random & !(0xf << 76)) | (0x4 << 76);
                Self((versioned & !(0x3 << 62)) | (0x2 << 62))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self(id) = self;
                let (a, b, c) = (id >> 96, (id >> 80) & 0xffff, (id >> 64) & 0xffff);
                let (d, e) = ((id >> 48) & 0xffff, id & 0xffff_ffff_ffff);
                write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let refused = || InvalidName { what: $what, value: text.to_owned(), rule: UUID_RULE };
                let groups: Vec<&str> = text.split('-').collect();
                let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
                let digits = groups.concat();
                if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(refused());
                }
                u128::from_str_radix(&digits, 16).map(Self).map_err(|_| refused())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    };
}

const UUID_RULE: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

uuid_newtype!(
    /// The AWS request id of an invocation: made by the gateway, kept over every retry.
    RequestId, "request id"
);
uuid_newtype!(
    /// One try to run an invocation; on the Runtime API it is `Lambda-Runtime-Invocation-Id`. A late answer
    /// that carries a dead attempt's id is refused.
    AttemptId, "invocation id"
);
impl AttemptId {
    /// The id of the subsegment `Invocation` that the platform makes of this attempt: 16 hexadecimal digits,
    /// which the environment and the gateway know without telling each other.
    pub fn invocation_segment(&self) -> String {
        let Self(id) = self;
        format!("{:016x}", id & u128::from(u64::MAX))
    }
}

uuid_newtype!(
    /// What an extension proves itself with (`Lambda-Extension-Identifier`), in one life of an environment.
    ExtensionId, "extension identifier"
);
uuid_newtype!(
    /// What code in an environment shows to the metadata endpoint (`AWS_LAMBDA_METADATA_TOKEN`).
    MetadataToken, "metadata token"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_are_version_4_uuids_and_read_back(bytes: [u8; 16]) {
            let id = RequestId::from_random_bytes(bytes);
            let text = id.to_string();
            prop_assert_eq!(&text[14..15], "4");
            prop_assert!("89ab".contains(&text[19..20]));
            prop_assert_eq!(text.parse::<RequestId>(), Ok(id));
        }

        #[test]
        fn a_segment_s_id_has_16_digits_of_its_attempt(bytes: [u8; 16]) {
            let attempt = AttemptId::from_random_bytes(bytes);
            prop_assert!(attempt.to_string().replace('-', "").ends_with(&attempt.invocation_segment()));
            prop_assert_eq!(attempt.invocation_segment().len(), 16);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            drop(text.parse::<AttemptId>());
        }
    }

    #[test]
    fn signs_and_short_groups_are_refused() {
        assert!("+0000000-0000-4000-8000-000000000000".parse::<RequestId>().is_err());
        assert!("0000000-00000-4000-8000-000000000000".parse::<RequestId>().is_err());
    }
}
