//! What the tests assign.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use domain::log_stream::LogStreamId;
use protocol::link::assignment::{Assignment, Code, ConfigurationHash, Idle, Revision};

pub fn revision() -> Revision {
    Revision {
        namespace: "default".into(),
        function: "f".into(),
        uid: "uid".into(),
        version: "$LATEST".into(),
        configuration: ConfigurationHash("hash".into()),
    }
}

/// An assignment of the raw client.
pub fn assignment() -> Assignment {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/raw_client.py");
    Assignment {
        revision: revision(),
        function_name: "my_function".parse().unwrap(),
        account: "123456789012".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        handler: Some("app.handler".into()),
        code: Code::Image,
        command: vec![python().to_owned(), client.to_str().unwrap().to_owned()],
        working_directory: "/".into(),
        variables: BTreeMap::new(),
        execution_environment: "AWS_Lambda_python3.13".into(),
        memory_mb: 256,
        timeout_seconds: 3,
        ephemeral_storage_mb: 512,
        log_group: "/aws/lambda/my_function".into(),
        log_stream_id: LogStreamId::from_random_bytes([7; 16]),
        idle: Idle::Freeze,
        logging: domain::log_format::Logging::default(),
        runtime_version: None,
        isolates_tenants: false,
    }
}

/// The same with a variable.
pub fn assignment_with(name: &str, value: &str) -> Assignment {
    let mut assignment = assignment();
    assignment.variables.insert(name.into(), value.into());
    assignment
}

/// The interpreter itself, not what chooses among several.
pub fn python() -> &'static str {
    static PYTHON: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PYTHON.get_or_init(|| {
        let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        let found = found.expect("these tests need python3");
        String::from_utf8(found.stdout).unwrap().trim().to_owned()
    })
}
