use std::path::Path;

use failover_sim::observe::Record;

use super::*;
use crate::backend::SimBackend;
use crate::plan::{Overrides, Plan};
use crate::report::tests::{nasty, nothing};
use crate::runner::run_scenario;
use crate::scenario::load;

fn plan(scenario: &str, workers: Option<u32>) -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(scenario);
    let overrides = Overrides { workers, ..Overrides::default() };
    load(&[file], 1, &overrides).expect("a scenario of the repository").remove(0)
}

fn page(scenario: &str, workers: Option<u32>) -> String {
    let plan = plan(scenario, workers);
    let mut records: Vec<Record> = Vec::new();
    let report = run_scenario(&plan, &mut SimBackend::default(), &mut records);
    let chart = Chart::of(&plan, &records, &report);
    let report = RunReport { scenarios: vec![report], ..nothing() };
    html(&report, &[chart]).expect("a page")
}

/// Every tag that is opened is closed, in the right order.
fn is_well_formed(page: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with('!') {
            continue;
        }
        // No text of ours has a bare `>` in an attribute: all of them are escaped.
        let end = rest.find('>').ok_or("a tag has no end")?;
        let tag = &rest[..end];
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("`{name}` is closed out of order"));
            }
        } else if !tag.ends_with('/') && !["meta", "br"].contains(&name) {
            open.push(name);
        }
        if matches!(name, "style" | "script") && !tag.starts_with('/') {
            let end = rest.find("</").ok_or("a style has no end")?;
            rest = &rest[end..];
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are not closed")) }
}

#[test]
fn text_of_others_stays_text() {
    let page = html(&nasty(), &[]).expect("a page");
    assert!(page.contains("a &lt;script&gt; &amp; &quot;quotes&quot; survive"), "{page}");
    assert!(page.contains("w1 says &lt;no&gt; &amp; &quot;never&quot;"));
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(is_well_formed(&page), Ok(()));
}

#[test]
fn a_page_is_well_formed_and_needs_nothing_else() {
    let page = page("model/second_node_with_its_own_certificate.yaml", None);
    assert_eq!(is_well_formed(&page), Ok(()));
    for word in ["http://", "https://", " src=", "@import", "url("] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_same_run_gives_the_same_page() {
    let scenario = "cluster/owner_power_off.yaml";
    assert_eq!(page(scenario, None), page(scenario, None));
}

#[test]
fn every_link_leads_somewhere() {
    let page = page("model/owner_cut_off_in_the_minority.yaml", None);
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().unwrap_or_default();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[test]
fn few_workers_have_lanes_of_their_own_and_many_share_one() {
    let scenario = "cluster/owner_power_off.yaml";
    let few = page(scenario, Some(20));
    assert!(few.contains(">w20</span>") && !few.contains("how many of"));
    let many = page(scenario, Some(21));
    assert!(!many.contains(">w20</span>") && many.contains("how many of 21"));
}

#[test]
fn a_thousand_workers_and_ten_failovers_fit_into_a_small_page() {
    let page = page("model/common_workload.yaml", Some(1_000));
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert_eq!(is_well_formed(&page), Ok(()));
}

#[test]
fn a_run_of_nothing_has_a_page() {
    assert_eq!(is_well_formed(&html(&nothing(), &[]).expect("a page")), Ok(()));
}
