//! What do the nodes' event logs say of the cluster, and when did it happen by the clock of the run?
//!
//! Every node has a session for this alone, so that a log that is slow to read keeps nobody from looking. A bookmark per
//! channel is taken when a run begins, and what is written after it becomes a fact: at a modest rhythm, and from the
//! bookmark on when a node is back that could not be asked. Nothing of it is needed for a verdict: what cannot be read
//! is said, and the run goes on.

use std::time::Duration;

use failover_sim::names::{NodeId, ResourceId, RoleId};
use failover_sim::observe::{Channel, Fact, Record, Source};
use failover_sim::time::Time;

use super::binding::{Binding, Presence};
use super::clock::Clock;
use super::protocol::{
    CHANNELS, Call, EVENTS_MOST, EventSight, EventsSight, Hello, Marker, Reply, Ticks, channel_name,
};
use super::reach::{Host, Lab, Purpose};
use super::session::{self, READ_AS_ASKED, Session, SessionError};
use super::watch::Rhythm;

/// An event of the cluster in the log of a node, in the words of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Logged {
    /// In whose log it stands.
    pub(super) by: NodeId,
    /// In which of its logs.
    pub(super) channel: Channel,
    /// Its number there.
    pub(super) record: u64,
    pub(super) id: u16,
    /// Between which two moments it was written, in microseconds since the run began.
    pub(super) earliest: i64,
    pub(super) latest: i64,
    pub(super) node: Option<NodeId>,
    pub(super) role: Option<RoleId>,
    pub(super) resource: Option<ResourceId>,
}

/// Everybody's event logs.
pub(super) struct EventReaders {
    rhythm: Rhythm,
    binding: Binding,
    readers: Vec<Reader>,
    next: Time,
    /// What was read and is not yet told.
    pub(super) records: Vec<Record>,
}

/// One node's.
struct Reader {
    node: NodeId,
    session: Option<Session>,
    greeted: bool,
    opened: u32,
    /// Not before this moment is another session tried.
    again: Time,
    clock: HostClock,
    bookmarks: [Bookmark; 2],
    /// The channel that is being read, by its place in [`CHANNELS`].
    reading: usize,
    /// When all channels were last read to their end.
    read: Option<Time>,
    /// Why it was not read last.
    trouble: Option<String>,
}

#[derive(Default)]
struct Bookmark {
    /// The last record that was read or that was there before; `None` if nobody could look when the run began.
    after: Option<i64>,
    /// When it was last read to its end: what is found later was not there then.
    looked: Option<Time>,
    /// Why this channel could not be read last: it is tried again, for a host that has just started may say no.
    refused: Option<String>,
}

impl EventReaders {
    pub(super) fn new(binding: &Binding, rhythm: Rhythm) -> Self {
        let nodes = (0..binding.topology.nodes.len()).map(|node| NodeId(node as u8));
        let readers = nodes.map(Reader::new).collect();
        Self { rhythm, binding: binding.clone(), readers, next: Time::ZERO, records: Vec::new() }
    }

    /// Opens a session with every node and takes its bookmarks; tells what was written within this time before. A node
    /// that cannot be asked is passed over, see [`EventReaders::untold`].
    pub(super) fn open<L: Lab>(&mut self, lab: &mut L, within: Duration) -> Vec<Logged> {
        let mut before = Vec::new();
        for reader in &mut self.readers {
            if let Err(error) = reader.begin(lab, &self.binding, within, &mut before) {
                reader.lose(&error, lab.clock().now() + self.rhythm.again);
            }
        }
        self.next = lab.clock().now().next_beat(Time::ZERO, self.every());
        before
    }

    /// The next moment at which somebody reads or gives up.
    pub(super) fn next_moment(&self, now: Time) -> Time {
        self.limits(now).map_or(self.next, |limit| limit.min(self.next))
    }

    /// Reads wherever it is time to, and takes in what has come.
    pub(super) fn look<L: Lab>(&mut self, lab: &mut L) {
        let now = lab.clock().now();
        let is_due = now >= self.next;
        if is_due {
            self.next = now.next_beat(Time::ZERO, self.every());
        }
        self.take_in(lab.clock());
        if is_due {
            for reader in &mut self.readers {
                reader.ask(lab, self.rhythm, now);
            }
            self.take_in(lab.clock());
        }
    }

