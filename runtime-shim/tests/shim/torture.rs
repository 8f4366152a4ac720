//! One environment, many invocations, and a runtime that does whatever a runtime can do wrong.
//!
//! What is done is drawn from a seed, so a run that failed can be repeated: a failure prints the seed, and
//! `KUBELAMBDA_TORTURE_SEED` sets it. After each deed a good invocation must succeed, and then the shim must be
//! what it was before: no zombies, no more descriptors than when it was idle, no more memory.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::RequestId;
use protocol::link::environment::FunctionErrorCause::{Crashed, Init, TimedOut};
use protocol::link::environment::{
    FromEnvironment, FunctionError, FunctionErrorCause, Invoke, Phase, Refusal, ToEnvironment,
};
use protocol::link::frame::{Frame, write_frame};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;

use crate::endurance::{assert_flat, is_soak};
use crate::harness::{Shim, WAIT_SECONDS_MAX, assignment, python, wait_for};
use crate::link::{Link, invoke};

/// Invocations of a sample and of the whole, for each way in which a shim can run.
const INVOCATIONS: [usize; 2] = [150, 10_000];
/// Resident memory is compared between the first and the last of so many parts.
const PARTS: [usize; 2] = [3, 10];
/// What the allocator may keep, in KiB: free memory at the heap's end goes back from 128 KiB on, and payloads of
/// all sizes make it come and go. A sample is too short to even that out.
const SLACK_KIB: [u64; 2] = [256, 128];
/// The seed unless one is set: any number would do.
const SEED: u64 = 20_260_115;
/// Time of an invocation that is to go well, in milliseconds.
const PLENTY_MILLIS: u64 = 20_000;
/// One byte more than a response may have.
const OVERSIZED_BYTES: usize = 6 * 1024 * 1024 + 100 + 1;
/// So short that processes are mostly stopped between two invocations, in milliseconds.
const IDLE_GRACE_MILLIS: &str = "2";
/// Good invocations before everything else.
const WARM_UP: usize = 10;
/// Kinds of deeds.
const KINDS: u64 = 20;
/// How often each kind has its turn before memory is compared.
const TOURS: [u64; 2] = [1, 10];
/// How many of the latest deeds a failure shows.
const HISTORY_MAX: usize = 12;

/// The runtime. An event is words: its number, what to do, with what; the answer is the process's id and the
/// event. It is written for a quick start, because it is started thousands of times.
const RUNTIME: &str = r#"
import os, signal, socket, time

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")

def connect():
    return socket.create_connection((host, int(port)))

def send(link, method, path, body=b"", length=None):
    length = len(body) if length is None else length
    head = f"{method} /2018-06-01/runtime/invocation/{path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    link.sendall(head.encode() + body)

def receive(link):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = link.recv(65536)
        if not piece:
            os._exit(80)
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += link.recv(65536)
    return int(first.split()[1]), headers, body

def post(request, body, expected, kind="response"):
    link = connect()
    send(link, "POST", f"{request}/{kind}", body)
    status = receive(link)[0]
    link.close()
    if status != expected:
        print(f"UNEXPECTED {kind} of {len(body)} bytes for {request}: {status}, not {expected}", flush=True)

def apart(work):
    """Runs in a process forked twice, in a session of its own, deaf. Nobody waits for the one between."""
    if os.fork() == 0:
        try:
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                work()
        finally:
            os._exit(0)

