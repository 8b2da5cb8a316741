//! Does a service start with what stands in its files?

use std::path::PathBuf;

use crate::action::{Action, NodeChange, ResolvedAction, ServiceAction, WorkerSetting};
use crate::names::WorkerId;
use crate::observe::{ErrorFamily, Fact, ResourceState, WorkerState};
use crate::world::fixture::{NODE1, NODE2, ROLE};

use super::tests::{Run, quick, worker_states};

const W1: WorkerId = WorkerId(0);
const OF_WORKER: &str = "w1/DTS/Binn/WorkerSettings.config";
const OF_NODE2: &str = "NODE2/DTS/Binn/MasterSettings.config";

impl Run {
    fn file(&self, name: &str) -> PathBuf {
        self.twin.folder().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).expect("the file is there")
    }

    fn edit(&self, name: &str, old: &str, new: &str) {
        let text = self.text(name);
        assert!(text.contains(old), "{text}");
        std::fs::write(self.file(name), text.replace(old, new)).expect("the file is ours");
    }

    fn restart(&mut self, worker: WorkerId) {
        self.apply(service(worker, ServiceAction::Stop));
        self.apply(service(worker, ServiceAction::Start));
    }
}

fn service(worker: WorkerId, what: ServiceAction) -> ResolvedAction {
    Action::WorkerService { worker, what }
}

#[test]
fn a_worker_goes_where_its_file_says_once_its_service_has_started_again() {
    let mut run = Run::start(&quick(2, |_| {}));
    run.until_served_by(NODE1);
    run.edit(OF_WORKER, "https://sqlfci:8391", "https://node2:8391");
    run.edit(OF_WORKER, "{\n", "{\n  \"TaskLogLevel\": 64,\n");
    run.restart(W1);
    // The second node has no master: the role is the first one's.
    let refused =
        WorkerState::Refused { error: ErrorFamily::EndpointNotFound, by: Some(NODE2), presented: None };
    run.until("it finds nobody", |records| worker_states(records).any(|seen| seen == (W1, refused)));
    // What an action writes into the file leaves the rest of it alone, and the restart reads all of it.
    run.apply(Action::SetWorkers(WorkerSetting::MaxTaskCount(3)));
    let text = run.text(OF_WORKER);
    for part in ["https://node2:8391", "\"TaskLogLevel\": 64", "\"MaxTaskCount\": 3"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    // The certificate is not made out to the node.
    run.until(
        "it finds the master under a name that is none of its own, and the other one is back",
        |records| {
            let seen = || worker_states(records);
            let is_refused =
                |state| matches!(state, WorkerState::Refused { by: Some(NODE2), presented: Some(_), .. });
            let is_back = |state| matches!(state, WorkerState::Connected { served_by: NODE2, .. });
            seen().any(|(worker, state)| worker == W1 && is_refused(state))
                && seen().any(|(worker, state)| worker != W1 && is_back(state))
        },
    );
}

#[test]
fn a_certificate_that_somebody_takes_out_of_a_store_is_gone() {
    let mut run = Run::start(&quick(1, |_| {}));
    run.until_served_by(NODE1);
    std::fs::remove_file(run.file("w1/LocalMachine/Root/master.pem")).expect("it is there");
    run.restart(W1);
    run.until("it trusts nobody", |records| {
        worker_states(records).any(|(_, state)| {
            matches!(state, WorkerState::Refused { error: ErrorFamily::TrustRelationship, .. })
        })
    });
}

#[test]
fn a_worker_whose_file_is_wrong_does_not_start_and_nothing_else_suffers() {
    let mut run = Run::start(&quick(2, |_| {}));
    run.until_served_by(NODE1);
    run.apply(service(W1, ServiceAction::Stop));
    let right = run.text(OF_WORKER);
    for (old, new, expected) in [
        (
            "\"MaxTaskCount\": 10",
            "\"MaxTaskCount\": \"many\"",
            "`MaxTaskCount` is `many`, expected a whole number",
        ),
        ("https://sqlfci:8391", "https://sqlfcl:8391", "`MasterEndpoint` is `sqlfcl`, expected a host"),
        ("{", "", "is no JSON object"),
    ] {
        run.edit(OF_WORKER, old, new);
        let refused = run.twin.apply(service(W1, ServiceAction::Start)).expect_err("it cannot start");
        let told = refused.to_string();
        assert!(told.starts_with("`w1/DTS/Binn/WorkerSettings.config`") && told.contains(expected), "{told}");
        std::fs::write(run.file(OF_WORKER), &right).expect("the file is ours");
    }
    run.apply(service(W1, ServiceAction::Start));
    run.until("it is connected", |records| {
        worker_states(records)
            .any(|(worker, state)| worker == W1 && matches!(state, WorkerState::Connected { .. }))
    });
    let mut others = worker_states(&run.history).filter(|(worker, _)| *worker != W1);
    assert!(others.all(|(_, state)| !matches!(state, WorkerState::Disconnected(_))), "w2 was cut off");
}

#[test]
fn a_master_listens_where_its_file_says_when_it_starts() {
    let mut run = Run::start(&quick(1, |_| {}));
    run.until_served_by(NODE1);
    run.edit(OF_NODE2, "\"PortNumber\": 8391", "\"PortNumber\": \"9417\"");
    // An action that changes another part of the node leaves that alone.
    run.apply(Action::ChangeNode { node: NODE2, change: NodeChange::SqlLogin(true) });
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    run.until_refused(WorkerState::Refused {
        error: ErrorFamily::EndpointNotFound,
        by: Some(NODE2),
        presented: None,
    });
    run.edit(OF_WORKER, "https://sqlfci:8391", "https://sqlfci:9417");
    run.restart(W1);
    run.until_served_by(NODE2);
    assert_eq!(run.twin.notes(), [""; 0]);
}

#[test]
fn a_master_whose_file_is_wrong_ends_and_the_note_says_why() {
    let mut run = Run::start(&quick(1, |_| {}));
    run.until_served_by(NODE1);
    run.edit(OF_NODE2, "\"PortNumber\": 8391", "\"PortNumber\": \"839l\"");
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    run.until("the resource fails on the second node", |records| {
        records
            .iter()
            .any(|record| matches!(record.fact, Fact::ResourceState { state: ResourceState::Failed, .. }))
    });
    let notes = run.twin.notes();
    let note = notes.first().expect("a note");
    assert!(note.contains("`PortNumber` is `839l`") && note.ends_with("the master's service ends"), "{note}");
}

#[test]
fn a_port_that_somebody_else_has_ends_the_master_and_not_the_twin() {
    let mut run = Run::start(&quick(1, |_| {}));
    run.until_served_by(NODE1);
    let taken = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    run.edit(OF_NODE2, "\"PortNumber\": 8391", &format!("\"PortNumber\": {port}"));
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    run.until("the resource fails on the second node", |records| {
        records
            .iter()
            .any(|record| matches!(record.fact, Fact::ResourceState { state: ResourceState::Failed, .. }))
    });
    let notes = run.twin.notes();
    assert!(notes.first().is_some_and(|note| note.contains("cannot be had")), "{notes:?}");
    // Everything else goes on: with another port it serves, whichever node the cluster tries next.
    run.edit(OF_NODE2, &port.to_string(), "8391");
    run.until("the worker is connected again", |records| {
        worker_states(records).any(|(_, state)| matches!(state, WorkerState::Connected { .. }))
    });
}
