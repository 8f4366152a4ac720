//! The environment variables of a runtime.
//!
//! From the weakest to the strongest: the image's own, defaults where the image has none, the function's, and
//! those of the platform, which nothing replaces.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use domain::log_stream::{Day, log_stream_name};
use protocol::link::assignment::Assignment;

use crate::settings::PREFIX;

/// Where an image's managed runtime lies.
const RUNTIME_DIRECTORY: &str = "/var/runtime";
/// What a function finds where neither its image nor its author says otherwise.
const DEFAULTS: [(&str, &str); 8] = [
    ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
    ("HOME", "/tmp"),
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
    ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"),
    ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"),
    ("_AWS_XRAY_DAEMON_PORT", "2000"),
];

/// What extensions do not get, beside every name with an underscore in front (recorded from the service).
const NOT_FOR_EXTENSIONS: [&str; 7] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// What the variables are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variables<'a> {
    /// The function.
    pub assignment: &'a Assignment,
    /// Address of the Runtime API.
    pub runtime_api: &'a str,
    /// Where the code is.
    pub task_root: &'a Path,
    /// The day that the log stream is named after.
    pub day: Day,
}

impl Variables<'_> {
    /// All variables; `own` are the shim's, which are the image's.
    pub(crate) fn all(self, own: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
        let mut all: BTreeMap<OsString, OsString> =
            own.filter(|(name, value)| is_the_image_s(name, value)).collect();
        for (name, value) in DEFAULTS {
            all.entry(name.into()).or_insert_with(|| value.into());
        }
        let logging = self.assignment.logging;
        if logging.is_json() {
            // The function may say otherwise, to its client only.
            all.insert("AWS_LAMBDA_LOG_FORMAT".into(), "JSON".into());
            all.insert("AWS_LAMBDA_LOG_LEVEL".into(), logging.application_level.name().into());
        }
        // AWS drops names that begin with an underscore; a name or value that no process can have is no variable.
        let allowed = |name: &str, value: &str| {
            !name.is_empty() && !name.starts_with('_') && !name.contains(['=', '\0']) && !value.contains('\0')
        };
        let function_s = self.assignment.variables.iter().filter(|(name, value)| allowed(name, value));
        all.extend(function_s.map(|(name, value)| (name.into(), value.into())));
        all.extend(self.platform().into_iter().map(|(name, value)| (name.into(), value.into())));
        all.into_iter().collect()
    }

    /// What an external extension gets: all, but what is the runtime's alone.
    pub(crate) fn of_extension(
        self,
        own: impl Iterator<Item = (OsString, OsString)>,
    ) -> Vec<(OsString, OsString)> {
        let mut all = self.all(own);
        all.retain(|(name, _)| {
            let name = name.to_string_lossy();
            !name.starts_with('_') && !NOT_FOR_EXTENSIONS.contains(&name.as_ref())
        });
        all
    }

    fn platform(self) -> Vec<(&'static str, String)> {
        let assignment = self.assignment;
        let version = &assignment.revision.version;
        let mut platform = vec![
            ("AWS_LAMBDA_FUNCTION_NAME", assignment.function_name.to_string()),
            ("AWS_LAMBDA_FUNCTION_VERSION", version.clone()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", assignment.memory_mb.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", assignment.log_group.clone()),
            ("AWS_LAMBDA_RUNTIME_API", self.runtime_api.to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_EXECUTION_ENV", assignment.execution_environment.clone()),
            ("AWS_REGION", assignment.region.to_string()),
            ("AWS_DEFAULT_REGION", assignment.region.to_string()),
            ("LAMBDA_TASK_ROOT", self.task_root.display().to_string()),
            ("LAMBDA_RUNTIME_DIR", RUNTIME_DIRECTORY.to_owned()),
        ];
        if assignment.logging.enabled {
            let stream = log_stream_name(self.day, version, &assignment.log_stream_id);
            platform.push(("AWS_LAMBDA_LOG_STREAM_NAME", stream));
        }
        if let Some(handler) = &assignment.handler {
            platform.push(("_HANDLER", handler.clone()));
        }
        platform
    }
}

/// False for what the shim was started with and what Kubernetes adds: a function sees what its image sets.
fn is_the_image_s(name: &OsStr, value: &OsStr) -> bool {
    let (Some(name), value) = (name.to_str(), value.to_string_lossy()) else { return true };
    let from_kubernetes = name.starts_with("KUBERNETES_")
        || name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || is_service_link(name, &value);
    !(from_kubernetes || name.starts_with(PREFIX) || name == "HOSTNAME")
}

