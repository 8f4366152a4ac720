//! Which function and version a caller means: the path's function name and the query's qualifier together.

use domain::limits::{FUNCTION_REFERENCE_CHARS_MAX, QUALIFIER_CHARS_MAX};
use domain::{FunctionReference, Qualifier};

use super::errors::{Exception, ServiceError, violation};

/// Reads the function name of the path (percent-decoded) and the value of `Qualifier`; the result carries
/// whichever qualifier was written.
pub fn parse(function_name: &str, qualifier: Option<&str>) -> Result<FunctionReference, ServiceError> {
    let reference = function_name.parse::<FunctionReference>().map_err(|_| invalid_name(function_name));
    let asked = qualifier.filter(|text| !text.is_empty());
    let asked = asked.map(|text| Qualifier::asked(text).map_err(|_| invalid_qualifier(text))).transpose();
    let (mut reference, asked) = match (reference, asked) {
        (Ok(reference), Ok(asked)) => (reference, asked),
        (name, qualifier) => {
            // The qualifier's comes first, as the service was recorded to tell them.
            let told: Vec<_> = [qualifier.err(), name.err()].into_iter().flatten().collect();
            return Err(ServiceError::violations(&told));
        }
    };
    match (&reference.qualifier, &asked) {
        (Some(derived), Some(asked)) if derived != asked => {
            let message =
                "The derived qualifier from the function name does not match the specified qualifier.";
            Err(ServiceError::new(Exception::InvalidParameterValue, message))
        }
        _ => {
            reference.qualifier = asked.or(reference.qualifier);
            Ok(reference)
        }
    }
}

fn invalid_name(text: &str) -> String {
    let constraint = if text.len() > FUNCTION_REFERENCE_CHARS_MAX {
        format!("Member must have length less than or equal to {FUNCTION_REFERENCE_CHARS_MAX}")
    } else {
        format!("Member must satisfy regular expression pattern: {}", FunctionReference::RULE)
    };
    violation(&shown(text), "functionName", &constraint)
}

fn invalid_qualifier(text: &str) -> String {
    let constraint = if text.len() > QUALIFIER_CHARS_MAX {
        format!("Member must have length less than or equal to {QUALIFIER_CHARS_MAX}")
    } else {
        "Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
            .to_owned()
    };
    violation(&shown(text), "qualifier", &constraint)
}

fn shown(text: &str) -> String {
    text.chars().take(2 * FUNCTION_REFERENCE_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &str, qualifier: Option<&str>, expected: Result<Option<&str>, Exception>) {
        let read = parse(name, qualifier);
        let read = read.map(|reference| reference.qualifier.map(|q| q.to_string())).map_err(|e| e.exception);
        assert_eq!(read, expected.map(|text| text.map(str::to_owned)), "{name} {qualifier:?}");
    }

    #[test]
    fn qualifiers_in_name_and_query_must_agree() {
        check("f", None, Ok(None));
        check("f", Some(""), Ok(None));
        check("f", Some("$LATEST"), Ok(Some("$LATEST")));
        check("f:7", None, Ok(Some("7")));
        check("f:7", Some("7"), Ok(Some("7")));
        check("f:7", Some("8"), Err(Exception::InvalidParameterValue));
        check(
            "arn:aws:lambda:us-east-1:123456789012:function:f:a",
            Some("b"),
            Err(Exception::InvalidParameterValue),
        );
        check("f", Some("a b"), Err(Exception::Validation));
        check("f", Some("$latest"), Ok(Some("$latest")));
        check("f", Some(&"a".repeat(128)), Ok(Some(&"a".repeat(128))));
        check("f", Some(&"a".repeat(129)), Err(Exception::Validation));
    }

    #[test]
    fn a_name_is_refused_with_the_rule_it_breaks() {
        let message = |name: &str| parse(name, None).unwrap_err().message;
        assert!(message("invalid:function:name").contains("regular expression pattern: (arn:"));
        let both = parse("a b", Some("c d")).unwrap_err().message;
        assert!(both.starts_with("2 validation errors detected: Value 'c d' at 'qualifier'"), "{both}");
        assert!(message(&format!("f:{}", "a".repeat(256))).ends_with("less than or equal to 256"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(name in "\\PC{0,300}", qualifier in "\\PC{0,140}") {
            drop(parse(&name, Some(&qualifier)));
        }
    }
}
