//! What is seen on a worker's machine, and what does its log say?

use failover_sim::observe::{ErrorFamily, Loss};

use super::Ticks;
use super::fields::{FieldError, Fields};
use super::work::WorkSight;

/// What is seen on a worker's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSight {
    /// Host of the MasterEndpoint that was in force when the service started.
    pub endpoint_host: String,
    /// Its port.
    pub endpoint_port: i64,
    /// What leads from that host to an address on the machine; `None` if the service does not run.
    pub resolution: Option<Resolution>,
    /// The service's socket to that port, if there is one.
    pub socket: Option<SocketSight>,
    /// The last line of its log that is about its connection, if there is one since the service started.
    pub log: Option<LogLine>,
    /// The packages that were asked for, and the reports on their tasks; `None` where nobody asked.
    pub work: Option<WorkSight>,
}

/// What leads from the host of the endpoint to an address on a worker's machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The addresses that the machine's resolver gives.
    pub addresses: Vec<String>,
    /// Whether the hosts file has a line for the host, which goes before every resolver.
    pub hosts_line: bool,
}

/// A socket of `Get-NetTCPConnection`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSight {
    /// State.
    pub state: i64,
    /// RemoteAddress.
    pub remote_address: String,
}

/// A line of a worker's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, by the worker's clock.
    pub at: Ticks,
    /// What it says.
    pub event: LogEvent,
}

/// What a line of a worker's log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// A heartbeat was answered on a fresh connection.
    Connected,
    /// The connection was lost.
    Lost(Loss),
    /// An attempt failed.
    Failed(ErrorFamily),
}

impl WorkerSight {
    pub(super) fn write(&self, fields: Fields) -> Fields {
        let fields = fields
            .with("endpoint_host", self.endpoint_host.as_str())
            .with("endpoint_port", self.endpoint_port);
        let fields = match &self.resolution {
            Some(Resolution { addresses, hosts_line }) => fields
                .with("hosts_line", *hosts_line)
                .with_list("resolved", addresses.iter().map(String::as_str)),
            None => fields,
        };
        let fields = fields
            .with_some("socket_state", self.socket.as_ref().map(|socket| socket.state))
            .with_some("socket_address", self.socket.as_ref().map(|socket| socket.remote_address.as_str()));
        let fields = match &self.work {
            Some(work) => work.write(fields),
            None => fields,
        };
        let Some(line) = &self.log else { return fields };
        let (event, errors, socket_error) = match line.event {
            LogEvent::Connected => (CONNECTED, &[][..], None),
            LogEvent::Lost(loss) => {
                let (errors, socket_error) = loss_errors(loss);
                (LOST, errors, socket_error)
            }
            LogEvent::Failed(family) => (FAILED, family_errors(family), None),
        };
        fields
            .with("log_ticks", line.at.0)
            .with("log_event", event)
            .with_list("log_errors", errors.iter().copied())
            .with_some("log_socket_error", socket_error)
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, FieldError> {
        let resolution = if fields.has("hosts_line") {
            Some(Resolution {
                addresses: fields.texts("resolved")?,
                hosts_line: fields.boolean("hosts_line")?,
            })
        } else {
            None
        };
        let socket = if fields.has("socket_state") {
            let remote_address = fields.text("socket_address")?.to_owned();
            Some(SocketSight { state: fields.integer("socket_state")?, remote_address })
        } else {
            None
        };
        let log = if fields.has("log_event") {
            let at = Ticks::read("log_ticks", fields.integer("log_ticks")?)?;
            Some(LogLine { at, event: read_event(fields)? })
        } else {
            None
        };
        Ok(Self {
            endpoint_host: fields.text("endpoint_host")?.to_owned(),
            endpoint_port: fields.integer("endpoint_port")?,
            resolution,
            socket,
            log,
            work: if fields.has("package_executions") { Some(WorkSight::read(fields)?) } else { None },
        })
    }
}

fn read_event(fields: &Fields) -> Result<LogEvent, FieldError> {
    let errors = fields.texts("log_errors")?;
    let unknown =
        FieldError::wrong("log_errors", "a list of exception types that a worker's log is known for");
    match fields.text("log_event")? {
        CONNECTED => Ok(LogEvent::Connected),
        LOST => {
            let socket_error = fields.has("log_socket_error").then(|| fields.integer("log_socket_error"));
            let socket_error = socket_error.transpose()?;
            let all = [Loss::Closed, Loss::Reset, Loss::TimedOut, Loss::Unserved];
            let found = all.into_iter().find(|&loss| {
                let (types, number) = loss_errors(loss);
                number == socket_error && (number.is_some() || errors == types)
            });
            found.map(LogEvent::Lost).ok_or(unknown)
        }
        FAILED => {
            // The longest list of types that the log begins with: the outermost type alone says less.
            let fits = ErrorFamily::ALL.into_iter().filter(|&family| {
                let types = family_errors(family);
                errors.len() >= types.len() && errors.iter().zip(types).all(|(found, known)| found == known)
            });
            let best = fits.max_by_key(|&family| family_errors(family).len());
            best.map(LogEvent::Failed).ok_or(unknown)
        }
        _ => Err(FieldError::wrong("log_event", "connected, lost or failed")),
    }
}

/// The exception types in a worker's log, outermost first (troubleshooting-scale-out names the outermost, documented;
/// the inner ones that tell trust from channel are inferred from .NET).
const fn family_errors(family: ErrorFamily) -> &'static [&'static str] {
    match family {
        ErrorFamily::EndpointNotFound => &["System.ServiceModel.EndpointNotFoundException"],
        ErrorFamily::TrustRelationship => &[
            "System.ServiceModel.Security.SecurityNegotiationException",
            "System.Net.WebException",
            "System.Security.Authentication.AuthenticationException",
        ],
        ErrorFamily::SecureChannel => {
            &["System.ServiceModel.Security.SecurityNegotiationException", "System.Net.WebException"]
        }
        ErrorFamily::Forbidden => &["System.ServiceModel.Security.MessageSecurityException"],
        ErrorFamily::HttpRequest => &["System.ServiceModel.CommunicationException"],
    }
}

