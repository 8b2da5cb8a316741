//! What does a host's event log say of the cluster?

use failover_sim::observe::Channel;

use super::Ticks;
use super::fields::{FieldError, Fields};

/// Both logs that the cluster service writes into.
pub const CHANNELS: [Channel; 2] = [Channel::System, Channel::Operational];

/// The name of a log on a host.
pub const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::System => "System",
        Channel::Operational => "Microsoft-Windows-FailoverClustering/Operational",
    }
}

/// Events of the provider Microsoft-Windows-FailoverClustering in one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsSight {
    /// The number of the channel's newest record, whoever wrote it, before the events were read; 0 if there is none.
    pub newest: i64,
    /// Events, the oldest first; as many as were asked for if there are more.
    pub events: Vec<EventSight>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSight {
    /// EventRecordID: counts the entries of a channel on a host.
    pub record: i64,
    /// EventID.
    pub id: i64,
    /// TimeCreated, by the clock of the host.
    pub at: Ticks,
    /// Names and values of its data, as the XML of the event has them, in their order.
    pub data: Vec<(String, String)>,
}

impl EventsSight {
    pub(super) fn write(&self, fields: Fields) -> Fields {
        let data = || self.events.iter().flat_map(|event| event.data.iter().map(|data| (event.record, data)));
        fields
            .with("newest_record", self.newest)
            .with_list("event_records", self.events.iter().map(|event| event.record))
            .with_list("event_ids", self.events.iter().map(|event| event.id))
            .with_list("event_ticks", self.events.iter().map(|event| event.at.0))
            .with_list("data_records", data().map(|(record, _)| record))
            .with_list("data_names", data().map(|(_, (name, _))| name.as_str()))
            .with_list("data_values", data().map(|(_, (_, value))| value.as_str()))
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, FieldError> {
        let records = fields.integers("event_records")?;
        let ids = fields.integers_of("event_ids", records.len())?;
        let ticks = fields.integers_of("event_ticks", records.len())?;
        let event = |(record, (id, at))| {
            Ok(EventSight { record, id, at: Ticks::read("event_ticks", at)?, data: Vec::new() })
        };
        let all = records.into_iter().zip(ids.into_iter().zip(ticks)).map(event);
        let mut events = all.collect::<Result<Vec<EventSight>, FieldError>>()?;
        let of = fields.integers("data_records")?;
        let names = fields.texts_of("data_names", of.len())?;
        let values = fields.texts_of("data_values", of.len())?;
        for (record, data) in of.into_iter().zip(names.into_iter().zip(values)) {
            let event = events.iter_mut().find(|event| event.record == record);
            let event = event.ok_or(FieldError::NotInTable { field: "data_records", number: record })?;
            event.data.push(data);
        }
        Ok(Self { newest: fields.integer("newest_record")?, events })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Answer, Call, Marker, Reply};
    use super::*;

    const CALL: Call = Call::ReadEvents {
        channel: Channel::System,
        after: 7,
        within: None,
        most: super::super::EVENTS_MOST,
    };

    fn line(sight: EventsSight) -> String {
        let answer = Answer { id: 1, outcome: Ok(Reply::Events(sight)) };
        let marker = Marker::of("test");
        answer.line(&marker).split_off(marker.text().len())
    }

    fn events() -> impl Strategy<Value = EventsSight> {
        let data = proptest::collection::vec((any::<String>(), any::<String>()), 0..4);
        let event = (any::<u32>(), any::<u16>(), 0..=Ticks::LAST, data);
        (any::<i64>(), proptest::collection::btree_map(0..i64::MAX, event, 0..4)).prop_map(|(newest, all)| {
            let event =
                |(record, (_, id, at, data))| EventSight { record, id: i64::from(id), at: Ticks(at), data };
            EventsSight { newest, events: all.into_iter().map(event).collect() }
        })
    }

    proptest! {
        #[test]
        fn events_come_as_they_were_sent(sight in events()) {
            let answer = Answer { id: 1, outcome: Ok(Reply::Events(sight.clone())) };
            prop_assert_eq!(Answer::read(&line(sight), &CALL), Ok(answer));
        }

        #[test]
        fn a_damaged_line_is_read_or_refused(
            sight in events(), at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>()
        ) {
            let mut bytes = line(sight).into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut % bytes.len());
            let _ = Answer::read(&String::from_utf8_lossy(&bytes), &CALL);
        }
    }

    #[test]
    fn what_is_wrong_with_a_list_is_named() {
        let event = EventSight {
            record: 5,
            id: 1135,
            at: Ticks(9),
            data: vec![("NodeName".to_owned(), "N\u{d6}DE1".to_owned())],
        };
        let whole = line(EventsSight { newest: 5, events: vec![event] });
        let read = |text: &str| Answer::read(text, &CALL).err();
        assert_eq!(read(&whole), None);
        let uneven = FieldError::Uneven { field: "event_ids", found: 0, expected: 1 };
        assert_eq!(read(&whole.replace("\"event_ids\":[1135]", "\"event_ids\":[]")), Some(uneven));
        for ticks in ["-1", "9223372036854775807"] {
            let other = whole.replace("\"event_ticks\":[9]", &format!("\"event_ticks\":[{ticks}]"));
            assert_eq!(read(&other), Some(FieldError::wrong("event_ticks", "the ticks of a date")));
        }
        let stray = FieldError::NotInTable { field: "data_records", number: 6 };
        assert_eq!(read(&whole.replace("\"data_records\":[5]", "\"data_records\":[6]")), Some(stray));
        assert_eq!(
            read(&whole.replace("\"newest_record\":5,", "")),
            Some(FieldError::Missing("newest_record"))
        );
        let single = FieldError::wrong("event_records", "a list of integers");
        assert_eq!(read(&whole.replace("\"event_records\":[5]", "\"event_records\":5")), Some(single));
    }
}
