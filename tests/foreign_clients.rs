//! What do clients meet that are not ours: curl, openssl and Python's requests, through a failover?
//!
//! A client that this machine lacks is skipped, and standard output says so.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use failover_sim::action::Action;
use failover_sim::twin::{NODE1, NODE2, ROLE, TwoNodes};
use tokio::runtime::Runtime;

/// Whether a program is there; says so if it is not.
fn is_there(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !found {
        let line = format!("skipped: `{program} {}` does not work on this machine\n", arguments.join(" "));
        std::io::stdout().write_all(line.as_bytes()).expect("standard output");
    }
    found
}

fn twin() -> (Runtime, TwoNodes) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let twin = runtime.block_on(TwoNodes::start(1)).expect("a twin");
    (runtime, twin)
}

/// Asks before, between and after two failovers: by a planned move there, and by a loss of power back.
fn through_failovers(mut ask: impl FnMut(&TwoNodes)) {
    let (runtime, twin) = twin();
    ask(&twin);
    for (action, next) in
        [(Action::MoveRole { role: ROLE, to: NODE2 }, NODE2), (Action::PowerOff { node: NODE2 }, NODE1)]
    {
        runtime.block_on(async {
            twin.apply(action).await.expect("the action is possible");
            twin.until_served_by(next).await.expect("the workers come back");
        });
        ask(&twin);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary folder has a plain name")
}

const HEARTBEAT: &str = r#"{"verb":"agent_heartbeat"}"#;
const ANSWER: &str = r#"{"answer":"registered","enabled":true}"#;

/// What curl prints, and its exit code: first the body, then the status.
fn curl(twin: &TwoNodes, more: &[&str]) -> (String, Option<i32>) {
    let (ip, port) = (twin.endpoint().ip(), twin.endpoint().port());
    let master = twin.master_certificate();
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "30", "--write-out", "\n%{http_code}", "--data", HEARTBEAT])
        .args(["--resolve", &format!("sqlfci:{port}:{ip}"), "--cacert", text(&master)])
        .args(more)
        .arg(format!("https://sqlfci:{port}/ClusterManagement/"))
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .env_remove("ALL_PROXY")
        .output()
        .expect("curl is there");
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[test]
fn curl_is_let_in_by_certificate_alone() {
    if !is_there("curl", &["--version"]) {
        return;
    }
    through_failovers(|twin| {
        let (certificate, key) =
            (twin.worker_certificate(1), twin.worker_certificate(1).with_extension("key"));
        let own = ["--cert", text(&certificate), "--key", text(&key)];
        assert_eq!(curl(twin, &own), (format!("{ANSWER}\n200"), Some(0)));
        let (said, code) = curl(twin, &[]);
        assert!(said.ends_with("\n403") && code == Some(0), "{said} {code:?}");
        for version in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
            assert_eq!(curl(twin, &[&own[..], version].concat()), (format!("{ANSWER}\n200"), Some(0)));
        }
        // Exit code 90: the pinned public key is another one.
        let pin = ["--pinnedpubkey", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="];
        assert_eq!(curl(twin, &[&own[..], &pin].concat()), ("\n000".to_owned(), Some(90)));
        // Exit code 60: the peer's certificate is not to be trusted.
        let (_, code) = curl(twin, &["--cacert", text(&certificate)]);
        assert_eq!(code, Some(60));
    });
}

fn s_client(twin: &TwoNodes, more: &[&str], request: &str) -> Output {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-connect", &twin.endpoint().to_string()])
        .args(["-servername", "sqlfci", "-CAfile", text(&twin.master_certificate())])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is there");
    let mut input = client.stdin.take().expect("a pipe");
    // A client that has given up reads nothing.
    let _ = input.write_all(request.as_bytes());
    client.wait_with_output().expect("openssl ends")
}

#[test]
fn openssl_is_let_in_by_certificate_alone() {
    if !is_there("openssl", &["version"]) {
        return;
    }
    let request = format!(
        "POST /ClusterManagement/ HTTP/1.1\r\nhost: sqlfci\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{HEARTBEAT}",
        HEARTBEAT.len()
    );
    through_failovers(|twin| {
        let (certificate, key) =
            (twin.worker_certificate(1), twin.worker_certificate(1).with_extension("key"));
        let own = ["-cert", text(&certificate), "-key", text(&key)];
        for version in ["-tls1_2", "-tls1_3"] {
            let with = s_client(twin, &[&own[..], &[version]].concat(), &request);
            let with = String::from_utf8_lossy(&with.stdout).into_owned();
            assert!(with.starts_with("HTTP/1.1 200 OK\r\n") && with.ends_with(ANSWER), "{version}: {with}");
            let without = s_client(twin, &[version], &request);
            assert!(without.stdout.starts_with(b"HTTP/1.1 403 Forbidden\r\n"), "{version}: {without:?}");
        }
        let named = s_client(twin, &["-verify_hostname", "node2"], &request);
        assert!(!named.status.success() && named.stdout.is_empty(), "{named:?}");
        // The versions before 1.2 are not spoken.
        let old = s_client(twin, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], &request);
        assert!(!old.status.success() && old.stdout.is_empty(), "{old:?}");
    });
}

#[test]
fn requests_is_let_in_by_certificate_alone() {
    if !is_there("python3", &["-c", "import requests"]) {
        return;
    }
    let requests = |twin: &TwoNodes, pin: &str, own: bool| {
        let (certificate, key) =
            (twin.worker_certificate(1), twin.worker_certificate(1).with_extension("key"));
        let own = if own { [text(&certificate), text(&key)] } else { ["", ""] };
        let endpoint = twin.endpoint();
        let output = Command::new("python3")
            .args(["-c", PYTHON, &endpoint.ip().to_string(), &endpoint.port().to_string()])
            .args([text(&twin.master_certificate()), pin])
            .args(own)
            .output()
            .expect("python3 is there");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    through_failovers(|twin| {
        let pin = thumbprint(&twin.master_certificate());
        assert_eq!(requests(twin, &pin, true), (format!("200 {ANSWER}\n"), String::new()));
        assert_eq!(requests(twin, &pin, false).0.get(..4), Some("403 "));
        let (said, error) = requests(twin, &"0".repeat(40), true);
        assert!(
            said.is_empty() && error.contains("SSLError") && error.contains("ingerprint"),
            "{said}{error}"
        );
    });
}

/// What workers pin, as the probe says it.
fn thumbprint(file: &Path) -> String {
    let pair = failover_harness::probe::read_pair(file, &file.with_extension("key")).expect("a pair");
    failover_harness::probe::Presented::read(&pair.cert[0]).thumbprint.to_string()
}

/// Address, port, trusted certificate, thumbprint, own certificate and key: prints status and body.
const PYTHON: &str = r#"
import socket, sys
import requests
from requests.adapters import HTTPAdapter

address, port, master, pin, certificate, key = sys.argv[1:]
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: resolve(address if host == "sqlfci" else host, *more, **named)

class Pinned(HTTPAdapter):
    def init_poolmanager(self, *more, **named):
        super().init_poolmanager(*more, assert_fingerprint=pin, **named)

with requests.Session() as session:
    session.trust_env = False
    session.mount("https://", Pinned())
    session.verify = master
    if certificate:
        session.cert = (certificate, key)
    url = f"https://sqlfci:{port}/ClusterManagement/"
    answer = session.post(url, data='{"verb":"agent_heartbeat"}', timeout=30)
    print(answer.status_code, answer.text)
"#;
