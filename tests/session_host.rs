//! What a Windows host looks like to a program that leads to it: the far end of a session, answered by a twin.
//!
//! `FAILOVER_TWIN` is where the twin listens, `FAILOVER_HOST` which host this is, unless the session itself says it. Like
//! `powershell.exe` it takes a bootstrap on the command line and the script from standard input. It answers nothing that
//! does not come as the harness promises.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;

use failover_harness::backend::lab::script::{ARGUMENTS, SCRIPT, bootstrap};

fn main() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(9)
        }
    }
}

fn answer() -> io::Result<()> {
    let expected = [&ARGUMENTS[..], &[bootstrap()]].concat().join(" ");
    let said = env::var("SSH_ORIGINAL_COMMAND").map_or_else(
        |_| env::args().skip(1).collect::<Vec<_>>().join(" "),
        |command| command.strip_prefix("powershell.exe ").unwrap_or_default().to_owned(),
    );
    if said != expected {
        return Err(io::Error::other(format!("the command line is `{said}`")));
    }
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let mut script = vec![0; line.trim_end().parse().map_err(io::Error::other)?];
    input.read_exact(&mut script)?;
    if script != SCRIPT.as_bytes() {
        return Err(io::Error::other("the script is another one"));
    }
    line.clear();
    input.read_line(&mut line)?;
    let session: serde_json::Value = serde_json::from_str(&line)?;
    let host = session["target"].as_str().map(str::to_owned);
    let host = host.or_else(|| env::var("FAILOVER_HOST").ok()).unwrap_or_default();

    let twin = env::var("FAILOVER_TWIN").map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(twin)?;
    writeln!(stream, "{host}")?;
    let mut requests = stream.try_clone()?;
    std::thread::spawn(move || {
        let _ = io::copy(&mut input, &mut requests);
        let _ = requests.shutdown(Shutdown::Write);
    });
    let mut output = io::stdout().lock();
    let mut buffer = [0; 8 << 10];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..length])?;
        output.flush()?;
    }
}
