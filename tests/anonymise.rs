//! Does a snapshot with other names keep what is right and wrong, and nothing of the old names?

use failover_harness::guide::anonymise::anonymise;
use failover_harness::guide::example;
use failover_harness::guide::predict::{predict, topology_of};
use failover_harness::guide::preflight::{self, Answer};
use failover_harness::guide::snapshot::{Look, Snapshot};
use failover_tests::{failover, root};

/// What preflight says of each node and worker, without words.
fn answers(snapshot: &Snapshot) -> Vec<(&'static str, u8)> {
    let kind = |answer: &Answer| match answer {
        Answer::Right(_) => 0,
        Answer::Wrong { .. } => 1,
        Answer::CouldNotLook(_) => 2,
    };
    let found = preflight::inspect(snapshot).findings;
    found.iter().map(|finding| (finding.rule.name, kind(&finding.answer))).collect()
}

#[test]
fn the_same_is_right_and_wrong_in_every_example() {
    for name in example::names() {
        let snapshot = example::by_name(name).expect("an example");
        let other = anonymise(&snapshot);
        assert_eq!(answers(&other), answers(&snapshot), "{name}");
        assert_eq!(topology_of(&other).is_ok(), topology_of(&snapshot).is_ok(), "{name}");
        assert_eq!(Snapshot::read(&other.text()).expect("a snapshot"), other, "{name}");
    }
}

/// Texts that tell whose cluster it is, as they stand in the examples and in `with_everything`.
const TELLING: &[&str] = &[
    "ALPHA",
    "BETA",
    "SQLFCI",
    "SQLCLUSTER",
    "LAB",
    "svc-",
    "10.0.0.11",
    "10.0.0.12",
    "10.0.0.100",
    "B375",
    "0BAD",
    "Cluster Disk",
    "SQL Network Name",
    "SQL IP Address",
    "SQL Server (",
    "proxy:3128",
    "agent.exe",
    "Issuing CA",
    "Root CA",
    "Program Files",
    "contoso",
    "PAYROLL",
    "Available Storage",
    "secret",
];

/// A snapshot with everything that somebody could have put into it besides.
fn with_everything() -> Snapshot {
    let text = example::right().text();
    let text = text
        .replace("\"CN=NODE1, CN=10.0.0.11, CN=SQLFCI\"", "\"CN=NODE1.contoso.com, O=contoso, CN=SQLFCI\"");
    let text = text.replace("https://SQLFCI:8391", "https://sqlfci.contoso.com:8391");
    let mut snapshot = Snapshot::read(&text).expect("a snapshot");
    let node = &mut snapshot.nodes[1];
    if let Some(file) = node.master_settings.seen_mut() {
        file.text = file.text.replace("\"SQLFCI\"", "\"SQLFCI\\\\PAYROLL\"").replacen(
            '{',
            "{ \"Note\": \"secret\",",
            1,
        );
        file.path = "D:\\contoso\\secret.config".to_owned();
    }
    if let Some(services) = node.services.seen_mut() {
        services[0].name = "MSSQL$PAYROLL".to_owned();
        services[0].account = "svc-sql@contoso.com".to_owned();
        services[1].account = ".\\svc-local".to_owned();
    }
    node.my = Look::CouldNotLook("access to NODE2 is denied for LAB\\svc-secret".to_owned());
    if let Some(properties) = snapshot.cluster.properties.seen_mut() {
        properties.insert("Name".to_owned(), "contoso-cluster".to_owned());
    }
    if let Some(properties) = snapshot.ssisdb.master_properties.seen_mut() {
        properties.insert("ANYTHING".to_owned(), "secret".to_owned());
    }
    if let Some(admins) = snapshot.ssisdb.admins.seen_mut() {
        admins.push("payroll_admin".to_owned());
    }
    snapshot
}

#[test]
fn nothing_tells_whose_cluster_it_was() {
    let examples =
        example::names().filter_map(|name| example::by_name(name).map(|snapshot| (name, snapshot)));
    let mut told = String::new();
    for (name, snapshot) in examples.chain([("with everything", with_everything())]) {
        // The nodes of the examples are called as those of an anonymous snapshot are.
        let text = snapshot.text().replace("NODE", "ALPHA");
        let text = ["1", "2", "3"]
            .iter()
            .fold(text, |text, number| text.replace(&format!("w{number}"), &format!("BETA{number}")));
        assert!(text.contains("\"ALPHA2\"") && text.contains("\"BETA3\""), "{name}");
        let snapshot = Snapshot::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The type of a resource has three of these letters in it.
        let after = anonymise(&snapshot).text().to_ascii_lowercase().replace("availability", "");
        for text in TELLING.iter().filter(|text| after.contains(&text.to_ascii_lowercase())) {
            told.push_str(&format!("{name}: {text}\n"));
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn names_that_differ_stay_apart_and_the_same_stay_the_same() {
    let snapshot = with_everything();
    let other = anonymise(&snapshot);
    assert_eq!(answers(&other), answers(&snapshot));
    let names: Vec<&str> = other.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["node1", "node2"]);
    let roots = |snapshot: &Snapshot| snapshot.nodes[0].root.seen().map(Vec::len);
    assert_eq!(roots(&other), roots(&snapshot));
    assert_eq!(
        anonymise(&other).text(),
        anonymise(&anonymise(&other)).text(),
        "doing it again changes nothing more"
    );
}

#[test]
fn a_prediction_is_the_same_under_other_names() {
    for name in ["right", "second_node_has_its_own_certificate", "endpoint_is_a_node"] {
        let snapshot = example::by_name(name).expect("an example");
        let shape = |snapshot: &Snapshot| {
            let prediction = predict(snapshot, 1).expect("a prediction");
            let away = prediction.outcomes.iter().map(|outcome| {
                (outcome.away.iter().map(|away| away.workers.len()).sum::<usize>(), outcome.settled_after)
            });
            (prediction.exit_code(), away.collect::<Vec<_>>())
        };
        assert_eq!(shape(&anonymise(&snapshot)), shape(&snapshot), "{name}");
    }
}

#[test]
fn the_command_prints_a_snapshot_that_preflight_takes() {
    let answer = failover(
        env!("CARGO_BIN_EXE_failover-copy"),
        &root(),
        &["anonymise", "--snapshot", "tests/preflight/right.json"],
    );
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let snapshot = Snapshot::read(&answer.stdout).expect("a snapshot");
    assert_eq!(preflight::inspect(&snapshot).exit_code(), 0);
}
