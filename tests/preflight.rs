//! Does preflight find each mistake in the snapshot of a cluster, and nothing in the snapshot of a right one?

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use failover_harness::guide::anonymise::anonymise;
use failover_harness::guide::example::{self, MISTAKES, RIGHT};
use failover_harness::guide::predict::topology_of;
use failover_harness::guide::preflight::{self, Answer, Preflight, RULES};
use failover_harness::guide::snapshot::{FORMAT, FirewallBlock, Look, Moment, Proxy, Snapshot};
use failover_tests::{Answer as Told, compare_with_file, failover, plan, root};
use proptest::prelude::*;
use serde_json::json;

/// The rules that tell of something wrong.
fn wrong(found: &Preflight) -> BTreeSet<&'static str> {
    found.wrong().map(|finding| finding.rule.name).collect()
}

/// The numbers of mistakes in `scenarios/README.md` that it tells of.
fn mistakes(found: &Preflight) -> BTreeSet<u8> {
    found.wrong().filter_map(|finding| finding.rule.mistake).collect()
}

#[test]
fn the_snapshots_of_right_clusters_have_no_finding() {
    for (name, right) in RIGHT {
        let found = preflight::inspect(&right());
        let told: Vec<String> = found
            .findings
            .iter()
            .filter(|finding| !matches!(finding.answer, Answer::Right(_)))
            .map(|finding| format!("{} on {}: {:?}", finding.rule.name, finding.subject, finding.answer))
            .collect();
        assert!(told.is_empty(), "{name}: {told:#?}");
        assert_eq!(found.exit_code(), 0);
        let judged: BTreeSet<&str> = found.findings.iter().map(|finding| finding.rule.name).collect();
        assert_eq!(judged.len(), RULES.len(), "every rule says something");
    }
}