def handle(link, request, event):
    number, do, *words = event.decode().split(" ")
    answer = str(os.getpid()).encode() + b" " + event
    def reply():
        send(link, "POST", f"{request}/response", answer)
        if receive(link)[0] != 202:
            print("UNEXPECTED refusal of the answer", flush=True)
    if do == "echo":
        reply()
    elif do == "error":
        post(request, event, 202, "error")
    elif do == "exit":
        os._exit(int(words[0]))
    elif do == "signal":
        os.kill(os.getpid(), int(words[0]))
        time.sleep(1000)
    elif do == "answer-exit":
        send(link, "POST", f"{request}/response", answer)
        os._exit(3)
    elif do == "answer-hang":
        reply()
        time.sleep(1000)
    elif do == "apart":
        for _ in range(int(words[0])):
            apart(lambda: time.sleep(int(words[1]) / 1000))
        reply()
    elif do == "stale":
        reply()
        def disturb():
            for _ in range(int(words[0])):
                other = connect()
                send(other, "POST", f"{request}/response", b"stale")
                receive(other)
                other.close()
        apart(disturb)
    elif do == "half":
        other = connect()
        send(other, "POST", f"{request}/response", b"only this", 1000)
        if words[0] == "exit":
            os._exit(0)
        if words[0] == "hang":
            time.sleep(1000)
        if words[0] == "shut":
            other.shutdown(socket.SHUT_WR)
            receive(other)
        other.close()
    elif do == "half-head":
        other = connect()
        other.sendall(f"POST /2018-06-01/runtime/invocation/{request}/resp".encode())
        other.close()
        reply()
    elif do == "oversized":
        post(request, b"o" * int(words[0]), 413)
    elif do == "late":
        post(words[0], b"late", int(words[1]))
        reply()
    elif do == "twice":
        reply()
        post(request, b"again", 403)
    elif do == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if words[0] == "apart":
            apart(lambda: time.sleep(1000))
        while words[0] == "busy":
            pass
        time.sleep(1000)
    elif do == "wait":
        while not os.path.exists(words[0]):
            time.sleep(0.001)
        reply()
    else:
        print("UNEXPECTED event", event, flush=True)

link = connect()
while True:
    send(link, "GET", "next")
    status, headers, event = receive(link)
    if status != 200:
        os._exit(81)
    handle(link, headers["lambda-runtime-aws-request-id"], event)
"#;

#[tokio::test]
async fn a_shim_withstands_torture() {
    Torture::run(Shim::start_with(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", IDLE_GRACE_MILLIS)]).await).await;
}

#[tokio::test]
async fn a_shim_withstands_torture_as_pid_one() {
    let shim = Shim::start_as_pid_one(&[("KUBELAMBDA_IDLE_GRACE_MILLIS", IDLE_GRACE_MILLIS)]).await;
    Torture::run(shim).await;
}

/// How an invocation may end.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// With the answer of the runtime.
    Echo,
    /// With the error of the handler.
    Handler,
    /// With an error of the platform's.
    Fails(FunctionErrorCause, &'static str),
}

use Ending::{Echo, Fails, Handler};

const EXITS: Ending = Fails(Crashed, "Runtime.ExitError");
const TIMES_OUT: Ending = Fails(TimedOut, "Sandbox.Timedout");
const TRUNCATED: Ending = Fails(Crashed, "Runtime.TruncatedResponse");

/// What this test itself does to an invocation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meanwhile {
    Nothing,
    /// Kills the idle runtime just before.
    KillsBefore,
    /// Kills the runtime once it has the event.
    KillsRuntime,
    /// Begins an invocation and is gone, before.
    SendsHalfAFrame,
    /// Invokes a second time, over the same link or another.
    InvokesAgain {
        over_the_same: bool,
    },
    /// Is gone before the answer comes, and back before or after it.
    Leaves {
        back_before: bool,
    },
}

#[derive(Debug)]
struct Deed {
    words: String,
    budget_millis: u64,
    meanwhile: Meanwhile,
    endings: &'static [Ending],
}

impl Deed {
    fn new(words: impl Into<String>, endings: &'static [Ending]) -> Self {
        Self { words: words.into(), budget_millis: PLENTY_MILLIS, meanwhile: Meanwhile::Nothing, endings }
    }

    fn within(self, budget_millis: u64) -> Self {
        Self { budget_millis, ..self }
    }

    fn while_test(self, meanwhile: Meanwhile) -> Self {
        Self { meanwhile, ..self }
    }
}

/// What came of an invocation.
#[derive(Debug)]
struct Answer {
    error: Option<FunctionError>,
    body: Vec<u8>,
}

/// SplitMix64: the same numbers for the same seed, for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }
}

