//! How long does everything take?

use failover_sim::choices::Spread;
use failover_sim::topology::Timings;

use super::super::diagnostic::Fault;
use super::super::read::At;
use super::super::topology_document::{SpreadDocument, TimingsDocument};

pub(super) fn timings_of(document: &TimingsDocument, faults: &mut Vec<Fault>) -> Timings {
    let usual = Timings::DEFAULT;
    let mut spread = |document: Option<At<SpreadDocument>>, usual: Spread| {
        let Some(At { span, value }) = document else { return usual };
        let spread = Spread { least: value.least.0, mode: value.mode.0, most: value.most.0 };
        if !(spread.least <= spread.mode && spread.mode <= spread.most) {
            let fault =
                Fault::new("the times are out of order", span).with_label("expected least <= mode <= most");
            faults.push(fault);
            return usual;
        }
        spread
    };
    let timings = Timings {
        link: spread(document.link, usual.link),
        regroup: spread(document.regroup, usual.regroup),
        join: spread(document.join, usual.join),
        service_restart: document.service_restart.map_or(usual.service_restart, |length| length.0),
        boot: document.boot.map_or(usual.boot, |length| length.0),
        disk_online: spread(document.disk_online, usual.disk_online),
        ip_address_online: spread(document.ip_address_online, usual.ip_address_online),
        network_name_online: spread(document.network_name_online, usual.network_name_online),
        sql_server_online: spread(document.sql_server_online, usual.sql_server_online),
        recovery: spread(document.recovery, usual.recovery),
        agent_online: spread(document.agent_online, usual.agent_online),
        availability_group_online: spread(
            document.availability_group_online,
            usual.availability_group_online,
        ),
        master_online: spread(document.master_online, usual.master_online),
        master_serves: spread(document.master_serves, usual.master_serves),
        sql_server_offline: spread(document.sql_server_offline, usual.sql_server_offline),
        offline: spread(document.offline, usual.offline),
    };
    // Without a quorum a starting node tries again after this time; without it time would never go on.
    if let Some(join) = document.join.filter(|_| timings.join.most.is_zero()) {
        let fault = Fault::new("`join` must be longer than zero at times", join.span);
        faults.push(fault.with_label("expected a `most` longer than zero"));
    }
    timings
}