#[test]
fn each_mistake_has_exactly_its_own_finding() {
    let mut told = String::new();
    for mistake in MISTAKES {
        let found = preflight::inspect(&mistake.snapshot());
        let wrong = wrong(&found);
        if wrong != BTreeSet::from([mistake.rule]) {
            told.push_str(&format!("{}: expected {}, found {wrong:?}\n", mistake.name, mistake.rule));
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn every_rule_has_a_mistake_that_it_tells_of() {
    // Who was not looked at is told as `could not look`: nothing wrong was seen there.
    let without = BTreeSet::from(["every_node_was_looked_at", "every_worker_was_looked_at"]);
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(all.len(), RULES.len(), "no name is there twice");
    let told: BTreeSet<&str> = MISTAKES.iter().map(|mistake| mistake.rule).collect();
    assert_eq!(all.difference(&told).copied().collect::<BTreeSet<_>>(), without);
    let numbers: BTreeSet<u8> = RULES.iter().filter_map(|rule| rule.mistake).collect();
    assert_eq!(numbers, (1..=27).collect(), "every mistake of scenarios/README.md has a rule");
    let steps: BTreeSet<u8> = RULES.iter().filter_map(|rule| rule.step).collect();
    assert_eq!(steps, (1..=8).collect(), "every step of the guide has a rule");
}

#[test]
fn who_was_not_looked_at_is_never_right() {
    // What compares nodes is right only where all of them were seen.
    let of_nodes = [
        "every_node_was_looked_at",
        "same_version_on_every_node",
        "master_runs_on_one_node",
        "schannel_is_the_same_on_every_node",
        "same_account_on_every_node",
    ];
    for (forget, rules) in
        [(forget_node as fn(&mut Snapshot), &of_nodes[..]), (forget_worker, &["every_worker_was_looked_at"])]
    {
        let mut snapshot = example::right();
        forget(&mut snapshot);
        let found = preflight::inspect(&snapshot);
        let not_seen: Vec<&str> = found.not_seen().map(|finding| finding.rule.name).collect();
        assert_eq!(not_seen, rules);
        assert_eq!(found.exit_code(), 3);
    }
}

fn forget_node(snapshot: &mut Snapshot) {
    snapshot.nodes.truncate(1);
}

fn forget_worker(snapshot: &mut Snapshot) {
    snapshot.workers.truncate(2);
}

/// Every place of a document that says `seen`.
fn places(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    if value.get("seen").is_some() {
        found.push(path.to_owned());
        return;
    }
    let parts: Vec<(String, &serde_json::Value)> = match value {
        serde_json::Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        serde_json::Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => Vec::new(),
    };
    for (key, value) in parts {
        places(value, &format!("{path}/{key}"), found);
    }
}

#[test]
fn an_item_that_was_not_seen_makes_nothing_right_and_nothing_wrong() {
    RIGHT.iter().for_each(|(_, right)| nothing_unseen_is_judged(&right()));
}

fn nothing_unseen_is_judged(right: &Snapshot) {
    let whole: serde_json::Value = serde_json::from_str(&right.text()).expect("a document");
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    assert!(all.len() > 50, "{}", all.len());
    let rights = preflight::inspect(right).findings.len();
    for place in all {
        let mut less = whole.clone();
        *less.pointer_mut(&place).expect("it was found there") =
            serde_json::json!({ "could_not_look": "access is denied" });
        let snapshot = Snapshot::read(&less.to_string()).expect("a snapshot");
        let found = preflight::inspect(&snapshot);
        assert!(wrong(&found).is_empty(), "{place}: {:?}", wrong(&found));
        assert_eq!(found.findings.len(), rights);
        let unused = place == "/cluster/properties";
        // Stores besides LocalMachine\Root only explain what is missing there.
        let explains =
            place.ends_with("/user_root") || (place.starts_with("/nodes") && place.ends_with("/my"));
        // An instance that moves has its logins with it.
        let moves = place.ends_with("/logins") && !right.text().contains("SSISLISTENER");
        let is_told = found.not_seen().next().is_some();
        assert!(
            is_told || unused || explains || moves || place.ends_with("/addresses"),
            "{place} is not missed"
        );
    }
}

#[test]
fn a_snapshot_is_read_as_it_was_written() {
    for name in example::names() {
        let snapshot = example::by_name(name).expect("an example");
        let text = snapshot.text();
        assert_eq!(Snapshot::read(&text).expect("a snapshot"), snapshot, "{name}");
        assert_eq!(Snapshot::read(&format!("\u{feff}{text}")).expect("with a byte order mark"), snapshot);
    }
}

#[test]
fn what_is_no_snapshot_is_refused_with_the_reason() {
    let right = example::right().text();
    let told = |text: &str| Snapshot::read(text).expect_err("no snapshot").to_string();
    assert!(told("").starts_with("not a snapshot: "));
    let other = right.replacen(&format!("\"snapshot\": {FORMAT}"), "\"snapshot\": 7", 1);
    assert_eq!(told(&other), format!("a snapshot of format 7: expected format {FORMAT}"));
    let misspelt = right.replacen("\"witness\"", "\"witnes\"", 1);
    assert!(told(&misspelt).contains("unknown field `witnes`"), "{}", told(&misspelt));
    let empty = Snapshot::read(&format!(
        "{{\"snapshot\": {FORMAT}, \"collected_at\": \"2026-11-23T22:00:00Z\", \"collected_by\": \"hand\"}}"
    ));
    let empty = empty.expect("what is left out was not looked at");
    assert_eq!(empty.cluster.nodes, Look::CouldNotLook("not in the snapshot".to_owned()));
    assert_eq!(preflight::inspect(&empty).exit_code(), 3);
}

#[test]
fn what_turns_text_round_is_told_as_its_number() {
    let mut snapshot = example::right();
    snapshot.collected_by = "\u{202e}rovo\u{2066}".to_owned();
    let told = preflight::human(&preflight::inspect(&snapshot), &snapshot);
    assert!(told.contains(r"by \u{202e}rovo\u{2066}: 2 nodes"), "{told}");
}

#[test]
fn a_snapshot_that_is_not_of_today_is_told_by_its_age() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cluster.json");
    let told = |collected_at: Moment| {
        let snapshot = Snapshot { collected_at, ..example::right() };
        std::fs::write(&file, snapshot.text()).expect("a file");
        let command = ["preflight", "--snapshot", file.to_str().expect("a path of text")];
        let json = run(&[&command[..], &["--format", "json"]].concat()).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).expect("one document");
        (run(&command).stderr, json["age_days"].as_i64())
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs() as i64;
    let (old, days) = told(Moment(now - 86_400 * 400));
    assert_eq!(days, Some(400));
    assert!(old.ends_with("cluster.json` is 400 days old: collect again for what is there today\n"), "{old}");
    let (ahead, days) = told(Moment(now + 86_400 * 2));
    assert_eq!(days, Some(-2));
    assert!(ahead.ends_with("is of a day to come: the clock here or there is wrong\n"), "{ahead}");
    assert_eq!(told(Moment(now)), (String::new(), Some(0)));
    let example = run(&["preflight", "--example", "right", "--format", "json"]).stdout;
    assert!(!example.contains("age_days"), "an example has a day of its own: {example}");
}

#[test]
fn golden_reports_of_all_examples() {
    let mut told = Vec::new();
    for name in example::names() {
        let snapshot = example::by_name(name).expect("an example");
        let found = preflight::inspect(&snapshot);
        let report = preflight::human(&found, &snapshot);
        let file = root().join("tests/preflight").join(format!("{name}.txt"));
        told.extend(compare_with_file(&file, &report, "preflight").err());
    }
    let file = root().join("tests/preflight/right.json");
    told.extend(compare_with_file(&file, &example::right().text(), "preflight").err());
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// The topologies of scenarios about mistakes, with what preflight must tell of a snapshot of them.
#[test]
fn the_topologies_of_mistakes_are_told_by_their_number() {
    let mut expected: BTreeMap<&str, BTreeSet<u8>> = [
        ("model/binding_missing_on_second_node", 4),
        ("model/certificate_expires", 25),
        ("model/disabled_worker_gets_no_task", 24),
        ("model/endpoint_is_a_node_name", 9),
        ("model/master_depends_on_nothing[master_keeps_trying]", 11),
        ("model/listener_not_in_the_settings", 6),
        ("model/master_on_one_node", 12),
        ("model/port_differs_on_second_node", 20),
        ("model/private_key_missing_on_second_node", 3),
        ("model/sql_server_name_is_a_node_name[master_keeps_trying]", 6),
        ("model/sql_server_name_with_slashes[master_keeps_trying]", 7),
        ("model/worker_certificates_missing_on_second_node", 13),
    ]
    .map(|(name, number)| (name, BTreeSet::from([number])))
    .into();
    // Workers that never got in were never enabled; one of them names a node, to show that it gets in.
    expected.insert("model/master_certificate_missing_on_workers", BTreeSet::from([16, 24]));
    expected.insert("model/worker_key_not_readable", BTreeSet::from([17, 24]));
    expected.insert("model/network_name_not_in_certificate", BTreeSet::from([1, 9, 24]));
    let mut told = String::new();
    for (name, expected) in expected {
        let snapshot = example::snapshot_of(&plan(name, 1));
        let found = mistakes(&preflight::inspect(&snapshot));
        if found != expected {
            told.push_str(&format!("{name}: expected {expected:?}, found {found:?}\n"));
        }
    }
    for name in [
        "cluster/planned_move",
        "model/three_nodes_in_turn",
        "model/master_in_its_own_role",
        "model/availability_group_stays_behind",
    ] {
        let found = preflight::inspect(&example::snapshot_of(&plan(name, 1)));
        if !wrong(&found).is_empty() {
            told.push_str(&format!("{name}: expected nothing, found {:?}\n", wrong(&found)));
        }
    }
    assert!(told.is_empty(), "{told}");
}

fn run(arguments: &[&str]) -> Told {
    failover(env!("CARGO_BIN_EXE_failover-copy"), &root(), arguments)
}

#[test]
fn the_command_line_tells_the_same_and_ends_with_the_code_of_its_verdict() {
    let file = |name: &str| {
        std::fs::read_to_string(root().join("tests/preflight").join(name)).expect("a golden report")
    };
    let right = run(&["preflight", "--snapshot", "tests/preflight/right.json"]);
    assert_eq!(right.code, 0);
    assert_eq!(failover_tests::without_times(&file("right.txt")), right.stdout);
    let wrong = run(&["preflight", "--example", "firewall_closed_on_second_node"]);
    assert_eq!((wrong.code, wrong.stderr.as_str()), (1, ""));
    assert_eq!(failover_tests::without_times(&file("firewall_closed_on_second_node.txt")), wrong.stdout);
    let json = run(&["preflight", "--example", "firewall_closed_on_second_node", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("one document");
    assert_eq!((json.code, &document["exit_code"], &document["totals"]["wrong"]), (1, &1.into(), &1.into()));
    let findings = document["findings"].as_array().expect("a list");
    let told: Vec<&str> = findings
        .iter()
        .filter(|finding| finding["answer"] == "wrong")
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert_eq!(told, ["firewall_lets_workers_in"]);
}

#[test]
fn a_mistake_on_the_command_line_of_preflight_is_told_with_a_hint() {
    let none = run(&["preflight"]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(none.stderr.contains("--snapshot"), "{}", none.stderr);
    let misspelt = run(&["preflight", "--example", "binding_missing_on_second_nod"]);
    assert_eq!(misspelt.code, 2);
    assert!(
        misspelt.stderr.contains("did you mean `binding_missing_on_second_node`?"),
        "{}",
        misspelt.stderr
    );
    let absent = run(&["preflight", "--snapshot", "no_such_file.json"]);
    assert_eq!(absent.code, 2);
    assert!(absent.stderr.starts_with("error: cannot read `no_such_file.json`: "), "{}", absent.stderr);
    let other = run(&["preflight", "--snapshot", "README.md"]);
    assert_eq!(other.code, 2);
    assert!(other.stderr.starts_with("error: `README.md`: not a snapshot: "), "{}", other.stderr);
    assert!(other.stderr.contains("hint: "), "{}", other.stderr);
}

#[test]
fn the_example_of_the_documentation_is_what_the_program_says() {
    let page =
        std::fs::read_to_string(root().join("docs/preflight.md")).expect("a page of the documentation");
    let told = run(&["preflight", "--example", "second_node_has_its_own_certificate"]).stdout;
    assert!(failover_tests::without_times(&page).contains(&told), "the page shows another report:\n{told}");
}

/// Whether a rule says that everything is right.
fn is_right(found: &Preflight, rule: &str) -> bool {
    let mut of_rule = found.findings.iter().filter(|finding| finding.rule.name == rule);
    of_rule.all(|finding| matches!(finding.answer, Answer::Right(_)))
}

/// What a rule says of one subject.
fn said(snapshot: &Snapshot, rule: &str, subject: &str) -> Answer {
    let found = preflight::inspect(snapshot).findings;
    let one = found.into_iter().find(|one| one.rule.name == rule && one.subject == subject);
    one.expect("every rule says something of each").answer
}

#[test]
fn a_rule_that_blocks_some_addresses_or_another_profile_is_not_said_to_block_workers() {
    let rule = "no_firewall_rule_blocks_workers";
    let with = |from: &str, profile: &str| {
        let mut snapshot = example::right();
        snapshot.nodes[1].firewall_blocks = Look::Seen(vec![FirewallBlock {
            name: "block".to_owned(),
            profiles: vec![profile.to_owned()],
            from: vec![from.to_owned()],
        }]);
        snapshot
    };
    assert!(matches!(said(&with("Any", "Any"), rule, "NODE2"), Answer::Wrong { .. }));
    assert!(matches!(said(&with("Any", "Public"), rule, "NODE2"), Answer::Wrong { .. }));
    assert!(matches!(said(&with("10.9.0.0/16", "Any"), rule, "NODE2"), Answer::CouldNotLook(_)));
    let mut off = with("Any", "Public");
    if let Look::Seen(firewall) = &mut off.nodes[1].firewall {
        firewall.on.retain(|profile| profile != "Public");
    }
    assert!(matches!(said(&off, rule, "NODE2"), Answer::Right(_)), "the firewall is off in that profile");
    let mut off = with("Any", "Any");
    if let Look::Seen(firewall) = &mut off.nodes[1].firewall {
        firewall.on.clear();
    }
    assert!(matches!(said(&off, rule, "NODE2"), Answer::Right(_)), "the firewall is off");
}

#[test]
fn a_worker_that_is_disabled_is_enabled_before_it_is_started() {
    for (start_mode, expected) in [("Auto", 1), ("Disabled", 2)] {
        let mut snapshot = example::by_name("worker_stopped").expect("an example");
        let Look::Seen(services) = &mut snapshot.workers[2].services else { panic!("they were seen") };
        services.iter_mut().for_each(|service| service.start_mode = start_mode.to_owned());
        let Answer::Wrong { fix, .. } = said(&snapshot, "worker_runs", "w3") else { panic!("it is stopped") };
        let commands: Vec<&String> = fix.steps.iter().flat_map(|step| &step.commands).collect();
        assert_eq!(commands.len(), expected, "{commands:?}");
        assert_eq!(commands[0].contains("-StartupType Automatic"), start_mode == "Disabled", "{commands:?}");
    }
}

#[test]
fn a_proxy_that_the_network_name_goes_past_is_right() {
    let with = |server: &str, bypass: &[&str]| {
        let mut snapshot = example::right();
        snapshot.workers[2].proxy = Look::Seen(Some(Proxy {
            server: Some(server.to_owned()),
            bypass: bypass.iter().map(|&one| one.to_owned()).collect(),
            script: None,
        }));
        said(&snapshot, "no_proxy", "w3")
    };
    assert!(matches!(with("proxy:3128", &["10.*", "sqlfci"]), Answer::Right(_)));
    assert!(matches!(with("proxy:3128", &["<local>"]), Answer::Right(_)));
    assert!(matches!(with("http=proxy:80", &[]), Answer::Right(_)));
    assert!(matches!(with("proxy:3128", &["10.*"]), Answer::Wrong { .. }));
}

#[test]
fn a_master_that_restarts_in_place_alone_is_right_unless_it_never_does() {
    let with = |action: &str, threshold: Option<&str>| {
        let mut snapshot = example::right();
        if let Look::Seen(all) = &mut snapshot.cluster.resources {
            for one in all.iter_mut().filter(|one| one.kind == "Generic Service") {
                one.properties.insert("RestartAction".to_owned(), action.to_owned());
                one.properties
                    .extend(threshold.map(|count| ("RestartThreshold".to_owned(), count.to_owned())));
            }
        }
        said(&snapshot, "master_is_started_again", "cluster")
    };
    assert!(matches!(with("1", Some("3")), Answer::Right(_)));
    assert!(matches!(with("1", Some("0")), Answer::Wrong { .. }));
    assert!(matches!(with("1", None), Answer::CouldNotLook(_)));
    assert!(matches!(with("2", None), Answer::Right(_)));
}

#[test]
fn the_documentation_says_which_rules_cover_each_row() {
    let page =
        std::fs::read_to_string(root().join("docs/preflight.md")).expect("a page of the documentation");
    let (_, page) = page.split_once("## Which rule covers what").expect("a section of its own");
    let row = |start: &str| page.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    for number in 1..=27 {
        let told = row(&format!("| {number} |"));
        let of_row = RULES.iter().filter(|rule| rule.mistake == Some(number));
        of_row
            .for_each(|rule| assert!(told.contains(&format!("`{}`", rule.name)), "{number}: {}", rule.name));
    }
    for rule in RULES {
        assert!(page.contains(&format!("`{}`", rule.name)), "{} is in no row", rule.name);
    }
}

#[test]
fn of_two_mistakes_at_once_none_is_taken_for_right() {
    let mut told = BTreeSet::new();
    let mut pairs = 0;
    for (_, right) in RIGHT {
        let base = right();
        let of_base: Vec<_> = MISTAKES.iter().filter(|mistake| (mistake.of)() == base).collect();
        for (index, first) in of_base.iter().enumerate() {
            let mut with_first = base.clone();
            (first.make)(&mut with_first);
            for second in of_base[index..].iter().filter(|second| second.rule != first.rule) {
                let mut with_both = with_first.clone();
                (second.make)(&mut with_both);
                // What the second one is done to may be what the first one took away.
                if with_both == with_first {
                    continue;
                }
                pairs += 1;
                let found = preflight::inspect(&with_both);
                for (mistake, other) in [(first, second), (second, first)] {
                    if is_right(&found, mistake.rule) {
                        told.insert((mistake.rule, other.name));
                    }
                }
            }
        }
    }
    assert!(pairs > 1_500, "{pairs}");
    assert_eq!(told, UNDONE.iter().copied().collect());
}

/// A rule, and a mistake that undoes what was wrong by it: it puts something else in its place, or takes it away.
const UNDONE: &[(&str, &str)] = &[
    ("master_can_log_on", "two_masters_run"),
    ("master_can_log_on", "master_runs_outside_its_role"),
    ("master_read_its_settings", "master_runs_outside_its_role"),
    ("master_runs_on_one_node", "master_is_no_resource"),
    ("worker_read_its_settings", "worker_stopped"),
    ("worker_read_its_settings", "password_of_a_worker_wrong"),
    ("worker_certificates_are_trusted", "worker_certificates_of_the_user_on_second_node"),
    ("same_account_on_every_node", "master_not_installed_on_second_node"),
    ("port_is_bound_for_ipv6", "stale_record_on_a_worker"),
    ("master_read_its_settings", "master_runs_nowhere"),
    ("master_is_not_disabled", "master_starts_by_itself_on_second_node"),
];

#[test]
fn a_snapshot_that_powershell_redirected_into_a_file_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cluster.json");
    let wide: Vec<u8> = example::right().text().encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, [&[0xFF, 0xFE][..], &wide].concat()).expect("the folder is ours");
    let file = file.to_str().expect("a path of text");
    let (read, right) = (run(&["preflight", "--snapshot", file]), run(&["preflight", "--example", "right"]));
    assert_eq!((read.code, read.stdout), (right.code, right.stdout));
    std::fs::write(file, [0xFF, 0xFE, 0x41]).expect("the folder is ours");
    let broken = run(&["preflight", "--snapshot", file]);
    assert_eq!((broken.code, broken.stdout.as_str()), (2, ""));
    assert!(broken.stderr.contains("is neither UTF-8 nor UTF-16 text"), "{}", broken.stderr);
}

/// Values that nobody wrote: too long, too deep, of another kind, with characters that a terminal obeys.
fn hostile() -> impl Strategy<Value = serde_json::Value> {
    let text = "[\\u{0}-\\u{1f}\\u{7f}\\u{9b}\\u{2019}\\u{202e}'\"`$\\\\A-Za-z0-9 .:,/\\[\\]-]{0,30}";
    prop_oneof![
        text.prop_map(serde_json::Value::from),
        text.prop_map(|text| json!({ "seen": text })),
        Just(json!({ "seen": [] })),
        Just(json!({ "seen": null })),
        Just(json!({ "could_not_look": "\u{1b}[31mdenied\u{1b}[0m\n  WRONG nothing" })),
        any::<i64>().prop_map(serde_json::Value::from),
        Just(json!([])),
        Just(json!("1969-12-31T23:59:59Z")),
        Just(json!("9999-12-31T23:59:59Z")),
    ]
}

/// The values below a value, by their pointers.
fn pointers(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, &format!("{path}/{key}"), found))
        }
        serde_json::Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| pointers(value, &format!("{path}/{index}"), found));
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_hostile_snapshot_is_judged_or_refused_and_tells_a_terminal_nothing(
        base in 0..RIGHT.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), hostile()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut document: serde_json::Value = serde_json::from_str(&RIGHT[base].1().text()).expect("JSON");
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        for (at, value) in changes {
            // One that was put into another is not there any more.
            if let Some(place) = document.pointer_mut(&all[at.index(all.len())]) {
                *place = value;
            }
        }
        // The document itself may be what was changed.
        if let Some(object) = document.as_object_mut() {
            object.insert("collected_by".to_owned(), json!("\u{1b}]0;somebody\u{7}\n  WRONG nothing"));
        }
        let mut text = document.to_string();
        if let Some(cut) = cut {
            let at = (0..=cut.index(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.truncate(at);
        }
        if let Ok(snapshot) = Snapshot::read(&text) {
            let found = preflight::inspect(&snapshot);
            let told = preflight::human(&found, &snapshot);
            prop_assert!(!told.contains(|letter: char| letter.is_control() && letter != '\n'), "{:?}", told);
            prop_assert!(!told.contains("\n  WRONG nothing"), "{}", told);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&preflight::json(&found, &snapshot, None)).is_ok());
            let _ = topology_of(&snapshot);
            let other = anonymise(&snapshot);
            prop_assert_eq!(Snapshot::read(&other.text()).expect("a snapshot"), other);
        }
    }
}

