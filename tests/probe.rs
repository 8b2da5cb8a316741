//! What does `failover probe` answer, for a twin and for each kind of mistake?

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use failover_sim::twin::TwoNodes;
use failover_tests::{Answer, failover, root};
use serde_json::Value;

fn probe(arguments: &[&str]) -> Answer {
    failover(env!("CARGO_BIN_EXE_failover-copy"), &root(), &[&["probe"], arguments].concat())
}

fn twin() -> TwoNodes {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(TwoNodes::start(1)).expect("a twin")
}

/// The endpoint of a twin, and where it is.
fn place(twin: &TwoNodes) -> (String, String) {
    (format!("https://sqlfci:{}", twin.endpoint().port()), format!("sqlfci={}", twin.endpoint().ip()))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a temporary folder has a plain name")
}

#[test]
fn each_attempt_is_a_line_and_the_summary_the_last_one() {
    let twin = twin();
    let (endpoint, place) = place(&twin);
    let (certificate, key) = (twin.worker_certificate(1), twin.worker_certificate(1).with_extension("key"));
    let own = ["--client-cert", path(&certificate), "--client-key", path(&key)];
    let common =
        [&endpoint, "--resolve", &place, "--for", "300ms", "--interval", "100ms", "--format", "jsonl"];
    let answer = probe(&[&common[..], &own].concat());
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let lines: Vec<Value> =
        answer.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (summary, attempts) = lines.split_last().expect("a summary");
    assert!(!attempts.is_empty());
    for (number, attempt) in attempts.iter().enumerate() {
        assert_eq!(attempt["attempt"], number);
        // The service's path takes no GET, and says so to those whom it lets in.
        assert_eq!((&attempt["outcome"], &attempt["status"]), (&"answered".into(), &405.into()));
        assert!(attempt["handshake_micros"].is_u64() && attempt["resolve_micros"].is_null());
    }
    assert_eq!(summary["attempts"], attempts.len());
    assert_eq!(summary["gaps"], Value::Array(Vec::new()));
    assert_eq!(summary["presented"][0]["common_names"], Value::from(vec!["node1", "sqlfci"]));
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_one_line_tells_how_it_stands_and_is_gone_at_the_end() {
    // A terminal of util-linux.
    let line = format!(
        "{} probe https://127.0.0.1:9 --for 700ms --interval 100ms",
        env!("CARGO_BIN_EXE_failover-copy")
    );
    let output = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm")
        // Where a log is kept there is no live line, terminal or not.
        .env_remove("CI")
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(output) = output else {
        let line = b"skipped: this machine has no `script`\n";
        return std::io::Write::write_all(&mut std::io::stdout(), line).expect("standard output");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text:?}");
    // Written over itself, and at last wiped out, before the summary.
    let (live, summary) = text.split_once("probed https://").expect("a summary");
    assert!(live.contains("refused") && live.contains('\r') && live.contains("\u{1b}["), "{live:?}");
    assert!(!summary.contains("\u{1b}["), "{summary:?}");
    let piped = probe(&["https://127.0.0.1:9", "--for", "300ms", "--interval", "100ms"]);
    assert!(!piped.stdout.contains('\u{1b}') && !piped.stderr.contains('\u{1b}'), "{piped:?}");
}

#[test]
fn a_wrong_pin_fails_and_says_what_is_presented() {
    let twin = twin();
    let (endpoint, place) = place(&twin);
    let pin = "00112233445566778899aabbccddeeff00112233";
    let answer = probe(&[&endpoint, "--resolve", &place, "--for", "50ms", "--pin", pin]);
    assert_eq!((answer.code, answer.stderr.as_str()), (1, ""));
    for told in [
        "  the certificate is not the pinned one\n",
        "    warning: it is not the pinned one: no worker with this pin connects\n",
        "    CNs: node1, sqlfci; SANs: none\n",
    ] {
        assert!(answer.stdout.contains(told), "{told}{}", answer.stdout);
    }
}

#[test]
fn a_closed_port_is_a_gap_without_a_beginning() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let endpoint = format!("https://{}", closed.expect("a port"));
    let answer = probe(&[&endpoint, "--for", "50ms", "--format", "json"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (1, ""));
    let summary: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    let gap = &summary["gaps"][0];
    assert_eq!((&gap["after_micros"], &gap["at_most_micros"]), (&Value::Null, &Value::Null));
    assert_eq!(gap["causes"][0]["cause"], "refused");
}

#[test]
fn mistakes_in_the_arguments_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("none.pem");
    let cases: [(&[&str], &str); 7] = [
        (&["http://sqlfci:8391"], "error: `http://sqlfci:8391` is no HTTPS URL\nhint: "),
        (&["https://sqlfci", "--resolve", "other=127.0.0.1"], "error: `--resolve other=…` is of no use: "),
        (&["https://sqlfci", "--resolve", "sqlfci=here"], "`here` is no IP address"),
        (&["https://sqlfci", "--interval", "1ms"], "the shortest is 5ms"),
        (&["https://sqlfci", "--client-cert", "x.pem"], "--client-key <FILE>"),
        (
            &["https://sqlfci", "--client-cert", path(&missing), "--client-key", path(&missing)],
            "error: cannot read `",
        ),
        (
            &["https://sqlfci", "--client-cert", "README.md", "--client-key", "README.md"],
            "error: `README.md` is not a certificate\nhint: ",
        ),
    ];
    for (arguments, told) in cases {
        let answer = probe(arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(answer.stderr.contains(told), "{arguments:?}: {}", answer.stderr);
    }
}

#[test]
fn a_key_that_does_not_fit_is_named() {
    let twin = twin();
    let (certificate, other) = (twin.worker_certificate(1), twin.master_certificate().with_extension("key"));
    let arguments = ["https://sqlfci", "--client-cert", path(&certificate), "--client-key", path(&other)];
    let answer = probe(&arguments);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.starts_with("error: the key in `"), "{}", answer.stderr);
    let answer =
        probe(&["https://sqlfci", "--client-cert", path(&certificate), "--client-key", path(&certificate)]);
    assert!(answer.stderr.contains("is not a private key without a passphrase"), "{}", answer.stderr);
}