struct Torture {
    shim: Shim,
    /// The shim's process, which `unshare` may have started.
    pid: Pid,
    gateways: [Link; 2],
    seed: u64,
    random: Random,
    /// Invocations that ended.
    finished: u64,
    /// The runtime that answered last.
    runtime: Option<Pid>,
    /// The latest invocations that ended by a time-out, and otherwise.
    ended: [Option<RequestId>; 2],
    history: VecDeque<String>,
}

impl Torture {
    async fn run(shim: Shim) {
        let began = Instant::now();
        let mut torture = Self::begin(shim).await;
        let part = usize::from(is_soak());
        // The least of a few looks: the links of the start take a moment to be gone.
        let mut idle_descriptors = usize::MAX;
        for _ in 0..WARM_UP {
            torture.serve().await;
            idle_descriptors = idle_descriptors.min(torture.descriptors());
        }
        let (mut resident, mut deeds) = (Vec::new(), 0);
        while torture.finished < INVOCATIONS[part] as u64 {
            // First each kind in turn, so that what a first use costs is not taken for a leak.
            let kind = if deeds < TOURS[part] * KINDS { deeds % KINDS } else { torture.random.below(KINDS) };
            let deed = torture.draw(kind);
            torture.carry_out(&deed).await;
            torture.recover(idle_descriptors).await;
            if deeds >= TOURS[part] * KINDS {
                resident.push(torture.resident_kib());
            }
            deeds += 1;
        }
        let reports = || torture.shim.log().matches("REPORT RequestId: ").count() as u64;
        wait_for("a report of each invocation", || (reports() >= torture.finished).then_some(())).await;
        assert_eq!(reports(), torture.finished, "each invocation is reported once");
        eprintln!(
            "figures: {} invocations, {deeds} deeds of seed {}, {idle_descriptors} descriptors, {:?}",
            torture.finished,
            torture.seed,
            began.elapsed()
        );
        assert_flat(&resident, resident.len() / PARTS[part], SLACK_KIB[part]);
    }

    async fn begin(shim: Shim) -> Self {
        let mut given = assignment();
        given.command = [python(), "-I", "-S", "-c", RUNTIME].map(str::to_owned).into();
        let first = shim.ready(given).await;
        let mut second = shim.gateway().await;
        second.until_free().await;
        let seed = std::env::var("KUBELAMBDA_TORTURE_SEED").map_or(SEED, |seed| seed.parse().unwrap());
        let started = pid(shim.process.id());
        let is_shim =
            |pid: Pid| fs::read_to_string(proc_file(pid, "comm")).unwrap().starts_with("runtime-shim");
        let pid = if is_shim(started) { started } else { children(started)[0] };
        Self {
            shim,
            pid,
            gateways: [first, second],
            seed,
            random: Random(seed),
            finished: 0,
            runtime: None,
            ended: [None; 2],
            history: VecDeque::new(),
        }
    }

