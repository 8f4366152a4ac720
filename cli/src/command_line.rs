//! What a person types.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use domain::{Qualifier, Region};
use gateway::settings::OtlpFlags;

use crate::endpoint::{ENDPOINT_DEFAULT, ENDPOINT_VARIABLE, Endpoint};
use crate::templates::template_names;
use crate::values::{self, EMULATE_DEFAULT, Emulator, REGION_DEFAULT};

/// The variable that says where `emulate` answers.
pub(crate) const EMULATOR_VARIABLE: &str = "KUBELAMBDA_EMULATOR_LISTEN";
/// The variable that says what is logged about the gateway's work.
pub(crate) const LOG_VARIABLE: &str = "KUBELAMBDA_LOG";

/// What a person who knows nothing yet does first.
const FIRST_STEPS: &str =
    "To begin: `kubelambda local DIR`, and in another terminal `kubelambda invoke NAME --tail`.";

/// AWS Lambda functions, unmodified: on this machine or on any endpoint.
#[derive(Debug, Parser)]
#[command(name = "kubelambda", version, arg_required_else_help = true, after_help = FIRST_STEPS)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the functions of a folder of manifests, or of a SAM template, on this machine
    Local(LocalArguments),
    /// Be the entry point of a Lambda image, in the place of AWS's emulator (aws-lambda-rie)
    Emulate(EmulateArguments),
    /// Send a test event to a function and show what came of it
    Invoke(InvokeArguments),
    /// Turn the output of `aws lambda get-function` into a manifest
    Import(ImportArguments),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LocalArguments {
    /// Folder with manifests or a SAM template, or one such file
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Where the Lambda API is served; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000", value_parser = values::address)]
    pub(crate) listen: SocketAddr,
    /// Let invocations run as long as they like, so that a debugger can attach
    #[arg(long)]
    pub(crate) debug: bool,
    /// Where the first function also answers on the path of AWS's emulator, or `off` [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS|off")]
    pub(crate) emulator: Option<Emulator>,
    /// Where metrics are served, if they are wanted
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Value of a template's parameter or of a resource's attribute (`Table.Arn`)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) parameters: Vec<(String, String)>,
    /// The region that functions see
    #[arg(long, env = "AWS_REGION", default_value = REGION_DEFAULT, value_parser = values::region)]
    pub(crate) region: Region,
    /// How long an environment without an invocation is kept, where the function does not say it
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) idle_timeout: u32,
    #[command(flatten)]
    pub(crate) otlp: OtlpFlags,
}

#[derive(Debug, Args)]
pub(crate) struct EmulateArguments {
    /// Where the function answers on the emulator's path
    #[arg(
        long,
        value_name = "ADDRESS",
        env = EMULATOR_VARIABLE,
        default_value = EMULATE_DEFAULT,
        value_parser = values::container_address
    )]
    pub(crate) listen: SocketAddr,
    /// The region that the function sees
    #[arg(long, env = "AWS_REGION", default_value = REGION_DEFAULT, value_parser = values::region)]
    pub(crate) region: Region,
    /// The command that starts the runtime; without one, the image's bootstrap
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InvokeArguments {
    /// The function: its name, or an ARN
    pub(crate) name: String,
    /// File with the event, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    pub(crate) event: Option<PathBuf>,
    /// An event that is built in
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(template_names()))]
    pub(crate) template: Option<String>,
    /// Where the Lambda API is
    #[arg(
        long,
        value_name = "URL",
        env = ENDPOINT_VARIABLE,
        default_value = ENDPOINT_DEFAULT
    )]
    pub(crate) endpoint: Endpoint,
    /// Version or alias
    #[arg(long)]
    pub(crate) qualifier: Option<Qualifier>,
    /// File with the client context (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) client_context: Option<PathBuf>,
    /// Show the end of the log; of a failed invocation it is always shown
    #[arg(long)]
    pub(crate) tail: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The JSON that `aws lambda get-function` printed, or `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
    /// The function's code, as downloaded from the answer's `Code.Location`
    #[arg(long, value_name = "FILE")]
    pub(crate) zip: Option<PathBuf>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    if name.is_empty() {
        Err("must be NAME=VALUE".to_owned())
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
