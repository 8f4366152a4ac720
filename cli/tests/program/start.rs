//! The first moments of `kubelambda local`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::harness::{Local, folder, manifest, program, wait_for};

/// Functions of the folder: the more there are, the longer it takes until the catalog is there.
const FUNCTIONS: usize = 300;
/// Requests that are there before anything is served.
const REQUESTS: usize = 8;

#[test]
fn a_request_that_comes_before_the_catalog_waits_for_it() {
    let manifests: Vec<_> = (0..FUNCTIONS)
        .map(|number| manifest(&format!("f{number}"), "def handler(event, context):\n    return event", ""))
        .collect();
    let folder = folder(&[("f.yaml", &manifests.join("---\n"))]);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command =
        program(&["local", folder.to_str().unwrap(), "--listen", &address, "--emulator", "off"]);
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let local = Local::watch(command);
    // They are connected as soon as the port is bound, before the folder was read.
    let streams: Vec<_> = (0..REQUESTS)
        .map(|number| {
            let mut stream = wait_for("the port", || TcpStream::connect(&address).ok());
            let path = format!("/2015-03-31/functions/f{number}/configuration");
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    for mut stream in streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    local.wait_for_line("Ctrl-C ends");
}
