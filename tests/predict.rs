//! Does a prediction from a snapshot say what the simulator says of the cluster itself?

use failover_harness::guide::example::{self, MISTAKES};
use failover_harness::guide::predict::{Event, Prediction, human, is_in_the_model, predict, topology_of};
use failover_harness::guide::preflight::{self, RULES};
use failover_harness::guide::snapshot::{Look, Snapshot};
use failover_harness::scenario::standard;
use failover_tests::{Answer, compare_with_file, failover, plan, plan_of, root};

fn predicted(name: &str) -> (Snapshot, Prediction) {
    let snapshot = example::by_name(name).expect("an example");
    let prediction = predict(&snapshot, 1).unwrap_or_else(|error| panic!("{name}: {error}"));
    (snapshot, prediction)
}

/// How many workers stay away after the owner node lost its power, and after the role was moved.
fn away(prediction: &Prediction) -> (usize, usize) {
    let number = |is_it: fn(&Event) -> bool| {
        let outcomes = prediction.outcomes.iter().filter(|outcome| is_it(&outcome.event));
        outcomes.map(|outcome| outcome.away.iter().map(|away| away.workers.len()).sum()).max().unwrap_or(0)
    };
    (
        number(|event| matches!(event, Event::PowerLost(_))),
        number(|event| matches!(event, Event::RoleMoved(_))),
    )
}

#[test]
fn golden_predictions() {
    let mut told = Vec::new();
    for name in GOLDEN {
        let (snapshot, prediction) = predicted(name);
        let file = root().join("tests/predict").join(format!("{name}.txt"));
        told.extend(compare_with_file(&file, &human(&prediction, &snapshot), "predict").err());
    }
    let file = root().join("tests/predict/right.topology.yaml");
    told.extend(compare_with_file(&file, &predicted("right").1.topology, "predict").err());
    assert!(told.is_empty(), "{}", told.join("\n"));
}

const GOLDEN: &[&str] = &[
    "right",
    "no_witness_for_two_nodes",
    "vote_taken_from_second_node",
    "instance_on_one_node",
    "certificate_without_network_name",
    "master_not_installed_on_second_node",
    "second_node_has_its_own_certificate",
    "private_key_missing_on_second_node",
    "binding_missing_on_second_node",
    "sql_server_name_with_slashes",
    "sql_server_name_is_a_node",
    "master_on_one_node",
    "master_disabled_on_second_node",
    "endpoint_is_a_node",
    "worker_certificates_missing_on_second_node",
    "firewall_closed_on_second_node",
    "junk_in_root_of_second_node",
    "master_runs_as_virtual_account",
    "resource_names_an_old_service",
    "proxy_of_a_worker",
    "port_differs_on_second_node",
    "worker_not_enabled",
    "master_certificate_expired",
    "second_node_down",
    "second_node_paused",
    "second_node_is_no_member",
    "clustering_missing_on_second_node",
    "master_resource_left_offline",
    "master_runs_nowhere",
    "two_masters_run",
];

#[test]
fn a_mistake_changes_the_topology_exactly_if_it_is_said_to_be_in_the_model() {
    let mut told = String::new();
    for mistake in MISTAKES {
        let right = topology_of(&(mistake.of)()).expect("a topology");
        let snapshot = mistake.snapshot();
        match topology_of(&snapshot) {
            // A cluster without a master in a role with a network name is none that a topology can describe.
            Err(_) if NO_TOPOLOGY.contains(&mistake.name) => {}
            Err(error) => told.push_str(&format!("{}: {error}\n", mistake.name)),
            // What cannot be read is taken for right, and told.
            Ok(topology) if mistake.rule.ends_with("_settings_are_well_formed") => {
                assert_eq!(
                    topology.not_held.is_empty(),
                    mistake.name == "task_count_is_a_word",
                    "{}",
                    mistake.name
                );
                assert_eq!(
                    (topology.topology, topology.changes),
                    (right.topology, right.changes),
                    "{}",
                    mistake.name
                );
            }
            Ok(topology) if (topology != right) == is_in_the_model(mistake.rule) => {}
            Ok(_) if is_in_the_model(mistake.rule) => {
                told.push_str(&format!("{} changes nothing\n", mistake.name))
            }
            Ok(_) => told.push_str(&format!("{} is in the topology, and nobody says so\n", mistake.name)),
        }
    }
    assert!(told.is_empty(), "{told}");
}

