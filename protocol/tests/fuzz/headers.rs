//! What a caller of the Lambda API puts into headers and path, and what an operator puts into a pod's environment.

use protocol::lambda_api::client_context;
use protocol::lambda_api::invoke::InvokeHeaders;
use protocol::lambda_api::trace::Seed;
use protocol::link::trust::{LinkKey, PublicKey, Ticket, TicketClaims};

use crate::run::Target;

pub const TARGETS: [Target; 3] = [
    Target { name: "invoke_headers", seeds: invokes, check: invoke_headers },
    Target { name: "function_target", seeds: targets, check: function_target },
    Target { name: "trust_text", seeds: trust_texts, check: trust_text },
];

const SEED: Seed = Seed { epoch_seconds: 1_768_464_000, random: [7; 20] };

/// `{"client":{"installation_id":"i"},"custom":{"k":"v"},"env":{"e":"f"}}`, and the same with line breaks.
const CONTEXTS: [&str; 2] = [
    "eyJjbGllbnQiOnsiaW5zdGFsbGF0aW9uX2lkIjoiaSJ9LCJjdXN0b20iOnsiayI6InYifSwiZW52Ijp7ImUiOiJmIn19",
    "ewogICJjdXN0b20iOiB7fQp9Cg==",
];

/// One header a line: invocation type, log type, client context, tenant, trace.
fn invokes() -> Vec<Vec<u8>> {
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
    let lines = [
        format!("RequestResponse\nTail\n{}\ntenant-1\n{trace}", CONTEXTS[0]),
        format!(
            "DryRun\nNone\n{}\n\nself=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:1|b:2",
            CONTEXTS[1]
        ),
        "Event\n\ne30\n\nSampled=?".to_owned(),
        "\nTail\n\nt\nRoot=;Parent=;;x=y".to_owned(),
    ];
    lines.map(String::into_bytes).into()
}

fn invoke_headers(input: &[u8]) -> String {
    let mut lines = input.splitn(5, |byte| *byte == b'\n');
    let mut header = || lines.next().filter(|line| !line.is_empty());
    let headers = InvokeHeaders {
        invocation_type: header(),
        log_type: header(),
        client_context: header(),
        tenant_id: header(),
        trace: header(),
        durable_execution_name: None,
    };
    if let Some(Ok(context)) = headers.client_context.map(client_context::decode) {
        // Carried in a header, so it must be one; and still JSON.
        assert!(context.bytes().all(|byte| byte == b'\t' || byte >= b' ' && byte != 0x7f), "{context:?}");
        assert!(
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&context).is_ok()
                || context.matches(['[', '{']).count() > 100,
            "{context}"
        );
    }
    match headers.parse(SEED) {
        Ok(options) => {
            let trace = options.trace.as_str();
            assert!(trace.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{trace:?}");
            for key in ["root=", "parent=", "sampled="] {
                assert!(trace.to_ascii_lowercase().contains(key), "{trace}");
            }
            let again = InvokeHeaders { trace: Some(trace.as_bytes()), ..Default::default() };
            assert!(trace.len() > 1_024 || again.parse(SEED).unwrap().trace.as_str() == trace, "{trace}");
            if let Some(tenant) = &options.tenant_id {
                assert!((1..=256).contains(&tenant.len()), "{tenant}");
            }
            format!(
                "{:?} {:?} {}",
                options.invocation_type,
                options.log_type,
                options.client_context.is_some()
            )
        }
        Err(error) => {
            // It goes into a header and a body.
            assert!(!error.message.contains(|c: char| c.is_control()), "{error:?}");
            // At most 256 characters are quoted, each written in up to ten.
            assert!(error.message.len() < 3_072, "{error:?}");
            error.message
        }
    }
}

fn targets() -> Vec<Vec<u8>> {
    let pairs = [
        "my-function ",
        "my-function:PROD ",
        "123456789012:function:my_function ",
        "arn:aws:lambda:us-west-2:123456789012:function:my-function $LATEST",
        "arn:aws:lambda:us-west-2:123456789012:function:my-function:7 7",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:$LATEST.PUBLISHED 8",
    ];
    pairs.map(|pair| pair.as_bytes().to_vec()).into()
}

fn function_target(input: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(input) else { return "no text".into() };
    let (name, qualifier) = text.rsplit_once(' ').unwrap_or((text, ""));
    match protocol::lambda_api::target::parse(name, Some(qualifier)) {
        Ok(reference) => {
            let read = reference.qualifier.as_ref().map(ToString::to_string);
            // Whoever names a qualifier gets that one or is refused; `012` is the version 12.
            let same = |read: &str| read == qualifier || read.parse::<u64>().ok() == qualifier.parse().ok();
            assert!(qualifier.is_empty() || read.as_deref().is_some_and(same), "{read:?} for {text}");
            assert_eq!(protocol::lambda_api::target::parse(name, read.as_deref()), Ok(reference));
            format!("accepted {}", read.is_some())
        }
        Err(error) => {
            assert!(!error.message.contains(|c: char| c.is_control()), "{error:?}");
            assert!(
                error.message.contains("functionName") || error.message.contains("ualifier"),
                "{error:?}"
            );
            error.message
        }
    }
}

fn trust_texts() -> Vec<Vec<u8>> {
    let key = LinkKey::from_secret(&[1; 32]).unwrap();
    let claims = TicketClaims {
        namespace: "default".into(),
        pod: "pod-1".into(),
        pool: "q".into(),
        expires_epoch_seconds: 1_768_464_000,
    };
    vec![key.issue(claims).to_text().into_bytes(), key.public_key().to_text().into_bytes()]
}

fn trust_text(input: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(input) else { return "no text".into() };
    let ticket = Ticket::from_text(text);
    if let Ok(ticket) = &ticket {
        assert_eq!(Ticket::from_text(&ticket.to_text()).as_ref(), Ok(ticket));
        // Only a debugger's view, but that one gets into logs: the secret is not in it.
        assert!(format!("{ticket:?}").contains("Hex("));
    }
    let key = PublicKey::from_text(text);
    if let Ok(key) = &key {
        assert!(key.to_text().eq_ignore_ascii_case(text));
    }
    // The words of a ticket that cannot be read never quote it.
    format!("{:?} {:?}", ticket.map(drop), key.map(drop))
}
