//! CloudFormation's functions, in their short form (`!Sub`) and their long one (`Fn::Sub`).

use serde_json::{Map, Value};

use super::Unresolved;
use super::scope::{Scope, text_of};
use crate::yaml::{Content, Node};

/// How deeply functions and lists may be nested.
const DEPTH_MAX: usize = 64;

impl Scope<'_> {
    /// The value of a node with every function in it carried out; null where it stands for no value.
    pub(super) fn value(&self, node: &Node) -> Result<Value, Unresolved> {
        self.at_depth(node, 0)
    }

    fn at_depth(&self, node: &Node, depth: usize) -> Result<Value, Unresolved> {
        if depth > DEPTH_MAX {
            return Err(wrong(node, "is nested too deeply"));
        }
        if let Some((name, argument)) = function_of(node) {
            return self.call(name, argument, depth);
        }
        match &node.content {
            Content::Scalar(value) => Ok(value.clone()),
            Content::List(items) => {
                let values = items.iter().map(|item| self.at_depth(item, depth + 1));
                Ok(Value::Array(
                    values.filter(|value| !matches!(value, Ok(Value::Null))).collect::<Result<_, _>>()?,
                ))
            }
            Content::Map(fields) => {
                let mut values = Map::new();
                for (name, _, field) in fields {
                    let value = self.at_depth(field, depth + 1)?;
                    if !value.is_null() {
                        values.insert(name.clone(), value);
                    }
                }
                Ok(Value::Object(values))
            }
        }
    }

    fn call(&self, name: &str, argument: &Node, depth: usize) -> Result<Value, Unresolved> {
        let next = depth + 1;
        // Without the tag, else the argument of a short form would be the function again.
        let plain = Node { tag: None, ..argument.clone() };
        let items = match &plain.content {
            Content::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&plain),
        };
        let text = |node: &Node| Ok(text_of(&self.at_depth(node, next)?));
        match (name, items) {
            ("Ref", [name]) => {
                Ok(self.reference(&text(name)?, argument.line)?.map_or(Value::Null, Value::from))
            }
            ("GetAtt", parts) => {
                let parts = parts.iter().map(text).collect::<Result<Vec<_>, _>>()?;
                self.attribute(&parts.join("."), argument.line).map(Value::from)
            }
            ("Sub", [template]) => self.substitute(&text(template)?, None, argument.line),
            ("Sub", [template, own]) => {
                let own = self.at_depth(own, next)?;
                self.substitute(&text(template)?, Some(&own), argument.line)
            }
            ("Join", [separator, list]) => {
                let words: Vec<_> = self.list(list, next)?.iter().map(text_of).collect();
                Ok(Value::from(words.join(&text(separator)?)))
            }
            ("Split", [separator, whole]) => {
                Ok(text(whole)?.split(&text(separator)?).map(Value::from).collect())
            }
            ("Select", [index, list]) => {
                let index = text(index)?.parse::<usize>().ok();
                let chosen = self.list(list, next)?;
                index
                    .and_then(|index| chosen.get(index).cloned())
                    .ok_or_else(|| wrong(argument, "selects nothing"))
            }
            ("If", [condition, yes, no]) => {
                let condition = text(condition)?;
                let holds = self.condition(&condition, argument, next)?;
                self.at_depth(if holds { yes } else { no }, next)
            }
            ("FindInMap", [map, first, second]) => {
                let found = self.section("Mappings").and_then(|maps| maps.get(&text(map).ok()?));
                let found = found.and_then(|map| map.get(&text(first).ok()?)?.get(&text(second).ok()?));
                found.map(Node::to_json).ok_or_else(|| wrong(argument, "finds nothing in Mappings"))
            }
            _ => Err(wrong(argument, &format!("{name} cannot be carried out without AWS"))),
        }
    }

    fn list(&self, node: &Node, depth: usize) -> Result<Vec<Value>, Unresolved> {
        match self.at_depth(node, depth)? {
            Value::Array(items) => Ok(items),
            // A parameter of the type CommaDelimitedList.
            Value::String(words) => Ok(words.split(',').map(|word| Value::from(word.trim())).collect()),
            _ => Err(wrong(node, "is no list")),
        }
    }

    fn substitute(&self, template: &str, own: Option<&Value>, line: usize) -> Result<Value, Unresolved> {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return Err(Unresolved { line, message: format!("'${{' without '}}' in '{template}'") });
            };
            rest = after;
            match (name.strip_prefix('!'), own.and_then(|own| own.get(name))) {
                (Some(literal), _) => text.extend(["${", literal, "}"]),
                (None, Some(value)) => text.push_str(&text_of(value)),
                (None, None) if name.contains('.') => text.push_str(&self.attribute(name.trim(), line)?),
                (None, None) => text.push_str(&self.reference(name.trim(), line)?.unwrap_or_default()),
            }
        }
        text.push_str(rest);
        Ok(Value::from(text))
    }

    fn condition(&self, name: &str, at: &Node, depth: usize) -> Result<bool, Unresolved> {
        let found = self.section("Conditions").and_then(|conditions| conditions.get(name));
        let Some(condition) = found else {
            return Err(wrong(at, &format!("there is no condition '{name}'")));
        };
        self.holds(condition, depth)
    }

    fn holds(&self, node: &Node, depth: usize) -> Result<bool, Unresolved> {
        if depth > DEPTH_MAX {
            return Err(wrong(node, "is nested too deeply"));
        }
        let Some((name, argument)) = function_of(node) else { return Err(wrong(node, "is no condition")) };
        let plain = Node { tag: None, ..argument.clone() };
        let items = match &plain.content {
            Content::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&plain),
        };
        let mut all = items.iter().map(|item| self.holds(item, depth + 1));
        match (name, items) {
            ("Condition", [name]) => self.condition(name.text().unwrap_or_default(), node, depth + 1),
            ("Equals", [one, other]) => {
                Ok(text_of(&self.at_depth(one, depth + 1)?) == text_of(&self.at_depth(other, depth + 1)?))
            }
            ("Not", [_]) => all.next().unwrap_or(Ok(false)).map(|holds| !holds),
            ("And", _) => all.try_fold(true, |whole, one| Ok(whole && one?)),
            ("Or", _) => all.try_fold(false, |whole, one| Ok(whole || one?)),
            _ => Err(wrong(node, &format!("{name} is no condition"))),
        }
    }
}

/// The function that a node stands for, and its argument.
fn function_of(node: &Node) -> Option<(&str, &Node)> {
    if let Some(tag) = &node.tag {
        return Some((tag, node));
    }
    let Content::Map(fields) = &node.content else { return None };
    let [(name, _, argument)] = fields.as_slice() else { return None };
    match name.as_str() {
        "Ref" | "Condition" => Some((name, argument)),
        other => other.strip_prefix("Fn::").map(|name| (name, argument)),
    }
}

fn wrong(node: &Node, message: &str) -> Unresolved {
    Unresolved { line: node.line, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
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
}
