//! Traces, from AWS's unmodified X-Ray library inside a function to the OpenTelemetry Collector.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Local, folder, manifest, wait_for};

const ROOT: &str = "1-581cf771-a006649127e371903a2de979";
const TRACE: &str = "581cf771a006649127e371903a2de979";
const CALLER: &str = "6b55dcc497934f1a";

/// Nested subsegments with an annotation and metadata, an HTTP call and an exception.
const CODE: &str = "import sys
sys.path.insert(0, 'LIBRARY')
from aws_xray_sdk.core import xray_recorder
def handler(event, context):
    with xray_recorder.in_subsegment('outer') as outer:
        outer.put_annotation('customer', event['customer'])
        outer.put_metadata('request', event)
        with xray_recorder.in_subsegment('inner', namespace='remote') as inner:
            inner.put_http_meta('url', 'http://example.test/path')
            inner.put_http_meta('method', 'GET')
            inner.put_http_meta('status', 503)
    try:
        with xray_recorder.in_subsegment('failing'):
            raise ValueError('no such customer')
    except ValueError:
        pass
    return 'traced'
";

/// The file's folder in the project's target.
fn target(path: &str, made_by: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(path);
    assert!(path.exists(), "{} is missing: run {made_by}", path.display());
    path.canonicalize().unwrap()
}

/// The OpenTelemetry Collector, with a receiver for OTLP over HTTP and a file for what came.
struct Collector {
    child: Child,
    address: String,
    file: PathBuf,
}

/// A span, with the attributes of its resource and its own.
#[derive(Debug)]
struct Span {
    told: Value,
    resource: HashMap<String, String>,
    attributes: HashMap<String, String>,
}

impl Collector {
    fn start(folder: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let file = folder.join("spans.json");
        let configuration = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: '{address}'}}}}}}}}\n\
             exporters: {{file: {{path: '{}', flush_interval: 50ms}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}}}\n  \
             pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}\n",
            file.display()
        );
        let path = folder.join("collector.yaml");
        fs::write(&path, configuration).unwrap();
        let mut command = Command::new(target("tools/bin/collector", "tests/collector/build.sh"));
        command.arg("--config").arg(&path).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(folder.join("collector.log")).unwrap());
        let collector = Self { child: command.spawn().unwrap(), address, file };
        wait_for("the collector", || std::net::TcpStream::connect(&collector.address).ok());
        collector
    }

    /// Every span that came so far.
    fn spans(&self) -> Vec<Span> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        // The last line may not be whole yet.
        let requests = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut spans = Vec::new();
        for of in requests.flat_map(|request| list(&request["resourceSpans"])) {
            for told in list(&of["scopeSpans"]).iter().flat_map(|scoped| list(&scoped["spans"])) {
                let resource = plain(&of["resource"]["attributes"]);
                spans.push(Span { resource, attributes: plain(&told["attributes"]), told });
            }
        }
        spans
    }

    /// Waits until a span of each of these names came.
    fn until(&self, names: &[&str]) -> Vec<Span> {
        let what = format!("spans {names:?}");
        wait_for(&what, || {
            let spans = self.spans();
            names.iter().all(|name| spans.iter().any(|span| span.told["name"] == **name)).then_some(spans)
        })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

fn plain(attributes: &Value) -> HashMap<String, String> {
    let pairs = attributes.as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value = |pair: &Value| pair["value"].as_object().and_then(|one| one.values().next().map(text));
    pairs.map(|pair| (text(&pair["key"]), value(pair).unwrap_or_default())).collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.told["name"] == name).unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
}

fn of_origin<'a>(spans: &'a [Span], origin: &str) -> &'a Span {
    let is = |span: &&Span| span.attributes.get("aws.xray.origin").map(String::as_str) == Some(origin);
    spans.iter().find(is).unwrap_or_else(|| panic!("no {origin}: {spans:#?}"))
}

fn traced(folder_of: &Path, tracing: &str) -> PathBuf {
    let library = target("runtime-clients/xray", "tests/make/runtime-clients");
    let code = CODE.replace("LIBRARY", library.to_str().unwrap());
    let more = format!("  tracingConfig: {{mode: {tracing}}}\n");
    let functions = folder_of.join("functions");
    fs::create_dir_all(&functions).unwrap();
    fs::write(functions.join("f.yaml"), manifest("traced", &code, &more)).unwrap();
    functions
}

fn serve(functions: &Path, collector: &Collector) -> Local {
    let endpoint = format!("http://{}", collector.address);
    Local::start_with(functions, &[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)])
}