#[test]
fn a_snapshot_that_is_nested_too_deep_is_refused() {
    for deep in ["[".repeat(200_000), "{\"a\":".repeat(200_000)] {
        assert!(Snapshot::read(&deep).is_err());
        let within = example::right().text().replacen("\"seen\": [", &format!("\"seen\": [{deep}"), 1);
        assert!(Snapshot::read(&within).is_err());
    }
}

/// The commands of the fix of what a rule says of one subject, and what is done by hand.
fn mended(snapshot: &Snapshot, rule: &str, subject: &str) -> (Vec<String>, String) {
    let Answer::Wrong { fix, .. } = said(snapshot, rule, subject) else {
        panic!("{rule} says nothing of {subject}")
    };
    let commands = fix.steps.into_iter().flat_map(|step| step.commands).collect();
    (commands, fix.by_hand.unwrap_or_default())
}

/// The right example in which every text of this kind is another one.
fn with_text(old: &str, new: &str) -> Snapshot {
    let text = example::right().text();
    assert!(text.contains(old), "{old}");
    Snapshot::read(&text.replace(old, new)).expect("a snapshot")
}

#[test]
fn a_certificate_that_was_renewed_on_all_nodes_is_that_of_the_workers() {
    let mut snapshot = example::right();
    let old = "B375000CD7FE910276D4BEB2328A96416977E7D0";
    let new = "C0FFEE0000000000000000000000000000001234";
    for node in &mut snapshot.nodes {
        let renew = |text: &mut String| {
            *text = text.replace(old, new).replace(&old.to_lowercase(), &new.to_lowercase())
        };
        node.master_settings.seen_mut().map(|file| renew(&mut file.text)).expect("it was seen");
        node.sslcert.seen_mut().map(renew).expect("it was seen");
        let root = node.root.seen_mut().expect("it was seen");
        let mut renewed = root.iter().find(|one| one.thumbprint == old).expect("it is there").clone();
        renewed.thumbprint = new.to_owned();
        root.push(renewed);
    }
    let found = preflight::inspect(&snapshot);
    assert_eq!(wrong(&found), BTreeSet::from(["worker_pins_the_master_certificate"]));
    let (commands, _) = mended(&snapshot, "worker_pins_the_master_certificate", "w1");
    let places =
        ["Export-Certificate", "Import-Certificate", "WriteAllText", "Restart-Service"].map(|word| {
            commands.iter().position(|command| command.contains(word)).expect("all of the page's steps")
        });
    assert!(places.is_sorted(), "{commands:#?}");
    // One that the other node cannot use yet does not count.
    let root = snapshot.nodes[1].root.seen_mut().expect("it was seen");
    root.retain(|one| one.thumbprint != new);
    assert!(wrong(&preflight::inspect(&snapshot)).contains("same_certificate_on_every_node"));
}

