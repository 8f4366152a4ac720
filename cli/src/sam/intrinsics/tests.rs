//! Functions of CloudFormation, each carried out.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::project::Choices;
use crate::yaml;

const TEMPLATE: &str = "
Parameters: {Stage: {Default: dev}, Secret: {Type: String}}
Mappings: {Sizes: {dev: {memory: 256}}}
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  IsBig: !Not [!Condition IsDev]
Resources:
  F: {Type: AWS::Serverless::Function, Properties: {}}
  T: {Type: AWS::DynamoDB::Table, Properties: {TableName: things}}
  Q: {Type: AWS::SQS::Queue}
";

fn check(expression: &str, expected: Result<Value, &str>) {
    let root = yaml::read(TEMPLATE).unwrap().remove(0);
    let parameters = [("Q.Arn".to_owned(), "arn:q".to_owned())].into();
    let choices = Choices { parameters, region: "eu-west-1".into(), account: "1".into() };
    let node = yaml::read(&format!("x: {expression}")).unwrap().remove(0);
    let found = Scope::new(&root, &choices).value(node.get("x").unwrap());
    match (found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{expression}"),
        (Err(found), Err(expected)) => {
            assert!(found.message.contains(expected), "{expression}: {found:?}");
        }
        (found, _) => panic!("{expression}: {found:?}"),
    }
}

#[test]
fn short_and_long_forms_are_carried_out() {
    check("!Ref Stage", Ok(json!("dev")));
    check("{Ref: T}", Ok(json!("things")));
    check("!Ref Q", Ok(json!("Q")));
    check("!Sub 'a-${Stage}-${AWS::Region}-${!Kept}'", Ok(json!("a-dev-eu-west-1-${Kept}")));
    check("!Sub ['${A}/${Stage}', {A: !Ref T}]", Ok(json!("things/dev")));
    check("!GetAtt F.Arn", Ok(json!("arn:aws:lambda:eu-west-1:1:function:F")));
    check("{Fn::GetAtt: [Q, Arn]}", Ok(json!("arn:q")));
    check("!Join ['-', [a, !Ref Stage]]", Ok(json!("a-dev")));
    check("!Select [1, !Split [',', 'a,b']]", Ok(json!("b")));
    check("!FindInMap [Sizes, !Ref Stage, memory]", Ok(json!(256)));
    check("!If [IsDev, 1, 2]", Ok(json!(1)));
    check("!If [IsBig, 1, !Ref AWS::NoValue]", Ok(json!(null)));
    check("{A: !Ref AWS::NoValue, B: [!Ref Stage]}", Ok(json!({"B": ["dev"]})));
}

#[test]
fn what_only_aws_knows_is_named() {
    check(
        "!Ref Secret",
        Err("'Secret' is a parameter without a default: give it with --parameter Secret=VALUE"),
    );
    check("!GetAtt T.Arn", Err("'T.Arn' is known only to AWS"));
    check("!Ref Nothing", Err("neither a parameter nor a resource"));
    check("!ImportValue x", Err("ImportValue cannot be carried out"));
    check("!If [Nothing, 1, 2]", Err("no condition 'Nothing'"));
}

proptest! {
    #[test]
    fn no_template_makes_the_reader_panic(text in "(!(Ref|Sub|If|Join|GetAtt) )?[\\[{'$}A-Z,:. \\]]{0,30}") {
        if let Ok(documents) = yaml::read(&text) {
            let choices = Choices::default();
            for node in &documents {
                drop(Scope::new(node, &choices).value(node));
            }
        }
    }
}