const NO_TOPOLOGY: &[&str] = &["master_is_no_resource", "master_in_another_role"];

#[test]
fn a_prediction_agrees_with_the_scenarios_about_the_same_topology() {
    for (name, expected) in [
        ("cluster/planned_move", (0, 0)),
        ("model/three_nodes_in_turn", (0, 0)),
        ("model/master_in_its_own_role", (0, 0)),
        ("model/availability_group_stays_behind", (0, 0)),
        // A lost node takes both roles with it; a move does not.
        ("model/listener_not_in_the_settings", (0, 3)),
        ("model/vote_taken_from_second_node", (3, 0)),
        ("model/binding_missing_on_second_node", (3, 3)),
        ("model/private_key_missing_on_second_node", (3, 3)),
        ("model/worker_certificates_missing_on_second_node", (3, 3)),
        ("model/master_certificate_missing_on_workers", (3, 3)),
        ("model/worker_key_not_readable", (1, 1)),
        ("model/endpoint_is_a_node_name", (3, 3)),
        ("model/port_differs_on_second_node", (3, 3)),
    ] {
        let snapshot = example::snapshot_of(&plan(name, 1));
        let prediction = predict(&snapshot, 1).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(away(&prediction), expected, "{name}\n{}", human(&prediction, &snapshot));
        assert!(prediction.gaps.is_empty(), "{name}: {:?}", prediction.gaps);
    }
}

#[test]
fn the_topology_of_a_snapshot_gives_the_same_snapshot_again() {
    let scenario = "proves: nothing\nabout: { topology: snapshot }\nsteps:\n  - move_role: { to: standby }\n";
    let first = example::right();
    let topology = topology_of(&first).expect("a topology").topology;
    let again = example::snapshot_of(&plan_of(scenario, &topology, 1));
    // Stores keep no order that matters, and a worker's own certificate gets another stand-in.
    let shape = |snapshot: &Snapshot| {
        let found = preflight::inspect(snapshot);
        found.findings.iter().map(|finding| (finding.rule.name, finding.subject.clone())).collect::<Vec<_>>()
    };
    assert_eq!(shape(&first), shape(&again));
    assert_eq!(first.cluster, again.cluster);
    let sslcert =
        |snapshot: &Snapshot| snapshot.nodes.iter().map(|node| node.sslcert.clone()).collect::<Vec<_>>();
    assert_eq!(sslcert(&first), sslcert(&again), "the thumbprint of a topology is kept");
    assert_eq!(preflight::inspect(&again).exit_code(), 0);
}

#[test]
fn what_was_not_seen_is_taken_for_right_and_told() {
    let mut snapshot = example::right();
    snapshot.nodes[1].root = Look::CouldNotLook("access is denied".to_owned());
    snapshot.cluster.witness = Look::default();
    let prediction = predict(&snapshot, 1).expect("a prediction");
    assert_eq!((away(&prediction), prediction.exit_code()), ((0, 0), 3));
    assert_eq!(
        prediction.gaps,
        [
            "LocalMachine\\Root of NODE2: access is denied; taken for right",
            "the witness was not seen: a disk is taken",
            "NODE2: access is denied; taken for right: root_holds_self_signed_only",
        ]
    );
    snapshot.cluster.resources = Look::CouldNotLook("access is denied".to_owned());
    let error = predict(&snapshot, 1).expect_err("nothing to go by").to_string();
    assert_eq!(error, "nothing can be predicted from this snapshot: access is denied");
}

fn nothing_from<T: Default>(machine: &mut T, name: impl Fn(&mut T) -> &mut String) {
    let own = name(machine).clone();
    *machine = T::default();
    *name(machine) = own;
}

