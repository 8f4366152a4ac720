//! Logs that are too much, too long or no text: the invocation is not lost, the shim does not grow past its bounds,
//! and what is dropped is counted and said.
//!
//! The bounds: 1 MiB waits for standard output, 256 KiB are a line, 1 MiB a framed record, 64 KiB a look at the
//! pipe, 4 KiB the tail; for each subscription of an extension 2 MiB wait and 1 MiB is on its way.

use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::time::Instant;

use serde_json::json;

use crate::extensions::{RECORDER, all, recorded, shim_with};
use crate::harness::{Shim, assignment, fresh_folder, wait_for};
use crate::link::invoke;

/// What the log may cost a shim at most without extensions, in KiB: all of its bounds, and as much again for what an
/// allocator keeps while buffers grow.
const LOG_KIB_MAX: u64 = 2 * (1_024 + 256 + 1_024 + 64 + 4);
/// The same for one subscription.
const SUBSCRIPTION_KIB_MAX: u64 = 2 * (2 * 1_024 + 2 * 1_024);

/// Of `/proc`'s times, on every architecture that Linux runs on today.
const TICKS_A_SECOND: u64 = 100;

/// CPU time of the shim so far.
fn busy_ticks(shim: &Shim) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", shim.process.id())).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Writes so many lines as fast as it can and tells how many a second that were.
fn flood(lines: usize) -> String {
    let code = format!(
        "line = b'l' * 79 + b'\\n'\nbegun = time.monotonic()\nfor _ in range({lines} // 1000):\n    os.write(1, line * 1000)\n\
         answer = {lines} / (time.monotonic() - begun)"
    );
    json!({"run": code}).to_string()
}

#[tokio::test]
async fn a_hundred_thousand_lines_a_second_are_all_written_within_the_bound() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    gateway.run(&json!({})).await.succeeded();
    let (before, busy) = (shim.resident_kib(), busy_ticks(&shim));
    let lines = 500_000_usize;
    let outcome = gateway.run_with(invoke(60_000), &flood(lines)).await;
    let rate = outcome.succeeded().json().as_f64().unwrap();
    let grown = shim.memory_kib("VmHWM:").saturating_sub(before);
    let busy = busy_ticks(&shim) - busy;
    eprintln!(
        "figures: {rate:.0} lines a second, {busy}0 ms of CPU, resident memory at most {grown} KiB more"
    );
    assert!(grown <= LOG_KIB_MAX, "{grown} KiB");
    // Of a processor of its own the shim needs less than all for 100,000 a second; a test shares its processor.
    assert!(busy < lines as u64 / 100_000 * TICKS_A_SECOND, "{busy} hundredths of a second");
    // The log's reader is a file here, which never makes it wait: nothing is lost.
    let written = || Some(shim.log().matches("lll\n").count()).filter(|count| *count == lines);
    wait_for("every line", written).await;
    assert!(outcome.tail.ends_with(" MB\t\n") && outcome.tail.len() <= 4_096 + 2);
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_nothing_and_what_is_dropped_is_said() {
    let folder = fresh_folder();
    let fifo = folder.join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Opened for both, so that neither end waits for the other.
    let mut reader = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    assert!(reader.metadata().unwrap().file_type().is_fifo());
    let mut command = Shim::command(&folder);
    command.stdout(reader.try_clone().unwrap());
    let shim = Shim::run(command, folder).await;
    let mut gateway = shim.ready(assignment()).await;
    gateway.run(&json!({})).await.succeeded();
    let before = shim.resident_kib();
    let outcome = gateway.run_with(invoke(60_000), &flood(100_000)).await;
    outcome.succeeded();
    let grown = shim.memory_kib("VmHWM:").saturating_sub(before);
    assert!(grown <= LOG_KIB_MAX, "{grown} KiB");
    gateway.run(&json!({})).await.succeeded();
    // Somebody reads again: first what waited, then how much is missing, once there is a line to say it before.
    let text = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let shared = text.clone();
    std::thread::spawn(move || {
        let mut piece = vec![0; 65_536];
        while let Ok(length @ 1..) = reader.read(&mut piece) {
            shared.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    });
    let begun = Instant::now();
    let lost = loop {
        gateway.run(&json!({"print": "more\n"})).await.succeeded();
        let found = text.lock().unwrap();
        let said = found.lines().find(|line| line.contains("log lines were dropped"));
        if let Some(said) = said {
            break said.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap();
        }
        assert!(begun.elapsed().as_secs() < 20, "nothing was said");
    };
    let written = text.lock().unwrap().matches("lll\n").count();
    // Lines of the platform's may be among the lost ones.
    assert!((100_000..100_010).contains(&(written + lost)), "{written} written, {lost} lost");
}

#[tokio::test]
async fn a_line_of_a_megabyte_and_bytes_that_are_no_text_pass() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    gateway.run(&json!({})).await.succeeded();
    let before = shim.resident_kib();
    let code = r#"
os.write(1, b"m" * 1048576 + b"\n")
os.write(1, bytes(range(256)) * 16 + b"\n")
os.write(2, b"\xa5\x5a\x00")
os.write(1, b"no end")
answer = True
"#;
    let outcome = gateway.run_with(invoke(20_000), &json!({"run": code}).to_string()).await;
    outcome.succeeded();
    let grown = shim.memory_kib("VmHWM:").saturating_sub(before);
    assert!(grown <= LOG_KIB_MAX, "{grown} KiB");
    // What has no end stays behind, and is there once its writer is gone.
    gateway.run(&json!({"do": "exit"})).await;
    shim.log_with("no end\n").await;
    let log = std::fs::read(shim.folder.join("log")).unwrap();
    let of = |byte: u8| log.split(|found| *found == byte).count() - 1;
    assert!(of(b'm') >= 1_048_576 && of(0xFF) == 16, "{} {}", of(b'm'), of(0xFF));
    // In pieces of a CloudWatch event's size.
    let longest = log.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
    assert!(longest < 256 * 1024, "{longest}");
    gateway.run(&json!({})).await.succeeded();
}

