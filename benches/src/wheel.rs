//! What happens next? A timing wheel that gives entries back in the exact order of (time, order of entry).
//!
//! Time is in microseconds. A slot holds the entries of one millisecond, unordered; they are put in order when their
//! turn comes. What lies beyond the wheel waits in a heap. A two-level bitmap finds the next slot with an entry, so idle
//! time costs nothing. An entry can be cancelled while it waits in a slot.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Entries of type `E`, by time.
pub(crate) struct Wheel<E> {
    /// The newest entry of each slot, as an index into `entries`.
    heads: Box<[u32; SLOTS]>,
    /// One bit for each slot that has an entry.
    occupied: [u64; WORDS],
    /// One bit for each word of `occupied` that is not zero.
    occupied_words: [u64; WORDS / 64],
    /// The entries of all slots, and free places.
    entries: Vec<Linked<E>>,
    /// The free place to use next.
    free: u32,
    /// The slot whose turn it is, counted from time zero.
    turn: u64,
    /// The entries of that slot, the latest first.
    due: Vec<Entry<E>>,
    far: BinaryHeap<Reverse<Entry<E>>>,
    sequence: u64,
}

impl<E: Copy> Wheel<E> {
    /// A wheel without entries, at time zero.
    pub(crate) fn new() -> Self {
        Self {
            heads: Box::new([NONE; SLOTS]),
            occupied: [0; WORDS],
            occupied_words: [0; WORDS / 64],
            entries: Vec::new(),
            free: NONE,
            turn: 0,
            due: Vec::new(),
            far: BinaryHeap::new(),
            sequence: 0,
        }
    }

    /// Enters `event` for `time`, which is not before the time of the entry that was given back last.
    ///
    /// The ticket can cancel the entry.
    // Inlined as in the product: an entry is written where it stays.
    #[inline(always)]
    pub(crate) fn push(&mut self, time: u64, event: E) -> Ticket {
        self.sequence += 1;
        let entry = Entry { time, sequence: self.sequence, event };
        let slot = time / SLOT_MICROS;
        let index = if slot <= self.turn {
            let place = self.due.partition_point(|other| *other > entry);
            self.due.insert(place, entry);
            NONE
        } else if slot - self.turn < SLOTS as u64 {
            self.link(slot, entry)
        } else {
            self.far.push(Reverse(entry));
            NONE
        };
        Ticket { index, sequence: self.sequence }
    }

    /// Removes an entry if it waits in a slot. An entry beyond the wheel, or in the slot whose turn it is, comes
    /// nevertheless: the caller has to know a stale event when it comes.
    pub(crate) fn cancel(&mut self, ticket: Ticket) {
        let Some(linked) = self.entries.get_mut(ticket.index as usize) else { return };
        // The place may be free, or have a later entry.
        if linked.entry.sequence != ticket.sequence {
            return;
        }
        let (slot, next, previous) = (linked.entry.slot(), linked.next, linked.previous);
        linked.release(ticket.index, &mut self.free);
        if let Some(next) = self.entries.get_mut(next as usize) {
            next.previous = previous;
        }
        if let Some(previous) = self.entries.get_mut(previous as usize) {
            previous.next = next;
        } else if next == NONE {
            self.mark_empty(slot);
        } else {
            self.heads[place(slot)] = next;
        }
    }

    /// Takes the earliest entry; of entries for the same time, the one that was entered first.
    pub(crate) fn pop(&mut self) -> Option<(u64, E)> {
        if let Some(entry) = self.due.pop() {
            return Some((entry.time, entry.event));
        }
        let slot = self.next_slot()?;
        self.turn = slot;
        let far_is_due = self.far.peek().is_some_and(|far| far.0.slot() == slot);
        if !far_is_due && let Some(only) = self.take_only(slot) {
            return Some((only.time, only.event));
        }
        self.take_all(slot);
        while self.far.peek().is_some_and(|far| far.0.slot() == slot) {
            self.due.extend(self.far.pop().map(|far| far.0));
        }
        self.due.sort_unstable_by(|one, other| other.cmp(one));
        self.due.pop().map(|entry| (entry.time, entry.event))
    }

