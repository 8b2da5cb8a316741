//! `failover probe`: how available is an endpoint, seen from here?

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use failover_sim::trust::Thumbprint;

use crate::probe::{
    self, Cause, Probe, ProbeError, SHORTEST_INTERVAL, Tally, Target, attempt_json, change_text, live_text,
    summary_json, summary_text,
};
use crate::report::Live;
use crate::scenario::length::Length;

use super::{CommandError, Format, print, stop};

#[derive(Debug, Args)]
pub(super) struct ProbeArguments {
    /// The endpoint, as workers know it: `https://NAME:8391`.
    #[arg(value_name = "URL")]
    endpoint: String,
    /// The thumbprint that workers pin (MasterHttpsCertThumbprint): another certificate counts as down.
    #[arg(long, value_name = "THUMBPRINT", value_parser = thumbprint)]
    pin: Option<Thumbprint>,
    /// A certificate to show, as PEM or DER. Without one, 403 is the answer to expect.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its private key, as PEM or DER.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Look for the name at this address, and ask no resolver. Can be given several times.
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = resolved)]
    resolve: Vec<(String, IpAddr)>,
    /// From the beginning of one attempt to that of the next.
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = interval)]
    interval: Duration,
    /// How long an attempt may take.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = length)]
    timeout: Duration,
    /// How long to go on. Without it, until Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    time: Option<Duration>,
    /// What to print: changes and a summary, one JSON document at the end, or a line for each attempt and the summary.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn thumbprint(text: &str) -> Result<Thumbprint, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn resolved(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = super::pair(text)?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    match address.parse() {
        Ok(address) => Ok((name, address)),
        Err(_) => Err(format!("`{address}` is no IP address")),
    }
}

fn length(text: &str) -> Result<Duration, String> {
    match Length::parse(text) {
        Ok(Length(Duration::ZERO)) => Err("it must be longer than nothing".to_owned()),
        Ok(Length(time)) => Ok(time),
        Err(error) => Err(format!("{error}; {}", error.hint())),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = length(text)?;
    if interval < SHORTEST_INTERVAL {
        return Err(format!("the shortest is {}", crate::words::length(SHORTEST_INTERVAL)));
    }
    Ok(interval)
}

pub(super) fn probe(arguments: &ProbeArguments) -> Result<u8, CommandError> {
    let probe = probe_of(arguments)?;
    let live = if arguments.format == Format::Human { Live::watching() } else { Live::hidden() };
    let started = Instant::now();
    // The first word that could not be written ends the probe: nobody listens any more, or the disk is full.
    let trouble = std::cell::RefCell::new(None);
    let gone = tokio::sync::Notify::new();
    let say = |text: &str| {
        if let Err(error) = print(text) {
            trouble.borrow_mut().get_or_insert(error);
            gone.notify_one();
        }
    };
    let stopped = async {
        tokio::select! {
            () = stop::asked() => {}
            () = gone.notified() => {}
        }
    };
    let ran = probe.run(stopped, |attempt, change, tally| match arguments.format {
        Format::Human => {
            live.runs(&live_text(attempt, tally));
            if let Some(text) = change_text(attempt, change, tally) {
                live.aside(|| say(&text));
            }
        }
        Format::Jsonl => say(&format!("{}\n", attempt_json(attempt))),
        Format::Json => {}
    });
    drop(live);
    let tally = ran.map_err(|error| match error {
        ProbeError::Runtime(_) | ProbeError::Tls(_) | ProbeError::UnknownHost { .. } => {
            CommandError::Surroundings(error.to_string())
        }
    })?;
    if let Some(error) = trouble.into_inner() {
        return Err(error);
    }
    let took = started.elapsed();
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
    print(&match arguments.format {
        Format::Human => summary_text(&probe, &tally, took, now),
        Format::Json => format!("{:#}\n", summary_json(&probe, &tally, took, now)),
        Format::Jsonl => format!("{}\n", summary_json(&probe, &tally, took, now)),
    })?;
    Ok(exit_code(&tally))
}

fn probe_of(arguments: &ProbeArguments) -> Result<Probe, CommandError> {
    let input = |error: &dyn std::error::Error| CommandError::Input(error.to_string());
    let target = Target::parse(&arguments.endpoint).and_then(|target| target.at(&arguments.resolve));
    let own = match (&arguments.client_cert, &arguments.client_key) {
        (Some(certificate), Some(key)) => {
            Some(probe::read_pair(certificate, key).map_err(|error| input(&error))?)
        }
        (None, None) | (Some(_), None) | (None, Some(_)) => None,
    };
    Ok(Probe {
        target: target.map_err(|error| input(&error))?,
        pin: arguments.pin,
        own,
        interval: arguments.interval,
        patience: arguments.timeout,
        time: arguments.time,
    })
}

/// 0 if the endpoint was found up at some attempt, 1 if it never was or presented another certificate than the pinned
/// one, 3 if no attempt could be made.
fn exit_code(tally: &Tally) -> u8 {
    let not_pinned =
        tally.gaps.iter().flat_map(|gap| &gap.causes).any(|(cause, _)| *cause == Cause::NotPinned);
    let was_up = !tally.answered.is_empty() || tally.not_judged > 0;
    match (was_up, not_pinned) {
        _ if tally.attempts == tally.not_tried => super::SURROUNDINGS,
        (true, false) => 0,
        (false, _) | (true, true) => 1,
    }
}
