//! Does a lab teach what it is like, and nothing else? Does what it taught narrow what later runs take for possible?

use std::path::Path;
use std::process::Command;

use failover_harness::backend::lab::twin::{Dialect, Twin};
use failover_harness::backend::{LabBackend, SimBackend};
use failover_harness::director;
use failover_harness::learn::{
    Build, Learned, NOT_SEEN, Observation, Sighting, Unweighed, Weighed, learned_schema, weigh,
};
use failover_harness::plan::{Overrides, Plan};
use failover_harness::report::Timeline;
use failover_harness::scenario::diagnostic::Paint;
use failover_harness::scenario::load;
use failover_sim::assumption::Assumption;
use proptest::prelude::*;
use serde_json::Value as Json;

fn failover(folder: &Path, line: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_failover"))
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .expect("the program was built for this test");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("it ended by itself"), text(&output.stdout), text(&output.stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn plan(name: &str, overrides: &Overrides) -> Plan {
    load(&[name.into()], 1, overrides).expect("it is a standard scenario").remove(0)
}

fn answer(text: &str) -> (Assumption, usize) {
    let (id, word) = text.split_once('=').expect("a name and a word");
    let assumption = Assumption::by_id(id).expect("a question");
    (assumption, assumption.value_by_word(word).expect("an answer"))
}

/// What a twin that is like this shows in a run, weighed.
fn weighed(name: &str, answers: &[&str], dialect: Dialect) -> Vec<Weighed> {
    let plan = plan(name, &Overrides::default());
    let answers = answers.iter().map(|text| answer(text)).collect();
    let mut lab = LabBackend::new(Twin::new(dialect).with_answers(answers), None);
    let mut seen = Timeline::new(&plan);
    let judgement = director::run(&plan, &mut lab, &mut seen);
    let sighting = Sighting::of(&plan, seen.records(), &judgement);
    weigh(&plan, &sighting, &plan.settled).unwrap_or_else(|why| panic!("{name} {dialect:?}: {why}"))
}

#[test]
fn whatever_a_twin_is_like_its_own_answers_fit_what_it_shows() {
    let twins: [(&str, &[&str]); 5] = [
        ("cluster/planned_move", &["worker_retry=60s", "absent_address=unreachable"]),
        ("cluster/owner_power_off", &["worker_retry=1s", "resiliency_level=isolate_on_special_heartbeat"]),
        (
            "cluster/owner_cluster_service_killed",
            &["rundown=graceful", "service_death_noticed=by_heartbeats"],
        ),
        ("cluster/owner_drained", &["first_sweep=before_serving"]),
        // Here the last two are of no account but for the first.
        (
            "cluster/role_taken_offline",
            &["master_without_ssisdb=stops", "restart_threshold=one", "restart_period=90s"],
        ),
    ];
    for ((name, answers), dialect) in
        twins.into_iter().zip([Dialect::Friendly, Dialect::Nasty].into_iter().cycle())
    {
        let weighed = weighed(name, answers, dialect);
        assert!(!weighed.is_empty(), "{name} asks something");
        for one in &weighed {
            let own = answers.iter().map(|text| answer(text)).find(|(other, _)| *other == one.assumption);
            let own = own.map_or(0, |(_, value)| value);
            assert!(one.fitting.contains(&own), "{name} {answers:?}: {one:?}");
            assert_eq!(one.against.len() + one.fitting.len(), one.assumption.question().values.len());
        }
    }
}

#[test]
fn one_run_settles_what_only_one_answer_explains_and_leaves_the_rest_open() {
    let of = |weighed: &[Weighed], assumption| {
        weighed.iter().find(|one| one.assumption == assumption).cloned().expect("it is asked")
    };
    let slow = weighed("cluster/planned_move", &["worker_retry=60s"], Dialect::Friendly);
    assert_eq!(of(&slow, Assumption::WorkerRetry).answer(), Some(2));
    assert!(!of(&slow, Assumption::FirstSweep).speaks(), "no task runs");
    // Who comes back soon may have been lucky.
    let fast = weighed("cluster/planned_move", &["worker_retry=1s"], Dialect::Friendly);
    assert!(!of(&fast, Assumption::WorkerRetry).speaks());
    for (word, value) in [("always_isolate", 0), ("isolate_on_special_heartbeat", 1)] {
        let loss = weighed("cluster/owner_power_off", &[&format!("resiliency_level={word}")], Dialect::Nasty);
        assert_eq!(of(&loss, Assumption::ResiliencyLevel).answer(), Some(value), "{word}");
    }
}

#[test]
fn what_the_simulator_does_not_know_teaches_nothing() {
    let own = plan("cluster/owner_power_off", &Overrides::default());
    let mut other = Overrides::default();
    other.set.insert("SameSubnetThreshold".to_owned(), "45".to_owned());
    let other = plan("cluster/owner_power_off", &other);
    let mut seen = Timeline::new(&other);
    let judgement = director::run(&other, &mut SimBackend::default(), &mut seen);
    let sighting = Sighting::of(&other, seen.records(), &judgement);
    let refused = weigh(&own, &sighting, &own.settled);
    assert!(matches!(&refused, Err(Unweighed::Unknown(why)) if why.contains("detected")), "{refused:?}");
    assert_eq!(weigh(&own, &Sighting::default(), &own.settled), Err(Unweighed::Nothing));
}

const LAB: &str =
    "cluster: SQLCLUS\ntransport: twin\nallow: { move_role: any, power_off: any, power_on: any }\n";

/// Writes the file of a twin that is like this.
fn lab(folder: &Path, name: &str, twin: &str) {
    std::fs::write(folder.join(name), format!("{LAB}twin: {twin}\n")).expect("it can be written");
}

fn entry(file: &Path, id: &str, word: &str) -> Option<Json> {
    let text = std::fs::read_to_string(file).expect("it was written");
    let json: Json = serde_json::from_str(&text).expect("it is JSON");
    let answers = json["answers"].as_array().expect("answers").clone();
    answers.into_iter().find(|answer| answer["assumption"] == id && answer["answer"] == word)
}

#[test]
fn what_a_lab_teaches_is_kept_with_count_and_dissent_and_narrows_what_is_possible() {
    let folder = folder();
    let folder = folder.path();
    lab(folder, "slow.yaml", "{ worker_retry: 60s }");
    let run = "run cluster/planned_move --backend lab --learn learned.json";
    let (code, text, error) = failover(folder, &format!("{run} --lab slow.yaml"));
    assert_eq!(code, 0, "{text}{error}");
    assert!(text.contains("cluster/planned_move teaches worker_retry: 60s; not 10s: "), "{text}");
    let file = folder.join("learned.json");
    let slow = entry(&file, "worker_retry", "60s").expect("it was learned");
    assert_eq!((&slow["count"], &slow["dissent"], &slow["windows"]), (&1.into(), &0.into(), &"twin".into()));
    assert_eq!(slow["observations"][0]["scenario"], "cluster/planned_move");
    assert_eq!(failover(folder, &format!("{run} --lab slow.yaml --seed 2")).0, 0);
    assert_eq!(entry(&file, "worker_retry", "60s").expect("it stays")["count"], 2);

    // One answer: it is taken for granted.
    let words = |options: &str| {
        let line = format!("run cluster/owner_power_off --format json {options}");
        let (code, text, error) = failover(folder, line.trim_end());
        assert_eq!(code, 0, "{text}{error}");
        let json: Json = serde_json::from_str(&text).expect("a report");
        let unknowns = json["scenarios"][0]["unknowns"].as_array().expect("unknowns").clone();
        let found = unknowns.into_iter().find(|unknown| unknown["assumption"] == "worker_retry");
        found.map_or(0, |unknown| unknown["values"].as_array().expect("its values").len())
    };
    assert_eq!((words(""), words("--learned learned.json")), (3, 0));

    // Two: those that were seen.
    let slow = "{ at: a, lab: b, scenario: c, run: d, seen: e }";
    let learned = |word: &str, count: u32, dissent: u32| {
        let each = vec![slow; count as usize].join(", ");
        format!(
            "  - {{ assumption: worker_retry, answer: {word}, windows: A, ssis: B, count: {count}, dissent: {dissent}, \
             observations: [ {each} ] }}\n"
        )
    };
    let text = format!("learned: 1\nanswers:\n{}{}", learned("60s", 2, 1), learned("1s", 1, 2));
    std::fs::write(folder.join("two.yaml"), text).expect("it can be written");
    assert_eq!(words("--learned two.yaml"), 2);
    let line = "explore cluster/owner_power_off --learned two.yaml --seeds 1..60 --report json=report.json";
    let (code, text, error) = failover(folder, line);
    assert_eq!(code, 0, "{text}{error}");
    assert!(text.contains("by `two.yaml`, for Windows A, SSIS B: worker_retry is 1s or 60s"), "{text}");
    let report = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    let report: Json = serde_json::from_str(&report).expect("it is JSON");
    let drawn = report["scenarios"]["cluster/owner_power_off"]["unknowns"]["worker_retry"].as_object();
    let drawn: Vec<&String> = drawn.expect("it was asked").keys().collect();
    assert_eq!(drawn, ["1s", "60s"]);

    // A history of such a run is judged again as it was.
    let line = "run cluster/owner_power_off --learned two.yaml --histories kept";
    assert_eq!(failover(folder, line).0, 0);
    assert_eq!(failover(folder, "judge kept/cluster-owner_power_off.jsonl").0, 0);
}

#[test]
fn a_lab_that_answers_otherwise_is_a_dissent() {
    let folder = folder();
    let folder = folder.path();
    for word in ["always_isolate", "isolate_on_special_heartbeat"] {
        lab(folder, "lab.yaml", &format!("{{ resiliency_level: {word} }}"));
        let line = "run cluster/standby_power_off --backend lab --lab lab.yaml --learn learned.json";
        let (code, text, error) = failover(folder, line);
        assert_eq!(code, 0, "{text}{error}");
    }
    let file = folder.join("learned.json");
    for word in ["always_isolate", "isolate_on_special_heartbeat"] {
        let entry = entry(&file, "resiliency_level", word).expect("both were learned");
        assert_eq!((&entry["count"], &entry["dissent"]), (&1.into(), &1.into()), "{word}");
    }
    let text = std::fs::read_to_string(&file).expect("it is there");
    Learned::read("learned.json", &text).expect("what is written can be read");
    let valid = jsonschema::validator_for(&learned_schema()).expect("a schema");
    assert!(valid.is_valid(&serde_json::from_str(&text).expect("JSON")));
    assert!(!valid.is_valid(&serde_json::json!({ "learned": 1, "answers": [ { "assumption": "a" } ] })));
}

const CASES: &str = "proves: when a silent node is given up depends on thresholds that nobody has set
about: { topology: two_node_fci }
steps:
  - power_off: { node: owner }
cases:
  - case: late
    assume: { heartbeat_thresholds: best_practices }
    then:
      - hold: { for: 16s, role: { owner: first_owner } }
      - expect: { within: 5m, role: { state: online, owner: first_standby }, workers: { which: every, state: connected } }
  - case: early
    assume: { heartbeat_thresholds: others }
    then:
      - expect: { within: 16s, role: { owner: first_standby } }
      - expect: { within: 5m, role: { state: online, owner: first_standby }, workers: { which: every, state: connected } }
";

#[test]
fn of_several_cases_a_lab_fits_one_and_that_settles_the_assumption() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("given_up.yaml"), CASES).expect("it can be written");
    for (word, fits, other) in [("best_practices", "late", "early"), ("others", "early", "late")] {
        lab(folder, "lab.yaml", &format!("{{ heartbeat_thresholds: {word} }}"));
        let file = format!("{word}.json");
        let line = format!("run given_up.yaml --backend lab --lab lab.yaml --learn {file}");
        let (code, text, error) = failover(folder, &line);
        assert_eq!(code, 0, "{text}{error}");
        assert!(text.contains("1 passed, 0 failed, 0 inconclusive, 1 skipped"), "{text}");
        assert!(
            text.contains(&format!("given_up[{other}]: the lab answers otherwise: the case `{fits}` fits")),
            "{text}"
        );
        let told = format!("given_up[{fits}] teaches heartbeat_thresholds: {word}; the only case that fits");
        assert!(text.contains(&told), "{text}");
        assert_eq!(entry(&folder.join(&file), "heartbeat_thresholds", word).expect("learned")["count"], 1);

        // The case that does not speak of that lab is not run any more; who insists gets it.
        let line = format!("run given_up.yaml --learned {file}");
        let (code, text, _) = failover(folder, &line);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(&format!("SKIPPED given_up[{other}]")), "{text}");
        assert!(text.contains("says otherwise"), "{text}");
    }
}

