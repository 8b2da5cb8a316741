//! What else can be wrong: firewalls, accounts, availability groups, and what bites in practice?

use super::super::{LOG_LOGIN, availability_group, own_role, right};
use super::Mistake;
use super::change::{
    EARLY, LATE, account, change, every_certificate, failed_start, master, master_settings, policy, resource,
    second, stop, third, worker_settings,
};
use crate::guide::snapshot::{FailedStart, FirewallBlock, Look, Moment, Proxy, Snapshot};

pub(super) const BEYOND_THE_STEPS: &[Mistake] = &[
    Mistake {
        name: "firewall_closed_on_second_node",
        rule: "firewall_lets_workers_in",
        of: right,
        make: |snapshot| change(&mut second(snapshot).firewall, |firewall| firewall.open.clear()),
    },
    Mistake {
        name: "firewall_open_in_one_profile_of_second_node",
        rule: "firewall_rule_fits_the_network",
        of: right,
        make: |snapshot| {
            change(&mut second(snapshot).firewall, |firewall| {
                firewall.open.iter_mut().for_each(|rule| rule.profiles = vec!["Domain".to_owned()]);
            });
        },
    },
    Mistake {
        name: "firewall_rule_blocks_on_second_node",
        rule: "no_firewall_rule_blocks_workers",
        of: right,
        make: |snapshot| {
            change(&mut second(snapshot).firewall_blocks, |all| {
                all.push(FirewallBlock {
                    name: "Keep 8000 to 9000 closed".to_owned(),
                    profiles: vec!["Domain".to_owned()],
                    from: vec!["Any".to_owned()],
                });
            });
        },
    },
    Mistake {
        name: "master_runs_as_virtual_account",
        rule: "master_may_log_in_from_every_node",
        of: right,
        make: |snapshot| {
            for node in &mut snapshot.nodes {
                account(node, "NT Service\\SSISScaleOutMaster150");
            }
        },
    },
    Mistake {
        name: "master_account_has_no_login",
        rule: "master_may_log_in_from_every_node",
        of: right,
        make: |snapshot| change(&mut snapshot.ssisdb.admins, Vec::clear),
    },
    Mistake {
        name: "master_account_differs_on_second_node",
        rule: "same_account_on_every_node",
        of: right,
        make: |snapshot| {
            account(second(snapshot), "LAB\\svc-other");
            change(&mut snapshot.ssisdb.admins, |all| all.push("LAB\\svc-other".to_owned()));
        },
    },
    Mistake {
        name: "port_differs_on_second_node",
        rule: "same_port_on_every_node",
        of: right,
        make: |snapshot| {
            master_settings(snapshot, "8391", "8392");
            let node = second(snapshot);
            change(&mut node.sslcert, |text| *text = text.replace(":8391", ":8392"));
            change(&mut node.urlacl, |text| *text = text.replace(":8391", ":8392"));
        },
    },
    Mistake {
        name: "master_address_is_a_node",
        rule: "master_address_is_the_network_name",
        of: right,
        make: |snapshot| {
            change(&mut snapshot.ssisdb.master_properties, |all| {
                all.insert("MASTER_ADDRESS".to_owned(), "https://NODE1:8391".to_owned());
            });
        },
    },
    Mistake {
        name: "availability_group_without_a_listener",
        rule: "availability_group_has_a_listener",
        of: availability_group,
        make: |snapshot| {
            change(&mut snapshot.cluster.resources, |all| {
                all.retain(|one| !["SSISAG Listener", "SSISAG IP Address"].contains(&one.name.as_str()));
            });
            resource(snapshot, "SSISAG", |one| one.dependency = String::new());
        },
    },
    Mistake {
        name: "log_login_missing_on_second_replica",
        rule: "logins_are_on_every_replica",
        of: availability_group,
        make: |snapshot| change(&mut second(snapshot).logins, |all| all.retain(|name| name != LOG_LOGIN)),
    },
    Mistake {
        name: "master_login_missing_on_second_replica",
        rule: "logins_are_on_every_replica",
        of: availability_group,
        make: |snapshot| change(&mut second(snapshot).logins, |all| all.retain(|name| name == LOG_LOGIN)),
    },
    Mistake {
        name: "log_server_is_a_node",
        rule: "log_server_is_the_network_name",
        of: availability_group,
        make: log_to_the_first_node,
    },
    Mistake {
        name: "log_server_is_a_node_of_the_instance",
        rule: "log_server_is_the_network_name",
        of: right,
        make: log_to_the_first_node,
    },
    Mistake {
        name: "listener_not_in_the_settings",
        rule: "sql_server_name_is_the_network_name",
        of: availability_group,
        make: |snapshot| master_settings(snapshot, "SSISLISTENER", "NODE2"),
    },
    Mistake {
        name: "certificate_names_the_listener",
        rule: "certificate_names_the_network_name",
        of: availability_group,
        make: |snapshot| {
            every_certificate(snapshot, |certificate| {
                certificate.subject = certificate.subject.replace("CN=SCALEOUT", "CN=SSISLISTENER");
                certificate.issuer.clone_from(&certificate.subject);
            });
        },
    },
    Mistake {
        name: "endpoint_is_the_listener",
        rule: "endpoint_is_the_network_name",
        of: availability_group,
        make: |snapshot| worker_settings(snapshot, "https://SCALEOUT:8391", "https://SSISLISTENER:8391"),
    },
    Mistake {
        name: "certificate_names_the_instance",
        rule: "certificate_names_the_network_name",
        of: own_role,
        make: |snapshot| {
            every_certificate(snapshot, |certificate| {
                certificate.subject = certificate.subject.replace("CN=SCALEOUT", "CN=SQLFCI");
                certificate.issuer.clone_from(&certificate.subject);
            });
        },
    },
    Mistake {
        name: "master_address_is_the_instance",
        rule: "master_address_is_the_network_name",
        of: own_role,
        make: |snapshot| {
            change(&mut snapshot.ssisdb.master_properties, |all| {
                all.insert("MASTER_ADDRESS".to_owned(), "https://SQLFCI:8391".to_owned());
            });
        },
    },
    Mistake {
        name: "windows_authentication_only",
        rule: "sql_logins_are_allowed",
        of: right,
        make: |snapshot| snapshot.ssisdb.windows_authentication_only = Look::Seen(true),
    },
    Mistake {
        name: "worker_not_enabled",
        rule: "worker_is_enabled",
        of: right,
        make: |snapshot| change(&mut snapshot.ssisdb.worker_agents, |all| all[2].enabled = false),
    },
    Mistake {
        name: "master_certificate_expired",
        rule: "master_certificate_is_valid",
        of: right,
        make: |snapshot| {
            every_certificate(snapshot, |certificate| {
                if certificate.subject.contains("SQLFCI") {
                    certificate.not_after = EARLY;
                }
            });
        },
    },
    Mistake {
        name: "worker_certificate_expires_soon",
        rule: "worker_certificate_is_valid",
        of: right,
        make: |snapshot| {
            let soon = Moment(snapshot.collected_at.0 + 10 * 86_400);
            change(&mut third(snapshot).my, |all| all.iter_mut().for_each(|one| one.not_after = soon));
        },
    },
    Mistake {
        name: "no_binding_for_ipv6",
        rule: "port_is_bound_for_ipv6",
        of: right,
        make: |snapshot| {
            change(&mut third(snapshot).resolved, |all| all.push("fd00::100".to_owned()));
            let first = &mut snapshot.nodes[0];
            change(&mut first.sslcert, |text| {
                let other = text.replace("0.0.0.0:", "[::]:");
                text.push_str(&other);
            });
        },
    },
    Mistake {
        name: "scale_out_not_enabled",
        rule: "scale_out_is_enabled",
        of: right,
        make: |snapshot| {
            change(&mut snapshot.ssisdb.master_properties, |all| {
                all.insert("IS_SCALEOUT_ENABLED".to_owned(), "False".to_owned());
            });
        },
    },
    Mistake {
        name: "master_starts_by_itself_on_second_node",
        rule: "only_the_cluster_starts_it",
        of: right,
        make: |snapshot| master(second(snapshot), |service| service.start_mode = "Auto".to_owned()),
    },
    Mistake {
        name: "password_wrong_on_second_node",
        rule: "master_can_log_on",
        of: right,
        make: |snapshot| failed_start(second(snapshot), 7038),
    },
    Mistake {
        name: "right_to_log_on_missing_on_second_node",
        rule: "master_can_log_on",
        of: right,
        make: |snapshot| failed_start(second(snapshot), 7041),
    },
    Mistake {
        name: "master_is_never_started_again",
        rule: "master_is_started_again",
        of: right,
        make: |snapshot| policy(snapshot, "RestartAction", "0"),
    },
    Mistake {
        name: "master_is_given_up_for_good",
        rule: "master_is_started_again",
        of: right,
        make: |snapshot| policy(snapshot, "RetryPeriodOnFailure", "4294967295"),
    },
    Mistake {
        name: "worker_stopped",
        rule: "worker_runs",
        of: right,
        make: |snapshot| stop(third(snapshot)),
    },
    Mistake {
        name: "password_of_a_worker_wrong",
        rule: "worker_can_log_on",
        of: right,
        make: |snapshot| {
            let worker = third(snapshot);
            stop(worker);
            let start = FailedStart { event: 7038, at: LATE, service: "SSISScaleOutWorker150".to_owned() };
            change(&mut worker.failed_starts, |all| all.push(start));
        },
    },
    Mistake {
        name: "master_settings_edited_after_the_start",
        rule: "master_read_its_settings",
        of: right,
        make: |snapshot| change(&mut snapshot.nodes[0].master_settings, |file| file.written_at = LATE),
    },
    Mistake {
        name: "worker_settings_edited_after_the_start",
        rule: "worker_read_its_settings",
        of: right,
        make: |snapshot| change(&mut third(snapshot).worker_settings, |file| file.written_at = LATE),
    },
    Mistake {
        name: "port_taken_on_second_node",
        rule: "port_is_free",
        of: right,
        make: |snapshot| change(&mut second(snapshot).listeners, |all| all.push("agent.exe".to_owned())),
    },
    Mistake {
        name: "url_reserved_for_another_on_second_node",
        rule: "url_is_reserved_for_the_master",
        of: right,
        make: |snapshot| {
            let other = "NT SERVICE\\SSISScaleOutMaster150";
            change(&mut second(snapshot).urlacl, |text| *text = text.replace("LAB\\svc-scaleout", other));
        },
    },
    Mistake {
        name: "stale_record_on_a_worker",
        rule: "name_resolves_to_the_role",
        of: right,
        make: |snapshot| third(snapshot).resolved = Look::Seen(vec!["10.0.0.11".to_owned()]),
    },
    Mistake {
        name: "line_in_the_hosts_file",
        rule: "hosts_file_is_silent",
        of: right,
        make: |snapshot| {
            change(&mut third(snapshot).hosts_file, |all| all.push("10.0.0.100 SQLFCI".to_owned()));
        },
    },
    Mistake {
        name: "proxy_of_a_worker",
        rule: "no_proxy",
        of: right,
        make: |snapshot| {
            third(snapshot).proxy = Look::Seen(Some(Proxy {
                server: Some("proxy:3128".to_owned()),
                bypass: vec!["*.intranet.example".to_owned()],
                script: None,
            }));
        },
    },
    Mistake {
        name: "proxy_script_of_a_worker",
        rule: "no_proxy",
        of: right,
        make: |snapshot| {
            third(snapshot).proxy = Look::Seen(Some(Proxy {
                server: None,
                bypass: Vec::new(),
                script: Some("http://proxy/all.pac".to_owned()),
            }));
        },
    },
];

fn log_to_the_first_node(snapshot: &mut Snapshot) {
    change(&mut snapshot.ssisdb.master_properties, |all| {
        all.insert("CLUSTER_LOGDB_SERVER".to_owned(), "NODE1".to_owned());
    });
}
