//! `kubelambda invoke` and `kubelambda import`, as they are typed.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::harness::{Local, folder, manifest, run};

#[test]
fn invoke_shows_result_log_duration_remaining_time_and_memory() {
    let code = "def handler(event, context):\n    print('seen', sorted(event))\n    \
        if 'fail' in event: raise ValueError('as asked')\n    return event";
    let folder = folder(&[("f.yaml", &manifest("f", code, "")), ("event.json", r#"{"fail": 1}"#)]);
    let local = Local::start(&folder, &[]);
    let endpoint = format!("http://{}", local.address);
    let (output, said) =
        run(&["invoke", "f", "--template", "hello-world", "--tail", "--endpoint", &endpoint], "");
    assert_eq!(output.status.code(), Some(0), "{said}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["key1"], "value1");
    for part in [
        "seen ['key1', 'key2', 'key3']",
        "Duration:",
        "a cold start",
        "of 128 MB",
        "of 20000 ms",
        "Result:         success",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (output, said) = run(&["invoke", "f", "--event", "-", "--endpoint", &endpoint], r#"{"a": "b"}"#);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\"a\": \"b\"}\n");
    assert!(!said.contains("seen"), "{said}");

    let event = folder.join("event.json");
    let (output, said) =
        run(&["invoke", "f", "--event", event.to_str().unwrap(), "--endpoint", &endpoint], "");
    assert_eq!(output.status.code(), Some(1));
    for part in ["function error (Unhandled): ValueError: as asked", "seen ['fail']"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (output, said) = run(&["invoke", "nothing", "--endpoint", &endpoint], "");
    assert_eq!(output.status.code(), Some(69));
    assert!(
        said.contains("The endpoint answered 404: ResourceNotFoundException: Function not found: arn:"),
        "{said}"
    );
    assert!(said.contains("lists its functions when it starts"), "{said}");
}

#[test]
fn invoke_says_what_is_wrong_before_it_asks() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (output, said) = run(&["invoke", "f", "--endpoint", &format!("http://{free}")], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("nothing answers on {free}")), "{said}");
    let (output, said) = run(&["invoke", "f", "--endpoint", "https://lambda.eu-west-1.amazonaws.com"], "");
    assert_eq!(output.status.code(), Some(2));
    for part in [
        "'https://lambda.eu-west-1.amazonaws.com' for '--endpoint <URL>': must begin with http://",
        "AWS_ENDPOINT_URL_LAMBDA",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, said) = run(&["invoke", "f", "--event", "-"], "{");
    assert!(said.contains("the event is no JSON"), "{said}");
    let (_, said) = run(&["invoke", "f", "--template", "x"], "");
    assert!(said.contains("[possible values: empty, hello-world"), "{said}");
    let (_, said) = run(&["invoke", "f", "--event", "{\"a\": 1}"], "");
    assert!(said.contains("JSON itself goes in on standard input"), "{said}");
    for (arguments, expected) in [
        (["invoke", "f", "--qualifier", "a b"], "'a b' for '--qualifier"),
        (["local", ".", "--listen", "nowhere"], "'--listen <ADDRESS>': must be IP:PORT or PORT, such as"),
        (["local", ".", "--region", "a b"], "'--region <REGION>': region 'a b' must match"),
    ] {
        let (output, said) = run(&arguments, "");
        assert_eq!((output.status.code(), said.contains(expected)), (Some(2), true), "{said}");
    }
}

#[test]
fn an_imported_function_is_served() {
    // `a.py` with `def f(event, context): return event`, stored.
    let archive = zip_of("a.py", b"import os\ndef f(event, context): return os.environ['DEBUG']\n");
    let folder = folder(&[("get-function.txt", "")]);
    let answer = json!({
        "Configuration": {"FunctionName": "Imported", "Runtime": "python3.11", "Handler": "a.f", "Role": "r",
            "Timeout": 9, "MemorySize": 128, "Environment": {"Variables": {"DEBUG": "no"}}, "PackageType": "Zip"},
        "Code": {"RepositoryType": "S3", "Location": "https://example"},
    });
    let zip = folder.join("code.zip");
    fs::write(&zip, archive).unwrap();
    let (output, said) = run(&["import", "-", "--zip", zip.to_str().unwrap()], &answer.to_string());
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("# Role is not carried over"), "{said}");
    fs::write(folder.join("f.yaml"), output.stdout).unwrap();
    let local = Local::start(&folder, &[]);
    assert_eq!(local.invoke("Imported", "{}").body, "\"no\"");
    let (output, said) = run(&["import"], "what");
    assert_eq!((output.status.code(), said.contains("get-function")), (Some(1), true), "{said}");
}

/// An archive of one file.
fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(content).unwrap();
    let archive = writer.finish().unwrap().into_inner();
    assert!(!STANDARD.encode(&archive).is_empty());
    archive
}
