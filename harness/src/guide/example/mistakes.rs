//! What can be wrong with a cluster, one mistake at a time?
//!
//! Each mistake is made in the snapshot of a cluster that follows the guide, as the script would have seen it.

use super::{LOG_LOGIN, availability_group, own_role, right};
use crate::guide::snapshot::{
    Certificate, ClusterNode, FailedStart, FirewallBlock, Look, Moment, Node, PrivateKey, Proxy, Resource,
    Service, Snapshot, Worker,
};

/// One mistake.
pub struct Mistake {
    /// Its name.
    pub name: &'static str,
    /// The rule that tells of it, and the only one.
    pub rule: &'static str,
    /// The right snapshot that it is made in.
    pub of: fn() -> Snapshot,
    /// Makes it.
    pub make: fn(&mut Snapshot),
}

impl Mistake {
    /// The snapshot with this mistake.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = (self.of)();
        (self.make)(&mut snapshot);
        snapshot
    }
}

/// All mistakes, in the order of the rules.
pub const MISTAKES: &[Mistake] = &[
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
    Mistake {
        name: "certificate_without_network_name",
        rule: "certificate_names_the_network_name",
        of: right,
        make: |snapshot| {
            every_certificate(snapshot, |certificate| {
                certificate.subject = certificate.subject.replace(", CN=SQLFCI", "");
                certificate.issuer.clone_from(&certificate.subject);
            });
        },
    },
    Mistake {
        name: "alternative_names_without_network_name",
        rule: "certificate_names_the_network_name",
        of: right,
        make: |snapshot| {
            every_certificate(snapshot, |certificate| {
                if certificate.subject.contains("SQLFCI") {
                    certificate.alternative_names = Some(vec!["NODE1".to_owned()]);
                }
            });
        },
    },
    Mistake {
        name: "master_not_installed_on_second_node",
        rule: "master_is_installed",
        of: right,
        make: |snapshot| {
            let node = second(snapshot);
            change(&mut node.services, |all| all.retain(|service| !service.name.contains("Master")));
            node.master_version = Look::Seen(None);
            node.master_settings = Look::CouldNotLook("no Scale Out Master is installed here".to_owned());
        },
    },
    Mistake {
        name: "second_node_has_its_own_certificate",
        rule: "same_certificate_on_every_node",
        of: right,
        make: |snapshot| {
            let node = second(snapshot);
            let pinned = master_thumbprint(node);
            let own = Certificate {
                thumbprint: OTHER.to_owned(),
                subject: "CN=NODE2, CN=10.0.0.12".to_owned(),
                issuer: "CN=NODE2, CN=10.0.0.12".to_owned(),
                alternative_names: None,
                not_after: FAR,
                private_key: PrivateKey::Opens,
            };
            change(&mut node.root, |all| all.push(own));
            change(&mut node.master_settings, |file| file.text = file.text.replace(&pinned, OTHER));
            change(&mut node.sslcert, |text| {
                *text = text.replace(&pinned.to_lowercase(), &OTHER.to_lowercase())
            });
        },
    },
    Mistake {
        name: "private_key_missing_on_second_node",
        rule: "private_key_opens_on_every_node",
        of: right,
        make: |snapshot| master_key(snapshot, PrivateKey::Absent),
    },
    Mistake {
        name: "private_key_does_not_open_on_second_node",
        rule: "private_key_opens_on_every_node",
        of: right,
        make: |snapshot| master_key(snapshot, PrivateKey::DoesNotOpen),
    },
    Mistake {
        name: "master_certificate_in_my_on_second_node",
        rule: "private_key_opens_on_every_node",
        of: right,
        make: |snapshot| {
            let node = second(snapshot);
            let own = master_thumbprint(node);
            let taken = take(node, &own);
            change(&mut node.my, |all| all.extend(taken));
        },
    },
    Mistake {
        name: "master_certificate_of_the_user_on_second_node",
        rule: "private_key_opens_on_every_node",
        of: right,
        make: |snapshot| {
            let node = second(snapshot);
            let own = master_thumbprint(node);
            take(node, &own);
            change(&mut node.user_root, |all| all.push(own));
        },
    },
    Mistake {
        name: "binding_missing_on_second_node",
        rule: "port_is_bound_to_the_certificate",
        of: right,
        make: |snapshot| second(snapshot).sslcert = Look::Seen("\n".to_owned()),
    },
    Mistake {
        name: "binding_of_an_old_certificate_on_second_node",
        rule: "port_is_bound_to_the_certificate",
        of: right,
        make: |snapshot| {
            let node = second(snapshot);
            let own = master_thumbprint(node).to_lowercase();
            change(&mut node.sslcert, |text| *text = text.replace(&own, &OTHER.to_lowercase()));
        },
    },
    Mistake {
        name: "binding_from_another_store_on_second_node",
        rule: "port_is_bound_to_the_certificate",
        of: right,
        make: |snapshot| {
            change(&mut second(snapshot).sslcert, |text| *text = text.replace(": Root", ": (null)"))
        },
    },
    Mistake {
        name: "binding_of_its_own_address_on_second_node",
        rule: "port_is_bound_to_the_certificate",
        of: right,
        make: |snapshot| {
            change(&mut second(snapshot).sslcert, |text| *text = text.replace("0.0.0.0:", "10.0.0.12:"))
        },
    },
    Mistake {
        name: "master_of_another_version_on_second_node",
        rule: "same_version_on_every_node",
        of: right,
        make: |snapshot| second(snapshot).master_version = Look::Seen(Some("15.0.2000.5".to_owned())),
    },
    Mistake {
        name: "sql_server_name_with_slashes",
        rule: "sql_server_name_is_well_formed",
        of: right,
        make: |snapshot| master_settings(snapshot, "\"SQLFCI\"", "\"SQLFCI//SSIS\""),
    },
    Mistake {
        name: "sql_server_name_with_one_backslash",
        rule: "sql_server_name_is_well_formed",
        of: right,
        make: |snapshot| master_settings(snapshot, "\"SQLFCI\"", "\"SQLFCI\\SSIS\""),
    },
    Mistake {
        name: "port_is_a_word_on_second_node",
        rule: "master_settings_are_well_formed",
        of: right,
        make: |snapshot| master_settings(snapshot, "8391", "\"https\""),
    },
    Mistake {
        name: "key_misspelt_on_second_node",
        rule: "master_settings_are_well_formed",
        of: right,
        make: |snapshot| master_settings(snapshot, "SSLCertThumbprint", "SslCertThumbprint"),
    },
    Mistake {
        name: "sql_server_name_is_a_node",
        rule: "sql_server_name_is_the_network_name",
        of: right,
        make: |snapshot| master_settings(snapshot, "\"SQLFCI\"", "\"NODE2\""),
    },
    Mistake {
        name: "sql_server_name_is_localhost",
        rule: "sql_server_name_is_the_network_name",
        of: right,
        make: |snapshot| master_settings(snapshot, "\"SQLFCI\"", "\"localhost\""),
    },
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
    Mistake {
        name: "worker_settings_are_no_json",
        rule: "worker_settings_are_well_formed",
        of: right,
        make: |snapshot| worker_settings(snapshot, "\"MaxTaskCount\": 10", "\"MaxTaskCount\": "),
    },
    Mistake {
        name: "task_count_is_a_word",
        rule: "worker_settings_are_well_formed",
        of: right,
        make: |snapshot| worker_settings(snapshot, "\"MaxTaskCount\": 10", "\"MaxTaskCount\": \"ten\""),
    },
    Mistake {
        name: "endpoint_is_a_node",
        rule: "endpoint_is_the_network_name",
        of: right,
        make: |snapshot| worker_settings(snapshot, "https://SQLFCI:8391", "https://NODE1:8391"),
    },
    Mistake {
        name: "endpoint_is_the_address_of_a_node",
        rule: "endpoint_is_the_network_name",
        of: right,
        make: |snapshot| worker_settings(snapshot, "https://SQLFCI:8391", "https://10.0.0.11:8391"),
    },
    Mistake {
        name: "worker_pins_another_certificate",
        rule: "worker_pins_the_master_certificate",
        of: right,
        make: |snapshot| {
            let worker = third(snapshot);
            let pinned =
                worker.root.seen().ok().and_then(|all| all.first()).map(|one| one.thumbprint.clone());
            let pinned = pinned.unwrap_or_default();
            change(&mut worker.worker_settings, |file| file.text = file.text.replace(&pinned, OTHER));
            change(&mut worker.root, |all| {
                let mut other = all.clone();
                other.iter_mut().for_each(|one| one.thumbprint = OTHER.to_owned());
                all.extend(other);
            });
        },
    },
    Mistake {
        name: "master_certificate_missing_on_a_worker",
        rule: "master_certificate_is_trusted",
        of: right,
        make: |snapshot| change(&mut third(snapshot).root, Vec::clear),
    },
    Mistake {
        name: "worker_key_does_not_open",
        rule: "worker_key_opens",
        of: right,
        make: |snapshot| {
            change(&mut third(snapshot).my, |all| {
                all.iter_mut().for_each(|one| one.private_key = PrivateKey::DoesNotOpen);
            });
        },
    },
    Mistake {
        name: "worker_account_changed",
        rule: "worker_key_opens",
        of: right,
        make: |snapshot| {
            change(&mut third(snapshot).services, |all| {
                all.iter_mut().for_each(|service| service.account = "LAB\\svc-worker".to_owned());
            });
        },
    },
    Mistake {
        name: "worker_certificates_missing_on_second_node",
        rule: "worker_certificates_are_trusted",
        of: right,
        make: |snapshot| {
            let owns = worker_thumbprints(snapshot);
            change(&mut second(snapshot).root, |all| all.retain(|one| !owns.contains(&one.thumbprint)));
        },
    },
    Mistake {
        name: "worker_certificates_of_the_user_on_second_node",
        rule: "worker_certificates_are_the_machines",
        of: right,
        make: |snapshot| {
            let owns = worker_thumbprints(snapshot);
            let node = second(snapshot);
            change(&mut node.root, |all| all.retain(|one| !owns.contains(&one.thumbprint)));
            change(&mut node.user_root, |all| all.extend(owns));
        },
    },
    Mistake {
        name: "junk_in_root_of_second_node",
        rule: "root_holds_self_signed_only",
        of: right,
        make: |snapshot| {
            change(&mut second(snapshot).root, |all| {
                all.push(Certificate {
                    thumbprint: OTHER.to_owned(),
                    subject: "CN=Issuing CA 1".to_owned(),
                    issuer: "CN=Root CA".to_owned(),
                    alternative_names: None,
                    not_after: FAR,
                    private_key: PrivateKey::Absent,
                });
            });
        },
    },
    Mistake {
        name: "schannel_differs",
        rule: "schannel_is_the_same_on_every_node",
        of: right,
        make: |snapshot| {
            let node = &mut snapshot.nodes[0];
            change(&mut node.schannel, |values| {
                values.insert("ClientAuthTrustMode".to_owned(), 2);
            });
        },
    },
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
        make: |snapshot| {
            change(&mut snapshot.ssisdb.master_properties, |all| {
                all.insert("CLUSTER_LOGDB_SERVER".to_owned(), "NODE1".to_owned());
            });
        },
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

/// What was seen, changed; what nobody could look at stays so.
fn change<T>(look: &mut Look<T>, how: impl FnOnce(&mut T)) {
    if let Some(seen) = look.seen_mut() {
        how(seen);
    }
}

fn second(snapshot: &mut Snapshot) -> &mut Node {
    &mut snapshot.nodes[1]
}

fn third(snapshot: &mut Snapshot) -> &mut Worker {
    &mut snapshot.workers[2]
}

fn member(snapshot: &mut Snapshot, how: impl FnMut(&mut ClusterNode)) {
    change(&mut snapshot.cluster.nodes, |all| all.iter_mut().skip(1).take(1).for_each(how));
}

fn resource(snapshot: &mut Snapshot, name: &str, how: impl FnOnce(&mut Resource)) {
    change(&mut snapshot.cluster.resources, |all| {
        if let Some(one) = all.iter_mut().find(|one| one.name == name) {
            how(one);
        }
    });
}

fn policy(snapshot: &mut Snapshot, name: &str, value: &str) {
    resource(snapshot, "Scale Out Master", |one| {
        one.properties.insert(name.to_owned(), value.to_owned());
    });
}

fn stop(worker: &mut Worker) {
    change(&mut worker.services, |all| {
        all.iter_mut().for_each(|service| {
            service.state = "Stopped".to_owned();
            service.started_at = None;
        });
    });
}

fn master(node: &mut Node, how: impl FnOnce(&mut Service)) {
    change(&mut node.services, |all| {
        if let Some(service) = all.iter_mut().find(|service| service.name.contains("Master")) {
            how(service);
        }
    });
}

fn account(node: &mut Node, account: &str) {
    master(node, |service| service.account = account.to_owned());
    change(&mut node.urlacl, |text| *text = text.replace("LAB\\svc-scaleout", account));
}

fn failed_start(node: &mut Node, event: u32) {
    let start = FailedStart { event, at: LATE, service: "SSISScaleOutMaster150".to_owned() };
    change(&mut node.failed_starts, |all| all.push(start));
}

fn master_settings(snapshot: &mut Snapshot, old: &str, new: &str) {
    change(&mut second(snapshot).master_settings, |file| file.text = file.text.replace(old, new));
}

fn worker_settings(snapshot: &mut Snapshot, old: &str, new: &str) {
    change(&mut third(snapshot).worker_settings, |file| file.text = file.text.replace(old, new));
}

fn master_thumbprint(node: &Node) -> String {
    let file = node.master_settings.seen().ok().and_then(|file| file.master().ok());
    file.map(|file| file.thumbprint).unwrap_or_default()
}

fn worker_thumbprints(snapshot: &Snapshot) -> Vec<String> {
    let files =
        snapshot.workers.iter().filter_map(|worker| worker.worker_settings.seen().ok()?.worker().ok());
    files.map(|file| file.own).collect()
}

fn master_key(snapshot: &mut Snapshot, key: PrivateKey) {
    let node = second(snapshot);
    let own = master_thumbprint(node);
    change(&mut node.root, |all| {
        all.iter_mut().filter(|one| one.thumbprint == own).for_each(|one| one.private_key = key);
    });
}

/// Takes a certificate out of LocalMachine\Root.
fn take(node: &mut Node, thumbprint: &str) -> Option<Certificate> {
    let root = node.root.seen_mut()?;
    let index = root.iter().position(|one| one.thumbprint == thumbprint)?;
    Some(root.remove(index))
}

fn every_certificate(snapshot: &mut Snapshot, how: impl Fn(&mut Certificate)) {
    let nodes = snapshot.nodes.iter_mut().flat_map(|node| [&mut node.root, &mut node.my]);
    let workers = snapshot.workers.iter_mut().map(|worker| &mut worker.root);
    for store in nodes.chain(workers) {
        change(store, |all| all.iter_mut().for_each(&how));
    }
}

/// The thumbprint of a certificate that does not belong there.
const OTHER: &str = "0BAD00000000000000000000000000000000C0DE";
/// 2020-01-01.
const EARLY: Moment = Moment(1_577_836_800);
/// An hour before the snapshot.
const LATE: Moment = Moment(1_795_467_600);
/// 2040-01-01.
const FAR: Moment = Moment(2_208_988_800);