#[test]
fn an_account_of_one_machine_is_never_taken_for_that_of_all() {
    let mut snapshot = example::right();
    let own = "NT Service\\SSISScaleOutMaster150";
    let services = snapshot.nodes[0].services.seen_mut().expect("they were seen");
    services
        .iter_mut()
        .filter(|one| one.name.contains("Master"))
        .for_each(|one| one.account = own.to_owned());
    let found = preflight::inspect(&snapshot);
    let expected = ["same_account_on_every_node", "master_may_log_in_from_every_node"];
    assert_eq!(wrong(&found), BTreeSet::from(expected));
    for (rule, subject) in [(expected[0], "cluster"), (expected[1], "NODE1")] {
        let (commands, _) = mended(&snapshot, rule, subject);
        assert!(commands[0].contains("-UserName 'LAB\\svc-scaleout'"), "{commands:#?}");
        assert!(!commands.iter().any(|command| command.contains(own)), "{commands:#?}");
    }
    // Two accounts of machines: there is none to choose.
    let other = snapshot.nodes[1].services.seen_mut().expect("they were seen");
    other
        .iter_mut()
        .filter(|one| one.name.contains("Master"))
        .for_each(|one| one.account = "LocalSystem".to_owned());
    let (commands, by_hand) = mended(&snapshot, expected[0], "cluster");
    assert_eq!((commands.len(), by_hand.as_str()), (0, "give all of them one account of the domain"));
}

