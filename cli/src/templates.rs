//! Events that are built in, each as AWS's console and documentation have it.

const TEMPLATES: [(&str, &str); 6] = [
    ("empty", "{}"),
    ("hello-world", include_str!("templates/hello-world.json")),
    ("http", include_str!("templates/http.json")),
    ("s3-put", include_str!("templates/s3-put.json")),
    ("schedule", include_str!("templates/schedule.json")),
    ("sqs", include_str!("templates/sqs.json")),
];

/// The event of this name.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// All names.
pub(crate) fn template_names() -> [&'static str; 6] {
    TEMPLATES.map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_an_event() {
        for (name, text) in TEMPLATES {
            let event: serde_json::Value = serde_json::from_str(text).expect(name);
            assert!(event.is_object(), "{name}");
        }
        assert_eq!(find("nothing"), None);
    }
}
