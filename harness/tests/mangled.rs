//! Can a file that was kept, and that something has mangled, crash its reader, or be taken for what nobody wrote?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use failover_harness::backend::{BackendKind, SimBackend};
use failover_harness::director;
use failover_harness::explore::{
    Lengths, MOST, ReasonTally, Report, Search, Seeds, Shard, Tally, Until, tell,
};
use failover_harness::guide::snapshot::{bindings, reservations};
use failover_harness::history::{Header, line, read_header, read_records};
use failover_harness::judge::Judge;
use failover_harness::latency::{Fault, Order, Saved, beside, beside_table, compare, measure, table};
use failover_harness::learn::{Build, Learned, Observation, Sighting};
use failover_harness::plan::{Overrides, Plan};
use failover_harness::report::Timeline;
use failover_harness::scenario::diagnostic::Paint;
use failover_harness::scenario::load;
use failover_sim::assumption::Assumption;
use failover_sim::observe::Sink as _;
use failover_sim::time::Time;
use proptest::prelude::*;
use proptest::sample::Index;

/// Something that happens to a text.
#[derive(Clone, Debug)]
enum Slip {
    /// It ends here.
    Cut(Index),
    /// A line is gone.
    Lose(Index),
    /// A line is there twice.
    Double(Index),
    /// A word of it is another one.
    Change(Index, String),
}

fn slip() -> impl Strategy<Value = Slip> {
    let word = prop_oneof![
        Just("null".to_owned()),
        Just("-1".to_owned()),
        Just("65535".to_owned()),
        Just("4294967295".to_owned()),
        Just("18446744073709551615".to_owned()),
        Just("9223372036854775808".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        "[\\u{0}-\\u{1f}\\u{7f}\\u{2019}\"'\\\\:,a-z0-9\\[{]{0,6}",
    ];
    prop_oneof![
        any::<Index>().prop_map(Slip::Cut),
        any::<Index>().prop_map(Slip::Lose),
        any::<Index>().prop_map(Slip::Double),
        (any::<Index>(), word).prop_map(|(at, word)| Slip::Change(at, word)),
    ]
}

fn mangled(text: &str, slips: &[Slip]) -> String {
    let mut text = text.to_owned();
    for slip in slips {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        match slip {
            Slip::Cut(at) => {
                let at =
                    (0..=at.index(text.len() + 1)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
                text.truncate(at);
            }
            Slip::Lose(_) | Slip::Double(_) | Slip::Change(..) if lines.is_empty() => {}
            Slip::Lose(at) => {
                lines.remove(at.index(lines.len()));
                text = lines.concat();
            }
            Slip::Double(at) => {
                let at = at.index(lines.len());
                lines.insert(at, lines[at]);
                text = lines.concat();
            }
            Slip::Change(at, new) => {
                // What lies between signs: a key, a text, a number.
                let is_sign = |letter: char| "\"{}[],:\n ".contains(letter);
                let words: Vec<&str> = text.split_inclusive(is_sign).collect();
                let at = at.index(words.len());
                let sign = words[at].chars().last().filter(|&letter| is_sign(letter));
                let new = format!("{new}{}", sign.map(String::from).unwrap_or_default());
                text = [words[..at].concat(), new, words[at + 1..].concat()].concat();
            }
        }
    }
    text
}

fn slips() -> impl Strategy<Value = Vec<Slip>> {
    proptest::collection::vec(slip(), 1..4)
}

static LEARNED: LazyLock<String> = LazyLock::new(|| {
    let build = Build { windows: "17763".to_owned(), ssis: "15.0".to_owned() };
    let mut learned = Learned::default();
    for (value, seed) in [(0, 1), (2, 2), (2, 3)] {
        let observation = Observation {
            at: "2026-11-23T22:00:00Z".to_owned(),
            lab: "LAB".to_owned(),
            scenario: "cluster/planned_move".to_owned(),
            run: format!("00 seed {seed}"),
            seen: "\u{2019}quoted\u{2019}".to_owned(),
        };
        learned.add(Assumption::WorkerRetry, value, &build, observation);
    }
    learned.text()
});

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    load(&["cluster/planned_move".into()], 1, &Overrides::default()).expect("it is right").remove(0)
});

static HISTORY: LazyLock<String> = LazyLock::new(|| {
    let mut seen = Timeline::new(&PLAN);
    let _ = director::run(&PLAN, &mut SimBackend::default(), &mut seen);
    let header = serde_json::to_string(&Header::new(&PLAN, "sim")).expect("JSON");
    let lines: Vec<String> = seen.records().iter().map(|record| line(record, &PLAN.names)).collect();
    format!("{header}\n{}\n", lines.join("\n"))
});