    /// Reads once more what nodes that answer have written, before nobody looks any more.
    pub(super) fn gather<L: Lab>(&mut self, lab: &mut L) {
        let began = lab.clock().now();
        self.take_in(lab.clock());
        for reader in self.readers.iter_mut().filter(|reader| reader.greeted) {
            reader.ask(lab, self.rhythm, began);
        }
        self.take_in(lab.clock());
        // Where time is virtual, who has not answered by now will not.
        let is_awaited = |reader: &Reader| {
            let session = reader.session.as_ref();
            session.is_some_and(|session| session.is_in_real_time() && session.asked_at().is_some())
        };
        let until = began + self.rhythm.limit;
        while self.readers.iter().any(is_awaited) && lab.clock().now() < until {
            lab.clock().wait_until(lab.clock().now() + GRAIN);
            self.take_in(lab.clock());
        }
    }

    /// Has the clock of a node measured again before its logs are read: it stood still.
    pub(super) fn greet_again(&mut self, node: NodeId) {
        for reader in self.readers.iter_mut().filter(|reader| reader.node == node) {
            reader.session = None;
            reader.greeted = false;
        }
    }

    /// What could not be read, in words; nothing if everything was.
    pub(super) fn untold(&self) -> Option<String> {
        let mut parts = Vec::new();
        for reader in &self.readers {
            let name = self.binding.node_name(reader.node);
            for (channel, bookmark) in CHANNELS.into_iter().zip(&reader.bookmarks) {
                if let Some(why) = &bookmark.refused {
                    parts.push(format!("the event log {} of {name} ({why})", channel_name(channel)));
                }
            }
            if let Some(why) = &reader.trouble {
                let since = reader.read.map(|read| format!(", last read at {read}")).unwrap_or_default();
                parts.push(format!("the event logs of {name}{since} ({why})"));
            }
        }
        (!parts.is_empty()).then(|| format!("could not be read: {}", parts.join("; ")))
    }

    /// Whether every node's log of this channel could be read so far.
    pub(super) fn has_read(&self, channel: Channel) -> bool {
        self.readers.iter().all(|reader| {
            let bookmark = &reader.bookmarks[channel as usize];
            bookmark.refused.is_none() && bookmark.after.is_some()
        })
    }

    fn every(&self) -> Duration {
        self.rhythm.poll * EVERY
    }

    fn limits(&self, now: Time) -> Option<Time> {
        let pending = self.readers.iter().filter_map(|reader| reader.session.as_ref());
        let limits = pending.filter_map(|session| {
            let deadline = session.deadline()?;
            // In real time an answer may come at any moment.
            Some(if session.is_in_real_time() { deadline.min(now + GRAIN) } else { deadline })
        });
        limits.min()
    }

    fn take_in(&mut self, clock: &dyn Clock) {
        let mut found = Vec::new();
        for reader in &mut self.readers {
            if let Err(error) = reader.collect(clock, &self.binding, self.rhythm, &mut found) {
                reader.lose(&error, clock.now() + self.rhythm.again);
            }
        }
        self.records.extend(found.iter().map(Logged::record));
    }
}

impl Reader {
    fn new(node: NodeId) -> Self {
        Self {
            node,
            session: None,
            greeted: false,
            opened: 0,
            again: Time::ZERO,
            clock: HostClock::default(),
            bookmarks: Default::default(),
            reading: CHANNELS.len(),
            read: None,
            trouble: None,
        }
    }

    const fn host(&self) -> Host {
        Host::Node(self.node)
    }

    fn connect<L: Lab>(&mut self, lab: &mut L) -> Result<Session, SessionError> {
        self.opened += 1;
        let marker = Marker::of(&format!("{:?} events {}", self.host(), self.opened));
        let connection = lab.open(self.host(), Purpose::Observe)?;
        Session::open(connection, marker)
    }

