//! Do sessions with programs and over a real sshd hold, and what is said when they do not?
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use failover_harness::backend::SimBackend;
use failover_harness::backend::lab::clock::WallClock;
use failover_harness::backend::lab::hooks::Hooks;
use failover_harness::backend::lab::journal::State;
use failover_harness::backend::lab::protocol::{Call, Marker};
use failover_harness::backend::lab::reach::Host;
use failover_harness::backend::lab::session::{Needs, Session, SessionError};
use failover_harness::backend::lab::transport::{Ends, Place, Programs, RHYTHM, RemoteLab, Transport};
use failover_harness::backend::lab::twin::{Dialect, Fault, Mishap, RealTimeTwin};
use failover_harness::backend::lab::{LabBackend, Rhythm};
use failover_harness::check::Outcome;
use failover_harness::director;
use failover_harness::judge::Judgement;
use failover_harness::plan::Plan;
use failover_sim::names::NodeId;
use failover_sim::observe::{Fact, Flow, Record, Sink};
use tempfile::TempDir;

/// The scenarios that run in real time.
const PLANNED_MOVE: &str = "cluster/planned_move";
const POWER_OFF: &str = "cluster/owner_power_off";
/// Real time, multiplied: a minute is six seconds.
const SPEED: u32 = 10;

struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: &Record) -> Flow {
        Flow::Continue
    }
}

/// A program that stands for `powershell.exe`.
fn program(folder: &Path, text: &str) -> Programs {
    let path = folder.join("powershell");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    Programs { power_shell: path, ..Programs::default() }
}

