//! Did a worker reconnect via the network name, and what shows it?
//!
//! A connection proves little by itself: the name may come from a hosts file, the endpoint from a file that nobody has read. What
//! was seen of each worker while it was connected is counted, and told by name.

use failover_sim::names::WorkerId;
use failover_sim::observe::{Answer, WorkerState};

use super::binding::Binding;
use super::protocol::{SOCKET_ESTABLISHED, SsisdbSight, Ticks, WorkerSight};

/// What shows that a worker is connected via the network name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shown {
    is_connected: bool,
    /// The host of the endpoint that was in force when the service started is the network name.
    endpoint: bool,
    /// The resolver of its machine gives an address of the role.
    resolver: bool,
    /// The hosts file of its machine has no line for the name.
    no_hosts_line: bool,
    /// Its socket goes to an address of the role.
    socket: bool,
    /// The certificate that it is served with is the one that the probe met.
    certificate: bool,
    /// Its time in SSISDB moves on while it is connected.
    online: bool,
}

/// What SSISDB said last of times.
#[derive(Clone, Debug, Default)]
struct Times {
    /// `LAST_ONLINE_TIME` of the master, and whether it was seen to move on since a worker connected last.
    master: Option<String>,
    master_moves: bool,
    /// `LastOnlineTime` of each worker.
    workers: Vec<Option<Ticks>>,
    /// Whether anybody could see the rows of the workers.
    was_seen: bool,
}

/// What was seen last of every worker.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    workers: Vec<Shown>,
    times: Times,
}

impl Evidence {
    pub(super) fn new(binding: &Binding) -> Self {
        let workers = binding.topology.workers.len();
        let times = Times { workers: vec![None; workers], ..Times::default() };
        Self { workers: vec![Shown::default(); workers], times }
    }

    /// Takes in a look at SSISDB.
    pub(super) fn saw_database(&mut self, sight: &SsisdbSight, binding: &Binding) {
        let times = &mut self.times;
        if let Some(online) = sight.property(LAST_ONLINE_TIME) {
            let before = times.master.replace(online.to_owned());
            times.master_moves |= before.is_some_and(|before| before != online);
        }
        let Some(agents) = &sight.workers else { return };
        times.was_seen = true;
        for agent in agents {
            let Some(worker) = binding.worker(&agent.machine) else { continue };
            let before = std::mem::replace(&mut times.workers[worker.index()], agent.last_online);
            let shown = &mut self.workers[worker.index()];
            shown.online |= shown.is_connected && before.is_some() && before < agent.last_online;
        }
    }

    /// Takes in a look at a worker whose state is known.
    pub(super) fn saw(
        &mut self,
        worker: WorkerId,
        sight: &WorkerSight,
        state: WorkerState,
        endpoint: Option<Answer>,
        binding: &Binding,
    ) {
        let WorkerState::Connected { presented, .. } = state else {
            return self.workers[worker.index()] = Shown::default();
        };
        let name = binding.endpoint_name(binding.topology.endpoint);
        let is_of_role = |address: &str| {
            let found = binding.endpoint_host(address);
            found.is_some_and(|host| binding.leads_to(binding.topology.endpoint, host))
        };
        let resolution = sight.resolution.as_ref();
        let socket = sight.socket.as_ref().filter(|socket| socket.state == SOCKET_ESTABLISHED);
        let met = match endpoint {
            Some(Answer::Served { certificate, .. }) => Some(certificate),
            Some(Answer::NoHandshake(_) | Answer::Silent | Answer::Refused) | None => None,
        };
        let before = self.workers[worker.index()];
        self.times.master_moves &= before.is_connected;
        self.workers[worker.index()] = Shown {
            online: before.online,
            is_connected: true,
            endpoint: resolution.is_some() && sight.endpoint_host.eq_ignore_ascii_case(name),
            resolver: resolution.is_some_and(|found| found.addresses.iter().any(|one| is_of_role(one))),
            no_hosts_line: resolution.is_some_and(|found| !found.hosts_line),
            socket: socket.is_some_and(|socket| is_of_role(&socket.remote_address)),
            certificate: met == Some(presented),
        };
    }