#[test]
fn machines_that_nobody_looked_at_are_taken_for_right_and_told() {
    // Every part of every worker, of a node, or of everybody.
    let mut workers = example::right();
    workers.workers.iter_mut().for_each(|one| nothing_from(one, |one| &mut one.name));
    let mut node = example::right();
    nothing_from(&mut node.nodes[1], |one| &mut one.name);
    let mut nobody = workers.clone();
    nobody.nodes.iter_mut().for_each(|one| nothing_from(one, |one| &mut one.name));
    // A machine that is not in the snapshot at all.
    let mut missing = example::right();
    missing.nodes.truncate(1);
    missing.workers.truncate(2);
    for (what, snapshot) in [("workers", workers), ("node", node), ("nobody", nobody), ("missing", missing)] {
        let prediction = predict(&snapshot, 1).unwrap_or_else(|error| panic!("{what}: {error}"));
        let told = human(&prediction, &snapshot);
        assert_eq!((away(&prediction), prediction.exit_code()), ((0, 0), 3), "{what}\n{told}");
        assert_eq!((prediction.workers, prediction.outcomes.len()), (3, 3), "{what}\n{told}");
        for machine in match what {
            "workers" => &["w1", "w2", "w3"][..],
            "node" => &["NODE2"],
            "missing" => &["NODE2", "w3"],
            _ => &["NODE1", "NODE2", "w1", "w2", "w3"],
        } {
            let is_of_it = |gap: &String| gap.contains(machine) && gap.contains("taken for right");
            assert!(prediction.gaps.iter().any(is_of_it), "{what}: {machine}\n{told}");
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str| folder.path().join(name).to_str().expect("a path of text").to_owned();
        std::fs::write(file("cluster.json"), snapshot.text()).expect("a file");
        let init = run(&[
            "lab",
            "init",
            "--cluster",
            "C",
            "--snapshot",
            &file("cluster.json"),
            "--folder",
            &file("new"),
        ]);
        assert_eq!(init.code, 0, "{what}: {}", init.stderr);
        for gap in &prediction.gaps {
            assert!(init.stdout.contains(&format!("not seen: {gap}\n")), "{what}: {}", init.stdout);
        }
        let lab = file("new/lab.yaml");
        let text = std::fs::read_to_string(&lab).expect("a lab");
        std::fs::write(&lab, text.replace("#  move_role: any", "  move_role: any")).expect("a file");
        let planned = run(&[
            "lab",
            "plan",
            "cluster/planned_move",
            "--lab",
            &lab,
            "--topology",
            &file("new/topology.yaml"),
        ]);
        assert_eq!((planned.code, planned.stderr.as_str()), (0, ""), "{what}: {}", planned.stdout);
    }
}

#[test]
fn what_the_snapshot_denies_is_no_headline() {
    for name in [
        "second_node_down",
        "second_node_paused",
        "second_node_is_no_member",
        "clustering_missing_on_second_node",
        "master_resource_left_offline",
        "master_runs_nowhere",
        "master_runs_outside_its_role",
    ] {
        let (snapshot, prediction) = predicted(name);
        let told = human(&prediction, &snapshot);
        assert!(!told.contains("online on NODE2, all 3 back"), "{name}\n{told}");
        assert_ne!(prediction.exit_code(), 0, "{name}");
    }
    for (name, reason) in [
        (
            "master_runs_nowhere",
            "not predicted: `Scale Out Master` is Online on NODE1, and its service runs nowhere",
        ),
        (
            "master_runs_outside_its_role",
            "not predicted: `Scale Out Master` is Online on NODE1, and its service runs on NODE2",
        ),
    ] {
        let (snapshot, prediction) = predicted(name);
        let told = human(&prediction, &snapshot);
        assert_eq!(told.lines().nth(1), Some(reason), "{told}");
        assert!(!told.contains("today") && prediction.outcomes.is_empty(), "{told}");
    }
}

#[test]
fn the_same_seed_gives_the_same_prediction() {
    let snapshot = example::by_name("no_witness_for_two_nodes").expect("an example");
    let first = predict(&snapshot, 5).expect("a prediction");
    assert_eq!(first, predict(&snapshot, 5).expect("a prediction"));
    let (often, runs) = first.outcomes[0].runs;
    assert!(0 < often && often < runs, "chance decides which node has the vote: {often} of {runs}");
}

fn run(arguments: &[&str]) -> Answer {
    failover(env!("CARGO_BIN_EXE_failover-copy"), &root(), arguments)
}

#[test]
fn the_command_line_predicts_and_writes_a_topology_that_can_be_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("mine.yaml");
    let file = file.to_str().expect("a path of text");
    let example = ["--example", "second_node_has_its_own_certificate"];
    let answer = run(&[&["predict"], &example[..], &["--write-topology", file]].concat());
    let golden = root().join("tests/predict/second_node_has_its_own_certificate.txt");
    let golden = std::fs::read_to_string(golden).expect("a golden prediction");
    assert_eq!(answer, Answer { code: 1, stdout: golden, stderr: String::new() });
    let judged = run(&["run", "cluster/planned_move", "--topology", file]);
    assert_eq!(judged.code, 1, "{}", judged.stdout);
    assert!(judged.stdout.contains("(0bad..de); the worker pins `master`"), "{}", judged.stdout);
    let json = run(&[&["predict"], &example[..], &["--format", "json"]].concat());
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("one document");
    assert_eq!((json.code, &document["exit_code"]), (1, &1.into()));
    assert_eq!(document["outcomes"][0]["power_lost"], "NODE1");
    assert_eq!(document["outcomes"][0]["away"][0]["workers"].as_array().map(Vec::len), Some(3));
    let none = run(&["predict", "--example", "master_is_no_resource"]);
    assert_eq!((none.code, none.stdout.as_str()), (3, ""));
    assert!(none.stderr.contains("hint: `failover preflight`"), "{}", none.stderr);
}

