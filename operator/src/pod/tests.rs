//! The pod as it is sent, and the rules that hold for every Function.

use proptest::prelude::*;
use protocol::link::assignment::ConfigurationHash;
use protocol::link::trust::{LinkKey, TicketClaims};
use serde_json::{Value, json};

use super::*;

fn function(spec: &Value) -> Function {
    serde_json::from_value(json!({
        "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
        "metadata": {"name": "hello", "namespace": "team", "uid": "u-1"}, "spec": spec,
    }))
    .unwrap()
}

fn pod(function: &Function) -> Pod {
    let key = LinkKey::from_secret(&[7; 32]).unwrap();
    let claims = TicketClaims {
        namespace: "team".into(),
        pod: "hello-01234567-bbbbb".into(),
        pool: "pool".into(),
        expires_epoch_seconds: 9,
    };
    let identity = Identity {
        name: claims.pod.clone(),
        log_stream: LogStreamId::from_random_bytes([0xab; 16]),
        ticket: key.issue(claims),
    };
    let installation = Installation {
        shim_image: "registry.test/shim:1".into(),
        image_pull_policy: None,
        announce: ([10, 0, 0, 9], 9710).into(),
        public_key: key.public_key(),
        user: 1_000,
    };
    let revision = Revision {
        namespace: "team".into(),
        function: "hello".into(),
        uid: "u-1".into(),
        version: "$LATEST".into(),
        configuration: ConfigurationHash("0123456789abcdef".into()),
    };
    let image = RunImage { reference: "python:3.13".into(), pull_secrets: vec!["pull".into()] };
    build(function, &revision, &image, &identity, &installation)
}

#[test]
fn the_pod_is_as_written_down() {
    let function = function(&json!({
        "runtime": "python3.13", "handler": "a.b", "code": {"inline": {"a.py": "x"}}, "timeout": 7,
        "environment": {"variables": {"SECRET": "hidden"}},
        "pod": {"nodeSelector": {"disk": "ssd"}, "resources": {"nvidia.com/gpu": "1"}},
    }));
    let written = serde_yaml::to_string(&pod(&function)).unwrap();
    assert!(!written.contains("hidden"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pod/pod.snapshot.yaml");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &written).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), written, "UPDATE=1 rewrites {path}");
}

#[test]
fn cpu_follows_memory_as_a_weight_only() {
    let spec = |memory: u32| json!({"runtime": "r", "handler": "h", "code": {"zipFile": "UEs="}, "memorySize": memory});
    for (memory, cpu, limit) in
        [(128, "73m", "152Mi"), (1_769, "1000m", "1793Mi"), (10_240, "5789m", "10264Mi")]
    {
        let built = pod(&function(&spec(memory))).spec.unwrap();
        let size = built.containers[1].resources.clone().unwrap();
        assert_eq!(size.requests.unwrap()["cpu"].0, cpu);
        let limits = size.limits.unwrap();
        assert_eq!(limits["memory"].0, limit);
        assert!(!limits.contains_key("cpu"));
    }
}

fn settings() -> impl Strategy<Value = Value> {
    let toleration = prop_oneof![
        Just(json!({"operator": "Exists"})),
        Just(json!({"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"})),
    ];
    (
        proptest::option::of("[a-z]{1,9}"),
        proptest::option::of("[a-z]{1,9}"),
        proptest::collection::vec(toleration, 0..3),
        proptest::collection::btree_map("[a-z]{1,9}", "[a-z]{1,9}", 0..3),
        proptest::collection::btree_map("[a-z]{1,5}[.]com/[a-z]{1,9}", "[1-9]", 0..3),
    )
        .prop_map(|(class, account, tolerations, selector, resources)| {
            json!({
                "priorityClassName": class, "runtimeClassName": class, "serviceAccountName": account,
                "tolerations": tolerations, "nodeSelector": selector, "resources": resources,
            })
        })
}

proptest! {
    #[test]
    fn every_function_gives_a_restricted_pod(
        memory in 128_u32..=10_240, timeout in 1_u32..=900, storage in 512_u32..=10_240,
        code in prop_oneof![
            Just(json!({"inline": {"a.py": ""}})), Just(json!({"zipFile": "UEs="})), Just(json!({"image": "i"}))
        ],
        architecture in prop_oneof![Just("x86_64"), Just("arm64")],
        pod_settings in proptest::option::of(settings()),
    ) {
        let is_image = code.get("image").is_some();
        let built = pod(&function(&json!({
            "code": code, "memorySize": memory, "timeout": timeout, "ephemeralStorage": storage,
            "architectures": [architecture], "pod": pod_settings,
        })));
        let spec = built.spec.unwrap();
        prop_assert_eq!(restricted::violations(&spec), Vec::<String>::new());
        prop_assert_eq!(spec.automount_service_account_token, Some(false));
        prop_assert_eq!(spec.termination_grace_period_seconds, Some(i64::from(timeout) + GRACE_SECONDS));
        prop_assert_eq!(spec.volumes.unwrap().len(), if is_image { 2 } else { 3 });
        prop_assert_eq!(&spec.containers[0].name, "shim");
    }
}
