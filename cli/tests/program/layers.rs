//! Layers of a SAM template, with AWS's unmodified clients for Python and Node.js.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Local, folder, program};
use crate::node::node_from_the_image;

/// Two layers: of files in both, the later one's is seen.
const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Timeout: 20, Layers: [!Ref Base, !Ref Over]}
Resources:
  Base:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: base/, CompatibleRuntimes: [python3.11, nodejs22.x]}
  Over:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: over/, CompatibleRuntimes: [python3.11]}
  Python:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/, Handler: app.handler, Runtime: python3.11}
  Node:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/, Handler: app.handler, Runtime: nodejs22.x}
";
const PYTHON: &str = "import errno, os, socket, subprocess
import shared
ROOT = shared.__file__.split('/python/')[0]
def written():
    try:
        open(os.path.join(ROOT, 'written'), 'w').close()
    except OSError as error:
        return errno.errorcode[error.errno]
def handler(event, context):
    read = lambda name: open(os.path.join(ROOT, name)).read()
    return {'root': ROOT, 'shared': shared.VALUE, 'data': [read('data'), read('base-only')],
            'program': subprocess.check_output(['layer-tool'], text=True), 'written': written(),
            'sandbox': [socket.gethostbyname(name) for name in event],
            'libraries': ROOT + '/lib' in os.environ['LD_LIBRARY_PATH'].split(':')}
";
const NODE: &str = "const shared = require('shared-module');
exports.handler = async () => ({ root: require.resolve('shared-module').split('/nodejs/')[0], shared });";
const EXTENSION: &str = "#!/usr/bin/env python3
import json, os, urllib.request as web
API = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2020-01-01/extension/'
def ask(path, headers, body=None):
    return web.urlopen(web.Request(API + path, body and json.dumps(body).encode(), headers))
own = ask('register', {'Lambda-Extension-Name': os.path.basename(__file__)}, {'events': ['INVOKE']})
name = {'Lambda-Extension-Identifier': own.headers['Lambda-Extension-Identifier']}
while True:
    print('the layer saw', json.load(ask('event/next', name))['eventType'], flush=True)
";

fn project() -> PathBuf {
    node_from_the_image();
    let folder = folder(&[
        ("template.yaml", TEMPLATE),
        ("src/app.py", PYTHON),
        ("src/app.js", NODE),
        ("base/python/shared.py", "VALUE = 'base'"),
        ("base/nodejs/node_modules/shared-module/index.js", "module.exports = 'base';"),
        ("base/data", "base"),
        ("base/base-only", "base"),
        ("base/bin/layer-tool", "#!/bin/sh\nprintf 'from the layer'"),
        ("base/extensions/watcher", EXTENSION),
        ("over/python/shared.py", "VALUE = 'over'"),
        ("over/data", "over"),
    ]);
    for program in ["base/bin/layer-tool", "base/extensions/watcher"] {
        fs::set_permissions(folder.join(program), Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// What the function saw, without where, and the addresses of `names`.
fn seen(local: &Local, names: &[&str]) -> (String, Value) {
    let mut seen = local.invoke("Python", &json!(names).to_string()).json();
    let root = seen["root"].take().as_str().unwrap().to_owned();
    assert_eq!(local.invoke("Node", "{}").json(), json!({"root": root, "shared": "base"}));
    local.wait_for_line("the layer saw INVOKE");
    (root, seen)
}

fn expected(written: &Value, sandbox: &[&str]) -> Value {
    json!({"root": null, "shared": "over", "data": ["over", "base"], "program": "from the layer",
        "written": written, "sandbox": sandbox, "libraries": true})
}

/// Guide, "Packaging your layer content": "Lambda extracts the layer contents into the /opt directory".
#[test]
fn layers_are_in_opt() {
    let local = Local::start(&project(), &[]);
    // Guide, telemetry-api: "The destination … http://sandbox.localdomain:PORT/PATH".
    let (root, seen) = seen(&local, &["sandbox.localdomain", "sandbox", "localhost"]);
    assert_eq!((root.as_str(), seen), ("/opt", expected(&json!("EROFS"), &["127.0.0.1"; 3])));
    let said = local.said().join("\n");
    assert!(said.contains("Node has nodejs22.x, its layer Over is for python3.11"), "{said}");
    assert!(!said.contains("search paths"), "{said}");
}

#[test]
fn layers_are_found_where_there_are_no_mount_namespaces() {
    let folder = project();
    // A user namespace of the test's own, in which none may be made.
    let kubelambda =
        program(&["local", folder.to_str().unwrap(), "--listen", "127.0.0.1:0", "--emulator", "off"]);
    let script = "echo 0 > /proc/sys/user/max_mnt_namespaces && exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", script]).arg(kubelambda.get_program());
    command.args(kubelambda.get_args());
    command.envs(kubelambda.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let local = Local::serving(command);
    let (root, seen) = seen(&local, &[]);
    assert!(root.starts_with(env!("CARGO_TARGET_TMPDIR")), "{root}");
    assert_eq!(seen, expected(&Value::Null, &[]));
    local.wait_for_line(
        "Layers are on the search paths instead of in /opt: there is no mount namespace to be had",
    );
}
