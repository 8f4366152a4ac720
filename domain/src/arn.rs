//! Function ARNs, and the forms in which a caller may name a function.
//!
//! Source: the patterns of `FunctionArn` and `NamespacedFunctionName` in the Lambda API's service model.

use std::fmt;
use std::str::FromStr;

use crate::account::{AccountId, Region};
use crate::limits::FUNCTION_REFERENCE_CHARS_MAX;
use crate::names::{FunctionName, InvalidName, Qualifier};

/// `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionArn {
    /// The region, a setting of the installation.
    pub region: Region,
    /// The account, which stands for a namespace.
    pub account: AccountId,
    /// The function's AWS name.
    pub name: FunctionName,
    /// What follows the name, where the caller wrote it.
    pub qualifier: Option<Qualifier>,
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)?;
        match &self.qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

/// A function as a caller names it in a path: `name`, `account:function:name` or an ARN, each with or
/// without a qualifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionReference {
    /// The region, where the caller wrote an ARN.
    pub region: Option<Region>,
    /// The account, where the caller wrote one.
    pub account: Option<AccountId>,
    /// The function's AWS name; no function has one that is longer than 64 characters or has a dot.
    pub name: FunctionName,
    /// The qualifier, where the caller wrote one.
    pub qualifier: Option<Qualifier>,
}

impl FunctionReference {
    /// The pattern as AWS prints it in its validation errors.
    pub const RULE: &'static str = "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
}

impl FromStr for FunctionReference {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || InvalidName { what: "function reference", value: text.to_owned(), rule: Self::RULE };
        if text.len() > FUNCTION_REFERENCE_CHARS_MAX {
            return Err(refused());
        }
        let parts: Vec<&str> = text.split(':').collect();
        let (region, account, rest) = match parts.as_slice() {
            ["arn", partition, "lambda", region, account, "function", rest @ ..]
                if partition.starts_with("aws") =>
            {
                (Some(region.parse()?), Some(account.parse()?), rest)
            }
            [account, "function", rest @ ..] => (None, Some(account.parse()?), rest),
            ["function", rest @ ..] if !rest.is_empty() => (None, None, rest),
            rest => (None, None, rest),
        };
        let (name, qualifier) = match rest {
            [name] => (name, None),
            [name, qualifier] => (name, Some(qualifier.parse()?)),
            _ => return Err(refused()),
        };
        let name = FunctionName::asked(name).ok_or_else(refused)?;
        Ok(Self { region, account, name, qualifier })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, account: Option<&str>, name: &str, qualifier: Option<&str>) {
        let reference: FunctionReference = text.parse().expect(text);
        assert_eq!(reference.account.as_ref().map(AccountId::as_str), account, "{text}");
        assert_eq!(reference.name.as_str(), name, "{text}");
        assert_eq!(reference.qualifier.map(|q| q.to_string()).as_deref(), qualifier, "{text}");
    }

    #[test]
    fn the_four_documented_forms_are_understood() {
        check("my-function", None, "my-function", None);
        check("my-function:v1", None, "my-function", Some("v1"));
        check("123456789012:function:my-function", Some("123456789012"), "my-function", None);
        check(
            "arn:aws:lambda:us-west-2:123456789012:function:f:$LATEST",
            Some("123456789012"),
            "f",
            Some("$LATEST"),
        );
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "a b",
            "a:b:c",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:r:12:function:f",
            "123456789012:function:",
            "a:",
        ] {
            assert!(text.parse::<FunctionReference>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_arn_is_read_as_it_is_written(name in "[a-zA-Z0-9_-]{1,64}", seed: u64, alias in proptest::option::of("[a-z]{1,9}")) {
            let arn = FunctionArn {
                region: "eu-west-1".parse().unwrap(),
                account: AccountId::from_seed(seed),
                name: name.parse().unwrap(),
                qualifier: alias.map(Qualifier::Alias),
            };
            let read: FunctionReference = arn.to_string().parse().unwrap();
            prop_assert_eq!(read, FunctionReference { region: Some(arn.region), account: Some(arn.account), name: arn.name, qualifier: arn.qualifier });
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,300}") {
            drop(text.parse::<FunctionReference>());
        }
    }
}
