//! What does `failover twin` say, do as it is told, and leave behind?

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use failover_tests::{Answer, failover, root};

/// A program that is ended with its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(arguments: &[&str]) -> Answer {
    failover(env!("CARGO_BIN_EXE_failover-copy"), &root(), arguments)
}

/// Starts a twin of two nodes in a temporary folder of its own; gives it with the lines that it has said until it is at rest.
fn start(temporary: &Path) -> (Ended, Vec<String>, BufReader<impl std::io::Read + use<>>) {
    let child = Command::new(env!("CARGO_BIN_EXE_failover-copy"))
        .args(["twin", "two_node_fci", "--workers", "2", "--factor", "20"])
        .args(["--keys", "rsa", "--tls", "1.2", "--no-resumption"])
        .env("TMPDIR", temporary)
        .env("TMP", temporary)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program was built for this test");
    let mut child = Ended(child);
    let mut output = BufReader::new(child.0.stdout.take().expect("a pipe"));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert!(output.read_line(&mut line).expect("text") > 0, "it ended before it was at rest: {lines:#?}");
        let rests = line.starts_with("at rest: ");
        lines.push(line);
        if rests {
            return (child, lines, output);
        }
    }
}

fn after<'l>(lines: &'l [String], lead: &str) -> &'l str {
    let found = lines.iter().find_map(|line| line.trim_start().strip_prefix(lead));
    found.unwrap_or_else(|| panic!("no line begins with {lead}: {lines:#?}")).trim()
}

/// Its folder, as it says it.
fn folder(lines: &[String]) -> PathBuf {
    PathBuf::from(after(lines, "files "))
}

/// The role is moved, as the twin is told through its control API, and the workers come back.
fn moves_its_role(lines: &[String], temporary: &Path) {
    let control = folder(lines).join("control.json");
    let step = temporary.join("step.yaml");
    std::fs::write(&step, "- move_role: { to: standby }\n- expect:\n    within: 5m\n    workers: { which: every, state: connected, served_by: first_standby }\n").expect("a file");
    let text = |path: &Path| path.to_str().expect("a plain name").to_owned();
    let answer = run(&["twin", "do", &text(&step), "--control", &text(&control)]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert!(answer.stdout.starts_with("pass at "), "{}", answer.stdout);
}

/// The name of its endpoint is the guide's; gives its address.
fn endpoint(lines: &[String]) -> &str {
    let (name, ip) = after(lines, "endpoint ").split_once(" at ").expect("a name and an address");
    assert_eq!(name, "https://sqlfci:8391/ClusterManagement/");
    ip
}

#[test]
fn a_twin_says_where_it_is_and_does_as_it_is_told() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let (_twin, lines, _output) = start(temporary.path());
    assert!(folder(&lines).starts_with(temporary.path()), "{lines:#?}");
    endpoint(&lines);
    moves_its_role(&lines, temporary.path());
}

/// The first line of its kind, done by a shell as a person would who copied it.
#[cfg(unix)]
fn copied(lines: &[String], lead: &str) -> Option<String> {
    if Command::new(lead.trim()).arg("--version").output().is_err() {
        return None;
    }
    let rest = after(lines, lead);
    let output = Command::new("sh").args(["-c", &format!("{lead}-sS {rest}")]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[cfg(unix)]
#[test]
fn a_client_can_be_copied_and_a_signal_ends_a_twin_that_leaves_nothing_behind() {
    use std::io::Read as _;
    for signal in ["TERM", "INT"] {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let (mut twin, lines, mut output) = start(temporary.path());
        let ip = endpoint(&lines);
        if let Some(said) = copied(&lines, "curl ") {
            assert_eq!(said, r#"{"answer":"registered","enabled":true}"#);
        }
        moves_its_role(&lines, temporary.path());
        let killed = Command::new("kill").args([&format!("-{signal}"), &twin.0.id().to_string()]).status();
        assert!(killed.expect("kill is there").success());
        assert_eq!(twin.0.wait().expect("it ends").code(), Some(0), "SIG{signal}");
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "");
        assert!(!folder(&lines).exists());
        assert_eq!(
            std::net::TcpStream::connect((ip, 8391)).map(drop).expect_err("nobody listens").kind(),
            std::io::ErrorKind::ConnectionRefused
        );
    }
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain name").to_owned();
    std::fs::write(path("step.yaml"), "power_off: { node: owner }\n").expect("a file");
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let gone = format!("{{ \"control\": \"http://{}\", \"token\": \"0\" }}\n", gone.expect("a port"));
    std::fs::write(path("gone.json"), gone).expect("a file");
    std::fs::write(path("junk.json"), "{}\n").expect("a file");
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let cases: [(&[&str], i32, &str); 9] = [
        (
            &["twin", "two_node_fci", "--control", &address],
            3,
            "error: the control API cannot listen on 127.0.0.1:",
        ),
        (&["twin"], 2, "<TOPOLOGY>"),
        (&["twin", "no_such_topology"], 2, "error: cannot read `no_such_topology`: "),
        (&["twin", "two_node_fci", "--factor", "0"], 2, "0 is not in 1..=60"),
        (&["twin", "two_node_fci", "--network", "10.0.0"], 2, "expected three numbers such as 127.80.1"),
        (&["twin", "two_node_fci", "--control", "0.0.0.0:80"], 2, "0.0.0.0 is not an address of loopback"),
        (&["twin", "do", &path("none.yaml")], 2, "error: cannot read `"),
        (
            &["twin", "do", &path("step.yaml"), "--control", &path("junk.json")],
            2,
            "does not say where a control API is",
        ),
        (
            &["twin", "do", &path("step.yaml"), "--control", &path("gone.json")],
            3,
            "does not answer at 127.0.0.1:",
        ),
    ];
    for (arguments, code, told) in cases {
        let answer = run(arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (code, ""), "{arguments:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(told), "{arguments:?}: {}", answer.stderr);
    }
    drop(taken);
}

#[cfg(unix)]
#[test]
fn a_run_on_loopback_that_is_asked_to_stop_leaves_nothing_and_reports() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let child = Command::new(env!("CARGO_BIN_EXE_failover-copy"))
            .args(["run", "scenarios/cluster/owner_power_off.yaml", "--backend", "loopback"])
            .current_dir(root())
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built for this test");
        let mut child = Ended(child);
        let entries = || std::fs::read_dir(temporary.path()).expect("a folder").count();
        while entries() == 0 {
            assert!(child.0.try_wait().expect("it can be asked").is_none(), "it ended before it began");
            std::thread::yield_now();
        }
        let number = child.0.id().to_string();
        let sent = Command::new("kill").args([signal, number.as_str()]).status().expect("there is kill");
        assert!(sent.success());
        let told = std::io::read_to_string(child.0.stdout.take().expect("a pipe")).expect("text");
        assert_eq!(child.0.wait().expect("it has ended").code(), Some(3), "{signal}: {told}");
        assert!(told.contains("somebody asked the run to stop"), "{signal}: {told}");
        assert_eq!(entries(), 0, "{signal}");
    }
}