#[tokio::test]
async fn frames_keep_records_whole_and_broken_ones_cost_nothing() {
    let shim = Shim::start().await;
    let mut gateway = shim.ready(assignment()).await;
    let code = r#"
import struct
log = int(os.environ["_LAMBDA_TELEMETRY_LOG_FD"])
def frame(kind, message, length=None):
    return struct.pack(">III", 0xA55A0000 | kind, len(message) if length is None else length, 0) + struct.pack(">I", 1) + message
for level in range(7):
    for text in (0, 1):
        os.write(log, frame(level << 2 | 2 | text, b'{"level":%d,\n"text":%d}' % (level, text)))
os.write(log, frame(5, b"no timestamp") + b"\n")
os.write(log, frame(0x7F, b"no such level") + b"\n")
os.write(log, frame(0xF, b"too long", 0x7FFFFFFF) + b"\n")
os.write(log, frame(0xF, b"t" * 65000) * 1)
print("after", flush=True)
answer = True
"#;
    let outcome = gateway.run_with(invoke(20_000), &json!({"run": code}).to_string()).await;
    outcome.succeeded();
    let log = shim.log_with("t\nafter\n").await;
    for level in 0..7 {
        for text in 0..2 {
            assert!(log.contains(&format!("{{\"level\":{level},\n\"text\":{text}}}\n")), "{level} {text}");
        }
    }
    for broken in ["no timestamp\n", "no such level\n", "too long\n", "t\nafter\n"] {
        assert!(log.contains(broken), "{broken}");
    }
    // A frame that its writer left unfinished is given when the writer is gone, and the next life is not touched.
    let half = json!({"run": "os.write(int(os.environ['_LAMBDA_TELEMETRY_LOG_FD']), bytes.fromhex('a55a000f000000100000000000000001') + b'half')\nos._exit(1)"});
    gateway.run(&half).await;
    let outcome = gateway.run_with(invoke(20_000), r#"{"print":"next\n"}"#).await;
    assert!(outcome.tail.contains("\nnext\n"), "{}", outcome.tail);
    shim.log_with("half\n").await;
}

#[tokio::test]
async fn a_subscriber_that_does_not_keep_up_loses_events_which_are_counted() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    assignment.memory_mb = 1_024;
    assignment.logging.format = domain::log_format::LogFormat::Json;
    let body = json!({
        "schemaVersion": "2022-12-13",
        "types": ["platform", "function"],
        "buffering": {"timeoutMs": 25, "maxItems": 10_000, "maxBytes": 1_048_576},
        "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:HTTP_PORT/"},
    });
    assignment.variables.insert("EXTENSION_TELEMETRY".into(), body.to_string());
    let mut gateway = shim.ready(assignment).await;
    gateway.run(&json!({})).await.succeeded();
    let before = shim.resident_kib();
    gateway.run_with(invoke(60_000), &flood(200_000)).await.succeeded();
    let grown = shim.memory_kib("VmHWM:").saturating_sub(before);
    eprintln!("figures: resident memory at most {grown} KiB more with a subscriber");
    assert!(grown <= LOG_KIB_MAX + SUBSCRIPTION_KIB_MAX, "{grown} KiB");
    let events = || -> Vec<serde_json::Value> {
        all(&shim, "batch").iter().flat_map(|batch| batch.as_array().unwrap().clone()).collect()
    };
    let begun = Instant::now();
    let (kept, lost) = loop {
        // Frozen between invocations; each lets it read more.
        gateway.run_with(invoke(20_000), &json!({"do": "sleep", "seconds": 1}).to_string()).await.succeeded();
        let events = events();
        let kept = events
            .iter()
            .filter(|event| event["record"].as_str().is_some_and(|line| line.starts_with("lll")));
        let lost = events.iter().filter(|event| event["type"] == "platform.logsDropped");
        let lost: u64 = lost.map(|event| event["record"]["droppedRecords"].as_u64().unwrap()).sum();
        let kept = kept.count() as u64;
        if kept + lost >= 200_000 {
            break (kept, lost);
        }
        assert!(begun.elapsed().as_secs() < 25, "{kept} events and {lost} lost");
    };
    assert!(lost > 0 && kept > 0, "{kept} {lost}");
    // Records of the platform's may be among the lost ones.
    assert!(kept + lost < 200_010, "{kept} {lost}");
    // The log says it, too.
    let said = shim.log_with("\"type\":\"platform.logsDropped\"").await;
    let said = said.lines().find(|line| line.contains("platform.logsDropped")).unwrap();
    let said: serde_json::Value = serde_json::from_str(said).unwrap();
    assert!(said["record"]["droppedRecords"].as_u64().unwrap() > 0, "{said}");
    assert!(said["record"]["droppedBytes"].is_u64() && said["record"]["reason"].is_string(), "{said}");
}

