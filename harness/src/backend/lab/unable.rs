//! What can a lab not do, and why?
//!
//! A person reads it where a scenario is skipped, and in docs/lab.md.

use failover_sim::action::{Action, LinkEnd, LoadWorkers, NodeChange, Part, StartQuorum};
use failover_sim::cluster::Witness;

use crate::plan::{NodeWord, Plan};

/// Why a lab cannot carry this out, if it cannot.
pub(super) fn why_not(action: &Action<NodeWord>, plan: &Plan) -> Option<&'static str> {
    let has_share = plan.topology.cluster.witness == Some(Witness::FileShare);
    match action {
        Action::RestartNode { .. } => Some(RESTART),
        Action::StartClusterService {
            quorum: StartQuorum::Force | StartQuorum::Prevent,
            clear_quarantine: true,
            ..
        } => Some(QUARANTINE),
        Action::Surroundings { part, .. } => match part {
            Part::Witness => (!has_share).then_some(WITNESS),
            Part::Address(_) => Some(ADDRESS),
            Part::DnsUpdates => Some(UPDATES),
            Part::Directory => Some(DIRECTORY),
            Part::Announcements => Some(ANNOUNCEMENTS),
            Part::ServiceStart { .. } | Part::Dns | Part::Adapter(_) => None,
        },
        Action::Link { to, .. } => match to {
            LinkEnd::Clients => (plan.topology.cluster.roles.len() > 1).then_some(ROLES),
            LinkEnd::Witness => (!has_share).then_some(WITNESS),
            LinkEnd::Node(_) | LinkEnd::OtherNodes | LinkEnd::Disk => None,
        },
        Action::ChangeNode { change, .. } => match change {
            NodeChange::PrivateKey(_) => Some(KEY),
            NodeChange::MasterService(_) => Some(SERVICE),
            NodeChange::SqlLogin(_) => Some(LOGIN),
            NodeChange::HttpsBinding(_)
            | NodeChange::WorkerCertificates(_)
            | NodeChange::RootStore(_)
            | NodeChange::MasterPort(_)
            | NodeChange::PortNumber(_) => None,
        },
        Action::Degrade { .. } => Some(QUALITY),
        Action::DeadlockResource { .. } => Some(MONITOR),
        Action::StartExecutions(load) => {
            let is_for_all = plan.loads[load.index()].workers == LoadWorkers::EachNamed;
            let somebody_waits = plan.topology.workers.iter().any(|worker| !worker.enabled);
            (is_for_all && somebody_waits).then_some(WAITING)
        }
        Action::MoveRole { .. }
        | Action::PowerOff { .. }
        | Action::PowerOn { .. }
        | Action::KillClusterService { .. }
        | Action::Freeze { .. }
        | Action::Thaw { .. }
        | Action::StopClusterService { .. }
        | Action::StartClusterService { .. }
        | Action::ShutDown { .. }
        | Action::Resource { .. }
        | Action::Role { .. }
        | Action::PauseNode { .. }
        | Action::ResumeNode { .. }
        | Action::PossibleOwner { .. }
        | Action::WorkerService { .. }
        | Action::Service { .. }
        | Action::FailResource { .. }
        | Action::ReplaceMasterCertificate { .. }
        | Action::SetWorkers(_)
        | Action::WorkerAgent { .. }
        | Action::SetCluster(_) => None,
    }
}

const RESTART: &str = "from its last look to the first after it nobody can say what the node did";
const QUARANTINE: &str = "a node in quarantine has others that have quorum";
const WITNESS: &str = "only a witness on a share can be kept from a node";
const ADDRESS: &str =
    "a machine outside the cluster would have to answer for the address, and a lab has none";
const UPDATES: &str = "whether a zone takes updates is set on the DNS server, which is no host of a lab";
const DIRECTORY: &str = "without domain controllers no session could be opened either: Kerberos needs them";
const ANNOUNCEMENTS: &str = "whoever would ignore them is a router or a switch, and no host of a lab";
const ROLES: &str = "where there are several roles nodes use each other's addresses, too";
const KEY: &str = "whoever has the key open goes on without its file, so that it need not show";
const SERVICE: &str =
    "a service that is deleted cannot be made again as it was: its password is known to nobody";
const LOGIN: &str = "a login belongs to the instance, which moves: refused, it is refused on every node";
const QUALITY: &str = "Windows can throttle what is sent, but neither delay nor lose it";
const MONITOR: &str =
    "a resource monitor watches its calls itself: suspended as a whole it would notice nothing";
const WAITING: &str = "an execution that waits cannot be stopped";

/// All of them.
#[cfg(test)]
const REASONS: [&str; 14] = [
    RESTART,
    QUARANTINE,
    WITNESS,
    ADDRESS,
    UPDATES,
    DIRECTORY,
    ANNOUNCEMENTS,
    ROLES,
    KEY,
    SERVICE,
    LOGIN,
    QUALITY,
    MONITOR,
    WAITING,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::ABLE;
    use super::*;
    use crate::plan::Overrides;
    use crate::scenario::load;

    #[test]
    fn what_a_lab_can_do_it_can_be_allowed_and_what_it_cannot_is_told_with_its_reason() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let plans = load(&[folder], 1, &Overrides::default()).expect("the scenarios are right");
        let mut met = BTreeSet::new();
        for plan in &plans {
            for planned in &plan.actions {
                let why = why_not(&planned.action, plan);
                let verb = planned.action.verb();
                assert!(why.is_some() || ABLE.contains(&verb), "{}: {}", plan.name, verb.word());
                met.extend(why);
            }
        }
        // What no scenario asks for is told all the same.
        assert!(met.iter().all(|why| REASONS.contains(why)) && met.contains(QUALITY), "{met:?}");
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lab.md");
        let told = std::fs::read_to_string(file).expect("the page is there");
        let untold: Vec<&str> = REASONS.into_iter().filter(|why| !told.contains(why)).collect();
        assert_eq!(untold, [""; 0]);
    }
}
