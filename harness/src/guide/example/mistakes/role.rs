//! What can be wrong with the role: step 6 of the guide?

use super::super::right;
use super::Mistake;
use super::change::{LATE, change, master, resource, second};

pub(super) const STEP_6: &[Mistake] = &[
    Mistake {
        name: "master_is_no_resource",
        rule: "master_is_a_resource",
        of: right,
        make: |snapshot| {
            change(&mut snapshot.cluster.resources, |all| all.retain(|one| one.kind != "Generic Service"));
        },
    },
    Mistake {
        name: "two_masters_run",
        rule: "master_runs_on_one_node",
        of: right,
        make: |snapshot| {
            master(second(snapshot), |service| {
                service.state = "Running".to_owned();
                service.started_at = Some(LATE);
            });
        },
    },
    Mistake {
        name: "master_runs_nowhere",
        rule: "master_runs_on_one_node",
        of: right,
        make: |snapshot| {
            for node in &mut snapshot.nodes {
                master(node, |service| {
                    service.state = "Stopped".to_owned();
                    service.started_at = None;
                });
            }
        },
    },
    Mistake {
        name: "master_runs_outside_its_role",
        rule: "master_runs_on_one_node",
        of: right,
        make: |snapshot| {
            for (index, node) in snapshot.nodes.iter_mut().enumerate() {
                master(node, |service| {
                    service.state = if index == 1 { "Running" } else { "Stopped" }.to_owned();
                    service.started_at = (index == 1).then_some(LATE);
                });
            }
        },
    },
    Mistake {
        name: "master_resource_left_offline",
        rule: "role_is_online",
        of: right,
        make: |snapshot| resource(snapshot, "Scale Out Master", |one| one.state = "Offline".to_owned()),
    },
    Mistake {
        name: "master_in_another_role",
        rule: "master_moves_with_a_network_name",
        of: right,
        make: |snapshot| {
            resource(snapshot, "Scale Out Master", |one| {
                one.role = "Available Storage".to_owned();
                one.dependency = String::new();
            });
        },
    },
    Mistake {
        name: "master_depends_on_nothing",
        rule: "master_waits_for_its_providers",
        of: right,
        make: |snapshot| resource(snapshot, "Scale Out Master", |one| one.dependency = String::new()),
    },
    Mistake {
        name: "master_depends_on_the_name_alone",
        rule: "master_waits_for_its_providers",
        of: right,
        make: |snapshot| {
            resource(snapshot, "Scale Out Master", |one| one.dependency = "([SQL Network Name])".to_owned());
        },
    },
    Mistake {
        name: "master_on_one_node",
        rule: "node_may_own_the_master",
        of: right,
        make: |snapshot| resource(snapshot, "Scale Out Master", |one| one.possible_owners.truncate(1)),
    },
    Mistake {
        name: "resource_names_an_old_service",
        rule: "resource_names_the_installed_service",
        of: right,
        make: |snapshot| {
            resource(snapshot, "Scale Out Master", |one| {
                one.parameters.insert("ServiceName".to_owned(), "SSISScaleOutMaster140".to_owned());
            });
        },
    },
    Mistake {
        name: "master_disabled_on_second_node",
        rule: "master_is_not_disabled",
        of: right,
        make: |snapshot| master(second(snapshot), |service| service.start_mode = "Disabled".to_owned()),
    },
];
