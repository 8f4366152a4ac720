//! Names that a caller or a manifest writes: function names and qualifiers.
//!
//! Each is refused where it enters, with the rule it breaks, and is valid from then on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{FUNCTION_NAME_CHARS_MAX, QUALIFIER_CHARS_MAX};

/// The version of whatever is not published.
pub const LATEST: &str = "$LATEST";

/// Why a name was refused: what it names and the rule, in words fit for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} '{value}' must match {rule}")]
pub struct InvalidName {
    /// What the text was meant to be, such as `function name`.
    pub what: &'static str,
    /// The refused text.
    pub value: String,
    /// The rule as a pattern.
    pub rule: &'static str,
}

/// An AWS function name: 1 to 64 letters, digits, hyphens and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FunctionName(String);

impl FunctionName {
    /// The pattern of the Lambda API for a bare name.
    pub const RULE: &'static str = "[a-zA-Z0-9-_]{1,64}";

    /// A name that a caller asks for: AWS takes longer ones, and dots, and says that no function has such a name.
    pub(crate) fn asked(text: &str) -> Option<Self> {
        let valid = !text.is_empty() && text.bytes().all(|byte| is_name_byte(byte) || byte == b'.');
        valid.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FunctionName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = (1..=FUNCTION_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_name_byte);
        if valid { Ok(Self(text.to_owned())) } else { Err(invalid("function name", text, Self::RULE)) }
    }
}

/// What selects a version of a function: `$LATEST`, a version number or an alias.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Qualifier {
    /// The unpublished version.
    Latest,
    /// A published version, from 1.
    Version(u64),
    /// An alias: letters, digits, hyphens and underscores, not only digits.
    Alias(String),
    /// What no version and no alias can be called, such as `$latest`.
    Unknown(String),
}

impl Qualifier {
    /// The pattern of the Lambda API for a qualifier.
    pub const RULE: &'static str = "(\\$LATEST|[a-zA-Z0-9-_]{1,128})";

    /// A qualifier that a caller asks for beside the name: AWS's pattern is wider there.
    pub fn asked(text: &str) -> Result<Self, InvalidName> {
        let well_formed = (1..=QUALIFIER_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| is_name_byte(byte) || byte == b'$');
        text.parse()
            .or_else(|refused| if well_formed { Ok(Self::Unknown(text.to_owned())) } else { Err(refused) })
    }
}

impl FromStr for Qualifier {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == LATEST {
            return Ok(Self::Latest);
        }
        let well_formed = (1..=QUALIFIER_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_name_byte);
        if !well_formed {
            return Err(invalid("qualifier", text, Self::RULE));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Version).map_err(|_| invalid("qualifier", text, Self::RULE));
        }
        Ok(Self::Alias(text.to_owned()))
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str(LATEST),
            Self::Version(number) => write!(f, "{number}"),
            Self::Alias(name) | Self::Unknown(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_conversions {
    ($($name:ty),*) => {$(
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
    )*};
}
text_conversions!(FunctionName, Qualifier);

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn invalid(what: &'static str, value: &str, rule: &'static str) -> InvalidName {
    InvalidName { what, value: value.to_owned(), rule }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn function_name_is_bounded_at_64_characters() {
        assert!("a".repeat(64).parse::<FunctionName>().is_ok());
        assert!("a".repeat(65).parse::<FunctionName>().is_err());
        assert!("".parse::<FunctionName>().is_err());
    }

    #[test]
    fn digits_are_a_version_and_the_rest_an_alias() {
        assert_eq!("7".parse(), Ok(Qualifier::Version(7)));
        assert_eq!("v7".parse(), Ok(Qualifier::Alias("v7".into())));
        assert_eq!("$LATEST".parse(), Ok(Qualifier::Latest));
        assert!("$OTHER".parse::<Qualifier>().is_err());
        assert!("9".repeat(30).parse::<Qualifier>().is_err());
        for unknown in ["$OTHER".to_owned(), "9".repeat(30)] {
            assert_eq!(Qualifier::asked(&unknown), Ok(Qualifier::Unknown(unknown)));
        }
        assert!(Qualifier::asked("a b").is_err() && Qualifier::asked(&"a".repeat(129)).is_err());
    }

    proptest! {
        #[test]
        fn accepted_names_come_back_unchanged(text in "\\PC{0,70}") {
            if let Ok(name) = text.parse::<FunctionName>() {
                prop_assert_eq!(name.as_str(), text.as_str());
            }
        }
    }
}