#[test]
fn schannel_gets_the_values_of_the_page_whichever_node_has_others() {
    let mut snapshot = example::right();
    let issuers = |value| BTreeMap::from([("SendTrustedIssuerList".to_owned(), value)]);
    snapshot.nodes[0].schannel = Look::Seen(issuers(1));
    snapshot.nodes[1].schannel = Look::Seen(issuers(0));
    let (commands, _) = mended(&snapshot, "schannel_is_the_same_on_every_node", "cluster");
    assert_eq!(commands.len(), 1, "NODE2 is right: {commands:#?}");
    assert!(
        commands[0].contains("-Name SendTrustedIssuerList") && commands[0].contains("-Value 0"),
        "{commands:#?}"
    );
}

#[test]
fn a_master_is_moved_into_the_role_of_the_instance_where_that_is() {
    let mut snapshot = example::by_name("master_in_another_role").expect("an example");
    let roles = snapshot.cluster.roles.seen_mut().expect("they were seen");
    let mut own = roles[0].clone();
    (own.name, own.owner) = ("Available Storage".to_owned(), "NODE2".to_owned());
    roles.push(own);
    let rule = "master_moves_with_a_network_name";
    let (commands, _) = mended(&snapshot, rule, "cluster");
    assert_eq!(commands[0], "Move-ClusterGroup -Name 'Available Storage' -Node 'NODE1'");
    assert!(commands[3].contains("-Dependency '[SQL Server] and [SQL Network Name]'"), "{commands:#?}");
    snapshot.cluster.roles.seen_mut().expect("they were seen")[1].owner = "node1".to_owned();
    assert!(
        mended(&snapshot, rule, "cluster").0[0].starts_with("Stop-ClusterResource"),
        "it is there already"
    );
}

