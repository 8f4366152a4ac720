//! What the names in a template stand for: parameters, pseudo parameters, resources and their attributes.

use super::Unresolved;
use crate::project::Choices;
use crate::yaml::{Content, Node};

/// Attributes that tell a resource's own name, by which `Ref` knows it.
const NAMES: [&str; 7] =
    ["FunctionName", "LogGroupName", "TableName", "BucketName", "QueueName", "TopicName", "StateMachineName"];
/// What `AWS::StackName` stands for.
const STACK: &str = "local";
/// How often a resource's name may be made of another's, which would lead round in a circle otherwise.
const NAMES_IN_NAMES_MAX: usize = 2;

/// A template and what a person chose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) root: &'a Node,
    pub(super) choices: &'a Choices,
    names: usize,
}

impl<'a> Scope<'a> {
    pub(super) fn new(root: &'a Node, choices: &'a Choices) -> Self {
        Self { root, choices, names: 0 }
    }

    pub(super) fn section(&self, name: &str) -> Option<&'a Node> {
        self.root.get(name)
    }

    pub(super) fn resource(&self, name: &str) -> Option<&'a Node> {
        self.section("Resources")?.get(name)
    }

    /// The value of `Ref: name`; `None` for `AWS::NoValue`.
    pub(super) fn reference(&self, name: &str, line: usize) -> Result<Option<String>, Unresolved> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.choices.parameters.get(name) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = self.pseudo(name) {
            return Ok(Some(value));
        }
        if let Some(parameter) = self.section("Parameters").and_then(|parameters| parameters.get(name)) {
            return match parameter.get("Default").map(|default| &default.content) {
                Some(Content::Scalar(value)) => Ok(Some(text_of(value))),
                _ => Err(unknown(name, "is a parameter without a default", line)),
            };
        }
        match self.resource(name) {
            Some(resource) => Ok(Some(self.own_name(resource).unwrap_or_else(|| name.to_owned()))),
            None => Err(unknown(name, "is neither a parameter nor a resource", line)),
        }
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        let Choices { region, account, .. } = self.choices;
        Some(match name {
            "AWS::Region" => region.clone(),
            "AWS::AccountId" => account.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::StackName" => STACK.to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackId" => format!("arn:aws:cloudformation:{region}:{account}:stack/{STACK}/0"),
            _ => return None,
        })
    }

    /// The value of `GetAtt: name.attribute`.
    pub(super) fn attribute(&self, path: &str, line: usize) -> Result<String, Unresolved> {
        if let Some(value) = self.choices.parameters.get(path) {
            return Ok(value.clone());
        }
        let (name, attribute) = path.split_once('.').unwrap_or((path, ""));
        let kind = self.resource(name).and_then(|of| of.get("Type")).and_then(Node::text).unwrap_or_default();
        match (kind, attribute) {
            ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => {
                let Choices { region, account, .. } = self.choices;
                let own = self.resource(name).and_then(|resource| self.own_name(resource));
                let own = own.as_deref().unwrap_or(name);
                Ok(format!("arn:aws:lambda:{region}:{account}:function:{own}"))
            }
            ("", _) => Err(unknown(path, "is no attribute of a resource of this template", line)),
            _ => Err(unknown(path, "is known only to AWS", line)),
        }
    }
    /// The name that a resource is given, if it is one that can be known.
    fn own_name(&self, resource: &Node) -> Option<String> {
        let properties = resource.get("Properties")?;
        let inner = Self { names: self.names + 1, ..*self };
        let name = NAMES.iter().find_map(|field| properties.get(field))?;
        let name = if inner.names > NAMES_IN_NAMES_MAX { None } else { inner.value(name).ok() };
        name?.as_str().map(str::to_owned)
    }
}

/// A scalar as CloudFormation hands it on: everything is text.
pub(super) fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn unknown(name: &str, why: &str, line: usize) -> Unresolved {
    Unresolved { line, message: format!("'{name}' {why}: give it with --parameter {name}=VALUE") }
}
