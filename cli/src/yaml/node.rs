//! Documents as trees of nodes that know their line.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use super::scalar;

/// Most nodes in one file, aliases counted as often as they are used: a bound on what a file can blow up to.
pub(crate) const NODES_MAX: usize = 200_000;

/// A value and where it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Line in the file, from 1.
    pub line: usize,
    /// An application's tag without its `!`, such as `Ref`.
    pub tag: Option<String>,
    /// The value.
    pub content: Content,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// A scalar, already told apart.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the file's order, with the line of each key.
    Map(Vec<(String, usize, Node)>),
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub(crate) struct YamlError {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl Node {
    /// The value of a field of a mapping.
    pub(crate) fn get(&self, field: &str) -> Option<&Node> {
        match &self.content {
            Content::Map(fields) => fields.iter().find(|(name, ..)| name == field).map(|(_, _, node)| node),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// There is nothing here.
    pub(crate) fn is_null(&self) -> bool {
        self.content == Content::Scalar(Value::Null)
    }

    /// The line of the deepest part of `path` that exists; parts of a list are numbers.
    pub(crate) fn line_of<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> usize {
        let (mut node, mut line) = (self, self.line);
        for part in path {
            let next = match &node.content {
                Content::Map(fields) => {
                    fields.iter().find(|(name, ..)| name == part).map(|(_, line, node)| (*line, node))
                }
                Content::List(items) => part
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                    .map(|node| (node.line, node)),
                Content::Scalar(_) => None,
            };
            let Some((next_line, next)) = next else { break };
            (line, node) = (next_line, next);
        }
        line
    }

    /// The node as JSON, its tags left out.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(fields) => fields
                .iter()
                .map(|(name, _, node)| (name.clone(), node.to_json()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    fn size(&self) -> usize {
        match &self.content {
            Content::Scalar(_) => 1,
            Content::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Content::Map(fields) => 1 + fields.iter().map(|(_, _, node)| node.size()).sum::<usize>(),
        }
    }
}

/// The documents of a file; an empty one is a null.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut reader = Reader::default();
    for next in Parser::new_from_str(text) {
        let (event, span) =
            next.map_err(|error| YamlError { line: error.marker().line(), message: error.info().clone() })?;
        reader.take(event, span.start.line())?;
    }
    Ok(reader.documents)
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<(String, usize)>,
}

#[derive(Default)]
struct Reader {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let value = match &tag {
                    Some(tag) if tag.is_yaml_core_schema_tag("str") => Value::String(text.into_owned()),
                    None if style == ScalarStyle::Plain => scalar::plain(&text),
                    _ => Value::String(text.into_owned()),
                };
                let node = Node {
                    line,
                    tag: tag.as_deref().and_then(application_tag),
                    content: Content::Scalar(value),
                };
                self.add(node, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(Content::List(Vec::new()), anchor, tag.as_deref(), line);
            }
            Event::MappingStart(_, anchor, tag) => {
                self.begin(Content::Map(Vec::new()), anchor, tag.as_deref(), line);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { node, anchor, .. }) = self.open.pop() {
                    self.add(node, anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(YamlError {
                        line,
                        message: "an alias stands inside of what it names".to_owned(),
                    });
                };
                self.nodes += node.size();
                self.add(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, content: Content, anchor: usize, tag: Option<&Tag>, line: usize) {
        let tag = tag.and_then(application_tag);
        self.open.push(Open { node: Node { line, tag, content }, anchor, key: None });
    }

    /// A node is complete: it belongs to what is open, or is a document.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let line = node.line;
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(YamlError { line, message: format!("the file has more than {NODES_MAX} values") });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.node.content {
            Content::List(items) => items.push(node),
            Content::Scalar(_) => {}
            Content::Map(fields) => match open.key.take() {
                None => open.key = Some((key_text(&node)?, line)),
                Some((key, _)) if key == "<<" => merge(fields, node),
                Some((key, key_line)) => {
                    if fields.iter().any(|(name, ..)| *name == key) {
                        let message = format!("'{key}' is written twice in one mapping");
                        return Err(YamlError { line: key_line, message });
                    }
                    fields.push((key, key_line, node));
                }
            },
        }
        Ok(())
    }
}

/// A key as Kubernetes reads it: its text, whatever it would be as a value.
fn key_text(node: &Node) -> Result<String, YamlError> {
    match &node.content {
        Content::Scalar(Value::String(text)) => Ok(text.clone()),
        Content::Scalar(other) => Ok(other.to_string()),
        _ => Err(YamlError { line: node.line, message: "a key must be a text".to_owned() }),
    }
}

/// `<<: *defaults`: the fields that the mapping does not have itself.
fn merge(fields: &mut Vec<(String, usize, Node)>, node: Node) {
    let Content::Map(others) = node.content else { return };
    for other in others {
        if !fields.iter().any(|(name, ..)| *name == other.0) {
            fields.push(other);
        }
    }
}

fn application_tag(tag: &Tag) -> Option<String> {
    tag.is_custom().then(|| tag.suffix().trim_start_matches('!').to_owned())
}

#[cfg(test)]
mod tests;