    /// A deed of one of the [`KINDS`]. Only the seed decides on the rest.
    fn draw(&mut self, kind: u64) -> Deed {
        let random = &mut self.random;
        let brief = 20 + random.below(130);
        let go = self.shim.path(&format!("go-{}", self.finished));
        match kind {
            0 => Deed::new("echo", &[Echo]),
            1 => {
                let length = usize::try_from(random.below(600_000)).unwrap();
                Deed::new(format!("echo {}", "x".repeat(length)), &[Echo])
            }
            2 => Deed::new("error", &[Handler]),
            3 => Deed::new(format!("exit {}", random.below(256)), &[EXITS]),
            4 => Deed::new(format!("signal {}", random.one_of(&[6, 9, 11, 15])), &[EXITS]),
            5 => Deed::new("answer-exit", &[Echo]),
            6 => Deed::new(format!("apart {} {}", 1 + random.below(4), random.below(200)), &[Echo]),
            7 => Deed::new(format!("stale {}", 1 + random.below(20)), &[Echo]),
            8 => Deed::new(format!("half {}", random.one_of(&["shut", "close", "exit"])), &[TRUNCATED]),
            9 => Deed::new("half hang", &[TIMES_OUT]).within(brief),
            10 => Deed::new("half-head", &[Echo]),
            11 => {
                let too_large = &[Fails(Crashed, "Function.ResponseSizeTooLarge")];
                Deed::new(format!("oversized {OVERSIZED_BYTES}"), too_large)
            }
            12 => {
                let timed_out = random.flip();
                let old = self.ended[usize::from(!timed_out)];
                let status = if timed_out { 410 } else { 400 };
                let deed = old.map(|old| format!("late {old} {status}"));
                Deed::new(deed.unwrap_or_else(|| "echo".into()), &[Echo])
            }
            13 => Deed::new("twice", &[Echo]),
            14 => Deed::new(format!("hang {}", random.one_of(&["", "busy", "apart"])), &[TIMES_OUT])
                .within(brief),
            // Whichever comes first: the answer or the time-out.
            15 => Deed::new(random.one_of(&["echo", "answer-hang"]), &[Echo, TIMES_OUT]).within(brief / 4),
            16 => {
                let exits_or_starts_anew = &[Echo, EXITS, Fails(Init, "Runtime.ExitError"), TIMES_OUT];
                let budget = random.one_of(&[brief, PLENTY_MILLIS]);
                Deed::new("echo", exits_or_starts_anew).within(budget).while_test(Meanwhile::KillsBefore)
            }
            17 => Deed::new(format!("wait {go}"), &[EXITS]).while_test(Meanwhile::KillsRuntime),
            18 => {
                let meanwhile = Meanwhile::InvokesAgain { over_the_same: random.flip() };
                Deed::new(format!("wait {go}"), &[Echo]).while_test(meanwhile)
            }
            _ => {
                let meanwhile = Meanwhile::Leaves { back_before: random.flip() };
                let meanwhile = random.one_of(&[meanwhile, meanwhile, Meanwhile::SendsHalfAFrame]);
                let (words, budget) =
                    random.one_of(&[("wait", PLENTY_MILLIS), ("exit 1", PLENTY_MILLIS), ("hang ", brief)]);
                match meanwhile {
                    Meanwhile::SendsHalfAFrame => Deed::new("echo", &[Echo]),
                    _ if words == "wait" => Deed::new(format!("wait {go}"), &[Echo]),
                    _ => Deed::new(words, &[]).within(budget),
                }
                .while_test(meanwhile)
            }
        }
    }

    async fn carry_out(&mut self, deed: &Deed) {
        self.remember(deed);
        let by = usize::try_from(self.finished % 2).unwrap();
        let sent = invoke(deed.budget_millis);
        let payload = format!("{} {}", self.finished, deed.words);
        let go = deed.words.strip_prefix("wait ");
        match deed.meanwhile {
            Meanwhile::KillsBefore => self.kill_runtime(),
            Meanwhile::SendsHalfAFrame => self.send_half_a_frame(by, &payload).await,
            _ => {}
        }
        self.gateways[by].send(ToEnvironment::Invoke(Box::new(sent.clone())), payload.clone().into()).await;
        match deed.meanwhile {
            Meanwhile::KillsRuntime => {
                accepted(&mut self.gateways[by], &sent).await;
                self.kill_runtime();
            }
            Meanwhile::InvokesAgain { over_the_same } => {
                accepted(&mut self.gateways[by], &sent).await;
                let over = if over_the_same { by } else { 1 - by };
                refused_busy(&mut self.gateways[over]).await;
                fs::write(go.unwrap(), "").unwrap();
            }
            Meanwhile::Leaves { back_before } => {
                accepted(&mut self.gateways[by], &sent).await;
                self.leave(by, go, back_before).await;
                return;
            }
            _ => {}
        }
        let answer = answer_of(&mut self.gateways[by], &sent).await;
        self.judge(&answer, &sent, &payload, deed.endings);
        self.ended(&answer, &sent).await;
        if let Some(go) = go {
            fs::remove_file(go).unwrap_or_default();
        }
    }

