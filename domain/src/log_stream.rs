//! Names of the log group and the log stream of an environment, as AWS forms them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::FunctionName;

/// The 32 hexadecimal digits that make a log stream's name unique: one set per environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogStreamId(String);

impl LogStreamId {
    /// The id made from 16 random bytes.
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A calendar day in UTC, as a log stream's name begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Year, such as 2026.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
}

impl Day {
    /// The day of a point in time given in seconds since 1970-01-01T00:00:00Z.
    ///
    /// Counts days in 400-year eras that begin on 1 March, so that a leap day comes last in its year.
    pub fn of_epoch_seconds(seconds: u64) -> Self {
        let days = i64::try_from(seconds / 86_400).unwrap_or(i64::MAX / 2) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        Self {
            year: i32::try_from(year).unwrap_or(i32::MAX),
            month: u32::try_from(month).unwrap_or(1),
            day: u32::try_from(day).unwrap_or(1),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}/{:02}/{:02}", self.year, self.month, self.day)
    }
}

/// The default log group of a function: `/aws/lambda/<name>`.
pub fn default_log_group(name: &FunctionName) -> String {
    format!("/aws/lambda/{name}")
}

/// A log stream's name: `YYYY/MM/DD/[<version>]<32 hex>`, and with the function's name before the bracket in a log
/// group that others may write to as well, as recorded from the service.
pub fn log_stream_name(
    day: Day,
    (group, function): (&str, &FunctionName),
    version: &str,
    id: &LogStreamId,
) -> String {
    let own = group == default_log_group(function);
    let function = if own { "" } else { function.as_str() };
    format!("{day}/{function}[{version}]{}", id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_the_calendar() {
        for (seconds, expected) in [
            (0, "1970/01/01"),
            (951_782_400, "2000/02/29"),
            (1_735_689_599, "2024/12/31"),
            (4_107_542_400, "2100/03/01"),
        ] {
            assert_eq!(Day::of_epoch_seconds(seconds).to_string(), expected);
        }
    }

    #[test]
    fn a_stream_is_named_as_on_aws() {
        let id = LogStreamId::from_random_bytes([0xab; 16]);
        let function: FunctionName = "my_function".parse().unwrap();
        let name =
            |group| log_stream_name(Day { year: 2026, month: 3, day: 4 }, (group, &function), "$LATEST", &id);
        assert_eq!(name("/aws/lambda/my_function"), "2026/03/04/[$LATEST]abababababababababababababababab");
        // Recorded: "2026/10/08/tenner-notifier[$LATEST]22be53a8cfde4e68b844f8ec293b2543".
        assert_eq!(name("shared"), "2026/03/04/my_function[$LATEST]abababababababababababababababab");
    }
}