    /// What was seen, and what nobody looked at; nothing if no worker is connected.
    pub(super) fn told(&self) -> Option<String> {
        let connected: Vec<&Shown> = self.workers.iter().filter(|shown| shown.is_connected).collect();
        let all = connected.len();
        if all == 0 {
            return None;
        }
        let of = |what: &str, is_shown: fn(&Shown) -> bool| {
            let count = connected.iter().filter(|shown| is_shown(shown)).count();
            format!("{what} {count}")
        };
        let mut parts = vec![
            of("endpoint in force is the network name", |shown| shown.endpoint),
            of("resolver gives an address of the role", |shown| shown.resolver),
            of("no line in the hosts file", |shown| shown.no_hosts_line),
            of("socket goes to an address of the role", |shown| shown.socket),
            of("certificate is the one that the probe met", |shown| shown.certificate),
        ];
        let database = if self.times.was_seen {
            parts.push(of("LastOnlineTime in SSISDB has moved on", |shown| shown.online));
            let was = if self.times.master_moves { "was seen" } else { "was not seen" };
            format!("the master's LAST_ONLINE_TIME {was} to move on since")
        } else {
            "SSISDB could not be looked at".to_owned()
        };
        Some(format!("seen last of {all} connected: {}; {database}", parts.join(", ")))
    }
}

/// The property of the master that moves on as long as it reaches SSISDB (catalog.master_properties, observed).
const LAST_ONLINE_TIME: &str = "LAST_ONLINE_TIME";

#[cfg(test)]
mod tests {
    use failover_sim::names::{CertificateId, NodeId};
    use failover_sim::observe::Loss;

    use super::super::protocol::{Resolution, SocketSight};
    use super::*;
    use crate::plan::Overrides;
    use crate::scenario::load;

    const W1: WorkerId = WorkerId(0);
    const SERVED: Answer = Answer::Served { by: NodeId(0), certificate: CertificateId(0) };

    fn sight(endpoint_host: &str, resolved: &str, hosts_line: bool, remote: &str) -> WorkerSight {
        WorkerSight {
            endpoint_host: endpoint_host.to_owned(),
            endpoint_port: 8391,
            resolution: Some(Resolution { addresses: vec![resolved.to_owned()], hosts_line }),
            socket: Some(SocketSight { state: SOCKET_ESTABLISHED, remote_address: remote.to_owned() }),
            log: None,
            work: None,
        }
    }

    #[test]
    fn each_part_is_counted_by_itself_and_only_while_the_worker_is_connected() {
        let plan = load(&["cluster/planned_move".into()], 1, &Overrides::default());
        let plan = plan.expect("the program carries it").remove(0);
        let binding = Binding::of(&plan);
        let (through, presented) = (plan.topology.endpoint, CertificateId(0));
        let connected = WorkerState::Connected { through, served_by: NodeId(0), presented };
        let counts = |sight: &WorkerSight, state, met| {
            let mut evidence = Evidence::new(&binding);
            evidence.saw(W1, sight, state, met, &binding);
            evidence.told().map(|text| {
                let counts = text.split([',', ';']).filter_map(|part| part.rsplit(' ').next()?.parse().ok());
                counts.collect::<Vec<u32>>()
            })
        };
        let right = sight("sqlfci", "10.0.0.100", false, "10.0.0.100");
        assert_eq!(counts(&right, connected, Some(SERVED)), Some(vec![1, 1, 1, 1, 1]));
        let astray = sight("node1", "10.0.0.11", true, "10.0.0.11");
        assert_eq!(counts(&astray, connected, Some(Answer::Silent)), Some(vec![0, 0, 0, 0, 0]));
        let by_hand = sight("SQLFCI", "10.0.0.100", true, "10.0.0.100");
        assert_eq!(counts(&by_hand, connected, Some(SERVED)), Some(vec![1, 1, 0, 1, 1]));
        assert_eq!(counts(&right, WorkerState::Disconnected(Loss::Reset), Some(SERVED)), None);
    }
}
