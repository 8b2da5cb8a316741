//! What can be wrong with the masters of the nodes: steps 3 to 5 of the guide?

use super::super::right;
use super::Mistake;
use super::change::{
    FAR, OTHER, change, every_certificate, master_key, master_settings, master_thumbprint, second, take,
};
use crate::guide::snapshot::{Certificate, Look, PrivateKey};

pub(super) const STEPS_3_TO_5: &[Mistake] = &[
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
];