    /// Takes the bookmarks, and what was written within this time before.
    fn begin<L: Lab>(
        &mut self,
        lab: &mut L,
        binding: &Binding,
        within: Duration,
        before: &mut Vec<Logged>,
    ) -> Result<(), SessionError> {
        let mut session = self.connect(lab)?;
        let clock = lab.clock();
        let asked = clock.now();
        let hello = session.greet(clock, self.host().needs(Purpose::Observe))?;
        self.admit(&hello, asked, clock, binding)?;
        for (place, channel) in CHANNELS.into_iter().enumerate() {
            let mut after = 0;
            loop {
                let call = Call::ReadEvents { channel, after, within: Some(within), most: EVENTS_MOST };
                let asked = clock.now();
                let sight = match session.ask(clock, call, FIRST_LIMIT) {
                    Ok(reply) => events(reply),
                    Err(SessionError::Failed(record)) => {
                        self.bookmarks[place].refused = Some(format!("the host says {record}"));
                        break;
                    }
                    Err(error) => return Err(error),
                };
                let logged = |event: &EventSight| self.logged(channel, event, (None, clock.now()), binding);
                before.extend(sight.events.iter().filter_map(logged));
                let bookmark = &mut self.bookmarks[place];
                bookmark.after.get_or_insert(sight.newest);
                bookmark.looked.get_or_insert(asked);
                match sight.events.last() {
                    Some(last) if sight.events.len() >= EVENTS_MOST as usize => after = last.record,
                    Some(_) | None => break,
                }
            }
        }
        self.read = Some(clock.now());
        self.session = Some(session);
        self.greeted = true;
        Ok(())
    }

    /// Begins to read, or to greet where there is no session, unless it is at it already.
    fn ask<L: Lab>(&mut self, lab: &mut L, rhythm: Rhythm, now: Time) {
        if self.session.is_none() && now >= self.again {
            self.greeted = false;
            match self.connect(lab) {
                Ok(session) => self.session = Some(session),
                Err(error) => self.lose(&error, now + rhythm.again),
            }
        }
        let Some(session) = self.session.as_mut().filter(|session| session.asked_at().is_none()) else {
            return;
        };
        if self.greeted {
            self.read_from(0, now, rhythm);
        } else {
            let hello = session.hello();
            session.send(now, hello, rhythm.greeting);
        }
    }

    /// Reads the channel in this place, if there is one.
    fn read_from(&mut self, place: usize, now: Time, rhythm: Rhythm) {
        if place >= CHANNELS.len() {
            self.read = Some(now);
            self.trouble = None;
            return;
        }
        self.reading = place;
        let after = self.bookmarks[place].after;
        // Nobody has looked when the run began: what was written since then is not older than the run.
        let within = after.is_none().then(|| now.since(Time::ZERO));
        let (channel, after) = (CHANNELS[place], after.unwrap_or_default());
        if let Some(session) = &mut self.session {
            let call = Call::ReadEvents { channel, after, within, most: EVENTS_MOST };
            session.send(now, call, rhythm.limit * PATIENCE);
        }
    }

