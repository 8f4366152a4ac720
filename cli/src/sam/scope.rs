//! What the names in a template stand for: parameters, pseudo parameters, resources and their attributes.
//!
//! What it never does: carry out a function. Of a resource it tells where its name is written, which may be one.

use crate::project::Choices;
use crate::yaml::{Content, Node};

/// Attributes that tell a resource's own name, by which `Ref` knows it.
const NAMES: [&str; 7] =
    ["FunctionName", "LogGroupName", "TableName", "BucketName", "QueueName", "TopicName", "StateMachineName"];
/// What `AWS::StackName` stands for.
const STACK: &str = "local";
/// How often a resource's name may be made of another's, which would lead round in a circle otherwise.
const NAMES_IN_NAMES_MAX: usize = 2;

/// A problem at a line, before it is known of which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unresolved {
    /// Line in the template.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Meaning<'a> {
    /// This text.
    Text(String),
    /// No value: `AWS::NoValue`.
    Nothing,
    /// A resource's name; where the template gives it one, as it is written there.
    Name(Option<&'a Node>),
    /// The ARN of a function of this name, which begins so.
    Arn(String, Option<&'a Node>),
}

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

    /// The same for what is written in a resource's name; none where names are made of names too often.
    pub(super) fn in_a_name(&self) -> Option<Self> {
        (self.names < NAMES_IN_NAMES_MAX).then(|| Self { names: self.names + 1, ..*self })
    }

    /// What `Ref: name` stands for.
    pub(super) fn reference(&self, name: &str, line: usize) -> Result<Meaning<'a>, Unresolved> {
        if name == "AWS::NoValue" {
            return Ok(Meaning::Nothing);
        }
        if let Some(value) = self.choices.parameters.get(name) {
            return Ok(Meaning::Text(value.clone()));
        }
        if let Some(value) = self.pseudo(name) {
            return Ok(Meaning::Text(value));
        }
        if let Some(parameter) = self.section("Parameters").and_then(|parameters| parameters.get(name)) {
            return match parameter.get("Default").map(|default| &default.content) {
                Some(Content::Scalar(value)) => Ok(Meaning::Text(text_of(value))),
                _ => Err(unknown(name, "is a parameter without a default", line)),
            };
        }
        match self.resource(name) {
            Some(resource) => Ok(Meaning::Name(own_name(resource))),
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

    /// What `GetAtt: name.attribute` stands for.
    pub(super) fn attribute(&self, path: &str, line: usize) -> Result<Meaning<'a>, Unresolved> {
        if let Some(value) = self.choices.parameters.get(path) {
            return Ok(Meaning::Text(value.clone()));
        }
        let (name, attribute) = path.split_once('.').unwrap_or((path, ""));
        let resource = self.resource(name);
        let kind = resource.and_then(|of| of.get("Type")).and_then(Node::text).unwrap_or_default();
        match (kind, attribute) {
            ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => {
                let Choices { region, account, .. } = self.choices;
                let begin = format!("arn:aws:lambda:{region}:{account}:function:");
                Ok(Meaning::Arn(begin, resource.and_then(own_name)))
            }
            ("", _) => Err(unknown(path, "is no attribute of a resource of this template", line)),
            _ => Err(unknown(path, "is known only to AWS", line)),
        }
    }
}

/// Where a resource is given a name, if it is one that can be known.
fn own_name(resource: &Node) -> Option<&Node> {
    let properties = resource.get("Properties")?;
    NAMES.iter().find_map(|field| properties.get(field))
}

/// A scalar as CloudFormation hands it on: everything is text.
pub(super) fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn unknown(name: &str, why: &str, line: usize) -> Unresolved {
    Unresolved { line, message: format!("'{name}' {why}: give it with --parameter {name}=VALUE") }
}