#[test]
fn the_example_of_the_documentation_is_what_the_program_says() {
    let page =
        std::fs::read_to_string(root().join("docs/preflight.md")).expect("a page of the documentation");
    let (snapshot, prediction) = predicted("second_node_has_its_own_certificate");
    let told = human(&prediction, &snapshot);
    assert!(page.contains(&told), "the page shows another prediction:\n{told}");
}

#[test]
fn a_prediction_points_to_the_rule_or_to_the_step_that_preflight_names() {
    let mut told = Vec::new();
    let mut away = 0;
    for mistake in MISTAKES.iter().filter(|mistake| !NO_TOPOLOGY.contains(&mistake.name)) {
        let (_, prediction) = predicted(mistake.name);
        let rule = RULES.iter().find(|rule| rule.name == mistake.rule).expect("a rule");
        let step = rule.step.map(|step| format!("step {step}"));
        let mut reasons: Vec<_> = prediction.today.iter().collect();
        reasons.extend(prediction.outcomes.iter().flat_map(|outcome| &outcome.away));
        if reasons.is_empty() {
            continue;
        }
        away += 1;
        assert!(
            is_in_the_model(rule.name),
            "{}: somebody stays away for what is not in the model",
            mistake.name
        );
        for reason in reasons {
            let names_it = |hint: &String| {
                hint.contains(rule.name) || step.as_ref().is_some_and(|step| hint.contains(step))
            };
            if !reason.why.hints.iter().any(names_it) {
                told.push(format!("{}: {} ({step:?}) is not in {:#?}", mistake.name, rule.name, reason.why));
            }
        }
    }
    assert!(away > 25, "{away}");
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// The right example with the text of the settings of every worker, or of the second node, replaced.
fn with_settings(of_workers: bool, old: &str, new: &str) -> Snapshot {
    let mut snapshot = example::right();
    let files = if of_workers {
        snapshot.workers.iter_mut().map(|one| &mut one.worker_settings).collect::<Vec<_>>()
    } else {
        vec![&mut snapshot.nodes[1].master_settings]
    };
    for file in files {
        let file = file.seen_mut().expect("it was seen");
        assert!(file.text.contains(old), "{old}");
        file.text = file.text.replace(old, new);
    }
    snapshot
}

#[test]
fn what_no_topology_holds_is_never_vouched_for() {
    let mut bound_twice = example::right();
    let sslcert = bound_twice.nodes[1].sslcert.seen_mut().expect("it was seen");
    let own = "    IP:port                      : 10.0.0.100:8391\n    Certificate Hash             : \
               0bad000000000000000000000000000000000bad\n    Application ID               : \
               {2b7c1d6e-0000-0000-0000-000000000000}\n    Certificate Store Name       : Root\n";
    sslcert.push_str(own);
    let mut two_forms = example::right();
    let file = two_forms.workers[0].worker_settings.seen_mut().expect("it was seen");
    file.text = file.text.replace("https://SQLFCI:", "https://sqlfci.lab.example:");
    for (snapshot, finding) in [
        (with_settings(true, "https://SQLFCI:", "http://SQLFCI:"), "endpoint_is_the_network_name on w1"),
        (with_settings(false, "{", "// c\n{"), "sql_server_name_is_well_formed on NODE2"),
        (with_settings(false, "}", "} x"), "sql_server_name_is_well_formed on NODE2"),
        (with_settings(true, "}", "} x"), "worker_settings_are_well_formed on w2"),
        (bound_twice, "port_is_bound_to_the_certificate on NODE2"),
        (two_forms, "certificate_names_the_network_name on cluster"),
    ] {
        let prediction = predict(&snapshot, 1).unwrap_or_else(|error| panic!("{finding}: {error}"));
        let told = human(&prediction, &snapshot);
        let wrong = format!("\nwrong, and not in the model: {finding} (see `failover preflight`)\n");
        assert!(told.contains(&wrong), "{told}");
        assert!(told.contains("\nnot in the topology: "), "{told}");
        assert!(!told.contains("no worker stays away") && !told.contains("not seen"), "{told}");
        assert_eq!(prediction.exit_code(), 3, "{told}");
        assert!(prediction.file().contains("# Not in this topology:\n# - "), "{}", prediction.file());
    }
}

#[test]
fn a_network_name_that_is_asked_for_with_its_domain_is_one_that_the_certificate_lacks() {
    let asked = |snapshot: Snapshot| {
        let text = snapshot.text().replace("https://SQLFCI:", "https://sqlfci.lab.example:");
        Snapshot::read(&text).expect("a snapshot")
    };
    let snapshot = asked(example::right());
    let prediction = predict(&snapshot, 1).expect("a prediction");
    let told = human(&prediction, &snapshot);
    assert_eq!((prediction.exit_code(), away(&prediction)), (1, (3, 3)), "{told}");
    assert!(told.contains("does not name `sqlfci.lab.example`"), "{told}");
    // With the name in that form among its own all is right.
    let text = snapshot.text().replace("CN=SQLFCI", "CN=sqlfci.lab.example");
    let snapshot = Snapshot::read(&text).expect("a snapshot");
    let prediction = predict(&snapshot, 1).expect("a prediction");
    assert_eq!((prediction.exit_code(), away(&prediction)), (0, (0, 0)), "{}", human(&prediction, &snapshot));
}

#[test]
fn an_instance_without_a_disk_of_the_cluster_comes_back_too() {
    let mut snapshot = example::right();
    let resources = snapshot.cluster.resources.seen_mut().expect("they were seen");
    resources.retain(|one| one.kind != "Physical Disk");
    for one in resources {
        one.dependency = one.dependency.replace("([Cluster Disk 1]) and ", "");
    }
    let prediction = predict(&snapshot, 1).expect("a prediction");
    let told = human(&prediction, &snapshot);
    assert_eq!((prediction.exit_code(), away(&prediction)), (0, (0, 0)), "{told}");
    assert_eq!(preflight::inspect(&snapshot).exit_code(), 0);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("mine.yaml");
    std::fs::write(&file, prediction.file()).expect("a file");
    let judged = run(&["run", "--suite", "cluster", "--topology", file.to_str().expect("a path of text")]);
    assert_eq!(judged.code, 0, "{}", judged.stdout);
}

#[test]
fn settings_that_are_not_the_defaults_are_in_the_topology() {
    let slow = "\"MaxTaskCount\": 3, \"AgentHeartbeatInterval\": \"00:30:00\", \"LeaseInternval\": \"00:00:15\", \
                \"HeartbeatErrorTolerance\": \"00:00:30\", \"TaskHeartbeatInterval\": \"00:00:10\"";
    let mut snapshot = with_settings(true, "\"MaxTaskCount\": 10", slow);
    for node in &mut snapshot.nodes {
        let file = node.master_settings.seen_mut().expect("it was seen");
        file.text = file.text.replace("300000", "\"3600000\"");
    }
    let prediction = predict(&snapshot, 1).expect("a prediction");
    for line in [
        "\"MaxTaskCount\": 3",
        "\"AgentHeartbeatInterval\": \"30m\"",
        "\"LeaseInternval\": \"15s\"",
        "\"HeartbeatErrorTollerance\": \"30s\"",
        "\"DealWithExpiredTasksIntervalInMs\": 3600000",
    ] {
        assert!(prediction.topology.contains(line), "{line}\n{}", prediction.topology);
    }
    assert!(!prediction.topology.contains("TaskHeartbeatInterval"), "a default needs no word");
    let told = human(&prediction, &snapshot);
    let later = "nobody knows `worker_retry`: if it is `60s`, all 3 are back only within 3";
    assert!(told.contains(later), "{told}");
    assert_eq!(
        (prediction.not_held.len(), away(&prediction), prediction.exit_code()),
        (0, (0, 0), 3),
        "{told}"
    );
    // A rhythm without a period is none that a topology can say.
    let never = with_settings(true, "\"MaxTaskCount\": 10", "\"AgentHeartbeatInterval\": \"00:00:00\"");
    let prediction = predict(&never, 1).expect("a prediction");
    assert_eq!(prediction.not_held[0], "w1: AgentHeartbeatInterval is 0s; the default is taken");
    assert_eq!(prediction.exit_code(), 3);
}

#[test]
fn a_topology_file_says_what_it_does_not_hold() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("mine.yaml");
    let file = file.to_str().expect("a path of text");
    let answer = run(&["predict", "--example", "firewall_closed_on_second_node", "--write-topology", file]);
    assert_eq!(answer.code, 1);
    let step = "change_node: { node: \"NODE2\", master_port: blocked }";
    assert!(
        answer.stderr.contains(&format!("mine.yaml` does not hold: the step `{step}`\n")),
        "{}",
        answer.stderr
    );
    let text = std::fs::read_to_string(file).expect("the topology");
    assert!(
        text.contains(&format!("# given:\n#   - move_role: {{ to: \"NODE1\" }}\n#   - {step}\n{{\n")),
        "{text}"
    );
    // What stands there can be taken into a scenario as it is.
    let given: String = text
        .lines()
        .skip_while(|line| *line != "# given:")
        .filter_map(|line| line.strip_prefix("# "))
        .map(|line| format!("{line}\n"))
        .collect();
    let scenario = format!(
        "proves: it is cut off\nabout: {{ topology: snapshot }}\n{given}steps:\n  - move_role: {{ to: standby }}\n"
    );
    assert_eq!(plan_of(&scenario, &text, 1).given, 2);
    let proxy = run(&["predict", "--example", "proxy_of_a_worker", "--write-topology", file]);
    assert!(
        proxy.stderr.contains("does not hold: wrong, and not in the model: no_proxy on w3"),
        "{}",
        proxy.stderr
    );
    let right = run(&["predict", "--example", "right", "--write-topology", file]);
    assert_eq!((right.code, right.stderr.as_str()), (0, ""));
}