#[test]
fn an_unmodified_library_s_subsegments_and_the_platform_s_segments_are_one_trace() {
    let folder = folder(&[]);
    let collector = Collector::start(&folder);
    let local = serve(&traced(&folder, "Active"), &collector);
    let header = format!("Root={ROOT};Parent={CALLER};Sampled=1");
    let answer = local.invoke_with("traced", r#"{"customer": "c"}"#, &[("X-Amzn-Trace-Id", &header)]);
    assert_eq!(answer.body, "\"traced\"", "{answer:?}");
    let spans =
        collector.until(&["outer", "inner", "failing", "Initialization", "Invocation", "Overhead", "traced"]);
    let (service, own) = (of_origin(&spans, "AWS::Lambda"), of_origin(&spans, "AWS::Lambda::Function"));
    assert_eq!((&service.told["parentSpanId"], &service.told["kind"]), (&CALLER.into(), &2.into()));
    assert_eq!(own.told["parentSpanId"], service.told["spanId"]);
    for name in ["Initialization", "Invocation", "Overhead", "outer", "failing"] {
        assert_eq!(named(&spans, name).told["parentSpanId"], own.told["spanId"], "{name}");
    }
    assert_eq!(named(&spans, "inner").told["parentSpanId"], named(&spans, "outer").told["spanId"]);
    assert!(
        spans.iter().all(|span| span.told["traceId"] == TRACE && span.resource["service.name"] == "traced")
    );
    let (outer, inner) = (named(&spans, "outer"), named(&spans, "inner"));
    assert_eq!(outer.attributes["customer"], "c");
    assert_eq!(outer.attributes["aws.xray.metadata.default"], r#"{"request":{"customer":"c"}}"#);
    assert_eq!(inner.attributes["http.response.status_code"], "503");
    assert_eq!(
        (&inner.told["kind"], &inner.attributes["url.full"]),
        (&3.into(), &"http://example.test/path".into())
    );
    let failing = named(&spans, "failing");
    assert_eq!(
        (&failing.told["status"]["code"], &failing.told["status"]["message"]),
        (&2.into(), &"no such customer".into())
    );
    let exception = plain(&failing.told["events"][0]["attributes"]);
    assert_eq!(exception["exception.type"], "ValueError");
    assert!(exception["exception.stacktrace"].contains("handler"), "{exception:?}");
    assert_eq!(own.attributes["faas.invocation_id"], answer.header("x-amzn-requestid").unwrap());
    within(named(&spans, "outer"), named(&spans, "Invocation"));
    within(named(&spans, "Invocation"), own);
}

#[test]
fn an_error_that_a_handler_lets_out_is_told_with_the_function_s_segment_and_fails_no_other_of_the_platform_s()
{
    let folder = folder(&[]);
    let collector = Collector::start(&folder);
    let local = serve(&traced(&folder, "Active"), &collector);
    let header = format!("Root={ROOT};Parent={CALLER};Sampled=1");
    let answer = local.invoke_with("traced", "{}", &[("X-Amzn-Trace-Id", &header)]);
    assert!(answer.body.contains("KeyError"), "{answer:?}");
    // Both of the platform's segments have the function's name.
    let segments = |spans: &Vec<Span>| spans.iter().filter(|span| span.told["name"] == "traced").count();
    let both = || Some(collector.until(&["outer"])).filter(|spans| segments(spans) == 2);
    let spans = wait_for("both segments", both);
    let (service, own) = (of_origin(&spans, "AWS::Lambda"), of_origin(&spans, "AWS::Lambda::Function"));
    assert_eq!((&own.told["status"]["code"], &service.told["status"]["code"]), (&2.into(), &Value::Null));
    for span in [own, named(&spans, "outer")] {
        let exception = plain(&span.told["events"][0]["attributes"]);
        assert_eq!(exception["exception.type"], "KeyError");
        assert_eq!(exception["exception.message"], "'customer'");
        assert!(exception["exception.stacktrace"].contains("handler"), "{exception:?}");
    }
}

/// The child's times are within the parent's: both are by the environment's clock.
fn within(child: &Span, parent: &Span) {
    let time = |span: &Span, key: &str| span.told[key].as_str().unwrap().parse::<u64>().unwrap();
    let (start, end) = ("startTimeUnixNano", "endTimeUnixNano");
    assert!(
        time(parent, start) <= time(child, start) && time(child, end) <= time(parent, end),
        "{child:#?} in {parent:#?}"
    );
}

#[test]
fn what_is_not_sampled_is_not_told_and_pass_through_adds_nothing() {
    let folder = folder(&[]);
    let collector = Collector::start(&folder);
    let local = serve(&traced(&folder, "PassThrough"), &collector);
    // The library keeps what it knows of a trace until another one comes.
    for (root, sampled) in [(ROOT.replace("a2de979", "0000000"), 0), (ROOT.to_owned(), 1)] {
        let header = format!("Root={root};Parent={CALLER};Sampled={sampled}");
        local.invoke_with("traced", r#"{"customer": "c"}"#, &[("X-Amzn-Trace-Id", &header)]);
    }
    let spans = collector.until(&["outer", "inner", "failing"]);
    assert!(spans.len() == 3 && spans.iter().all(|span| span.told["traceId"] == TRACE), "{spans:#?}");
    assert_eq!(named(&spans, "outer").told["parentSpanId"], CALLER);
}

#[test]
fn a_wrong_endpoint_is_told_by_its_name() {
    let folder = folder(&[("f.yaml", &manifest("f", "def handler(event, context):\n    return 1", ""))]);
    let arguments = [
        "local",
        folder.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--emulator",
        "off",
        "--otlp-endpoint",
        "here",
    ];
    let (output, said) = crate::harness::run(&arguments, "");
    assert!(!output.status.success() && said.contains("--otlp-endpoint here: it must be http://"), "{said}");
}