/// `DB_PORT=tcp://…` and `DB_PORT_5432_TCP…`, as Docker's links and Kubernetes' services have them.
fn is_service_link(name: &str, value: &str) -> bool {
    let by_value = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    if name.ends_with("_PORT") && by_value {
        return true;
    }
    let Some((_, port)) = name.split_once("_PORT_") else { return false };
    let mut parts = port.split('_');
    let number = parts.next().is_some_and(|part| part.parse::<u16>().is_ok());
    number && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
}

#[cfg(test)]
mod tests {
    use domain::log_stream::LogStreamId;
    use protocol::link::assignment::{Code, ConfigurationHash, Idle, Revision};

    use super::*;

    fn assignment() -> Assignment {
        let variables =
            [("TABLE", "t"), ("_HIDDEN", "x"), ("AWS_REGION", "mars-1"), ("TZ", "Europe/Rome"), ("A=B", "x")];
        Assignment {
            revision: Revision {
                namespace: "n".into(),
                function: "f".into(),
                uid: "u".into(),
                version: "$LATEST".into(),
                configuration: ConfigurationHash("c".into()),
            },
            function_name: "f".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            handler: Some("app.handler".into()),
            code: Code::Image,
            command: vec!["run".into()],
            working_directory: "/var/task".into(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            execution_environment: "AWS_Lambda_python3.13".into(),
            memory_mb: 256,
            timeout_seconds: 3,
            ephemeral_storage_mb: 512,
            log_group: "/aws/lambda/f".into(),
            log_stream_id: LogStreamId::from_random_bytes([1; 16]),
            idle: Idle::Freeze,
            logging: domain::log_format::Logging::default(),
        }
    }

    fn built(assignment: &Assignment, own: &[(&str, &str)]) -> BTreeMap<String, String> {
        let variables = Variables {
            assignment,
            runtime_api: "127.0.0.1:9001",
            task_root: Path::new("/var/task"),
            day: Day { year: 2026, month: 1, day: 2 },
        };
        let own = own.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let text = |text: OsString| text.into_string().unwrap();
        variables.all(own).into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn the_platform_s_variables_are_those_of_aws_and_win() {
        let built = built(&assignment(), &[("AWS_EXECUTION_ENV", "own")]);
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/02/[$LATEST]01010101010101010101010101010101"),
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("_HANDLER", "app.handler"),
            ("TABLE", "t"),
            ("TZ", "Europe/Rome"),
            ("LANG", "en_US.UTF-8"),
        ] {
            assert_eq!(built.get(name).map(String::as_str), Some(value), "{name}");
        }
        for name in ["_HIDDEN", "A=B", "AWS_ACCESS_KEY_ID"] {
            assert!(!built.contains_key(name), "{name}");
        }
    }

    #[test]
    fn json_logs_are_told_to_the_client_and_no_stream_where_there_is_none() {
        use domain::log_format::{Level, LogFormat, Logging};
        let mut assignment = assignment();
        assert!(!built(&assignment, &[]).contains_key("AWS_LAMBDA_LOG_FORMAT"));
        let (format, application_level, system_level) = (LogFormat::Json, Level::Warn, Level::Info);
        assignment.logging = Logging { format, application_level, system_level, enabled: false };
        let built = built(&assignment, &[]);
        let value = |name: &str| built.get(name).map(String::as_str);
        assert_eq!(value("AWS_LAMBDA_LOG_FORMAT"), Some("JSON"));
        assert_eq!(value("AWS_LAMBDA_LOG_LEVEL"), Some("WARN"));
        assert_eq!(value("AWS_LAMBDA_LOG_STREAM_NAME"), None);
        assert!(value("AWS_LAMBDA_LOG_GROUP_NAME").is_some());
    }

    #[test]
    fn an_image_keeps_its_variables_and_sees_none_of_the_cluster_s() {
        let own = [
            ("PATH", "/image/bin"),
            ("DATABASE_PORT", "5432"),
            ("MY_PORT_RANGE", "1"),
            ("KUBELAMBDA_TICKET", "secret"),
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("DB_SERVICE_HOST", "10.0.0.2"),
            ("DB_SERVICE_PORT_HTTP", "80"),
            ("DB_PORT", "tcp://10.0.0.2:80"),
            ("DB_PORT_80_TCP_ADDR", "10.0.0.2"),
            ("HOSTNAME", "pod"),
        ];
        let mut assignment = assignment();
        assignment.handler = None;
        let built = built(&assignment, &own);
        for (name, kept) in
            own.map(|(name, _)| name).into_iter().zip([true, true, true].into_iter().chain([false; 7]))
        {
            assert_eq!(built.contains_key(name), kept, "{name}");
        }
        assert!(!built.contains_key("_HANDLER"));
    }
}
