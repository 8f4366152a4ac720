//! A template, and what any property of its functions is: the function's own or that of `Globals`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::scope::{Scope, Unresolved};
use crate::project::{Choices, LocalCode};
use crate::yaml::{Content, Node};

/// A template, read for its functions.
pub(super) struct Template<'a> {
    pub(super) scope: Scope<'a>,
    folder: PathBuf,
    globals: Option<&'a Node>,
}

/// All that is wrong, each with the property's path.
pub(super) type Wrong = Vec<(String, Unresolved)>;

impl<'a> Template<'a> {
    pub(super) fn new(root: &'a Node, choices: &'a Choices, folder: &Path) -> Self {
        let globals = root.get("Globals").and_then(|globals| globals.get("Function"));
        Self { scope: Scope::new(root, choices), folder: folder.to_owned(), globals }
    }

    /// A property of the function, else of `Globals`; null where neither has it.
    pub(super) fn value(&self, resource: &Node, property: &str) -> Result<Value, Wrong> {
        let own = resource.get("Properties").and_then(|properties| properties.get(property));
        let Some(node) = own.or_else(|| self.globals?.get(property)) else { return Ok(Value::Null) };
        self.scope.value(node).map_err(|error| vec![(property.to_owned(), error)])
    }

    /// What a function's properties are, the globals' where it has none of that name.
    pub(super) fn properties<'n>(&'n self, resource: &'n Node) -> impl Iterator<Item = (&'n str, &'n Node)> {
        let own = resource.get("Properties");
        let fields = |node: Option<&'n Node>| match node.map(|node| &node.content) {
            Some(Content::Map(fields)) => fields.as_slice(),
            _ => &[],
        };
        let globals = fields(self.globals).iter();
        let globals = globals.filter(move |(name, ..)| own.is_none_or(|own| own.get(name).is_none()));
        globals.chain(fields(own)).map(|(name, _, node)| (name.as_str(), node))
    }

    /// Of lists and maps SAM takes the globals' entries, then the function's.
    pub(super) fn both<'n>(&'n self, resource: &'n Node, property: &str) -> [Option<&'n Node>; 2] {
        let own = resource.get("Properties").and_then(|properties| properties.get(property));
        [self.globals.and_then(|globals| globals.get(property)), own]
    }

    pub(super) fn at(&self, uri: &str) -> Result<LocalCode, String> {
        let path = self.folder.join(uri);
        let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        if path.is_dir() { Ok(LocalCode::Folder(path)) } else { Ok(LocalCode::Archive(path)) }
    }
}

/// One property that is wrong.
pub(super) fn wrong(property: &str, resource: &Node, message: String) -> Wrong {
    vec![(property.to_owned(), Unresolved { line: resource.line_of(["Properties", property]), message })]
}