#[test]
fn a_url_below_another_path_is_nobody_s_business() {
    let rule = "url_is_reserved_for_the_master";
    let with = |path: &str| {
        let mut snapshot = example::right();
        let text =
            format!("    Reserved URL            : https://+:8391{path}\n        User: LAB\\svc-other\n");
        snapshot.nodes[1].urlacl.seen_mut().expect("it was seen").push_str(&text);
        let (own, other) = (said(&snapshot, rule, "NODE2"), said(&anonymise(&snapshot), rule, "node2"));
        assert_eq!(matches!(own, Answer::Right(_)), matches!(other, Answer::Right(_)), "{path}");
        own
    };
    for path in ["/OtherApp/", "/ClusterManagementTool/", "/ClusterManagement/Sub/"] {
        assert!(matches!(with(path), Answer::Right(_)), "{path}");
    }
    for path in ["/", "/clustermanagement/"] {
        assert!(matches!(with(path), Answer::Wrong { .. }), "{path}");
    }
}

#[test]
fn a_master_that_waits_for_one_of_two_does_not_wait() {
    let rule = "master_waits_for_its_providers";
    let with = |dependency: &str| {
        let mut snapshot = example::right();
        let resources = snapshot.cluster.resources.seen_mut().expect("they were seen");
        resources.iter_mut().filter(|one| one.name == "Scale Out Master").for_each(|one| {
            one.dependency = dependency.to_owned();
        });
        snapshot
    };
    let set_to = |dependency: &str| {
        let (commands, by_hand) = mended(&with(dependency), rule, "cluster");
        let (_, set) = commands[1].split_once("-Dependency ").expect("it is set");
        (set.to_owned(), by_hand)
    };
    let none = String::new();
    let both = "'[SQL Server] and [SQL Network Name]'".to_owned();
    assert_eq!(set_to("[SQL Network Name] or [SQL Server]"), (both, none.clone()));
    let kept = "'([Cluster Disk 1]) and ([SQL Network Name]) and [SQL Server]'".to_owned();
    assert_eq!(set_to("([Cluster Disk 1]) and ([SQL Network Name])"), (kept, none.clone()));
    let others = "'([A] or [B]) and [SQL Server] and [SQL Network Name]'".to_owned();
    assert_eq!(set_to("[A] or [B]"), (others, none));
    assert!(set_to("[A] or [SQL Server]").1.starts_with("it was [A] or [SQL Server]: "));
    let right = said(&with("([A] or [B]) and [SQL Server]"), rule, "cluster");
    assert!(matches!(right, Answer::Right(_)), "SQL Server waits for its name");
}