static MEASURED: LazyLock<String> = LazyLock::new(|| {
    let order = Order {
        backend: BackendKind::Sim,
        topology: "two_node_fci".to_owned(),
        overrides: Overrides::default(),
        fault: Fault::PowerOff,
        failovers: 2,
        seed: 1,
        jobs: 1,
    };
    serde_json::to_string_pretty(&measure(&order, |_| {}).expect("a failover")).expect("JSON")
});

/// An exploration of a rule that fails with some answers and passes with others.
static EXPLORED: LazyLock<[Report; 2]> = LazyLock::new(|| {
    let overrides = Overrides {
        set: BTreeMap::from([("SameSubnetThreshold".to_owned(), "40".to_owned())]),
        ..Overrides::default()
    };
    let plan = load(&["cluster/owner_power_off".into()], 1, &overrides).expect("it is right").remove(0);
    [(1, 21), (21, 41)].map(|(from, to)| {
        let mut tally = Tally::of(&plan);
        Search { plan: &plan, from, until: Until::Seed(to), shard: Shard::WHOLE, jobs: 1 }
            .run(&mut tally, |_| true);
        Report { scenarios: BTreeMap::from([(plan.name.clone(), tally)]) }
    })
});

/// What was explored first, as a file.
static EXPLORED_FIRST: LazyLock<String> = LazyLock::new(|| EXPLORED[0].text());

const PRINTED: &str = "
    IP:port                      : 0.0.0.0:8391
    Certificate Hash             : b375000cd7fe910276d4beb2328a96416977e7d0
    Certificate Store Name       : Root

    Reserved URL            : https://+:8391/ClusterManagement/
        User: LAB\\svc-scaleout
            Listen: Yes
        SDDL: D:(A;;GX;;;S-1-5-20)
";

#[test]
fn what_nothing_has_mangled_is_read() {
    assert_eq!(Learned::read("f", &LEARNED).map_err(|_| "wrong").expect("it is right").text(), *LEARNED);
    assert!(read_header(&HISTORY).is_ok());
    assert!(read_records(&HISTORY, &PLAN).expect("its own records").len() > 50);
    let saved = Saved::read(&MEASURED).expect("a measurement");
    assert_eq!(saved.failovers.len(), 2);
    assert_eq!(Report::read(&EXPLORED_FIRST).expect("a report"), EXPLORED[0]);
    assert_eq!((bindings(PRINTED).len(), reservations(PRINTED).len()), (1, 1));
}

#[test]
fn what_nobody_can_have_measured_is_refused() {
    let refused = |change: &dyn Fn(&mut Saved)| {
        let mut saved = Saved::read(&MEASURED).expect("a measurement");
        change(&mut saved);
        let text = serde_json::to_string(&saved).expect("JSON");
        Saved::read(&text).expect_err("it is refused").to_string()
    };
    assert_eq!(refused(&|saved| saved.resolution_us = u64::MAX), "`resolution_us` is longer than a day");
    let long = "a time of the failover with seed 2 is longer than a day";
    assert_eq!(refused(&|saved| saved.failovers[1].assumed_ms[0] = u64::MAX), long);
    assert_eq!(refused(&|saved| saved.failovers[1].swept_ms = u64::MAX), long);
    assert_eq!(refused(&|saved| saved.failovers[1].workers[0].back = Some(u64::MAX)), long);
    let phases = refused(&|saved| saved.failovers[0].phases_ms.truncate(1));
    assert!(phases.starts_with("the failover with seed 1 has 1 phases, and the cluster has "), "{phases}");
    let form = refused(&|saved| saved.latency = 99);
    assert!(form.starts_with("it has form 99, written by version "), "{form}");
}

#[test]
fn a_moment_that_no_run_reaches_is_refused_with_its_line() {
    let late = HISTORY.replacen("\"latest_us\":0,", "\"latest_us\":18446744073709551615,", 1);
    assert_ne!(late, *HISTORY);
    let error = read_records(&late, &PLAN).expect_err("it is refused").to_string();
    assert_eq!(error, "line 2 tells of what was later than a century after the beginning");
}

