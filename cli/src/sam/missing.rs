//! What a template asks for and does not get here, in words: what calls its functions on AWS, and what they would
//! notice.
//!
//! Nothing is said of what has no meaning on one machine (roles, policies, tags, deployment), nor of resources that
//! a function reaches by itself (tables, buckets, queues).

use serde_json::Value;

use super::template::Template;
use crate::yaml::{Content, Node};

/// Properties of a function that are missed here, and what that means for it.
const MISSED: [(&str, &str); 11] = [
    ("Events", "only an invocation calls it"),
    ("FunctionUrlConfig", "it has no URL"),
    ("AutoPublishAlias", "it has no versions and no aliases"),
    ("EventInvokeConfig", "no invocation is asynchronous"),
    ("DeadLetterQueue", "no invocation is asynchronous"),
    ("DeadLetterConfig", "no invocation is asynchronous"),
    ("VpcConfig", "it is in this machine's network"),
    ("FileSystemConfigs", "nothing is mounted for it"),
    ("SnapStart", "it starts without a snapshot, and hooks of one do not run"),
    ("DurableConfig", "its executions are not durable"),
    ("CapacityProviderConfig", "an environment of it runs one invocation at a time"),
];
/// Properties that are carried out.
const CARRIED_OUT: [&str; 19] = [
    "Architectures",
    "Code",
    "CodeUri",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "InlineCode",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Runtime",
    "TenancyConfig",
    "Timeout",
    "Tracing",
    "TracingConfig",
];
/// Properties that nobody misses on one machine.
const WITHOUT_MEANING: [&str; 25] = [
    "AssumeRolePolicyDocument",
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "CodeSigningConfigArn",
    "DeploymentPreference",
    "FunctionScalingConfig",
    "ImageConfig",
    "ImageUri",
    "KmsKeyArn",
    "PermissionsBoundary",
    "Policies",
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "PublishToLatestPublished",
    "RecursiveLoop",
    "Role",
    "RolePath",
    "RuntimeManagementConfig",
    "RuntimePolicy",
    "SourceKMSKeyArn",
    "Tags",
    "VersionDeletionPolicy",
    "VersionDescription",
    "SkipFunctionResourceValidation",
    "VersionLifecycle",
];
/// Resources that would call functions, or hold some; and what that means.
const RESOURCES: [(&[&str], &str); 6] = [
    (
        &[
            "AWS::Serverless::Api",
            "AWS::Serverless::HttpApi",
            "AWS::Serverless::WebSocketApi",
            "AWS::ApiGateway::RestApi",
            "AWS::ApiGatewayV2::Api",
            "AWS::AppSync::GraphQLApi",
            "AWS::Serverless::GraphQLApi",
        ],
        "no HTTP API is served",
    ),
    (&["AWS::Lambda::Url"], "functions have no URL"),
    (&["AWS::Lambda::Version", "AWS::Lambda::Alias"], "functions have no versions and no aliases"),
    (
        &["AWS::Lambda::EventSourceMapping", "AWS::Events::Rule", "AWS::Scheduler::Schedule"],
        "only an invocation calls a function",
    ),
    (&["AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine"], "no state machine runs"),
    (
        &["AWS::Serverless::Application", "AWS::CloudFormation::Stack"],
        "functions of other templates are not served",
    ),
];
/// How a loop over resources begins.
const LOOP: &str = "Fn::ForEach";
/// Most names of a kind that are told.
const NAMES_SHOWN: usize = 4;

impl Template<'_> {
    /// What this function is served without, in one line.
    pub(super) fn missed(&self, logical: &str, resource: &Node) -> Option<String> {
        let mut told: Vec<(&str, Vec<String>)> = Vec::new();
        let mut unknown = Vec::new();
        for (property, node) in self.properties(resource) {
            match MISSED.iter().find(|(known, _)| *known == property) {
                Some((_, meaning)) if is_asked_for(property, self.value(resource, property).ok()) => {
                    let what = with_sources(property, node);
                    match told.iter_mut().find(|(known, _)| known == meaning) {
                        Some((_, all)) => all.push(what),
                        None => told.push((meaning, vec![what])),
                    }
                }
                None if !CARRIED_OUT.contains(&property) && !WITHOUT_MEANING.contains(&property) => {
                    unknown.push(property.to_owned());
                }
                _ => {}
            }
        }
        let told = told.into_iter().map(|(meaning, what)| format!("{} ({meaning})", what.join(", ")));
        let unknown =
            (!unknown.is_empty()).then(|| format!("{}, of which nothing is known here", unknown.join(", ")));
        let all: Vec<_> = told.chain(unknown).collect();
        (!all.is_empty()).then(|| format!("{logical} is served without {}", all.join("; ")))
    }
}

/// Resources of the template that would call functions or bring some, each kind of it in one line.
pub(super) fn passed_over<'a>(resources: impl Iterator<Item = (&'a str, &'a Node)>) -> Vec<String> {
    let resources: Vec<_> =
        resources.map(|(name, of)| (name, of.get("Type").and_then(Node::text).unwrap_or_default())).collect();
    let told = RESOURCES.iter().filter_map(|(kinds, meaning)| {
        let of = resources.iter().filter(|(_, kind)| kinds.contains(kind));
        let names: Vec<_> = of.map(|(name, kind)| format!("{name} ({kind})")).collect();
        (!names.is_empty()).then(|| format!("{}: {meaning}", shown(names)))
    });
    let loops: Vec<_> = resources.iter().filter(|(name, _)| name.starts_with(LOOP)).collect();
    let loops = loops.first().map(|(name, _)| format!("{name}: functions that a loop makes are not served"));
    told.chain(loops).collect()
}

/// A property may be there and ask for nothing.
fn is_asked_for(property: &str, value: Option<Value>) -> bool {
    match value {
        // Something that only AWS knows.
        None => true,
        Some(Value::Null) => false,
        Some(value) => property != "SnapStart" || value.get("ApplyOn").is_some_and(|on| on != "None"),
    }
}

/// Of `Events` also which they are.
fn with_sources(property: &str, node: &Node) -> String {
    let ("Events", Content::Map(events)) = (property, &node.content) else { return property.to_owned() };
    let sources = events.iter().map(|(name, _, event)| {
        let kind = event.get("Type").and_then(Node::text).unwrap_or(name);
        let of = |field: &str| event.get("Properties")?.get(field)?.text().map(str::to_uppercase);
        let path = event.get("Properties").and_then(|properties| properties.get("Path")?.text());
        path.map_or_else(
            || kind.to_owned(),
            |path| format!("{kind} {} {path}", of("Method").unwrap_or_else(|| "ANY".to_owned())),
        )
    });
    format!("Events: {}", shown(sources.collect()))
}

fn shown(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    names.truncate(NAMES_SHOWN);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests;
