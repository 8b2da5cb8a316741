//! What can be wrong with the cluster and the instance: steps 1 and 2 of the guide?

use super::super::right;
use super::Mistake;
use super::change::{change, member, resource, second};
use crate::guide::snapshot::Look;

pub(super) const STEPS_1_AND_2: &[Mistake] = &[
    Mistake {
        name: "clustering_missing_on_second_node",
        rule: "clustering_is_installed",
        of: right,
        make: |snapshot| {
            change(&mut second(snapshot).features, |all| all.retain(|name| name != "Failover-Clustering"))
        },
    },
    Mistake {
        name: "tools_missing_on_second_node",
        rule: "cluster_tools_are_installed",
        of: right,
        make: |snapshot| {
            change(&mut second(snapshot).features, |all| {
                all.retain(|name| name != "RSAT-Clustering-PowerShell")
            });
        },
    },
    Mistake {
        name: "second_node_paused",
        rule: "node_is_up",
        of: right,
        make: |snapshot| member(snapshot, |node| node.state = "Paused".to_owned()),
    },
    Mistake {
        name: "second_node_down",
        rule: "node_is_up",
        of: right,
        make: |snapshot| member(snapshot, |node| node.state = "Down".to_owned()),
    },
    Mistake {
        name: "second_node_is_no_member",
        rule: "node_is_up",
        of: right,
        make: |snapshot| change(&mut snapshot.cluster.nodes, |all| all.truncate(1)),
    },
    Mistake {
        name: "witness_failed",
        rule: "quorum_survives_a_node",
        of: right,
        make: |snapshot| {
            change(&mut snapshot.cluster.witness, |witness| {
                witness.iter_mut().for_each(|one| one.state = "Failed".to_owned());
            });
        },
    },
    Mistake {
        name: "no_witness_for_two_nodes",
        rule: "quorum_survives_a_node",
        of: right,
        make: |snapshot| snapshot.cluster.witness = Look::Seen(None),
    },
    Mistake {
        name: "vote_taken_from_second_node",
        rule: "quorum_survives_a_node",
        of: right,
        make: |snapshot| member(snapshot, |node| node.node_weight = 0),
    },
    Mistake {
        name: "nodes_of_two_builds",
        rule: "windows_is_the_same_on_every_node",
        of: right,
        make: |snapshot| member(snapshot, |node| node.build = 20_348),
    },
    Mistake {
        name: "instance_on_one_node",
        rule: "node_may_own_the_instance",
        of: right,
        make: |snapshot| resource(snapshot, "SQL Server", |one| one.possible_owners.truncate(1)),
    },
    Mistake {
        name: "disk_on_one_node",
        rule: "node_may_own_the_disks",
        of: right,
        make: |snapshot| {
            change(&mut snapshot.cluster.resources, |all| {
                all.iter_mut()
                    .filter(|one| one.kind == "Physical Disk")
                    .for_each(|one| one.possible_owners.truncate(1));
            });
        },
    },
    Mistake {
        name: "noted_name_is_another",
        rule: "noted_name_is_the_network_name",
        of: right,
        make: |snapshot| {
            resource(snapshot, "SQL Network Name", |one| {
                one.parameters.insert("DnsName".to_owned(), "SQLCLUSTER".to_owned());
            });
        },
    },
];
