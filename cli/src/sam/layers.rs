//! Layers of a template's function: folders and archives beside the template.

use std::path::PathBuf;

use serde_json::Value;

use super::scope::Unresolved;
use super::template::{Template, Wrong};
use crate::project::LocalCode;
use crate::yaml::{Content, Node};

impl Template<'_> {
    /// A function's layers, in order, and what is worth knowing of them. AWS as well takes a layer for whatever
    /// runtime; that it names others is told, since its modules then lie where nobody looks.
    pub(super) fn layers(
        &self,
        logical: &str,
        resource: &Node,
    ) -> Result<(Vec<PathBuf>, Vec<String>), Wrong> {
        let (mut paths, mut notes) = (Vec::new(), Vec::new());
        let runtime = self.value(resource, "Runtime")?;
        for layers in self.both(resource, "Layers").into_iter().flatten() {
            let Content::List(items) = &layers.content else { continue };
            for item in items {
                let layer = self.layer(item).map_err(|message| {
                    vec![("Layers".to_owned(), Unresolved { line: item.line, message })]
                })?;
                if let Some(compatible) = layer.compatible.filter(|compatible| !compatible.contains(&runtime))
                {
                    let (runtime, compatible) = (text(&runtime), texts(&compatible));
                    notes.push(format!(
                        "{logical} has {runtime}, its layer {} is for {compatible}",
                        layer.name
                    ));
                }
                paths.push(layer.path);
            }
        }
        Ok((paths, notes))
    }

    fn layer(&self, item: &Node) -> Result<Layer, String> {
        let name =
            logical_name(item).ok_or("only layers of this template can be used: !Ref the LayerVersion")?;
        let layer = self.scope.resource(&name).ok_or_else(|| format!("there is no resource '{name}'"))?;
        let properties = layer.get("Properties");
        let uri = ["ContentUri", "Content"].iter().find_map(|field| properties?.get(field));
        let uri = uri.ok_or_else(|| format!("{name} has no ContentUri"))?;
        let uri = self.scope.value(uri).map_err(|error| error.message)?;
        let uri = uri.as_str().filter(|uri| !uri.contains("://"));
        let uri = uri.ok_or_else(|| {
            format!("{name} is in S3; local mode takes a folder or a zip file as its ContentUri")
        })?;
        let path = match self.at(uri)? {
            LocalCode::Folder(path) | LocalCode::Archive(path) => path,
            LocalCode::Manifest | LocalCode::Image { .. } => return Err(format!("{name} has no content")),
        };
        let compatible = properties.and_then(|all| all.get("CompatibleRuntimes"));
        let compatible = compatible.and_then(|list| self.scope.value(list).ok()?.as_array().cloned());
        Ok(Layer { name, path, compatible })
    }
}

struct Layer {
    name: String,
    path: PathBuf,
    compatible: Option<Vec<Value>>,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("no runtime")
}

fn texts(values: &[Value]) -> String {
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// The logical name in `!Ref Layer`, before it is resolved.
fn logical_name(item: &Node) -> Option<String> {
    let referred = if item.tag.as_deref() == Some("Ref") { item.text() } else { item.get("Ref")?.text() };
    referred.map(str::to_owned)
}