    /// The gateway is gone in the middle of an invocation, which runs on for nobody.
    async fn leave(&mut self, by: usize, go: Option<&str>, back_before: bool) {
        let other = 1 - by;
        if back_before {
            self.gateways[by] = self.shim.gateway().await;
        }
        if let Some(go) = go {
            if back_before {
                refused_busy(&mut self.gateways[by]).await;
            }
            fs::write(go, "").unwrap();
        }
        self.finished += 1;
        free_after(&mut self.gateways[other], self.finished).await;
        if !back_before {
            self.gateways[by] = self.shim.gateway().await;
        }
        free_after(&mut self.gateways[by], self.finished).await;
    }

    async fn send_half_a_frame(&mut self, by: usize, payload: &str) {
        let header = ToEnvironment::Invoke(Box::new(invoke(PLENTY_MILLIS)));
        let mut whole = Vec::new();
        write_frame(&mut whole, &Frame { header, body: payload.to_owned().into() }).await.unwrap();
        let half = 1 + usize::try_from(self.random.below(whole.len() as u64 - 1)).unwrap();
        self.gateways[by].0.write_all(&whole[..half]).await.unwrap();
        self.gateways[by] = self.shim.gateway().await;
        self.gateways[by].until_free().await;
    }

    /// One good invocation.
    async fn serve(&mut self) {
        self.carry_out(&Deed::new("echo", &[Echo])).await;
    }

    /// Good invocations until nothing is left of what went before; what lives apart may need a few to end.
    async fn recover(&mut self, idle_descriptors: usize) {
        let until = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
        loop {
            self.serve().await;
            let (descriptors, zombies) = (self.descriptors(), self.zombies());
            if descriptors <= idle_descriptors && zombies.is_empty() {
                return;
            }
            let left =
                format!("{descriptors} descriptors instead of {idle_descriptors}, zombies {zombies:?}");
            assert!(Instant::now() < until, "{left}: {:?}", self.open_files());
        }
    }

    /// An answer is the invocation's own, and ended in one of these ways.
    fn judge(&mut self, answer: &Answer, sent: &Invoke, payload: &str, endings: &[Ending]) {
        let text = String::from_utf8_lossy(&answer.body);
        let fits = |ending: &Ending| match (ending, &answer.error) {
            (Echo, None) => text.split_once(' ').is_some_and(|(_, echoed)| echoed == payload),
            (Handler, Some(error)) => error.cause == FunctionErrorCause::Handler && text == payload,
            (Fails(cause, error_type), Some(error)) => {
                // Few errors of the platform do without the request's id; none has another's.
                let of_this = text.contains(&format!("RequestId: {} Error", sent.request_id));
                error.cause == *cause
                    && error.error_type == *error_type
                    && (of_this || !text.contains("RequestId"))
            }
            _ => false,
        };
        let start = text.chars().take(300).collect::<String>();
        assert!(endings.iter().any(fits), "{:?} with '{start}', not {endings:?}", answer.error);
        if answer.error.is_none() {
            let told: u32 = text.split(' ').next().unwrap().parse().unwrap();
            self.runtime = children(self.pid).into_iter().find(|pid| innermost_id(*pid) == Some(told));
        }
    }

    async fn ended(&mut self, answer: &Answer, sent: &Invoke) {
        let timed_out = answer.error.as_ref().is_some_and(|error| error.cause == TimedOut);
        self.ended[usize::from(!timed_out)] = Some(sent.request_id);
        self.finished += 1;
        for link in &mut self.gateways {
            free_after(link, self.finished).await;
        }
    }

    fn kill_runtime(&self) {
        kill_process(self.runtime.expect("the runtime that answered is no child"), Signal::KILL).unwrap();
    }

