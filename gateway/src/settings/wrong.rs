//! Reads values and gathers what is wrong with them.

use std::ops::RangeInclusive;
use std::str::FromStr;

use domain::Region;

/// What was wrong so far.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) Vec<String>);

impl Wrong {
    pub(super) fn add(&mut self, flag: &str, value: &str, rule: &str) {
        self.0.push(format!("{flag} {value}: {rule}"));
    }

    /// The value, or the default where it is not set or wrong.
    pub(super) fn read<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        flag: &str,
        value: Option<String>,
        default: T,
    ) -> T {
        let Some(value) = value else { return default };
        value.parse().unwrap_or_else(|error: T::Err| {
            self.add(flag, &value, &error.to_string());
            default
        })
    }

    pub(super) fn number(
        &mut self,
        flag: &str,
        value: Option<String>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let number = self.read(flag, value, default);
        if !range.contains(&number) {
            let rule = format!("it must be between {} and {}", range.start(), range.end());
            self.add(flag, &number.to_string(), &rule);
        }
        number
    }

    pub(super) fn size(&mut self, flag: &str, value: Option<String>, default: usize) -> usize {
        let number = self.read(flag, value, default);
        if number == 0 {
            self.add(flag, "0", "it must be at least 1");
        }
        number
    }

    /// The one value without a constant default; an error only where even that is wrong.
    pub(super) fn region(&mut self, value: Option<String>) -> Result<Region, Vec<String>> {
        let default: Region = match "us-east-1".parse() {
            Ok(region) => region,
            Err(error) => return Err(vec![format!("--region: {error}")]),
        };
        Ok(self.read("--region", value, default))
    }
}
