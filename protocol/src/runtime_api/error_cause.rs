//! Why a handler failed, as its runtime tells X-Ray: in a header beside the error, or in the error's body.
//!
//! Checked and cropped as AWS's emulator does it (`rapi/model/error_cause.go` and `error_cause_compactor.go`): a cause of
//! another shape, or one that tells nothing, is none. Of one that is too large exceptions and paths are left out from
//! their ends, and in the end all of them, so that what went wrong is told before where.

use serde::{Deserialize, Serialize};

use crate::tolerant::null_or;

/// Largest cause that is passed on, in bytes: as large as a segment document may be.
pub const ERROR_CAUSE_BYTES_MAX: usize = 64 * 1024;

/// Which tenths of exceptions and paths are kept, one after the other, until the cause fits.
const KEPT_TENTHS: [usize; 4] = [8, 6, 4, 2];
/// Bytes that are kept of a message and of a folder where nothing else is: both, with their names, fit.
const TEXT_BYTES_MAX: usize = (ERROR_CAUSE_BYTES_MAX - 4 * 1024) / 2;
/// Where a text was cut.
const CUT: &str = "...";

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ErrorCause {
    #[serde(deserialize_with = "null_or")]
    exceptions: Vec<Exception>,
    #[serde(deserialize_with = "null_or")]
    working_directory: String,
    #[serde(deserialize_with = "null_or")]
    paths: Vec<String>,
    #[serde(deserialize_with = "null_or", skip_serializing_if = "String::is_empty")]
    message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Exception {
    #[serde(deserialize_with = "null_or", skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(deserialize_with = "null_or", rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(deserialize_with = "null_or", skip_serializing_if = "Vec::is_empty")]
    stack: Vec<Frame>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Frame {
    #[serde(deserialize_with = "null_or", skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(deserialize_with = "null_or", skip_serializing_if = "is_none")]
    line: i64,
    #[serde(deserialize_with = "null_or", skip_serializing_if = "String::is_empty")]
    label: String,
}

/// The cause that is passed on of one that a runtime tells, as JSON of at most [`ERROR_CAUSE_BYTES_MAX`].
pub fn checked(told: &[u8]) -> Option<Vec<u8>> {
    let cause: ErrorCause = serde_json::from_slice(told).ok()?;
    if cause == ErrorCause::default() {
        return None;
    }
    let shorter = KEPT_TENTHS.iter().map(|tenths| cause.cropped(*tenths));
    let mut all =
        std::iter::once(cause.clone()).chain(shorter).chain(std::iter::once_with(|| cause.in_words()));
    // A text of control characters is six times as long in JSON; then there is none.
    all.find_map(|cause| serde_json::to_vec(&cause).ok().filter(|json| json.len() <= ERROR_CAUSE_BYTES_MAX))
}

impl ErrorCause {
    fn cropped(&self, tenths: usize) -> Self {
        let mut cropped = self.clone();
        cropped.exceptions.truncate(self.exceptions.len() * tenths / 10);
        cropped.paths.truncate(self.paths.len() * tenths / 10);
        cropped
    }

    fn in_words(&self) -> Self {
        Self {
            message: cut(&self.message),
            working_directory: cut(&self.working_directory),
            ..Self::default()
        }
    }
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let (kept, _) = text.split_at(text.floor_char_boundary(TEXT_BYTES_MAX - CUT.len()));
    format!("{kept}{CUT}")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(line: &i64) -> bool {
    *line == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn check(told: &Value) -> Option<Value> {
        let checked = checked(told.to_string().as_bytes())?;
        assert!(checked.len() <= ERROR_CAUSE_BYTES_MAX, "{}", checked.len());
        Some(serde_json::from_slice(&checked).unwrap())
    }

    #[test]
    fn what_awslambdaric_tells_is_kept_and_what_has_no_place_is_not() {
        let stack = json!([{"label": "handler", "path": "/var/task/app.py", "line": 3}]);
        let exception = json!({"message": "no", "type": "ValueError", "stack": stack});
        let cause = json!({"working_directory": "/var/task", "exceptions": [exception], "paths": ["app.py"]});
        assert_eq!(check(&cause), Some(cause.clone()));
        let mut more = cause.clone();
        more["more"] = json!(1);
        more["exceptions"][0]["remote"] = json!(true);
        more["message"] = json!(null);
        assert_eq!(check(&more), Some(cause));
        let words = json!({"exceptions": [], "paths": [], "working_directory": "", "message": "m"});
        assert_eq!(check(&json!({"message": "m"})), Some(words));
    }

    #[test]
    fn what_is_no_cause_or_tells_nothing_is_none() {
        for told in [
            json!({}),
            json!({"exceptions": [], "paths": null, "message": ""}),
            json!(null),
            json!("text"),
            json!({"message": 1}),
            json!({"exceptions": {}}),
            json!({"exceptions": [{"stack": [{"line": "3"}]}]}),
        ] {
            assert_eq!(check(&told), None, "{told}");
        }
        assert_eq!(checked(b"c".repeat(1_000).as_slice()), None);
    }

    #[test]
    fn one_that_is_too_large_loses_its_ends_first_and_then_its_stacks() {
        let exception = json!({"type": "E", "message": "m".repeat(1_000)});
        let paths = |count: usize| vec![json!("p"); count];
        for (exceptions, kept) in [(60, 60), (70, 56), (90, 54), (120, 48), (250, 50), (400, 0)] {
            let told = json!({"exceptions": vec![exception.clone(); exceptions], "paths": paths(10), "message": "m"});
            let checked = check(&told).unwrap();
            assert_eq!(checked["exceptions"].as_array().unwrap().len(), kept, "{exceptions}");
            let paths_kept = checked["paths"].as_array().unwrap().len();
            assert_eq!(paths_kept, 10 * kept / exceptions, "{exceptions}");
            assert_eq!(checked["message"], "m");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let told = json!({"message": "ü".repeat(40_000), "working_directory": "w".repeat(40_000)});
        let checked = check(&told).unwrap();
        let message = checked["message"].as_str().unwrap();
        assert!(message.ends_with("ü...") && message.len() <= TEXT_BYTES_MAX, "{}", message.len());
        assert_eq!(checked["working_directory"].as_str().unwrap().len(), TEXT_BYTES_MAX);
        assert_eq!(check(&json!({"message": "\u{1}".repeat(70_000)})), None, "six bytes each");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn whatever_is_told_comes_out_bounded_and_the_same_again(
            message in "\\PC{0,20}", times in 0_usize..5_000, exceptions in 0_usize..300, paths in 0_usize..3_000,
        ) {
            let exception = json!({"message": message, "type": message, "stack": [{"label": message}]});
            let told = json!({"message": message.repeat(times), "exceptions": vec![exception; exceptions],
                              "paths": vec![json!(message); paths]});
            if let Some(once) = check(&told) {
                prop_assert_eq!(check(&once), Some(once));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(told: Vec<u8>) {
            drop(checked(&told));
        }
    }
}