#[test]
fn what_nobody_can_have_counted_is_refused() {
    let changed = |change: &dyn Fn(&mut Tally)| {
        let mut report = EXPLORED[0].clone();
        report.scenarios.values_mut().for_each(change);
        Report::read(&report.text())
    };
    let refused = |change: &dyn Fn(&mut Tally)| changed(change).expect_err("it is refused").to_string();
    let told = |what: &str| format!("nobody can have counted this of `cluster/owner_power_off`: {what}");
    let beyond = |what: &str| told(&format!("{} in `{what}`, and nobody counts beyond {MOST}", u64::MAX));
    assert_eq!(refused(&|tally| tally.requests = u64::MAX), beyond("requests"));
    assert_eq!(refused(&|tally| tally.coverage = BTreeMap::from([("x".to_owned(), u64::MAX)])), beyond("x"));
    let outages = |text: &str| serde_json::from_str::<Lengths>(text).expect("lengths");
    let many = outages(&format!(r#"{{ "counts": {{ "1": {0}, "2": {0} }}, "open": 1 }}"#, u64::MAX / 2));
    assert_eq!(refused(&|tally| tally.outages = many.clone()), beyond("outages"));
    let long = outages(r#"{ "counts": { "18446744073709551615": 1 }, "open": 1 }"#);
    assert_eq!(refused(&|tally| tally.outages = long.clone()), told("an outage of 18446744073709551615 ms"));
    assert_eq!(
        refused(&|tally| tally.passed += 1),
        told("20 runs, and 21 that passed, failed or came to no verdict")
    );
    let answers = BTreeMap::from([("30s".to_owned(), (1, 2))]);
    let unknown = |tally: &mut Tally| {
        tally.unknowns.insert("x".to_owned(), answers.clone());
    };
    assert_eq!(refused(&unknown), told("2 of 1 runs in `x`"));
    let reason = ReasonTally { runs: 1, seed: u64::MAX, reason: String::new() };
    let reasons = |tally: &mut Tally| tally.reasons = BTreeMap::from([("x".to_owned(), reason.clone())]);
    assert_eq!(refused(&reasons), told("seed 18446744073709551615, which was not run"));
    let seeds = |tally: &mut Tally| tally.seeds = Seeds(BTreeSet::from([(1, 21, 0, 0)]));
    assert_eq!(refused(&seeds), told("the seeds from 1 to 21, shard 0/0"));
    // What each of two can have counted, both together cannot.
    let full = changed(&|tally| tally.requests = MOST).expect("it is sound");
    let name = "cluster/owner_power_off";
    let mut sum = full.scenarios[name].clone();
    let error = sum.merge(&EXPLORED[1].scenarios[name]).expect_err("too many").to_string();
    assert!(error.starts_with("nobody can have counted both: 10000000000"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_mangled_file_of_answers_is_refused_with_its_place_or_says_what_it_said(slips in slips()) {
        let text = mangled(&LEARNED, &slips);
        match Learned::read("f.json", &text) {
            Ok(learned) => {
                let again = Learned::read("f.json", &learned.text());
                prop_assert_eq!(again.map_err(|_| "what is written can be read"), Ok(learned));
            }
            Err(told) => prop_assert!(told.render(Paint::Plain).contains("f.json")),
        }
    }

    #[test]
    fn a_mangled_history_is_refused_or_read(slips in slips()) {
        let text = mangled(&HISTORY, &slips);
        if let Ok(header) = read_header(&text) {
            let _ = failover_harness::scenario::plan(&header.name, &header.origin(), header.seed);
            if let Ok(records) = read_records(&text, &PLAN) {
                let mut judge = Judge::new(&PLAN);
                for record in &records {
                    let _ = judge.record(record);
                }
                let _ = judge.judge(records.iter().map(|record| record.latest).max().unwrap_or(Time::ZERO), None);
            }
        }
    }

    #[test]
    fn a_mangled_report_of_an_exploration_is_refused_or_added_up(slips in slips()) {
        if let Ok(report) = Report::read(&mangled(&EXPLORED_FIRST, &slips)) {
            for (name, mut tally) in report.scenarios {
                let _ = tell(&name, &tally);
                let others = EXPLORED[1].scenarios.values();
                if { others }.all(|other| tally.merge(other).is_ok()) {
                    let _ = tell(&name, &tally);
                }
            }
        }
    }

    #[test]
    fn a_mangled_measurement_is_refused_or_compared(slips in slips()) {
        let whole = Saved::read(&MEASURED).expect("a measurement");
        if let Ok(saved) = Saved::read(&mangled(&MEASURED, &slips)) {
            let _ = (compare(&whole, &saved, true), compare(&saved, &whole, true));
            for failover in &saved.failovers {
                let _ = Sighting::of_failover(&saved, failover);
            }
            let _ = (table(&saved), beside_table(&whole, &saved, &beside(&whole, &saved)));
        }
    }

    #[test]
    fn whatever_netsh_prints_is_read_or_left_aside(slips in slips()) {
        let text = mangled(PRINTED, &slips);
        for binding in bindings(&text) {
            let _ = binding.port();
        }
        for reservation in reservations(&text) {
            let _ = (reservation.port(), reservation.is_for("LAB\\svc-scaleout"));
        }
    }
}
