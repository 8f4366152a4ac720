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
        runtime_version: None,
        isolates_tenants: false,
    }
}

fn built(assignment: &Assignment, own: &[(&str, &str)]) -> BTreeMap<String, String> {
    let variables = Variables {
        assignment,
        runtime_api: ([127, 0, 0, 1], 9001).into(),
        metadata_token: MetadataToken::from_random_bytes([3; 16]),
        xray_daemon: ([127, 0, 0, 1], 2001).into(),
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
        ("AWS_LAMBDA_METADATA_API", "127.0.0.1:9001"),
        ("AWS_LAMBDA_METADATA_TOKEN", "03030303-0303-4303-8303-030303030303"),
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
fn the_x_ray_daemon_is_where_it_is_and_only_the_function_s_own_client_is_led_elsewhere() {
    let value = |built: &BTreeMap<String, String>, name: &str| built.get(name).cloned();
    let own = [("_AWS_XRAY_DAEMON_PORT", "1")];
    let mut assignment = assignment();
    let told = built(&assignment, &own);
    assert_eq!(value(&told, "AWS_XRAY_DAEMON_ADDRESS").as_deref(), Some("127.0.0.1:2001"));
    assert_eq!(value(&told, "_AWS_XRAY_DAEMON_ADDRESS").as_deref(), Some("127.0.0.1"));
    assert_eq!(value(&told, "_AWS_XRAY_DAEMON_PORT").as_deref(), Some("2001"));
    assert_eq!(value(&told, "AWS_XRAY_CONTEXT_MISSING").as_deref(), Some("LOG_ERROR"));
    for name in ["AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT"] {
        assignment.variables.insert(name.to_owned(), "elsewhere".to_owned());
    }
    let led = built(&assignment, &[]);
    assert_eq!(value(&led, "AWS_XRAY_DAEMON_ADDRESS").as_deref(), Some("elsewhere"));
    assert_eq!(value(&led, "_AWS_XRAY_DAEMON_ADDRESS").as_deref(), Some("127.0.0.1"));
    assert_eq!(value(&led, "_AWS_XRAY_DAEMON_PORT").as_deref(), Some("2001"));
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
fn the_client_for_node_keeps_its_log_stream() {
    let mut assignment = assignment();
    assignment.logging.enabled = false;
    assignment.execution_environment = "AWS_Lambda_nodejs22.x".into();
    assert!(built(&assignment, &[]).contains_key("AWS_LAMBDA_LOG_STREAM_NAME"));
}

#[test]
fn nobody_makes_a_runtime_ask_for_several_invocations_at_once() {
    let mut assignment = assignment();
    assert!(!built(&assignment, &[(NEVER, "4")]).contains_key(NEVER));
    assignment.variables.insert(NEVER.to_owned(), "4".to_owned());
    assert!(!built(&assignment, &[]).contains_key(NEVER));
}

#[test]
fn an_image_keeps_its_variables_and_sees_none_of_the_cluster_s() {
    let kept = [
        "PATH",
        "DATABASE_PORT",
        "X_SERVICE_HOST",
        "DB_SERVICE_PORT_HTTP",
        "DB_PORT",
        "DB_PORT_80_TCP_ADDR",
        "KUBELAMBDA_MINE",
        "KUBELAMBDA_TICKETS",
        "KUBE_CONFIG",
    ];
    let dropped = [
        "KUBELAMBDA_TICKET",
        "KUBELAMBDA_PARENT",
        "KUBELAMBDA_OPT",
        "KUBELAMBDA_OWN_MOUNTS",
        "KUBELAMBDA_TRIAL",
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_PORT_443_TCP_ADDR",
        "HOSTNAME",
    ];
    let own: Vec<_> = kept.iter().chain(&dropped).map(|name| (*name, "tcp://10.0.0.2:80")).collect();
    let mut assignment = assignment();
    assignment.handler = None;
    let built = built(&assignment, &own);
    for name in kept {
        assert_eq!(built.get(name).map(String::as_str), Some("tcp://10.0.0.2:80"), "{name}");
    }
    for name in dropped {
        assert!(!built.contains_key(name), "{name}");
    }
    assert!(!built.contains_key("_HANDLER"));
}