#[test]
fn a_network_name_with_an_address_on_each_subnet_moves_to_the_other_one() {
    let of_standard = example::snapshot_of(&plan_of(
        "proves: nothing\nabout: { topology: two_subnet_fci }\nsteps:\n  - move_role: { to: standby }\n",
        standard::topology("two_subnet_fci").expect("the program carries it").text,
        1,
    ));
    let mut by_owners = of_standard.clone();
    let resources = by_owners.cluster.resources.seen_mut().expect("they were seen");
    for (name, owner) in [("SQL IP Address 1", "NODE1"), ("SQL IP Address 2", "NODE2")] {
        let address = resources.iter_mut().find(|one| one.name == name).expect("an address");
        address.possible_owners = vec![owner.to_owned()];
    }
    let prediction = predict(&by_owners, 1).expect("a prediction");
    let told = human(&prediction, &by_owners);
    assert_eq!((prediction.exit_code(), away(&prediction)), (0, (0, 0)), "{told}");
    assert_eq!(preflight::inspect(&by_owners).exit_code(), 0);
    let again = example::snapshot_of(&plan_of(
        "proves: nothing\nabout: { topology: snapshot }\nsteps:\n  - move_role: { to: standby }\n",
        &prediction.topology,
        1,
    ));
    assert_eq!(again.cluster, by_owners.cluster, "possible owners and alternatives are kept");
    // Where every node may own both nobody can tell the subnets.
    let prediction = predict(&of_standard, 1).expect("a prediction");
    assert_eq!(prediction.gaps, ["on which subnets the addresses of `SQL Network Name` are; taken for one"]);
    assert_eq!((prediction.exit_code(), away(&prediction)), (3, (0, 0)));
}