    /// Takes in what has come, and goes on with the channel, or the next one, as long as answers are there.
    fn collect(
        &mut self,
        clock: &dyn Clock,
        binding: &Binding,
        rhythm: Rhythm,
        found: &mut Vec<Logged>,
    ) -> Result<(), SessionError> {
        let now = clock.now();
        loop {
            let Some(session) = &mut self.session else { return Ok(()) };
            let Some(asked) = session.asked_at() else { return Ok(()) };
            match session.collect(now) {
                Ok(None) => return Ok(()),
                Ok(Some(Reply::Hello(hello))) => {
                    self.admit(&hello, asked, clock, binding)?;
                    self.greeted = true;
                    self.read_from(0, now, rhythm);
                }
                Ok(Some(reply)) => {
                    let sight = events(reply);
                    let place = self.reading;
                    let (after, looked) = (self.bookmarks[place].after, self.bookmarks[place].looked);
                    let known = after.unwrap_or_default();
                    let fresh = || sight.events.iter().filter(|event| event.record > known);
                    let logged = |event| self.logged(CHANNELS[place], event, (looked, now), binding);
                    found.extend(fresh().filter_map(logged));
                    let last = fresh().map(|event| event.record).max();
                    let has_more = last.is_some() && sight.events.len() >= EVENTS_MOST as usize;
                    self.bookmarks[place] = Bookmark {
                        after: Some(last.unwrap_or(known)),
                        // What there is more was there by then, or may have been.
                        looked: if has_more { looked } else { Some(asked) },
                        refused: None,
                    };
                    self.read_from(if has_more { place } else { place + 1 }, now, rhythm);
                }
                Err(SessionError::Failed(record)) if self.greeted => {
                    self.bookmarks[self.reading].refused = Some(format!("the host says {record}"));
                    self.read_from(self.reading + 1, now, rhythm);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn admit(
        &mut self,
        hello: &Hello,
        asked: Time,
        clock: &dyn Clock,
        binding: &Binding,
    ) -> Result<(), SessionError> {
        session::admit(hello, self.host().needs(Purpose::Observe), asked, clock)?;
        binding.admit(self.host(), hello, Presence::Optional).map_err(SessionError::Unfit)?;
        self.clock.read(hello.clock, asked, clock.now());
        Ok(())
    }

    fn lose(&mut self, error: &SessionError, again: Time) {
        self.session = None;
        self.greeted = false;
        self.again = again;
        self.trouble = Some(error.to_string());
    }

    /// An event in the words of the plan; `None` if it is about something that the plan does not have, which is other
    /// people's.
    fn logged(
        &self,
        channel: Channel,
        event: &EventSight,
        (looked, now): (Option<Time>, Time),
        binding: &Binding,
    ) -> Option<Logged> {
        let (mut node, mut role, mut resource) = (None, None, None);
        for (name, value) in &event.data {
            match Subject::of(name) {
                Some(Subject::Role) => role = Some(binding.role(value)?),
                Some(Subject::Resource) => resource = Some(binding.resource(value)?),
                Some(Subject::Node) => node = binding.node(value).or(node),
                None => {}
            }
        }
        let (earliest, latest) = narrowed(self.clock.moment(event.at), looked, now);
        Some(Logged {
            by: self.node,
            channel,
            record: u64::try_from(event.record).ok()?,
            id: u16::try_from(event.id).ok()?,
            earliest,
            latest,
            node,
            role,
            resource,
        })
    }
}

impl Logged {
    fn record(&self) -> Record {
        let time = |micros: i64| Time::from_micros(u64::try_from(micros).unwrap_or_default());
        let Self { by, channel, record, id, earliest, latest, node, role, resource } = *self;
        let fact = Fact::ClusterEvent { channel, record, id, node, role, resource };
        Record { seq: 0, earliest: time(earliest), latest: time(latest), source: Source::Node(by), fact }
    }
}

fn events(reply: Reply) -> EventsSight {
    let Reply::Events(sight) = reply else { unreachable!("{READ_AS_ASKED}") };
    sight
}

/// What a value of an event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Role,
    Resource,
    Node,
}

impl Subject {
    /// By the name of the value, which is the same in every language: `ResourceGroup`, `ResourceName`, `NodeName`. The
    /// names differ from event to event, and no list of them was found (inferred).
    fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let stem = name.strip_suffix("name").unwrap_or(&name);
        if stem.ends_with("group") || stem.ends_with("role") {
            Some(Self::Role)
        } else if stem.ends_with("resource") {
            Some(Self::Resource)
        } else if stem.ends_with("node") {
            Some(Self::Node)
        } else {
            None
        }
    }
}

/// An entry is there when it is read, and was not there at the last look: if the clock of its host says something else, the
/// clock was wrong.
fn narrowed((earliest, latest): (i64, i64), looked: Option<Time>, now: Time) -> (i64, i64) {
    let micros = |time: Time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let now = micros(now);
    // Before the first look there is no bound.
    let Some(looked) = looked else { return (earliest.min(now), latest.min(now)) };
    let looked = micros(looked).saturating_sub(DELAY);
    if earliest > now || latest < looked { (looked, now) } else { (earliest.max(looked), latest.min(now)) }
}

/// What was learnt of the clock of a host, by its handshakes.
#[derive(Clone, Debug, Default)]
struct HostClock(Vec<Reading>);

/// The host read its clock between these two moments.
#[derive(Clone, Copy, Debug)]
struct Reading {
    ticks: Ticks,
    earliest: Time,
    latest: Time,
}

impl HostClock {
    fn read(&mut self, ticks: Ticks, earliest: Time, latest: Time) {
        self.0.push(Reading { ticks, earliest, latest });
    }

    /// Between which two moments the clock showed this, in microseconds since the run began. Between two readings it may
    /// have been put right at any time: both count then.
    fn moment(&self, at: Ticks) -> (i64, i64) {
        let before = self.0.iter().rev().find(|reading| reading.ticks <= at);
        let after = self.0.iter().find(|reading| reading.ticks > at);
        let moments = before.into_iter().chain(after).map(|reading| {
            let ahead = (at.0 - reading.ticks.0).div_euclid(TICKS_A_MICROSECOND);
            let moment = |time: Time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2) + ahead;
            (moment(reading.earliest), moment(reading.latest))
        });
        moments.reduce(|(a, b), (c, d)| (a.min(c), b.max(d))).unwrap_or_default()
    }
}

/// So many polls lie between two looks at the logs.
const EVERY: u32 = 5;
/// A log may take so many times as long as a look.
const PATIENCE: u32 = 5;
/// How long the first look at a log may take: hours of it are read.
const FIRST_LIMIT: Duration = Duration::from_secs(30);
/// So long after it happened an entry may get into a log, in microseconds (assumed).
const DELAY: i64 = 2_000_000;
/// How long an answer may lie unread where time is real.
const GRAIN: Duration = Duration::from_millis(20);
const TICKS_A_MICROSECOND: i64 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use failover_sim::time::micros;

