//! CloudFormation's functions, in their short form (`!Sub`) and their long one (`Fn::Sub`).

use serde_json::{Map, Value};

use super::scope::{Meaning, Scope, Unresolved, text_of};
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
                Ok(self.referred(&text(name)?, argument.line)?.map_or(Value::Null, Value::from))
            }
            ("GetAtt", parts) => {
                let parts = parts.iter().map(text).collect::<Result<Vec<_>, _>>()?;
                self.attribute_of(&parts.join("."), argument.line).map(Value::from)
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

    /// The value of `Ref: name`; `None` for `AWS::NoValue`.
    fn referred(&self, name: &str, line: usize) -> Result<Option<String>, Unresolved> {
        let meaning = self.reference(name, line)?;
        Ok(self.text_for(name, meaning))
    }

    /// The value of `GetAtt: path`.
    fn attribute_of(&self, path: &str, line: usize) -> Result<String, Unresolved> {
        let meaning = self.attribute(path, line)?;
        Ok(self.text_for(path.split('.').next().unwrap_or(path), meaning).unwrap_or_default())
    }

    /// A resource whose name cannot be known goes by its `logical` one.
    fn text_for(&self, logical: &str, meaning: Meaning) -> Option<String> {
        let name = |own: Option<&Node>| {
            let own = own.and_then(|node| self.in_a_name()?.value(node).ok());
            own.as_ref().and_then(Value::as_str).unwrap_or(logical).to_owned()
        };
        match meaning {
            Meaning::Text(text) => Some(text),
            Meaning::Nothing => None,
            Meaning::Name(own) => Some(name(own)),
            Meaning::Arn(begin, own) => Some(begin + &name(own)),
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
                (None, None) if name.contains('.') => text.push_str(&self.attribute_of(name.trim(), line)?),
                (None, None) => text.push_str(&self.referred(name.trim(), line)?.unwrap_or_default()),
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
mod tests;
