//! Are requests read as they were written, and is anything else refused?

use super::*;
use proptest::prelude::*;

pub(in crate::backend::lab) fn calls() -> impl Strategy<Value = Call> {
    let text = || any::<String>();
    prop_oneof![
        Just(Call::ReadCluster),
        proptest::option::of(any::<i64>()).prop_map(|work_from| Call::ReadWorker { work_from }),
        Just(Call::ReadMasterCertificate),
        proptest::option::of(text()).prop_map(|run| Call::Hello { marker: Marker::of("a"), run }),
        proptest::collection::vec(text(), 0..4).prop_map(|nodes| Call::ReadPower { nodes }),
        (text(), text()).prop_map(|(group, node)| Call::MoveRole { group, node }),
        (text(), proptest::option::of(any::<i64>()))
            .prop_map(|(server, work_from)| Call::ReadSsisdb { server, work_from }),
        text().prop_map(|server| Call::ReadPackage { server }),
        (text(), any::<u32>(), any::<u8>(), proptest::collection::vec(text(), 0..4)).prop_map(
            |(server, seconds, retry_count, workers)| Call::StartExecutions {
                server,
                seconds,
                retry_count,
                workers
            }
        ),
        (text(), any::<i64>()).prop_map(|(server, execution)| Call::StopExecution { server, execution }),
        (0..PowerChange::ALL.len(), text())
            .prop_map(|(index, node)| Call::ChangePower { change: PowerChange::ALL[index], node }),
        (0..ClusterChange::ALL.len(), text())
            .prop_map(|(index, name)| Call::ChangeCluster { change: ClusterChange::ALL[index], name }),
        (0..HostService::ALL.len()).prop_map(|index| Call::KillProcess { process: HostService::ALL[index] }),
        Just(Call::ShutDown),
        part::tests::parts().prop_map(|part| Call::ReadPart { part }),
        (part::tests::parts(), proptest::collection::vec(text(), 0..4))
            .prop_map(|(part, value)| Call::WritePart { part, value }),
        Just(Call::ReadNetwork),
        Just(Call::ReadSurroundings),
        Just(Call::ReadMaintenance),
        (proptest::collection::vec(text(), 0..4), proptest::option::of(any::<u16>()))
            .prop_map(|(addresses, port)| Call::Reach { addresses, port }),
        text().prop_map(|thumbprint| Call::ReplaceMasterCertificate { thumbprint }),
        (0..2_usize, any::<i64>(), proptest::option::of(0..1_u64 << 40), any::<u32>()).prop_map(
            |(index, after, within, most)| Call::ReadEvents {
                channel: CHANNELS[index],
                after,
                within: within.map(Duration::from_millis),
                most,
            }
        ),
    ]
}

proptest! {
    #[test]
    fn parameters_travel_as_data(call in calls(), id in 0_u64..i64::MAX as u64, limit in 0_u64..1 << 40) {
        let request = Request { id, limit: Duration::from_millis(limit), call };
        prop_assert!(VERBS.contains(&request.call.verb()));
        let line = request.line();
        prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        prop_assert_eq!(Request::read(&line), Ok(request));
    }

    #[test]
    fn whatever_arrives_is_read_or_refused(line in any::<String>()) {
        let _ = Request::read(&line);
    }
}

#[test]
fn hostile_names_stay_names() {
    let group = "'; Stop-Cluster -Force; '$(whoami)`n\u{2019}\r\n\u{1f600}";
    let call = Call::MoveRole { group: group.to_owned(), node: "\"NODE1\"".to_owned() };
    let request = Request { id: 1, limit: Duration::from_secs(1), call };
    assert_eq!(request.line().lines().count(), 1);
    assert_eq!(Request::read(&request.line()), Ok(request));
}

#[test]
fn another_protocol_is_refused() {
    let line = r#"{"id":1,"verb":"hello","limit_ms":5,"parameters":{"marker":"~abcdefgh~","protocol":2}}"#;
    assert_eq!(Request::read(line), Err(RequestError::Protocol(2)));
    let line = r#"{"id":1,"verb":"format_disk","limit_ms":5,"parameters":{}}"#;
    assert_eq!(Request::read(line), Err(RequestError::Verb("format_disk".to_owned())));
}