#[test]
fn a_master_address_with_a_port_that_no_master_has_is_wrong() {
    let snapshot = with_text(
        "\"MASTER_ADDRESS\": \"https://SQLFCI:8391\"",
        "\"MASTER_ADDRESS\": \"https://SQLFCI:9999\"",
    );
    let (commands, _) = mended(&snapshot, "master_address_is_the_network_name", "cluster");
    assert!(commands[0].contains("https://SQLFCI:8391"), "{commands:#?}");
}

#[test]
fn a_protocol_before_the_network_name_is_the_same_under_other_names() {
    let snapshot =
        with_text("\\\"SqlServerName\\\": \\\"SQLFCI\\\"", "\\\"SqlServerName\\\": \\\"tcp:SQLFCI,1433\\\"");
    for snapshot in [anonymise(&snapshot), snapshot] {
        assert_eq!(preflight::inspect(&snapshot).exit_code(), 0);
    }
}

#[test]
fn a_snapshot_with_a_machine_twice_is_refused() {
    let mut snapshot = example::right();
    let mut again = snapshot.workers[0].clone();
    again.name = "W1".to_owned();
    snapshot.workers.push(again);
    let error = Snapshot::read(&snapshot.text()).expect_err("nobody knows which it is").to_string();
    assert_eq!(error, "a snapshot with two workers `W1`");
}

#[test]
fn who_was_kept_out_by_a_firewall_is_restarted() {
    for name in ["firewall_closed_on_second_node", "firewall_rule_blocks_on_second_node"] {
        let snapshot = example::by_name(name).expect("an example");
        let rule = MISTAKES.iter().find(|mistake| mistake.name == name).expect("a mistake").rule;
        assert!(mended(&snapshot, rule, "NODE2").1.contains("restart the service of every worker"), "{name}");
    }
}