#[tokio::test]
async fn resets_with_another_port_each_leave_one_subscription_behind() {
    let shim = shim_with(&[("recorder", RECORDER)]).await;
    let mut assignment = recorded(&shim, "");
    assignment.memory_mb = 1_024;
    let body = json!({
        "schemaVersion": "2022-12-13",
        "types": ["function"],
        "buffering": {"timeoutMs": 30_000, "maxItems": 10_000, "maxBytes": 1_048_576},
        "destination": {"protocol": "TCP", "port": "PORT"},
    });
    assignment
        .variables
        .insert("EXTENSION_TELEMETRY".into(), body.to_string().replace("\"PORT\"", "TCP_PORT"));
    let mut gateway = shim.ready(assignment).await;
    gateway.run_with(invoke(20_000), "{}").await.succeeded();
    let before = shim.resident_kib();
    // What is written as the last thing finds nobody to take it until the next life.
    let last_words = json!({"run": "os.write(1, (b'l' * 9_999 + b'\\n') * 200)\nos._exit(1)"}).to_string();
    for _ in 0..6 {
        gateway.run_with(invoke(20_000), &last_words).await;
    }
    let grown = shim.resident_kib().saturating_sub(before);
    eprintln!("figures: resident memory {grown} KiB more after six resets");
    assert!(grown <= LOG_KIB_MAX + SUBSCRIPTION_KIB_MAX, "{grown} KiB");
    gateway.run_with(invoke(20_000), "{}").await.succeeded();
}
