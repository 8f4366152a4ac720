//! What the operator tells a generic environment, once.

use bytes::Bytes;
use domain::log_stream::LogStreamId;
use domain::{AccountId, Region};
use protocol::link::assignment::{Assignment, Code, Idle, Revision};
use protocol::link::environment::ToEnvironment;
use protocol::link::frame::Frame;
use resources::Function;
use resources::function::IdlePolicy;
use resources::rules::zip_bytes;

use super::recipe::Recipe;

/// Why an assignment cannot be made; validation excludes both, so neither is expected.
#[derive(Debug, thiserror::Error)]
pub enum AssignmentError {
    /// The AWS name breaks its rule.
    #[error(transparent)]
    Name(#[from] domain::InvalidName),
    /// The archive cannot be decoded.
    #[error("{0}")]
    Code(String),
}

/// Where a Function lives, in AWS's terms.
#[derive(Debug, Clone)]
pub struct Home {
    /// The account that stands for its namespace.
    pub account: AccountId,
    /// The installation's region.
    pub region: Region,
}

/// The frame that makes an environment `revision`'s.
pub fn assignment(
    function: &Function,
    revision: &Revision,
    recipe: &Recipe,
    home: Home,
    log_stream_id: LogStreamId,
) -> Result<Frame<ToEnvironment>, AssignmentError> {
    let spec = &function.spec;
    let function_name: domain::FunctionName = function.aws_name().parse()?;
    let (code, body) = code(function).map_err(AssignmentError::Code)?;
    let mut variables = recipe.runtime_variables.clone();
    variables.extend(spec.environment.clone().unwrap_or_default().variables);
    let assignment = Assignment {
        revision: revision.clone(),
        log_group: spec.log_group(&function_name),
        function_name,
        account: home.account,
        region: home.region,
        handler: spec.handler.clone(),
        code,
        command: recipe.command.clone(),
        working_directory: recipe.working_directory.clone(),
        variables,
        execution_environment: recipe.execution_environment.clone(),
        memory_mb: spec.memory_size,
        timeout_seconds: spec.timeout,
        ephemeral_storage_mb: spec.ephemeral_storage,
        log_stream_id,
        idle: match spec.idle {
            IdlePolicy::Freeze => Idle::Freeze,
            IdlePolicy::Run => Idle::Run,
        },
        logging: spec.logging(),
        runtime_version: recipe.runtime_version.clone(),
        isolates_tenants: spec.isolates_tenants(),
    };
    Ok(Frame { header: ToEnvironment::Assign(Box::new(assignment)), body })
}

fn code(function: &Function) -> Result<(Code, Bytes), String> {
    let code = &function.spec.code;
    match (&code.inline, &code.zip_file) {
        (Some(files), _) => Ok((Code::Inline { files: files.clone() }, Bytes::new())),
        (None, Some(text)) => Ok((Code::Zip, Bytes::from(zip_bytes(text)?))),
        (None, None) => Ok((Code::Image, Bytes::new())),
    }
}
