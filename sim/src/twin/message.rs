//! What do requests and answers look like on the wire?
//!
//! The product's own contract is not published: these are the verbs of [`scaleout`](crate::scaleout) as small JSON
//! bodies. Whoever asks is known by the client certificate alone, never by the body.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::names::{LoadId, TaskId};
use crate::scaleout::{Grant, Report, Request, Response};
use crate::time::Span;

/// The path under which the master answers (documented in exception texts).
pub(crate) const PATH: &str = "/ClusterManagement/";

/// A larger body is refused.
pub(crate) const BODY_MAX: usize = 16 * 1024;

/// Braces even where nothing is inside: only so are unknown fields refused.
#[derive(Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    AgentHeartbeat {},
    RequestTask {},
    ReportTask { task: u32, finished: bool, lease_micros: u64 },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
enum Answered {
    Registered { enabled: bool },
    NoTask {},
    Task { task: u32, load: u16, duration_micros: u64 },
    Noted {},
    Refused { number: u16 },
    NoDatabase {},
    Forbidden {},
}

/// A request as a body.
pub(crate) fn write_request(request: Request) -> Vec<u8> {
    json(&match request {
        Request::AgentHeartbeat => Asked::AgentHeartbeat {},
        Request::RequestTask => Asked::RequestTask {},
        Request::ReportTask(Report { task, finished, lease }) => {
            Asked::ReportTask { task: task.0, finished, lease_micros: lease.as_micros() }
        }
    })
}

/// The request that a body says.
pub(crate) fn read_request(body: &[u8]) -> Result<Request, serde_json::Error> {
    Ok(match serde_json::from_slice(body)? {
        Asked::AgentHeartbeat {} => Request::AgentHeartbeat,
        Asked::RequestTask {} => Request::RequestTask,
        Asked::ReportTask { task, finished, lease_micros } => Request::ReportTask(Report {
            task: TaskId(task),
            finished,
            lease: Span::from_micros(lease_micros),
        }),
    })
}

/// A response as status and body. An error of SSISDB travels as a WCF fault does: status 500 (inferred).
pub(crate) fn write_response(response: Response) -> (StatusCode, Vec<u8>) {
    let (status, answered) = match response {
        Response::Registered { enabled } => (StatusCode::OK, Answered::Registered { enabled }),
        Response::NoTask => (StatusCode::OK, Answered::NoTask {}),
        Response::Task(Grant { task, load, duration }) => {
            let duration_micros = duration.as_micros();
            (StatusCode::OK, Answered::Task { task: task.0, load: load.0, duration_micros })
        }
        Response::Noted => (StatusCode::OK, Answered::Noted {}),
        Response::Refused { number } => (StatusCode::INTERNAL_SERVER_ERROR, Answered::Refused { number }),
        Response::NoDatabase => (StatusCode::INTERNAL_SERVER_ERROR, Answered::NoDatabase {}),
        Response::Forbidden => (StatusCode::FORBIDDEN, Answered::Forbidden {}),
    };
    (status, json(&answered))
}

/// The response that a status and a body say, if they say any.
pub(crate) fn read_response(status: StatusCode, body: &[u8]) -> Option<Response> {
    if status == StatusCode::FORBIDDEN {
        return Some(Response::Forbidden);
    }
    Some(match serde_json::from_slice(body).ok()? {
        Answered::Registered { enabled } => Response::Registered { enabled },
        Answered::NoTask {} => Response::NoTask,
        Answered::Task { task, load, duration_micros } => Response::Task(Grant {
            task: TaskId(task),
            load: LoadId(load),
            duration: Span::from_micros(duration_micros),
        }),
        Answered::Noted {} => Response::Noted,
        Answered::Refused { number } => Response::Refused { number },
        Answered::NoDatabase {} => Response::NoDatabase,
        Answered::Forbidden {} => Response::Forbidden,
    })
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("numbers, booleans and fixed keys always have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_said_arrives_as_it_was_meant() {
        let report = Report { task: TaskId(3), finished: false, lease: Span::from_micros(60_000_000) };
        for request in [Request::AgentHeartbeat, Request::RequestTask, Request::ReportTask(report)] {
            assert_eq!(read_request(&write_request(request)).ok(), Some(request));
        }
        let grant = Grant { task: TaskId(3), load: LoadId(1), duration: Span::from_micros(480_000_001) };
        for response in [
            Response::Registered { enabled: false },
            Response::NoTask,
            Response::Task(grant),
            Response::Noted,
            Response::Refused { number: 27246 },
            Response::NoDatabase,
            Response::Forbidden,
        ] {
            let (status, body) = write_response(response);
            assert_eq!(read_response(status, &body), Some(response));
        }
    }

    #[test]
    fn a_body_cannot_say_who_asks() {
        assert!(read_request(br#"{"verb":"request_task","worker":1}"#).is_err());
    }
}
