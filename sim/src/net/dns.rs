//! What does a network name lead to, for whom, and for how long?
//!
//! The cluster registers a name's addresses when the name comes online. Whoever asks keeps the answer for its TTL, and a
//! program of the .NET Framework keeps for two minutes more what its machine's resolver told it last.

use std::time::Duration;

use crate::names::NameId;
use crate::time::Time;
use crate::topology::{ADDRESSES_MAX, NetworkName};

/// Some of a network name's addresses, by their places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressSet(u8);

const _: () = assert!(ADDRESSES_MAX == u8::BITS as usize);

impl AddressSet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// The first so many.
    pub fn first(count: usize) -> Self {
        (0..count).collect()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Takes out the `number`th, counted round and round.
    pub fn take(&mut self, number: usize) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        let before = number % self.len();
        // The lowest bit goes with each step.
        let from_there = (0..before).fold(self.0, |set, _| set & (set - 1));
        let place = from_there.trailing_zeros() as usize;
        self.0 &= !(1 << place);
        Some(place)
    }
}

impl FromIterator<usize> for AddressSet {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        Self(places.into_iter().fold(0, |set, place| set | 1 << place))
    }
}

/// The DNS server of the clients, as far as the cluster's network names go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dns {
    is_down: bool,
    /// Whether it answers, and takes nothing in.
    refuses_updates: bool,
    records: Vec<AddressSet>,
    /// What a name could not register while the server was down or refused it.
    missed: Vec<Option<AddressSet>>,
}

impl Dns {
    /// A server that knows the names from earlier: all addresses, or the first one.
    pub fn knowing(names: &[NetworkName]) -> Self {
        let known =
            |name: &NetworkName| AddressSet::first(if name.registers_all { name.addresses.len() } else { 1 });
        Self {
            is_down: false,
            refuses_updates: false,
            records: names.iter().map(known).collect(),
            missed: vec![None; names.len()],
        }
    }

    /// Whether it answers.
    pub const fn works(&self) -> bool {
        !self.is_down
    }

    /// Whether it takes in what names register, once it answers.
    pub const fn takes_updates(&self) -> bool {
        !self.refuses_updates
    }

    /// It falls silent.
    pub const fn fail(&mut self) {
        self.is_down = true;
    }

    /// It answers as before, and takes in nothing new.
    pub const fn refuse_updates(&mut self) {
        self.refuses_updates = true;
    }

    /// It answers again.
    pub fn restore(&mut self, forgets: bool) {
        self.is_down = false;
        self.catch_up(forgets);
    }

    /// It takes in again what names register.
    pub fn accept_updates(&mut self, forgets: bool) {
        self.refuses_updates = false;
        self.catch_up(forgets);
    }

    /// What could not be registered meanwhile is registered now, or, with `forgets`, stays as it was.
    fn catch_up(&mut self, forgets: bool) {
        if self.is_down || self.refuses_updates {
            return;
        }
        for (record, missed) in self.records.iter_mut().zip(&mut self.missed) {
            if let Some(missed) = missed.take().filter(|_| !forgets) {
                *record = missed;
            }
        }
    }

    /// Whether a registration was missed.
    pub fn has_missed(&self) -> bool {
        self.missed.iter().any(Option::is_some)
    }

    /// A name registers these addresses. A server that does not answer, or refuses,
    /// keeps what it has, and the name comes online all
    /// the same (event 1196; DNS is not required since 2008, documented).
    pub fn register(&mut self, name: NameId, addresses: AddressSet) {
        if self.is_down || self.refuses_updates {
            self.missed[name.index()] = Some(addresses);
        } else {
            self.records[name.index()] = addresses;
            self.missed[name.index()] = None;
        }
    }

    fn answer(&self, name: NameId) -> Option<AddressSet> {
        self.works().then(|| self.records[name.index()])
    }
}

/// What a worker's machine and process remember of the one name that they ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resolver {
    known: AddressSet,
    /// Until when the machine's resolver cache has it.
    cached_until: Time,
    /// Until when the process does not even ask its machine.
    fresh_until: Time,
}

impl Resolver {
    /// The process starts anew: what it remembered is gone, what its machine's cache knows is not.
    pub const fn forget_process(&mut self) {
        self.fresh_until = Time::ZERO;
    }

    /// The addresses that the process tries at `now`; `None` if the name does not resolve.
    pub fn resolve(&mut self, now: Time, dns: &Dns, id: NameId, ttl: Duration) -> Option<AddressSet> {
        if now < self.fresh_until {
            return Some(self.known);
        }
        if now >= self.cached_until {
            self.known = dns.answer(id)?;
            self.cached_until = now + ttl;
        }
        self.fresh_until = now + DNS_REFRESH_TIMEOUT;
        Some(self.known)
    }
}

/// `ServicePointManager.DnsRefreshTimeout`: 120,000 ms (documented for the .NET Framework).
const DNS_REFRESH_TIMEOUT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    fn name(registers_all: bool) -> NetworkName {
        let addresses = vec![crate::names::AddressId(0), crate::names::AddressId(1)];
        NetworkName { resource: crate::names::ResourceId(0), addresses, registers_all, ttl: TTL }
    }

    const TTL: Duration = Duration::from_secs(1_200);
    const SECOND: fn() -> AddressSet = || [1].into_iter().collect();

    fn at(secs: u64) -> Time {
        Time::from_micros(secs * 1_000_000)
    }

    #[test]
    fn an_old_answer_is_believed_for_its_ttl_and_two_minutes_more() {
        let mut dns = Dns::knowing(&[name(false)]);
        let mut resolver = Resolver::default();
        let mut ask = |dns: &Dns, secs| resolver.resolve(at(secs), dns, NameId(0), TTL);
        assert_eq!(ask(&dns, 0), Some(AddressSet::first(1)));
        dns.register(NameId(0), SECOND());
        assert_eq!(ask(&dns, 1_199), Some(AddressSet::first(1)));
        assert_eq!(ask(&dns, 1_318), Some(AddressSet::first(1)));
        assert_eq!(ask(&dns, 1_319), Some(SECOND()));
    }

    #[test]
    fn a_server_that_is_down_answers_nobody_and_takes_nothing_in() {
        let mut dns = Dns::knowing(&[name(true)]);
        dns.fail();
        assert_eq!(Resolver::default().resolve(at(0), &dns, NameId(0), TTL), None);
        dns.register(NameId(0), SECOND());
        let mut forgetful = dns.clone();
        dns.restore(false);
        assert_eq!(Resolver::default().resolve(at(0), &dns, NameId(0), TTL), Some(SECOND()));
        forgetful.restore(true);
        let all = Some(AddressSet::first(2));
        assert_eq!(Resolver::default().resolve(at(0), &forgetful, NameId(0), TTL), all);
    }

    #[test]
    fn a_server_that_refuses_updates_answers_with_what_was() {
        let mut dns = Dns::knowing(&[name(false)]);
        let ask = |dns: &Dns| Resolver::default().resolve(at(0), dns, NameId(0), TTL);
        dns.refuse_updates();
        dns.register(NameId(0), SECOND());
        assert_eq!(ask(&dns), Some(AddressSet::first(1)));
        dns.fail();
        dns.accept_updates(false);
        dns.restore(false);
        assert_eq!(ask(&dns), Some(SECOND()));
    }

    #[test]
    fn addresses_are_taken_from_any_place_on() {
        let mut left = AddressSet::first(3);
        assert_eq!(
            [left.take(4), left.take(1), left.take(7), left.take(0)],
            [Some(1), Some(2), Some(0), None]
        );
    }
}