#[test]
fn a_task_that_outlives_its_lease_settles_when_a_new_master_sweeps() {
    let folder = folder();
    let folder = folder.path();
    for (word, fits) in [("after_one_interval", "sweep_waits"), ("before_serving", "sweep_first")] {
        let allowed = "allow: { set_cluster: any, set_workers: any, start_executions: any, power_off: any }";
        let twin = format!("cluster: SQLCLUS\ntransport: twin\n{allowed}\ntwin: {{ first_sweep: {word} }}\n");
        std::fs::write(folder.join("lab.yaml"), twin).expect("it can be written");
        let file = format!("{word}.json");
        let line = format!("run model/lease_against_sweep --backend lab --lab lab.yaml --learn {file}");
        let (code, text, error) = failover(folder, &line);
        assert_eq!(code, 0, "{text}{error}");
        let told =
            format!("lease_against_sweep[{fits}] teaches first_sweep: {word}; the only case that fits");
        assert!(text.contains(&told), "{text}");
        assert_eq!(entry(&folder.join(&file), "first_sweep", word).expect("learned")["count"], 1);
    }
}

#[test]
fn an_answer_holds_for_its_build() {
    let folder = folder();
    let folder = folder.path();
    let mut learned = Learned::default();
    let seen = Observation {
        at: "2026-01-01T00:00:00Z".to_owned(),
        lab: "SQLCLUS".to_owned(),
        scenario: "cluster/planned_move".to_owned(),
        run: "0".to_owned(),
        seen: "it".to_owned(),
    };
    for (windows, value) in [("10.0.17763", 0), ("10.0.20348", 2)] {
        let build = Build { windows: windows.to_owned(), ssis: NOT_SEEN.to_owned() };
        learned.add(Assumption::WorkerRetry, value, &build, seen.clone());
    }
    assert!(learned.answers().all(|answer| answer.dissent == 0), "of another build is no dissent");
    learned.write(&folder.join("learned.json")).expect("it can be written");
    let run = "run cluster/planned_move --learned learned.json";
    let (code, _, error) = failover(folder, run);
    assert_eq!(code, 2);
    assert!(error.contains("answers of several builds"), "{error}");
    assert!(error.contains("hint: --build names one of `10.0.17763/not seen`"), "{error}");
    let (code, text, _) = failover(folder, &format!("{run} --build 10.0.20348"));
    assert_eq!(code, 0);
    assert!(text.contains("for Windows 10.0.20348, SSIS not seen: worker_retry is 60s"), "{text}");
    let (code, _, error) = failover(folder, &format!("{run} --build 10.0.14393"));
    assert_eq!(code, 2);
    assert!(error.contains("has no answers of the build `10.0.14393`"), "{error}");
}

