//! `failover twin`: how is a twin kept running, and told what to do?

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use failover_sim::twin::{Addressing, KeyKind, Resumption, TlsVersions, TwinOptions};
use serde_json::Value;

use crate::plan::Overrides;
use crate::twin::{self, ErrandError, Stand, StandError, Standing};

use super::files::{Expected, text_of};
use super::{CommandError, Format, LearnedArguments, OverrideArguments, print, stop};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct TwinArguments {
    #[command(subcommand)]
    command: Option<TwinCommand>,
    /// A topology file, or the name of one in the folder `topologies` here or of a standard one.
    #[arg(value_name = "TOPOLOGY", required = true)]
    topology: Option<String>,
    /// So many seconds of the cluster pass in a real one, 60 at most. TLS and sockets take the time that they take.
    #[arg(long, default_value_t = 10, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=60))]
    factor: u32,
    /// What the certificates' keys are. Every RSA certificate has the same key, which is no secret.
    #[arg(long, value_enum, default_value_t)]
    keys: Keys,
    /// Which versions of TLS the nodes speak.
    #[arg(long, value_enum, default_value_t)]
    tls: Tls,
    /// Let no client resume a session: every handshake is a whole one.
    #[arg(long)]
    no_resumption: bool,
    /// The network of its addresses, as 127.x.y: for names in a hosts file. Without it, a free one.
    #[arg(long, value_name = "127.X.Y", value_parser = network)]
    network: Option<(u8, u8)>,
    /// Give each node and each address of the cluster a port of 127.0.0.1, as where a machine has no other loopback address.
    #[arg(long, conflicts_with = "network")]
    ports: bool,
    /// Where the control API listens; only addresses of loopback.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT", value_parser = loopback)]
    control: SocketAddr,
    /// The seed of every random value.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    overrides: TwinOverrides,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Keys {
    /// ECDSA with P-256, made for each run.
    #[default]
    Ecdsa,
    /// RSA with 2048 bits, as Windows makes them by default.
    Rsa,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Tls {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 alone.
    #[value(name = "1.2")]
    Only12,
    /// 1.3 alone.
    #[value(name = "1.3")]
    Only13,
}

#[derive(Debug, Args)]
struct TwinOverrides {
    /// Another number of workers in the topology's first group.
    #[arg(long, value_name = "COUNT")]
    workers: Option<u32>,
    /// Set a cluster property such as SameSubnetThreshold. Can be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::set)]
    set: Vec<(String, String)>,
    /// Take an answer for granted where nobody knows. Can be given several times.
    #[arg(long, value_name = "ASSUMPTION=VALUE", value_parser = super::pair)]
    assume: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum TwinCommand {
    /// Take a step, or a list of them, on a twin that runs, and wait until they are over.
    Do(DoArguments),
}

#[derive(Debug, Args)]
struct DoArguments {
    /// A file with the steps, as they stand under `steps` of a scenario; `-` is standard input.
    #[arg(value_name = "STEP.yaml")]
    file: PathBuf,
    /// The file `control.json` in the folder of the twin. Without it, the only twin that runs.
    #[arg(long, value_name = "FILE")]
    control: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn network(text: &str) -> Result<(u8, u8), String> {
    let parts: Vec<&str> = text.split('.').collect();
    let wrong = || format!("expected three numbers such as 127.80.1, found `{text}`");
    match parts.as_slice() {
        ["127", second, third] => {
            let number = |part: &str| part.parse().map_err(|_| wrong());
            Ok((number(second)?, number(third)?))
        }
        [..] => Err(wrong()),
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| format!("expected an address and a port, found `{text}`"))?;
    let is_loopback = match address.ip() {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback(),
    };
    if is_loopback { Ok(address) } else { Err(format!("{} is not an address of loopback", address.ip())) }
}

pub(super) fn twin(arguments: &TwinArguments) -> Result<u8, CommandError> {
    match (&arguments.command, &arguments.topology) {
        (Some(TwinCommand::Do(arguments)), _) => take(arguments),
        (None, topology) => keep(arguments, topology.as_deref().unwrap_or_default()),
    }
}

fn keep(arguments: &TwinArguments, topology: &str) -> Result<u8, CommandError> {
    let TwinOverrides { workers, set, assume } = &arguments.overrides;
    let of_options = OverrideArguments {
        workers: *workers,
        assume: assume.clone(),
        topology: None,
        set: set.clone(),
        profile: None,
        case: None,
        learned: LearnedArguments::default(),
    };
    let overrides: Overrides = of_options.overrides()?;
    let standing = Standing {
        topology: topology.to_owned(),
        overrides,
        seed: arguments.seed,
        options: options(arguments),
        control: arguments.control,
    };
    let stand = Stand::start(&standing).map_err(not_kept)?;
    print(stand.card())?;
    print("\nCtrl-C ends it, and leaves nothing behind\n")?;
    let at_rest = || {
        // Whoever reads this may have gone; the twin goes on.
        let _ = print("at rest: every node is a member, the role is online, every worker is connected\n");
    };
    stand.run(stop::asked(), at_rest).map_err(not_kept)?;
    Ok(0)
}

fn options(arguments: &TwinArguments) -> TwinOptions {
    TwinOptions {
        addressing: match arguments.network {
            Some((second, third)) => Addressing::Network(second, third),
            None if arguments.ports => Addressing::Ports,
            None => Addressing::Any,
        },
        keys: match arguments.keys {
            Keys::Ecdsa => KeyKind::Ecdsa,
            Keys::Rsa => KeyKind::Rsa,
        },
        tls: match arguments.tls {
            Tls::Both => TlsVersions::Both,
            Tls::Only12 => TlsVersions::Only12,
            Tls::Only13 => TlsVersions::Only13,
        },
        resumption: if arguments.no_resumption { Resumption::Refused } else { Resumption::Offered },
        ..TwinOptions::with_factor(arguments.factor)
    }
}

fn not_kept(error: StandError) -> CommandError {
    match error {
        StandError::Load(error) => CommandError::Load(error),
        StandError::Twin(_)
        | StandError::Control { .. }
        | StandError::File { .. }
        | StandError::System(_) => CommandError::Surroundings(error.to_string()),
    }
}

fn take(arguments: &DoArguments) -> Result<u8, CommandError> {
    let document = text_of(&arguments.file, Expected::Steps)?;
    let file = arguments.control.clone().map_or_else(twin::find, Ok);
    let said =
        file.and_then(|file| twin::read_control(&file)).and_then(|errand| twin::send(&errand, &document));
    let said = said.map_err(|error| match error {
        ErrandError::Mistakes(text) => CommandError::Shown(text),
        ErrandError::Several(_) | ErrandError::Form(_) | ErrandError::File { .. } => {
            CommandError::Input(error.to_string())
        }
        ErrandError::None(_) | ErrandError::Gone { .. } | ErrandError::Refused { .. } => {
            CommandError::Surroundings(error.to_string())
        }
    })?;
    print(&match arguments.format {
        Format::Human => told(&said),
        Format::Json => format!("{said:#}\n"),
        Format::Jsonl => format!("{said}\n"),
    })?;
    Ok(match said["outcome"].as_str() {
        Some("pass") => 0,
        Some("fail") => 1,
        Some(_) | None => super::SURROUNDINGS,
    })
}

/// What became of the steps, for people.
fn told(said: &Value) -> String {
    let now = said["now_us"].as_u64().unwrap_or_default();
    let mut text = format!(
        "{} at {}\n",
        said["outcome"].as_str().unwrap_or_default(),
        failover_sim::time::Time::from_micros(now)
    );
    for finding in said["findings"].as_array().into_iter().flatten() {
        let word = |key: &str| finding[key].as_str().unwrap_or_default();
        text.push_str(&format!("  {} {}\n", word("outcome"), word("what")));
        for evidence in finding["evidence"].as_array().into_iter().flatten() {
            text.push_str(&format!("    {}\n", evidence.as_str().unwrap_or_default()));
        }
    }
    text
}
