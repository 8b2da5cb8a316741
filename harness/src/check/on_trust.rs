//! Which actions does nobody see take effect, and why?
//!
//! Their proof is that they were carried out. The simulator does what it is told; whether Windows did shows only when
//! somebody needs what was broken, and a report of a lab says so.

use failover_sim::action::{Action, LinkEnd, Part, ServiceAction};
use failover_sim::names::ActionNo;

use crate::plan::{NodeWord, Plan};

/// An action that was carried out and whose effect nobody saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnTrust {
    /// Its word.
    pub verb: &'static str,
    /// Why nobody can see it.
    pub why: &'static str,
    /// Where it stands.
    pub line: u32,
}

/// Those of these actions whose effect is taken on trust.
pub(crate) fn on_trust(plan: &Plan, carried_out: impl Iterator<Item = ActionNo>) -> Vec<OnTrust> {
    let planned = carried_out.map(|number| plan.action(number));
    let trusted = planned.filter_map(|planned| {
        let why = why(&planned.action)?;
        Some(OnTrust { verb: planned.action.verb().word(), why, line: planned.line })
    });
    trusted.collect()
}

fn why(action: &Action<NodeWord>) -> Option<&'static str> {
    match action {
        Action::Surroundings { part, .. } => match part {
            Part::Witness => Some(WITNESS),
            Part::Dns => Some(DNS),
            Part::DnsUpdates => Some(UPDATES),
            Part::Directory => Some(DIRECTORY),
            Part::Announcements => Some(ANNOUNCEMENTS),
            Part::Address(_) => Some(ADDRESS),
            // They are settings, which can be read.
            Part::ServiceStart { .. } | Part::Adapter(_) => None,
        },
        Action::Link { to: LinkEnd::Witness, .. } => Some(WITNESS),
        Action::Degrade { .. } => Some(QUALITY),
        Action::WorkerService { what: ServiceAction::Kill, .. } => Some(PROCESS),
        // Each of them shows in what nodes, machines, clients or SSISDB say, or sets what can be read.
        Action::Link {
            to: LinkEnd::Node(_) | LinkEnd::OtherNodes | LinkEnd::Clients | LinkEnd::Disk,
            ..
        }
        | Action::WorkerService {
            what: ServiceAction::Start | ServiceAction::Stop | ServiceAction::Hang,
            ..
        }
        | Action::MoveRole { .. }
        | Action::PowerOff { .. }
        | Action::PowerOn { .. }
        | Action::KillClusterService { .. }
        | Action::Freeze { .. }
        | Action::Thaw { .. }
        | Action::StopClusterService { .. }
        | Action::StartClusterService { .. }
        | Action::ShutDown { .. }
        | Action::RestartNode { .. }
        | Action::Resource { .. }
        | Action::Role { .. }
        | Action::PauseNode { .. }
        | Action::ResumeNode { .. }
        | Action::PossibleOwner { .. }
        | Action::Service { .. }
        | Action::FailResource { .. }
        | Action::DeadlockResource { .. }
        | Action::ReplaceMasterCertificate { .. }
        | Action::ChangeNode { .. }
        | Action::SetWorkers(_)
        | Action::WorkerAgent { .. }
        | Action::SetCluster(_)
        | Action::StartExecutions(_) => None,
    }
}

const WITNESS: &str =
    "that the cluster misses the witness, or has it back, shows only when it needs the vote";
const DNS: &str =
    "that a host misses DNS, or has it back, shows only when it looks up a name that it does not remember";
const UPDATES: &str = "whether a zone takes updates shows only when a name is registered there";
const DIRECTORY: &str = "whether domain controllers answer shows only when somebody asks one";
const ANNOUNCEMENTS: &str = "whether announcements are heeded shows only when an address moves";
const ADDRESS: &str =
    "whether another machine has the address shows only when somebody takes it or asks for it";
const QUALITY: &str = "what delays and losses there are shows only in how long answers take";
const PROCESS: &str = "nobody looks whether the process has ended, and a worker that was away already does not go away once more";

/// All of them.
#[cfg(test)]
const REASONS: [&str; 8] = [WITNESS, DNS, UPDATES, DIRECTORY, ANNOUNCEMENTS, ADDRESS, QUALITY, PROCESS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_on_trust_is_told_with_its_reason() {
        let file =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/what-green-does-not-mean.md");
        let told = std::fs::read_to_string(file).expect("the page is there");
        let untold: Vec<&str> = REASONS.into_iter().filter(|why| !told.contains(why)).collect();
        assert_eq!(untold, [""; 0]);
    }
}
