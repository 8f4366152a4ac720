//! What is said of templates that ask for more than there is.

use std::path::Path;

use super::*;
use crate::project::Choices;
use crate::yaml;

fn missed(globals: &str, properties: &str) -> Option<String> {
    let text = format!("Globals: {{Function: {globals}}}\nResources: {{F: {{Properties: {properties}}}}}");
    let root = yaml::read(&text).unwrap().remove(0);
    let choices = Choices::default();
    let template = Template::new(&root, &choices, Path::new("/nowhere"));
    template.missed("F", root.get("Resources").unwrap().get("F").unwrap())
}

#[test]
fn what_a_function_is_served_without_is_one_line() {
    let check = |globals: &str, properties: &str, expected: &str| {
        let expected = format!("F is served without {expected}");
        assert_eq!(missed(globals, properties), Some(expected), "{globals} {properties}");
    };
    check("{}", "{Events: {Q: {Type: SQS}}}", "Events: SQS (only an invocation calls it)");
    check(
        "{}",
        "{Events: {A: {Type: Api, Properties: {Path: /a, Method: get}}, B: {Type: HttpApi, Properties: {Path: /b}}}}",
        "Events: Api GET /a, HttpApi ANY /b (only an invocation calls it)",
    );
    check(
        "{VpcConfig: {SubnetIds: [!ImportValue net]}}",
        "{FunctionUrlConfig: {AuthType: NONE}}",
        "VpcConfig (it is in this machine's network); FunctionUrlConfig (it has no URL)",
    );
    check(
        "{}",
        "{EventInvokeConfig: {MaximumRetryAttempts: 1}, DeadLetterQueue: {Type: SQS}}",
        "EventInvokeConfig, DeadLetterQueue (no invocation is asynchronous)",
    );
    check("{}", "{Memory: 5, Role: r}", "Memory, of which nothing is known here");
}

#[test]
fn nothing_is_said_of_what_nobody_misses() {
    assert_eq!(missed("{}", "{Handler: a.b, CodeUri: src, Timeout: 3, Layers: []}"), None);
    assert_eq!(missed("{Tags: {a: b}}", "{Policies: [P], Role: r, Architectures: [arm64]}"), None);
    assert_eq!(missed("{}", "{SnapStart: {ApplyOn: None}, VpcConfig: !Ref AWS::NoValue}"), None);
}

#[test]
fn resources_that_would_call_functions_are_named_by_kind() {
    let text = "{A: {Type: AWS::Serverless::Api}, B: {Type: AWS::Serverless::HttpApi}, T: {Type: AWS::DynamoDB::Table}, \
        'Fn::ForEach::All': [x, [a], {}]}";
    let root = yaml::read(text).unwrap().remove(0);
    let Content::Map(fields) = &root.content else { panic!() };
    assert_eq!(
        passed_over(fields.iter().map(|(name, _, node)| (name.as_str(), node))),
        [
            "A (AWS::Serverless::Api), B (AWS::Serverless::HttpApi): no HTTP API is served",
            "Fn::ForEach::All: functions that a loop makes are not served",
        ]
    );
    assert_eq!(shown(["a", "b", "c", "d", "e", "f"].map(str::to_owned).into()), "a, b, c, d, and 2 more");
}