    fn next_slot(&self) -> Option<u64> {
        let far = self.far.peek().map(|far| far.0.slot());
        let near = self.next_occupied();
        match (near, far) {
            (Some(near), Some(far)) => Some(near.min(far)),
            (near, far) => near.or(far),
        }
    }

    /// The next slot with an entry after the one whose turn it is.
    fn next_occupied(&self) -> Option<u64> {
        let from = place(self.turn + 1);
        let word = from / 64;
        let rest = self.occupied[word] & (u64::MAX << (from % 64));
        let found = if rest == 0 {
            let word = self.next_occupied_word(word)?;
            word * 64 + self.occupied[word].trailing_zeros() as usize
        } else {
            word * 64 + rest.trailing_zeros() as usize
        };
        Some(self.turn + 1 + (found.wrapping_sub(from) % SLOTS) as u64)
    }

    /// The next word with a bit after `word`, around the wheel; `word` itself comes last.
    fn next_occupied_word(&self, word: usize) -> Option<usize> {
        let from = (word + 1) % WORDS;
        let group = from / 64;
        let rest = self.occupied_words[group] & (u64::MAX << (from % 64));
        if rest != 0 {
            return Some(group * 64 + rest.trailing_zeros() as usize);
        }
        (1..=WORDS / 64).map(|step| (group + step) % (WORDS / 64)).find_map(|group| {
            let bits = self.occupied_words[group];
            (bits != 0).then(|| group * 64 + bits.trailing_zeros() as usize)
        })
    }

    fn link(&mut self, slot: u64, entry: Entry<E>) -> u32 {
        let place = place(slot);
        let head = self.heads[place];
        let index = self.occupy(Linked { entry, next: head, previous: NONE });
        if let Some(head) = self.entries.get_mut(head as usize) {
            head.previous = index;
        } else {
            self.occupied[place / 64] |= 1 << (place % 64);
            self.occupied_words[place / 64 / 64] |= 1 << (place / 64 % 64);
        }
        self.heads[place] = index;
        index
    }

    /// Takes the entry of a slot that holds just this one.
    fn take_only(&mut self, slot: u64) -> Option<Entry<E>> {
        let index = self.heads[place(slot)];
        let linked = self.entries.get_mut(index as usize)?;
        if linked.next != NONE {
            return None;
        }
        let entry = linked.entry;
        linked.release(index, &mut self.free);
        self.mark_empty(slot);
        Some(entry)
    }

    /// Moves the entries of a slot to those that are due.
    fn take_all(&mut self, slot: u64) {
        let mut index = self.heads[place(slot)];
        while let Some(linked) = self.entries.get_mut(index as usize) {
            self.due.push(linked.entry);
            let next = linked.next;
            linked.release(index, &mut self.free);
            index = next;
        }
        self.mark_empty(slot);
    }

    fn occupy(&mut self, linked: Linked<E>) -> u32 {
        if let Some(place) = self.entries.get_mut(self.free as usize) {
            let index = std::mem::replace(&mut self.free, place.next);
            *place = linked;
            index
        } else {
            self.entries.push(linked);
            self.entries.len() as u32 - 1
        }
    }

    fn mark_empty(&mut self, slot: u64) {
        let place = place(slot);
        self.heads[place] = NONE;
        let word = place / 64;
        self.occupied[word] &= !(1 << (place % 64));
        if self.occupied[word] == 0 {
            self.occupied_words[word / 64] &= !(1 << (word % 64));
        }
    }
}

/// Names an entry, so that it can be cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    index: u32,
    sequence: u64,
}

impl Ticket {
    /// The ticket of no entry.
    pub(crate) const NONE: Self = Self { index: NONE, sequence: NO_SEQUENCE };
}

/// An entry in a slot, or a free place.
#[derive(Clone, Copy)]
struct Linked<E> {
    entry: Entry<E>,
    /// The next older entry of the slot, or the next free place.
    next: u32,
    /// The next newer entry of the slot.
    previous: u32,
}

