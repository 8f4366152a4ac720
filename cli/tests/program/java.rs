//! Java on this machine, with AWS's unmodified client from Maven Central.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::harness::{Local, folder, run_once};

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Greet:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: classes/, Handler: 'greet.Greet::handle', Runtime: java11, Timeout: 20, MemorySize: 256}
";
const GREET: &str = "package greet;
import com.amazonaws.services.lambda.runtime.Context;
import java.util.Map;
public class Greet {
    public Map<String, Object> handle(Map<String, Object> event, Context context) {
        if (event.containsKey(\"fail\")) throw new IllegalStateException(\"as asked\");
        return Map.of(\"hello\", event.get(\"name\"), \"function\", context.getFunctionName(),
            \"memory\", context.getMemoryLimitInMB(), \"in time\", context.getRemainingTimeInMillis() > 1000);
    }
}
";

#[test]
fn a_java_function_is_served_by_this_machine_s_java() {
    let folder = folder(&[("template.yaml", TEMPLATE), ("Greet.java", GREET), ("classes/.keep", "")]);
    // Without its class it fails; with the client it can be compiled.
    run_once(&folder, "Greet");
    let client = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("cache/kubelambda/java/aws-lambda-java-runtime-interface-client-2.9.0/*");
    let mut compiler = Command::new("javac");
    compiler.args(["--release", "11", "-d", "classes", "-cp"]).arg(client).arg("Greet.java");
    assert!(compiler.current_dir(&folder).status().unwrap().success());

    let local = Local::start(&folder, &[]);
    let answer = local.invoke("Greet", r#"{"name": "Ada"}"#);
    let expected = json!({"hello": "Ada", "function": "Greet", "memory": 256, "in time": true});
    assert_eq!((answer.status, answer.json()), (200, expected), "{answer:?}");
    let failed = local.invoke("Greet", r#"{"name": "Ada", "fail": 1}"#).json();
    assert_eq!(failed["errorType"], "java.lang.IllegalStateException");
    assert_eq!(failed["errorMessage"], "as asked");
}
