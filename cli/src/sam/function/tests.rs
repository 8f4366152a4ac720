//! Functions as templates have them.

use proptest::prelude::*;

use super::*;
use crate::project::Choices;
use crate::yaml;

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Parameters: {Size: {Default: '256'}}
Globals:
  Function:
    Runtime: python3.11
    Timeout: 7
    Environment: {Variables: {SHARED: yes, OWN: globals}}
Resources:
  Base: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer/}}
";

fn read(function: &str) -> Result<Read, Vec<String>> {
    read_in(TEMPLATE, function)
}

fn read_in(template: &str, function: &str) -> Result<Read, Vec<String>> {
    let folder = std::env::current_exe().unwrap().with_file_name("kubelambda-sam");
    std::fs::create_dir_all(folder.join("layer")).unwrap();
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let text = format!("{template}  F:\n    Type: AWS::Serverless::Function\n    Properties: {function}\n");
    let root = yaml::read(&text).unwrap().remove(0);
    let choices = Choices { region: "r".into(), account: "1".into(), ..Choices::default() };
    let template = Template::new(&root, &choices, &folder);
    let resource = root.get("Resources").unwrap().get("F").unwrap();
    template.function(&Schemas::new(), "F", resource).map_err(|all| {
        all.into_iter().map(|(field, wrong)| format!("{}:{field}: {}", wrong.line, wrong.message)).collect()
    })
}

fn function(text: &str) -> LocalFunction {
    match read(text) {
        Ok(Read::Function(function, _)) => *function,
        Ok(Read::PassedOver(why)) => panic!("{why}"),
        Err(wrong) => panic!("{wrong:?}"),
    }
}

#[test]
fn globals_and_the_function_s_own_are_joined() {
    let read = function(
        "{CodeUri: src, Handler: a.b, MemorySize: !Ref Size, Layers: [!Ref Base], Environment: {Variables: {OWN: 1}}}",
    );
    let spec = &read.function.spec;
    assert_eq!((spec.memory_size, spec.timeout, read.function.aws_name()), (256, 7, "F"));
    assert_eq!(spec.runtime.as_deref(), Some("python3.11"));
    let variables = &spec.environment.as_ref().unwrap().variables;
    assert_eq!((variables["SHARED"].as_str(), variables["OWN"].as_str()), ("true", "1"));
    assert!(matches!(&read.code, LocalCode::Folder(path) if path.ends_with("src")));
    assert!(read.layers[0].ends_with("layer"));
}

#[test]
fn tracing_is_read_as_either_kind_of_template_has_it() {
    use domain::TracingMode::{Active, PassThrough};
    for (properties, expected) in [
        ("", PassThrough),
        ("Tracing: Active", Active),
        ("Tracing: PassThrough", PassThrough),
        ("Tracing: Disabled", PassThrough),
        ("TracingConfig: {Mode: Active}", Active),
    ] {
        let read = function(&format!("{{CodeUri: src, Handler: a.b, {properties}}}"));
        assert_eq!(read.function.spec.tracing(), expected, "{properties}");
    }
    let globals = TEMPLATE.replace("    Timeout: 7\n", "    Timeout: 7\n    Tracing: Active\n");
    let read = |own: &str| match read_in(&globals, &format!("{{CodeUri: src, Handler: a.b, {own}}}")) {
        Ok(Read::Function(function, _)) => function.function.spec.tracing(),
        _ => panic!("{own}"),
    };
    assert_eq!((read(""), read("Tracing: PassThrough")), (Active, PassThrough));
}

#[test]
fn log_and_reserved_concurrency_are_kept() {
    let read = function(
        "{CodeUri: src, Handler: a.b, LoggingConfig: {LogFormat: JSON, LogGroup: g}, \
         ReservedConcurrentExecutions: '2'}",
    );
    let spec = &read.function.spec;
    assert_eq!((spec.logging().is_json(), spec.scaling.max_environments), (true, 2));
    assert_eq!(spec.log_group(&"F".parse().unwrap()), "g");
}

#[test]
fn a_log_group_of_the_template_is_known_by_its_name() {
    let logs = |name: &str| {
        format!("{TEMPLATE}  Logs: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: {name}}}}}\n")
    };
    let own =
        "{CodeUri: src, Handler: a.b, FunctionName: !Sub '${Size}-f', LoggingConfig: {LogGroup: !Ref Logs}}";
    for (name, expected) in [("/own/logs", "/own/logs"), ("!Sub '/aws/lambda/${F}'", "/aws/lambda/256-f")] {
        let Ok(Read::Function(read, notes)) = read_in(&logs(name), own) else { panic!("{name}") };
        assert_eq!(read.function.spec.log_group(&"256-f".parse().unwrap()), expected);
        assert_eq!(notes, [""; 0]);
    }
    // One that is named after itself has no name that could be known.
    let Ok(Read::Function(read, _)) = read_in(&logs("!Ref Logs"), own) else { panic!() };
    assert_eq!(read.function.spec.log_group(&"256-f".parse().unwrap()), "Logs");
}