/// The program that gets its answers from a twin.
fn host_program(folder: &Path, twin: &RealTimeTwin) -> Programs {
    let host = env!("CARGO_BIN_EXE_failover-session-host");
    program(folder, &format!("FAILOVER_TWIN={} exec '{host}' \"$@\"", twin.address()))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn session(programs: &Programs) -> Result<Session, SessionError> {
    let place = Place { name: "NODE1".to_owned(), transport: Transport::Local };
    Session::open(programs.open(&place)?, Marker::of("test"))
}

fn greet(programs: &Programs) -> String {
    let mut session = session(programs).expect("the program can be started");
    session.greet(&WallClock::begin(), Needs::default()).expect_err("nobody answers").to_string()
}

#[test]
fn a_program_that_prints_nothing_and_exits_with_0_is_an_error() {
    let folder = folder();
    let said = greet(&program(folder.path(), "exit 0"));
    assert_eq!(said, "the session ended (exit status: 0) before the answer was there");
}

#[test]
fn what_a_program_says_about_its_trouble_is_told() {
    let folder = folder();
    let said =
        greet(&program(folder.path(), "echo 'admin@NODE1: Permission denied (publickey).' >&2; exit 255"));
    let expected = "the session ended (exit status: 255) before the answer was there; last lines: `admin@NODE1: Permission \
                    denied (publickey).`";
    assert_eq!(said, expected);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let programs = Programs { power_shell: "/nowhere/powershell.exe".into(), ..Programs::default() };
    let error = session(&programs).err().expect("it is not there").to_string();
    let expected = "the session's stream failed: the program `/nowhere/powershell.exe` cannot be started: ";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_program_that_does_not_read_holds_nobody_up() {
    let folder = folder();
    let mut session = session(&program(folder.path(), "exec sleep 600")).expect("it can be started");
    // More than any pipe takes.
    let call = Call::ReadPower { nodes: vec!["NODE".repeat(100); 10_000] };
    let (begun, limit) = (Instant::now(), Duration::from_millis(200));
    let error = session.ask(&WallClock::begin(), call, limit).expect_err("nobody reads");
    assert_eq!(error.to_string(), "no answer within 200 ms");
    drop(session);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// Whether a process is there that is not just waiting for somebody to take note of its end.
fn runs(process: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat"));
    state.is_ok_and(|state| state.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

#[test]
#[cfg(target_os = "linux")]
fn a_blocked_program_is_killed_with_what_it_started() {
    let folder = folder();
    let file = folder.path().join("process");
    let text = format!("sleep 600 &\necho $! >'{0}.new'; mv '{0}.new' '{0}'; wait", file.display());
    let mut session = session(&program(folder.path(), &text)).expect("it can be started");
    let error = session.ask(&WallClock::begin(), Call::ReadCluster, Duration::from_millis(100));
    assert!(matches!(error, Err(SessionError::Limit { .. })));
    let clock = Instant::now();
    while !file.exists() {
        assert!(clock.elapsed() < Duration::from_secs(60), "the program has not begun");
        std::thread::yield_now();
    }
    let child = fs::read_to_string(&file).expect("a number");
    assert!(runs(child.trim()));
    drop(session);
    // Killed is killed; that the system has taken it away shows a moment later.
    while runs(child.trim()) {
        assert!(clock.elapsed() < Duration::from_secs(60), "it is not killed");
        std::thread::yield_now();
    }
}

/// What came of a run.
struct Ran {
    judgement: Judgement,
    undone: Vec<State>,
    records: Vec<Record>,
}

impl Ran {
    fn problem(&self) -> &str {
        let found = self.judgement.findings.iter().find(|finding| finding.what == "the surroundings");
        found.and_then(|finding| finding.evidence.first()).map_or("", String::as_str)
    }
}

fn run(plan: &Plan, programs: Programs, transport: Transport, mut twin: RealTimeTwin) -> Ran {
    let journals = folder();
    // The machine may be busy with something else: a second of real time is ten of the run.
    let rhythm = Rhythm { limit: Duration::from_secs(30), greeting: Duration::from_secs(60), ..RHYTHM };
    let begin = move |plan: &Plan| {
        let hosts = twin.begin(plan)?;
        let place = |(host, name)| (host, Place { name, transport });
        let places: BTreeMap<Host, Place> = hosts.into_iter().map(place).collect();
        Ok(Ends { places, hooks: Hooks::default(), probe: twin.probe(), clock: twin.clock(), rhythm })
    };
    let mut backend = LabBackend::new(RemoteLab::new(programs, begin), Some(journals.path().to_owned()));
    let mut records = Vec::new();
    let judgement = director::run(plan, &mut backend, &mut records);
    let entries = backend.journal().map(|journal| journal.entries().to_vec()).unwrap_or_default();
    Ran { judgement, undone: entries.into_iter().map(|entry| entry.state).collect(), records }
}

fn verdicts(judgement: &Judgement) -> (Outcome, Vec<(&'static str, Outcome)>) {
    let claims = judgement.claims.iter();
    (judgement.outcome, claims.map(|claim| (claim.claim.word(), claim.verdict.outcome)).collect())
}

fn same_verdicts(name: &str, ran: &Ran) {
    let sim = director::run(&failover_tests::plan(name, 1), &mut SimBackend::default(), &mut Nowhere);
    assert_eq!(sim.outcome, Outcome::Pass);
    assert_eq!(verdicts(&ran.judgement), verdicts(&sim), "{name}: {:#?}", ran.judgement);
    assert_eq!(ran.undone, [State::Undone], "{name}");
}

/// A scenario on hosts that programs lead to has the verdicts of the simulator.
fn has_the_verdicts_of_the_simulator(name: &str, dialect: Dialect) {
    let twin = RealTimeTwin::new(dialect, Vec::new(), SPEED).expect("a port");
    let folder = folder();
    let programs = host_program(folder.path(), &twin);
    let ran = run(&failover_tests::plan(name, 1), programs, Transport::Winrm, twin);
    same_verdicts(name, &ran);
    // What nodes write down is in the history, as exactly as their clocks are known.
    let is_move = |record: &&Record| matches!(record.fact, Fact::ClusterEvent { id: 1641, .. });
    let moves: Vec<&Record> = ran.records.iter().filter(is_move).collect();
    assert!(!moves.is_empty(), "{name}");
    assert!(moves.iter().all(|record| record.earliest <= record.latest), "{moves:?}");
}

#[test]
fn a_planned_move_in_real_time() {
    has_the_verdicts_of_the_simulator(PLANNED_MOVE, Dialect::Nasty);
}

#[test]
fn a_loss_of_power_in_real_time() {
    has_the_verdicts_of_the_simulator(POWER_OFF, Dialect::Friendly);
}

/// Runs a scenario while one thing goes wrong.
fn with_fault(name: &str, host: Host, verb: &'static str, time: u32, mishap: Mishap) -> Ran {
    let fault = Fault { host, verb, time, mishap };
    let twin = RealTimeTwin::new(Dialect::Nasty, vec![fault], SPEED).expect("a port");
    let folder = folder();
    let programs = host_program(folder.path(), &twin);
    run(&failover_tests::plan(name, 1), programs, Transport::Winrm, twin)
}

const NODE1: Host = Host::Node(NodeId(0));
const NODE2: Host = Host::Node(NodeId(1));

/// Where, with which verb, the how manieth time, and what; what is said; how far each action has come.
type FaultTold = (Host, &'static str, u32, Mishap, &'static str, &'static [State]);

/// What goes wrong with a lab's sessions, what is said of it, and what becomes of the actions. The verdict is always
/// inconclusive.
const FAULTS: [FaultTold; 10] = [
    (
        NODE1,
        "move_role",
        1,
        Mishap::DieBefore,
        "the session with `NODE1` failed while moving the role: the session ended (exit status: 0) before the answer",
        &[State::Undone],
    ),
    (
        NODE1,
        "move_role",
        1,
        Mishap::DieAfter,
        "the session with `NODE1` failed while moving the role: the session ended (exit status: 0) before the answer",
        &[State::Undone],
    ),
    (
        NODE1,
        "move_role",
        1,
        Mishap::Truncate,
        "the session with `NODE1` failed while moving the role: the session ended (exit status: 0) before the answer",
        &[State::Undone],
    ),
    (
        NODE1,
        "move_role",
        1,
        Mishap::Slow { seconds: 40 },
        "the session with `NODE1` failed while moving the role: no answer within 30000 ms",
        &[State::Undone],
    ),
    (
        NODE1,
        "move_role",
        1,
        Mishap::Deny,
        "the session with `NODE1` failed while moving the role: the host says \
         FailoverClusters.PowerShell.ClusterCmdletException (AccessDenied, category 18) from \
         System.ComponentModel.Win32Exception",
        &[State::Undone],
    ),
    (
        NODE2,
        "read_cluster",
        70,
        Mishap::Garble,
        "the session with `NODE2` failed while looking: the answer cannot be read: the line is not JSON",
        &[State::Undone],
    ),
    // An observer that blocks is killed and replaced; a host that is silent to everybody is not looked at any more.
    (NODE1, "read_cluster", 70, Mishap::Slow { seconds: 600 }, "", &[State::Undone]),
    (NODE1, "read_cluster", 70, Mishap::FallSilent, "", &[State::Undone]),
    (
        NODE1,
        "hello",
        1,
        Mishap::ClockOff { seconds: -590 },
        "the session with `NODE1` failed while reading the cluster: the host is not fit: its clock is 5",
        &[],
    ),
    // It is asked for the cluster first, or, if the other node shows one by then, for what Windows is at.
    (
        NODE2,
        "hello",
        1,
        Mishap::FallSilent,
        "the session with `NODE2` failed while … no answer within 30000 ms",
        &[],
    ),
];

#[test]
#[expect(clippy::print_stdout, reason = "how many faults there were is part of the result")]
fn every_fault_of_a_session_is_told_and_leaves_nothing_behind() {
    let runs: Vec<_> = FAULTS
        .into_iter()
        .map(|(host, verb, time, mishap, expected, states)| {
            let run = std::thread::spawn(move || with_fault(PLANNED_MOVE, host, verb, time, mishap));
            (mishap, expected, states, run)
        })
        .collect();
    let count = runs.len();
    for (mishap, expected, states, run) in runs {
        let ran = run.join().expect("a verdict");
        assert_eq!(ran.judgement.outcome, Outcome::Inconclusive, "{mishap:?}: {:#?}", ran.judgement);
        let (begins, goes_on) = expected.split_once('…').unwrap_or((expected, ""));
        let is_told = ran.problem().starts_with(begins) && ran.problem().contains(goes_on);
        assert!(is_told, "{mishap:?}: {}", ran.problem());
        assert_eq!(ran.undone, states, "{mishap:?}");
    }
    println!("{count} faults of sessions with programs: each told, inconclusive, nothing left behind");
}

/// A real sshd on loopback whose hosts are those of a twin.
struct Sshd {
    process: Child,
    config: PathBuf,
    folder: TempDir,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sshd {
    /// Starts one, or says why not.
    fn start(twin: &RealTimeTwin) -> Result<Self, String> {
        let sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"].map(Path::new);
        let sshd = sshd.into_iter().find(|path| path.exists()).ok_or("there is no sshd")?;
        let folder = folder();
        let at = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host_key", "user_key"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(at(key))
                .output();
            made.ok().filter(|made| made.status.success()).ok_or("ssh-keygen makes no key")?;
        }
        let read = |name: &str| fs::read_to_string(at(name)).map_err(|error| error.to_string());
        let write = |name: &str, text: String| fs::write(at(name), text).map_err(|error| error.to_string());
        // The host program, whatever is asked for: it looks at the command itself.
        let host = env!("CARGO_BIN_EXE_failover-session-host");
        let twin = format!("command=\"FAILOVER_TWIN={} exec '{host}'\" ", twin.address());
        write("authorized_keys", twin + &read("user_key.pub")?)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = port.map_err(|error| error.to_string())?.port();
        let server = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n\
             AcceptEnv FAILOVER_HOST\n",
            at("host_key"),
            at("authorized_keys"),
        );
        write("sshd_config", server)?;
        let checked = Command::new(sshd).args(["-t", "-f"]).arg(at("sshd_config")).output();
        let checked = checked.map_err(|error| error.to_string())?;
        if !checked.status.success() {
            return Err(format!("sshd says {}", String::from_utf8_lossy(&checked.stderr).trim()));
        }
        // What a user would write into a configuration of their own.
        let mut config = String::new();
        for name in ["NODE1", "NODE2", "control", "w1", "w2", "w3"] {
            config += &format!("Host {name}\n  SetEnv FAILOVER_HOST={name}\n");
        }
        config += &format!(
            "Host *\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {}\n  IdentitiesOnly yes\n  IdentityAgent none\n\
             \x20 UserKnownHostsFile /dev/null\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  LogLevel \
             ERROR\n",
            at("user_key"),
        );
        write("ssh_config", config)?;
        let process = Command::new(sshd)
            .args(["-D", "-e", "-f"])
            .arg(at("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(at("log")).map_err(|error| error.to_string())?)
            .spawn()
            .map_err(|error| error.to_string())?;
        let started = Self { process, config: at("ssh_config").into(), folder };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(format!("sshd does not answer: {}", started.log()));
            }
            std::thread::yield_now();
        }
        Ok(started)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn programs(&self) -> Programs {
        Programs { ssh_config: Some(self.config.clone()), ..Programs::default() }
    }
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn over_sshd(name: &str) {
    let twin = RealTimeTwin::new(Dialect::Nasty, Vec::new(), SPEED).expect("a port");
    match Sshd::start(&twin) {
        Err(why) => println!("skipped: {name} over ssh: {why}"),
        Ok(sshd) => {
            let ran = run(&failover_tests::plan(name, 1), sshd.programs(), Transport::Ssh, twin);
            assert!(!ran.undone.is_empty(), "{:#?}\n{}", ran.judgement, sshd.log());
            same_verdicts(name, &ran);
            println!("{name} in real time over a real sshd");
        }
    }
}

#[test]
fn a_planned_move_over_a_real_sshd() {
    over_sshd(PLANNED_MOVE);
}

#[test]
fn a_loss_of_power_over_a_real_sshd() {
    over_sshd(POWER_OFF);
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn a_key_that_a_real_sshd_does_not_know_is_told() {
    let twin = RealTimeTwin::new(Dialect::Friendly, Vec::new(), SPEED).expect("a port");
    match Sshd::start(&twin) {
        Err(why) => println!("skipped: a key that sshd does not know: {why}"),
        Ok(sshd) => {
            fs::write(sshd.folder.path().join("authorized_keys"), "").expect("a file");
            let place = Place { name: "NODE1".to_owned(), transport: Transport::Ssh };
            let connection = sshd.programs().open(&place).expect("ssh can be started");
            let mut session = Session::open(connection, Marker::of("test")).expect("threads");
            let error = session.greet(&WallClock::begin(), Needs::default()).expect_err("nobody is let in");
            let said = error.to_string();
            assert!(
                said.contains("(exit status: 255)") && said.contains("Permission denied (publickey"),
                "{said}"
            );
        }
    }
}