/// The exception types and the Winsock error of a lost connection (inferred from .NET and Winsock).
const fn loss_errors(loss: Loss) -> (&'static [&'static str], Option<i64>) {
    match loss {
        Loss::Closed => (&[], None),
        Loss::Reset => (&["System.Net.Sockets.SocketException"], Some(10054)),
        Loss::TimedOut => (&["System.Net.Sockets.SocketException"], Some(10060)),
        Loss::Unserved => (&["System.ServiceModel.FaultException"], None),
    }
}

const CONNECTED: &str = "connected";
const LOST: &str = "lost";
const FAILED: &str = "failed";

#[cfg(test)]
mod tests {
    use super::super::{Answer, Call, Marker, Reply};
    use super::*;

    #[test]
    fn every_family_and_every_loss_comes_back() {
        let log = |event| {
            Reply::Worker(WorkerSight {
                endpoint_host: "sqlfci".to_owned(),
                endpoint_port: 8391,
                resolution: Some(Resolution { addresses: vec!["10.0.0.100".to_owned()], hosts_line: true }),
                socket: Some(SocketSight { state: 5, remote_address: "10.0.0.100".to_owned() }),
                log: Some(LogLine { at: Ticks(1), event }),
                work: None,
            })
        };
        for family in ErrorFamily::ALL {
            round(log(LogEvent::Failed(family)));
        }
        for loss in [Loss::Closed, Loss::Reset, Loss::TimedOut, Loss::Unserved] {
            round(log(LogEvent::Lost(loss)));
        }
        round(log(LogEvent::Connected));
    }

    fn round(reply: Reply) {
        let marker = Marker::of("test");
        let answer = Answer { id: 7, outcome: Ok(reply) };
        let line = answer.line(&marker);
        let rest = line.strip_prefix(marker.text());
        assert_eq!(
            rest.map(|rest| Answer::read(rest, &Call::ReadWorker { work_from: None })),
            Some(Ok(answer))
        );
    }

    #[test]
    fn an_error_that_nobody_knows_is_no_family() {
        let text = r#"{"id":1,"ok":true,"endpoint_host":"a","endpoint_port":1,"log_ticks":1,
            "log_event":"failed","log_errors":["System.OutOfMemoryException"]}"#;
        assert!(Answer::read(text, &Call::ReadWorker { work_from: None }).is_err());
    }
}