#[test]
fn a_log_setting_that_only_aws_knows_is_a_note() {
    for config in
        ["{LogFormat: JSON, LogGroup: !GetAtt Base.Name}", "{LogFormat: JSON, LogGroup: !ImportValue logs}"]
    {
        let Ok(Read::Function(read, notes)) =
            read(&format!("{{CodeUri: src, Handler: a.b, LoggingConfig: {config}}}"))
        else {
            panic!("{config}")
        };
        let spec = &read.function.spec;
        assert!(spec.logging().is_json());
        assert_eq!(spec.log_group(&"F".parse().unwrap()), "/aws/lambda/F");
        let [note] = notes.as_slice() else { panic!("{notes:?}") };
        assert!(note.starts_with("F.LoggingConfig.LogGroup is left at its default: "), "{note}");
    }
    let Ok(Read::Function(_, notes)) =
        read("{CodeUri: src, Handler: a.b, LoggingConfig: !ImportValue logging}")
    else {
        panic!()
    };
    assert!(notes.concat().starts_with("F.LoggingConfig is left at its default: "), "{notes:?}");
}

#[test]
fn variables_of_more_than_4_kb_are_refused() {
    // The globals' two have 20 bytes.
    let of = |bytes: usize| {
        let value = "x".repeat(bytes - 20 - "OF".len());
        let function = format!("{{CodeUri: src, Handler: a.b, Environment: {{Variables: {{OF: {value}}}}}}}");
        read(&function).err()
    };
    assert_eq!(of(4_096), None);
    let wrong = of(4_097).unwrap_or_default().concat();
    assert!(wrong.ends_with(":Environment: has 4097 bytes of names and values; at most 4096"), "{wrong}");
}

#[test]
fn what_is_wrong_is_told_at_its_property() {
    let wrong = |text: &str| read(text).err().unwrap_or_default().concat();
    assert!(wrong("{CodeUri: src, Handler: a.b, Timeout: 901}").contains("Timeout: should be less than"));
    assert!(wrong("{CodeUri: src, Handler: a.b, Tracing: Loud}").contains("Tracing: "));
    assert!(wrong("{CodeUri: nowhere, Handler: a.b}").contains("CodeUri: "));
    assert!(wrong("{CodeUri: src}").contains("spec.handler is required"));
    let unknown = wrong("{CodeUri: src, Handler: a.b, Environment: {Variables: {A: !GetAtt T.Arn}}}");
    assert!(unknown.contains("Environment.Variables.A: 'T.Arn' is no attribute"), "{unknown}");
    assert!(matches!(read("{PackageType: Image}"), Ok(Read::PassedOver(_))));
    assert!(matches!(read("{CodeUri: 's3://a/b', Handler: a.b}"), Ok(Read::PassedOver(_))));
    let tenants = "{CodeUri: src, Handler: a.b, TenancyConfig: {TenantIsolationMode: PER_TENANT}}";
    assert!(function(tenants).function.spec.isolates_tenants());
    let shared = "{CodeUri: src, Handler: a.b, TenancyConfig: {TenantIsolationMode: SHARED}}";
    assert!(matches!(read(shared), Err(wrong) if wrong[0].contains("TenancyConfig")));
}

#[test]
fn code_in_the_template_becomes_a_file() {
    let read = function("{InlineCode: 'x = 1', Handler: index.f}");
    assert_eq!(read.function.spec.code.inline.unwrap()["index.py"], "x = 1");
}

proptest! {
    #[test]
    fn no_function_makes_the_reader_panic(text in "\\{(Handler|Timeout|CodeUri|Layers|Environment|Tracing|TracingConfig): [!A-Za-z0-9\\[\\]{} ]{0,20}\\}") {
        let root = yaml::read(&format!("Resources: {{F: {{Properties: {text}}}}}"));
        if let Ok(mut documents) = root {
            let root = documents.remove(0);
            let choices = Choices::default();
            let template = Template::new(&root, &choices, std::path::Path::new("/nowhere"));
            drop(template.function(&Schemas::new(), "F", root.get("Resources").unwrap().get("F").unwrap()));
        }
    }
}