#[test]
fn timers_and_limits_of_roles_and_resources_are_in_the_topology() {
    let scenario = "proves: nothing\nabout: { topology: own }\nsteps:\n  - move_role: { to: standby }\n";
    for name in [
        "role_fails_back_at_night",
        "role_that_does_not_start_by_itself",
        "sql_server_minds_stops_alone",
        "two_subnets_one_record",
        "availability_group",
    ] {
        let text = standard::topology(name).expect("the program carries it").text;
        let text = format!("{text}\n");
        let mut first = example::snapshot_of(&plan_of(scenario, &text, 1));
        let resources = first.cluster.resources.seen_mut().expect("they were seen");
        for one in resources.iter_mut() {
            let own = [("RestartPeriod", "90000"), ("RestartDelay", "1500"), ("PendingTimeout", "600000")];
            one.properties.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let roles = first.cluster.roles.seen_mut().expect("they were seen");
        roles[0].properties.insert("FailoverThreshold".to_owned(), "3".to_owned());
        let predicted = topology_of(&first).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(predicted.not_held.is_empty(), "{name}: {:?}", predicted.not_held);
        let again = example::snapshot_of(&plan_of(scenario, &predicted.topology, 1));
        assert_eq!(again.cluster.roles, first.cluster.roles, "{name}");
        assert_eq!(again.cluster.resources, first.cluster.resources, "{name}");
    }
    let mut snapshot = example::right();
    let roles = snapshot.cluster.roles.seen_mut().expect("they were seen");
    roles[0].properties.insert("FailoverPeriod".to_owned(), "9999".to_owned());
    let told = &topology_of(&snapshot).expect("a topology").not_held[0].told;
    let expected = "FailoverPeriod is 9999, expected 0 to 1193; the default is taken";
    assert_eq!(told, &format!("SQL Server (MSSQLSERVER): {expected}"));
    let properties = snapshot.cluster.properties.seen_mut().expect("they were seen");
    properties.insert("ResiliencyLevel".to_owned(), "1".to_owned());
    let text = topology_of(&snapshot).expect("a topology").topology;
    assert!(text.contains("\"ResiliencyLevel\": \"IsolateOnSpecialHeartbeat\""), "{text}");
    // A snapshot of an older script says nothing of them.
    let roles = snapshot.cluster.roles.seen_mut().expect("they were seen");
    roles[0].properties.clear();
    let gaps = topology_of(&snapshot).expect("a topology").gaps;
    assert_eq!(
        gaps,
        ["the failover settings of `SQL Server (MSSQLSERVER)` were not seen: the defaults are taken"]
    );
}

#[test]
fn one_group_of_alternatives_is_in_the_topology_and_two_are_told() {
    let with = |dependency: &str| {
        let mut snapshot = example::right();
        let resources = snapshot.cluster.resources.seen_mut().expect("they were seen");
        for one in resources.iter_mut().filter(|one| one.name == "Scale Out Master") {
            one.dependency = dependency.to_owned();
        }
        predict(&snapshot, 1).expect("a prediction")
    };
    let one = with("[SQL Network Name] or [SQL Server]");
    assert!(one.topology.contains("\"depends_on_any\": [\n"), "{}", one.topology);
    assert_eq!((one.not_held.len(), one.gaps.len(), one.in_the_model.len()), (0, 0, 1));
    let two = with("([SQL Network Name] or [Cluster Disk 1]) and ([SQL Server] or [SQL IP Address 1])");
    assert_eq!(two.not_in_the_model, ["master_waits_for_its_providers on cluster"]);
    assert_eq!((two.not_held.len(), two.exit_code()), (1, 3));
}

#[test]
fn a_role_on_a_node_that_may_not_own_it_is_told_and_not_predicted() {
    let mut snapshot = example::right();
    let resources = snapshot.cluster.resources.seen_mut().expect("they were seen");
    let disk = resources.iter_mut().find(|one| one.name == "Cluster Disk 1").expect("a disk");
    disk.possible_owners = vec!["NODE2".to_owned()];
    let prediction = predict(&snapshot, 1).expect("a prediction");
    let told = human(&prediction, &snapshot);
    let reason = "not predicted: `SQL Server (MSSQLSERVER)` is on NODE1, which is no possible owner of `Cluster Disk 1`";
    assert_eq!((told.lines().nth(1), prediction.exit_code()), (Some(reason), 3), "{told}");
}