    fn remember(&mut self, deed: &Deed) {
        let mut told = format!("{} {deed:?}", self.finished);
        told.truncate(240);
        self.history.push_back(told);
        if self.history.len() > HISTORY_MAX {
            self.history.pop_front();
        }
    }

    fn zombies(&self) -> Vec<Pid> {
        let is_zombie = |pid: &Pid| {
            let stat = fs::read_to_string(proc_file(*pid, "stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
        };
        children(self.pid).into_iter().filter(is_zombie).collect()
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(proc_file(self.pid, "fd")).expect("only root sees what the shim has open").count()
    }

    fn open_files(&self) -> Vec<String> {
        let links = fs::read_dir(proc_file(self.pid, "fd")).unwrap().flatten();
        links.filter_map(|link| Some(fs::read_link(link.path()).ok()?.display().to_string())).collect()
    }

    fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(proc_file(self.pid, "status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Torture {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let latest: Vec<_> = self.history.iter().map(String::as_str).collect();
            eprintln!("KUBELAMBDA_TORTURE_SEED={} repeats it; the latest deeds:", self.seed);
            eprintln!("{}", latest.join("\n"));
        }
    }
}

/// What comes back of `sent`, up to its end. Nothing may come of any other invocation.
async fn answer_of(link: &mut Link, sent: &Invoke) -> Answer {
    let (mut head, mut body, mut last) = (None, Vec::new(), false);
    loop {
        let frame = link.next().await.unwrap();
        match frame.header {
            FromEnvironment::State(_) => {}
            FromEnvironment::Accepted { attempt } => assert_eq!(attempt, sent.attempt),
            FromEnvironment::Response(part) => {
                assert!(part.attempt == sent.attempt && !last, "{part:?} while {sent:?}");
                head = head.or(part.head);
                body.extend(frame.body);
                last = part.last;
            }
            FromEnvironment::Finished { attempt, .. } => {
                assert!(attempt == sent.attempt && last, "the end of {attempt} while {sent:?}");
                let tail = String::from_utf8_lossy(&frame.body);
                assert!(!tail.contains("UNEXPECTED"), "{tail}");
                return Answer { error: head.unwrap().function_error, body };
            }
            other => panic!("{other:?} while {sent:?}"),
        }
    }
}

async fn accepted(link: &mut Link, sent: &Invoke) {
    link.until(|frame| match frame.header {
        FromEnvironment::State(_) => None,
        FromEnvironment::Accepted { attempt } if attempt == sent.attempt => Some(()),
        other => panic!("{other:?} while {sent:?}"),
    })
    .await;
}

async fn refused_busy(link: &mut Link) {
    let second = invoke(PLENTY_MILLIS);
    link.send(ToEnvironment::Invoke(Box::new(second.clone())), Bytes::from_static(b"second")).await;
    let reason = link.until(|frame| match frame.header {
        FromEnvironment::State(_) => None,
        FromEnvironment::Refused { attempt, reason } if attempt == second.attempt => Some(reason),
        other => panic!("{other:?} while {second:?}"),
    });
    assert_eq!(reason.await, Refusal::Busy);
}

/// Passes over states until the environment is free after this many invocations.
async fn free_after(link: &mut Link, invocations: u64) {
    link.until(|frame| match frame.header {
        FromEnvironment::State(state) => {
            assert!(state.invocations <= invocations, "{state:?} after {invocations}");
            (state.phase == Phase::Free && state.invocations == invocations).then_some(())
        }
        other => panic!("{other:?} while nothing runs"),
    })
    .await;
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

fn proc_file(pid: Pid, name: &str) -> String {
    format!("/proc/{}/{name}", pid.as_raw_nonzero())
}

/// The children of all threads of a process.
fn children(parent: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(proc_file(parent, "task")).unwrap().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|child| pid(child.parse().unwrap())).collect::<Vec<_>>())
        .collect()
}

/// A process's id as it knows it itself.
fn innermost_id(pid: Pid) -> Option<u32> {
    let status = fs::read_to_string(proc_file(pid, "status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.split_whitespace().last()?.parse().ok()
}
