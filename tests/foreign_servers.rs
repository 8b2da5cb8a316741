//! What does the probe say of servers that are not ours: openssl's `s_server`, in the ways in which HTTP.SYS and old
//! Windows versions differ from a twin?
//!
//! On a machine without openssl it is skipped, and standard output says so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use failover_tests::{failover, root};
use serde_json::Value;

/// A server that is ended with its test.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes a certificate in this folder; `false` without openssl.
fn certificate(folder: &Path) -> bool {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj", "/CN=sqlfci"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder)
        .output();
    let is_made = made.is_ok_and(|output| output.status.success());
    if !is_made {
        std::io::stdout()
            .write_all(b"skipped: openssl makes no certificate on this machine\n")
            .expect("standard output");
    }
    is_made
}

/// A server of openssl. When it shows a request, it is told this on its terminal.
fn serve(folder: &Path, options: &[&str], at_request: &'static [u8]) -> Server {
    let mut process = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "certificate.pem", "-key", "key.pem"])
        .args(options)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is there");
    let mut input = process.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let accepts = lines.by_ref().map(|line| line.expect("text")).find(|line| line.starts_with("ACCEPT "));
    let port = accepts.and_then(|line| line.rsplit(':').next()?.parse().ok()).expect("a port");
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if line.starts_with("GET ") && input.write_all(at_request).and_then(|()| input.flush()).is_err() {
                return;
            }
        }
    });
    Server { process, port }
}

/// The first attempt of a probe.
fn probe(server: &Server) -> Value {
    let endpoint = format!("https://sqlfci:{}", server.port);
    let arguments =
        ["probe", &endpoint, "--resolve", "sqlfci=127.0.0.1", "--for", "10ms", "--format", "jsonl"];
    let answer = failover(env!("CARGO_BIN_EXE_failover-copy"), &root(), &arguments);
    let first = answer.stdout.lines().next().unwrap_or_else(|| panic!("{}", answer.stderr));
    serde_json::from_str(first).expect("JSON")
}

#[test]
fn what_old_and_different_servers_do_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    if !certificate(folder.path()) {
        return;
    }
    let found = |options: &[&str], at_request| {
        let attempt = probe(&serve(folder.path(), options, at_request));
        let (outcome, detail) = (attempt["outcome"].as_str(), attempt["detail"].as_str());
        (outcome.unwrap_or_default().to_owned(), detail.unwrap_or_default().to_owned(), attempt["up"].clone())
    };
    let expected = |outcome: &str, detail: &str, up: bool| (outcome.to_owned(), detail.to_owned(), up.into());
    assert_eq!(found(&["-www", "-tls1_2"], b""), expected("answered", "", true));
    // A client certificate is asked for once the request is there, as HTTP.SYS does.
    assert_eq!(
        found(&["-tls1_2", "-verify", "1"], b"R\n"),
        expected("not_judged", "the server asked to renegotiate", true)
    );
    // The connection ends once the request is there, in whatever form.
    assert_eq!(found(&["-tls1_2"], b"Q\n").0, "not_judged");
    // RSA key exchange alone, which this client does not have.
    assert_eq!(
        found(&["-tls1_2", "-cipher", "AES256-GCM-SHA384"], b""),
        expected("no_common_cipher_suite", "received fatal alert: HandshakeFailure", false)
    );
    assert_eq!(
        found(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], b""),
        expected("no_common_version", "received fatal alert: ProtocolVersion", false)
    );
}
