//! Functions of a SAM template.

use std::fs;

use serde_json::json;

use crate::harness::{Local, folder, wait_for};

const TEMPLATE: &str = "
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
Globals:
  Function: {Runtime: python3.11, Timeout: 10, Environment: {Variables: {STAGE: !Ref Stage}}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: !Whatever [it, holds]}}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer/}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      MemorySize: 256
      Layers: [!Ref Shared]
      Role: !GetAtt Role.Arn
      Events: {Get: {Type: HttpApi, Properties: {Path: /hello, Method: get}}}
      Environment:
        Variables:
          NAME: !Sub '${Stage}-${AWS::Region}'
          TABLE: !GetAtt Table.Arn
";
const CODE: &str = "import os, shared\ndef handler(event, context):\n    \
    return [shared.VALUE, os.environ['STAGE'], os.environ['NAME'], os.environ['TABLE'], context.memory_limit_in_mb]";

#[test]
fn a_template_is_served_in_place_and_its_code_is_followed() {
    let folder = folder(&[
        ("template.yaml", TEMPLATE),
        ("src/app.py", CODE),
        ("layer/python/shared.py", "VALUE = 'from the layer'"),
        ("events/event.json", "{}"),
        ("package.json", "{}"),
    ]);
    let local = Local::start(&folder, &["--parameter", "Table.Arn=arn:t"]);
    let answer = |local: &Local| local.invoke("Hello", "{}").json();
    assert_eq!(answer(&local), json!(["from the layer", "dev", "dev-us-east-1", "arn:t", "256"]));
    fs::write(folder.join("layer/python/shared.py"), "VALUE = 'saved'").unwrap();
    wait_for("the saved layer", || (answer(&local)[0] == "saved").then_some(()));
    // What is missing here is told once, also where the template is saved.
    fs::write(folder.join("template.yaml"), TEMPLATE.replace("256", "512")).unwrap();
    wait_for("the saved template", || (answer(&local)[4] == "512").then_some(()));
    let missing = "Hello is served without Events: HttpApi GET /hello (only an invocation calls it)";
    assert_eq!(local.said().iter().filter(|line| line.ends_with(missing)).count(), 1);
    fs::write(folder.join("src/app.py"), "def handler(event, context):\n    return ['saved as well']")
        .unwrap();
    wait_for("the saved code", || (answer(&local)[0] == "saved as well").then_some(()));
}

#[test]
fn what_only_aws_knows_is_asked_for() {
    let folder = folder(&[("template.yaml", TEMPLATE), ("src/app.py", CODE), ("layer/python/shared.py", "")]);
    let (output, said) =
        crate::harness::run(&["local", folder.to_str().unwrap(), "--listen", "127.0.0.1:0"], "");
    assert_eq!(output.status.code(), Some(1));
    let expected = "template.yaml:25: Hello.Environment.Variables.TABLE: 'Table.Arn' is known only to AWS: \
        give it with --parameter Table.Arn=VALUE";
    assert!(said.contains(expected), "{said}");
}
