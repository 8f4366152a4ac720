//! Functions of a SAM template, or of a CloudFormation template whose code lies beside it.
//!
//! Only what a function needs is looked at; other resources may hold anything. What cannot be known without
//! AWS (an attribute of a table, an import) is an error that names it, unless `--parameter` gives it.

mod function;
mod intrinsics;
mod layers;
mod logging;
mod missing;
mod scope;
mod template;

use std::path::Path;

use crate::manifest::{Schemas, text_of};
use crate::project::{BrokenFunction, Choices, Problem, Project};
use crate::yaml::{self, Content, Node};

/// The file is a template.
pub(crate) fn is_template(path: &Path) -> bool {
    text_of(path).ok().and_then(|text| yaml::read(&text).ok()).is_some_and(|documents| {
        documents
            .first()
            .is_some_and(|root| root.get("Resources").is_some() && root.get("apiVersion").is_none())
    })
}

/// Reads a template into the project; what is wrong with it becomes problems there.
pub(crate) fn read_file(schemas: &Schemas, choices: &Choices, path: &Path, project: &mut Project) {
    let documents = match text_of(path).and_then(|text| yaml::read(&text).map_err(|error| error.to_string()))
    {
        Ok(documents) => documents,
        Err(message) => return project.problems.push(Problem::of_file(path, message)),
    };
    let Some(root) = documents.first() else { return };
    let template = template::Template::new(root, choices, path.parent().unwrap_or(path));
    // Without a line: what was told once is not told again because the file has grown.
    let of_file = |note| format!("{}: {note}", path.display());
    for (name, line, resource) in resources_of(root) {
        let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
        if !matches!(kind, "AWS::Serverless::Function" | "AWS::Lambda::Function") {
            continue;
        }
        match template.function(schemas, name, resource) {
            Ok(function::Read::Function(mut function, notes)) => {
                path.clone_into(&mut function.source);
                let at = |note| format!("{}:{line}: {note}", path.display());
                project.notes.extend(notes.into_iter().map(at));
                project.notes.extend(template.missed(name, resource).map(of_file));
                project.functions.push(*function);
            }
            Ok(function::Read::PassedOver(why)) => {
                project.notes.push(format!("{}:{line}: {name} is passed over: {why}", path.display()));
                project.broken.push(BrokenFunction { name: template.name(name, resource), why });
            }
            Err(all) => {
                let problem = |(field, unresolved): (String, scope::Unresolved)| Problem {
                    file: path.to_owned(),
                    line: Some(unresolved.line),
                    document: None,
                    field: if field.is_empty() { name.to_owned() } else { format!("{name}.{field}") },
                    rule: unresolved.message,
                };
                let problems: Vec<_> = all.into_iter().map(problem).collect();
                let why: Vec<_> = problems.iter().map(Problem::to_string).collect();
                let why = format!("its template is wrong: {}", why.join("; "));
                project.broken.push(BrokenFunction { name: template.name(name, resource), why });
                project.problems.extend(problems);
            }
        }
    }
    let resources = resources_of(root).map(|(name, _, resource)| (name, resource));
    project.notes.extend(missing::passed_over(resources).into_iter().map(of_file));
    if project.functions.is_empty() && project.problems.is_empty() {
        let message = "the template has no function that can be served here".to_owned();
        project.problems.push(Problem::of_file(path, message));
    }
}

fn resources_of(root: &Node) -> impl Iterator<Item = (&str, usize, &Node)> {
    let fields = match root.get("Resources").map(|resources| &resources.content) {
        Some(Content::Map(fields)) => fields.as_slice(),
        _ => &[],
    };
    fields.iter().map(|(name, line, node)| (name.as_str(), *line, node))
}
