//! What can be wrong with the workers: steps 7 and 8 of the guide?

use super::super::right;
use super::Mistake;
use super::change::{FAR, OTHER, change, second, third, worker_settings, worker_thumbprints};
use crate::guide::snapshot::{Certificate, PrivateKey};

pub(super) const STEPS_7_AND_8: &[Mistake] = &[
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
];