#[test]
fn who_cannot_teach_or_learn_is_told_why() {
    let folder = folder();
    let folder = folder.path();
    let refused = |line: &str, expected: &str| {
        let (code, out, error) = failover(folder, line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(error.contains(expected), "{line}: {error}");
    };
    refused("run cluster/planned_move --learn l.json", "`--learn` is of no use without `--backend lab`");
    refused(
        "run cluster/planned_move --backend lab --lab twin --learn l.json",
        "this twin takes what is assumed, and can teach nothing",
    );
    refused("run cluster/planned_move --learned l.json", "cannot read `l.json`");
    refused("run cluster/planned_move --build 1", "--learned");
    lab(folder, "lab.yaml", "{ worker_retri: 60s, first_sweep: soon }");
    let run = "run cluster/planned_move --backend lab --lab lab.yaml --learn l.json";
    refused(run, "there is no assumption `worker_retri`\n  --> lab.yaml:4:9");
    refused(run, "`soon` is no answer to `first_sweep`\n  --> lab.yaml:4:41");
}

#[test]
fn all_mistakes_of_a_file_are_shown_with_place_and_hint() {
    let wrong =
        |text: &str| Learned::read("learned.yaml", text).expect_err("it is wrong").render(Paint::Plain);
    let one = |id: &str, word: &str, count: u32, dissent: u32| {
        format!(
            "  - assumption: {id}\n    answer: {word}\n    windows: not seen\n    ssis: not seen\n    count: {count}\n    dissent: \
             {dissent}\n    observations: [ {{ at: a, lab: b, scenario: c, run: d, seen: e }} ]\n"
        )
    };
    let of = |answers: &[String]| format!("learned: 1\nanswers:\n{}", answers.concat());
    let shown = wrong(&of(&[one("worker_retri", "60s", 1, 0), one("first_sweep", "soon", 1, 0)]));
    for told in [
        "there is no assumption `worker_retri`\n  --> learned.yaml:3:17",
        "hint: did you mean `worker_retry`?",
        "`soon` is no answer to `first_sweep`\n  --> learned.yaml:11:13",
        "expected one of `after_one_interval`",
    ] {
        assert!(shown.contains(told), "{told} is not in\n{shown}");
    }
    let shown = wrong(&of(&[one("worker_retry", "60s", 3, 0)]));
    assert!(
        shown.contains("`count` is 3, and 1 observations are listed\n  --> learned.yaml:7:12"),
        "{shown}"
    );
    let shown = wrong(&of(&[one("worker_retry", "60s", 1, 4)]));
    assert!(shown.contains("`dissent` is 4, and other answers were seen 0 times"), "{shown}");
    let shown = wrong(&of(&[one("worker_retry", "60s", 1, 0), one("worker_retry", "60s", 1, 0)]));
    assert!(shown.contains("`60s` of `worker_retry` is there twice for one build"), "{shown}");
    assert!(wrong("learned: 2\nanswers: []\n").contains("this version reads form 1"));
    assert!(wrong("learned: 1\nanswer: []\n").contains("hint: did you mean `answers`?"));
    assert!(wrong("- 1\n").contains("learned.yaml:1:1"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(
        seen in proptest::collection::vec(
            (0..Assumption::ALL.len(), 0..3_usize, "[ -~]{0,12}", "\\PC{0,12}", 0..4_u32), 0..20)
    ) {
        let mut learned = Learned::default();
        for (question, value, build, text, run) in seen {
            let assumption = Assumption::ALL[question];
            let value = value % assumption.question().values.len();
            let build = Build { windows: build, ssis: NOT_SEEN.to_owned() };
            let observation = Observation {
                at: run.to_string(),
                lab: text.clone(),
                scenario: text.clone(),
                run: text.clone(),
                seen: text,
            };
            learned.add(assumption, value, &build, observation);
        }
        let text = learned.text();
        let again = Learned::read("learned.json", &text);
        prop_assert_eq!(again.map_err(|wrong| wrong.render(Paint::Plain)), Ok(learned));
    }

    #[test]
    fn whatever_stands_in_a_file_is_read_or_refused(text in "[ -~\n]{0,200}") {
        let _ = Learned::read("learned.yaml", &text);
    }

    #[test]
    fn what_looks_like_a_file_is_read_or_refused(lines in proptest::collection::vec(
        prop_oneof![
            Just("learned: 1"), Just("answers:"), Just("answers: []"), Just("  - assumption: worker_retry"), Just("    answer: 60s"),
            Just("    count: 1"), Just("    dissent: 0"), Just("    windows: A"), Just("    ssis: B"),
            Just("    observations: [ { at: a, lab: b, scenario: c, run: d, seen: e } ]"), Just("  - ~"), Just("- x"),
        ], 0..12)) {
        let _ = Learned::read("learned.yaml", &lines.join("\n"));
    }
}