    const SECOND: i64 = 10_000_000;

    fn time(seconds: u64) -> Time {
        Time::from_micros(seconds * micros(Duration::from_secs(1)))
    }

    #[test]
    fn names_of_data_say_what_they_are_about() {
        for (name, subject) in [
            ("NodeName", Some(Subject::Node)),
            ("ToNode", Some(Subject::Node)),
            ("ResourceGroup", Some(Subject::Role)),
            ("RoleName", Some(Subject::Role)),
            ("ResourceName", Some(Subject::Resource)),
            ("ResTypeDll", None),
            ("ResourceType", None),
            ("", None),
        ] {
            assert_eq!(Subject::of(name), subject, "{name}");
        }
    }

    #[test]
    fn what_looks_have_shown_bounds_what_a_clock_says() {
        const MICROS: i64 = 1_000_000;
        let narrowed = |earliest: i64, latest: i64, looked: Option<u64>, now: u64| {
            let (earliest, latest) =
                narrowed((earliest * MICROS, latest * MICROS), looked.map(time), time(now));
            (earliest / MICROS, latest / MICROS)
        };
        assert_eq!(narrowed(12, 13, Some(10), 15), (12, 13));
        assert_eq!(narrowed(5, 20, Some(10), 15), (8, 15));
        assert_eq!(narrowed(40, 41, Some(10), 15), (8, 15), "a clock that is ahead");
        assert_eq!(narrowed(-9, -8, Some(10), 15), (8, 15), "a clock that is behind");
        assert_eq!(narrowed(-9, -8, None, 15), (-9, -8));
        assert_eq!(narrowed(-9, 40, None, 15), (-9, 15));
    }

    #[test]
    fn a_clock_is_as_certain_as_its_handshakes() {
        let mut clock = HostClock::default();
        // 100 s ahead, read within one second.
        clock.read(Ticks(105 * SECOND), time(5), time(6));
        assert_eq!(clock.moment(Ticks(107 * SECOND)), (7_000_000, 8_000_000));
        assert_eq!(clock.moment(Ticks(95 * SECOND)), (-5_000_000, -4_000_000));
        // The host was started, and its clock put right by 40 s: what was written between two handshakes may be of either.
        clock.read(Ticks(160 * SECOND), time(100), time(100));
        assert_eq!(clock.moment(Ticks(120 * SECOND)), (20_000_000, 60_000_000));
        assert_eq!(clock.moment(Ticks(161 * SECOND)), (101_000_000, 101_000_000));
    }
}
