//! What the caller's shell leaves to the program that it starts.

use std::process::Command;

use serde_json::json;

use crate::harness::{Local, folder, manifest, program};

const CODE: &str = "import os
def handler(event, context):
    status = open('/proc/self/status').read()
    ignored = int(status.split('SigIgn:')[1].split()[0], 16)
    files = [os.path.realpath('/proc/self/fd/' + number) for number in os.listdir('/proc/self/fd')]
    return {'ignored': [number for number in event['signals'] if ignored >> number - 1 & 1],
            'files': [name for name in files if name == event['file']]}
";

#[test]
fn a_function_has_neither_the_shell_s_open_files_nor_the_signals_that_it_ignores() {
    let folder = folder(&[("f.yaml", &manifest("f", CODE, "")), ("held", "")]);
    let wanted =
        program(&["local", folder.to_str().unwrap(), "--listen", "127.0.0.1:0", "--emulator", "off"]);
    let held = folder.join("held");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP QUIT USR1 TSTP; exec 7<\"$0\"; exec \"$@\""]).arg(&held);
    command.arg(wanted.get_program()).args(wanted.get_args());
    command.envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let local = Local::serving(command);
    let event = json!({"signals": [1, 3, 10, 20], "file": held}).to_string();
    assert_eq!(local.invoke("f", &event).json(), json!({"ignored": [], "files": []}));
}