impl<E> Linked<E> {
    /// Makes this place, which has this index, the free one to use next.
    const fn release(&mut self, index: u32, free: &mut u32) {
        self.entry.sequence = NO_SEQUENCE;
        self.next = *free;
        *free = index;
    }
}

#[derive(Clone, Copy)]
struct Entry<E> {
    time: u64,
    sequence: u64,
    event: E,
}

impl<E> Entry<E> {
    const fn slot(&self) -> u64 {
        self.time / SLOT_MICROS
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.time, self.sequence).cmp(&(other.time, other.sequence))
    }
}

const fn place(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

/// How long a slot is.
const SLOT_MICROS: u64 = 1_000;
/// Enough for 16 s: every wait of a worker, the longest being 10 s, fits into the wheel.
const SLOTS: usize = 1 << 14;
const WORDS: usize = SLOTS / 64;
/// No entry: an index that no entry can have.
const NONE: u32 = u32::MAX;
/// The sequence number of a free place: entries count from 1.
const NO_SEQUENCE: u64 = 0;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::workload::{Purpose, RandomValues};

    /// Pushes 500 entries up to `most` ahead, pops and cancels in between, and compares with a sorted list.
    fn check_against_a_sorted_list(seed: u64, most: Duration) {
        let values = RandomValues::new(seed, Purpose::LinkDelay, 0);
        let percent = |ordinal| values.micros(ordinal << 32, Duration::ZERO, Duration::from_micros(99));
        let (mut wheel, mut list, mut tickets, mut now) = (Wheel::new(), BTreeSet::new(), Vec::new(), 0);
        for number in 0..500 {
            // Whole half milliseconds for every other entry, so that many times are equal.
            let time = now + values.micros(number, Duration::ZERO, most);
            let time = if number % 2 == 0 { time } else { time.next_multiple_of(500) };
            tickets.push((wheel.push(time, number), (time, number)));
            list.insert((time, number));
            match percent(2 * number + 1) {
                0..40 => {
                    let expected = list.pop_first();
                    assert_eq!(wheel.pop(), expected, "seed {seed}, entry {number}");
                    now = expected.map_or(now, |(time, _)| time);
                }
                40..60 => {
                    // Often this entry is gone already, and its place has another one.
                    let (ticket, entry) = tickets[(percent(2 * number + 2) as usize) % tickets.len()];
                    let waits_in_a_slot =
                        wheel.entries.iter().any(|place| place.entry.sequence == ticket.sequence);
                    wheel.cancel(ticket);
                    if waits_in_a_slot {
                        assert!(list.remove(&entry), "seed {seed}, entry {number}");
                    }
                }
                _ => {}
            }
        }
        let rest: Vec<(u64, u64)> = std::iter::from_fn(|| wheel.pop()).collect();
        assert!(rest.into_iter().eq(list), "seed {seed}");
    }

    #[test]
    fn entries_come_in_the_order_of_time_and_entry() {
        for seed in 1..=50 {
            check_against_a_sorted_list(seed, Duration::from_millis(3));
            check_against_a_sorted_list(seed, Duration::from_secs(1));
            check_against_a_sorted_list(seed, Duration::from_secs(16));
            check_against_a_sorted_list(seed, Duration::from_secs(100));
        }
    }

    #[test]
    fn a_cancelled_entry_does_not_come() {
        let mut wheel = Wheel::new();
        let first = wheel.push(5_000_000, "first");
        let second = wheel.push(5_000_100, "second");
        wheel.push(5_000_200, "third");
        wheel.cancel(second);
        wheel.cancel(second);
        assert_eq!(wheel.pop(), Some((5_000_000, "first")));
        wheel.cancel(first);
        assert_eq!(wheel.pop(), Some((5_000_200, "third")));
        assert_eq!(wheel.pop(), None);
    }

    #[test]
    fn places_are_used_again() {
        let mut wheel = Wheel::new();
        for round in 0..100_000_u64 {
            wheel.push(round * 700 + 5_000_000, round);
            if round >= 10 {
                assert_eq!(wheel.pop().map(|(_, event)| event), Some(round - 10));
            }
        }
        assert!(wheel.entries.len() <= 11, "{}", wheel.entries.len());
    }
}
