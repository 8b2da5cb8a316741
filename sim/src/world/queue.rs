//! What happens next?
//!
//! A timing wheel with an exact order: slots find the neighbourhood in constant time, and inside a slot events are sorted
//! by (time, sequence number). Empty slots are skipped by a bitmap, never ticked through. What lies beyond the wheel
//! waits in a heap. How wide the slots are decides about speed alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Time;

/// Events in the order of their times; those of one moment in the order in which they were put in.
#[derive(Clone, Debug)]
pub(crate) struct Queue<E> {
    /// Events of the slot that is being emptied: latest first.
    current: Vec<Due<E>>,
    /// The slot after that one, counted from the start of time: what lies there or later was not looked at yet.
    ahead: u64,
    /// A slot is two to the power of this many microseconds wide.
    slot_bits: u32,
    /// First entry of each slot's list.
    heads: Vec<u32>,
    occupied: Vec<u64>,
    entries: Vec<Linked<E>>,
    free: u32,
    far: BinaryHeap<Reverse<Far<E>>>,
    /// The slot of the first event in `far`.
    far_slot: u64,
    sequence: u64,
    pops: u64,
}

/// An event whose slot is known.
#[derive(Clone, Copy, Debug)]
struct Due<E> {
    key: Key,
    event: E,
}

/// An event in a slot's list, or a place in the list of free ones.
#[derive(Clone, Copy, Debug)]
struct Linked<E> {
    key: Key,
    event: E,
    next: u32,
}

/// The order inside a slot: how far behind its start, and the sequence number below that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

/// An event beyond the wheel.
#[derive(Clone, Copy, Debug)]
struct Far<E> {
    time: Time,
    sequence: u64,
    event: E,
}

impl<E: Copy> Queue<E> {
    /// Nothing happens yet. So many parties put in events.
    pub(crate) fn for_parties(parties: usize) -> Self {
        let slot_bits = if parties < MANY { WIDE_SLOT_BITS } else { NARROW_SLOT_BITS };
        let slots = 1 << (REACH_BITS - slot_bits);
        Self {
            current: Vec::new(),
            ahead: 0,
            slot_bits,
            heads: vec![NONE; slots],
            occupied: vec![0; slots / 64],
            entries: Vec::new(),
            free: NONE,
            far: BinaryHeap::new(),
            far_slot: NEVER,
            sequence: 0,
            pops: 0,
        }
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.current.clear();
        self.ahead = 0;
        self.heads.fill(NONE);
        self.occupied.fill(0);
        self.entries.clear();
        self.free = NONE;
        self.far.clear();
        self.far_slot = NEVER;
        self.sequence = 0;
        self.pops = 0;
    }

    /// How many events have been taken out.
    pub(crate) const fn pops(&self) -> u64 {
        self.pops
    }

    /// Puts `event` in at `time`, after everything that is there already for the same moment. It is not before the event
    /// that was taken out last, nor before the moment up to which events were asked for.
    // Inlined, so that an event is written where it stays: put together elsewhere first and moved at once, the processor
    // waits for its parts, which took a tenth of a run's time.
    #[inline(always)]
    pub(crate) fn push(&mut self, time: Time, event: E) {
        self.sequence += 1;
        let slot = time.as_micros() >> self.slot_bits;
        debug_assert!(slot + 1 >= self.ahead, "an event lies behind the slot that is being emptied");
        let key = self.key(time, self.sequence);
        // What is rare lies in functions of its own, which keeps this one short.
        if slot < self.ahead {
            let is_first = self.current.last().is_none_or(|first| first.key > key);
            if is_first && self.current.len() < self.current.capacity() {
                self.current.push(Due { key, event });
            } else {
                self.insert(Due { key, event });
            }
        } else if slot - self.ahead < self.heads.len() as u64 {
            self.link(slot, key, event);
        } else {
            self.put_far(Far { time, sequence: self.sequence, event });
        }
    }

    /// Puts an event into the slot that is being emptied.
    #[inline(never)]
    fn insert(&mut self, due: Due<E>) {
        let place = self.current.partition_point(|other| other.key > due.key);
        self.current.insert(place, due);
    }

    #[inline(never)]
    fn put_far(&mut self, far: Far<E>) {
        self.far_slot = self.far_slot.min(far.time.as_micros() >> self.slot_bits);
        self.far.push(Reverse(far));
    }

    /// The moment of the next event.
    pub(crate) fn next_time(&self) -> Option<Time> {
        if let Some(due) = self.current.last() {
            return Some(self.time_of(self.ahead - 1, due.key));
        }
        let near = self.next_occupied().and_then(|slot| {
            let first = self.list_of(slot).map(|linked| linked.key).min();
            first.map(|key| self.time_of(slot, key))
        });
        let far = self.far.peek().map(|Reverse(far)| far.time);
        near.into_iter().chain(far).min()
    }

    /// The moment of the next event, if it happens at `until` or before. From here on it is the [first](Self::first).
    #[inline]
    pub(crate) fn turn_to(&mut self, until: Time) -> Option<Time> {
        if self.current.is_empty() {
            self.turn(until);
        }
        let due = self.current.last()?;
        let time = self.time_of(self.ahead - 1, due.key);
        (time <= until).then_some(time)
    }

    /// The event that was [turned to](Self::turn_to).
    pub(crate) fn first(&self) -> Option<&E> {
        self.current.last().map(|due| &due.event)
    }

    /// Takes it out.
    pub(crate) fn pop(&mut self) {
        self.pops += 1;
        self.current.pop();
    }

    /// Makes `current` hold the events of the next slot that has any, unless all of it lies behind `until`.
    #[inline(never)]
    fn turn(&mut self, until: Time) {
        let slot = self.next_occupied().unwrap_or(NEVER).min(self.far_slot);
        if slot > until.as_micros() >> self.slot_bits {
            return;
        }
        self.ahead = slot + 1;
        self.empty_slot(slot);
        if self.far_slot == slot {
            self.take_far();
        }
        if self.current.len() > 1 {
            self.current.sort_unstable_by_key(|due| Reverse(due.key));
        }
    }

    fn empty_slot(&mut self, slot: u64) {
        let place = self.place_of(slot);
        // After a moment in which everything happened at once.
        self.current.shrink_to(CURRENT_KEPT);
        let mut next = std::mem::replace(&mut self.heads[place], NONE);
        self.occupied[place / 64] &= !(1 << (place % 64));
        while next != NONE {
            let linked = &mut self.entries[next as usize];
            self.current.push(Due { key: linked.key, event: linked.event });
            let after = std::mem::replace(&mut linked.next, self.free);
            self.free = next;
            next = after;
        }
    }

    /// Moves in what lay beyond the wheel when it was put in, and whose slot has come.
    fn take_far(&mut self) {
        while let Some(&Reverse(Far { time, sequence, event })) = self.far.peek() {
            let slot = time.as_micros() >> self.slot_bits;
            if slot >= self.ahead {
                self.far_slot = slot;
                return;
            }
            self.far.pop();
            self.current.push(Due { key: self.key(time, sequence), event });
        }
        self.far_slot = NEVER;
    }

    #[inline(always)]
    fn link(&mut self, slot: u64, key: Key, event: E) {
        let place = self.place_of(slot);
        let head = &mut self.heads[place];
        self.occupied[place / 64] |= 1 << (place % 64);
        if let Some(entry) = self.entries.get_mut(self.free as usize) {
            let next = std::mem::replace(head, self.free);
            self.free = entry.next;
            *entry = Linked { key, event, next };
        } else {
            let next = std::mem::replace(head, self.entries.len() as u32);
            self.append(Linked { key, event, next });
        }
    }

    /// Makes room for one more, by a quarter: doubling would leave up to half of it unused, in a world of many workers for
    /// ever.
    #[cold]
    fn append(&mut self, entry: Linked<E>) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact((self.entries.len() / 4).max(64));
        }
        self.entries.push(entry);
    }

    /// The next slot on the wheel that has events; the wheel spans exactly one turn.
    fn next_occupied(&self) -> Option<u64> {
        let (slots, words) = (self.heads.len(), self.occupied.len());
        let start = self.place_of(self.ahead);
        let mut word = start / 64;
        let mut bits = self.occupied[word] & (!0_u64 << (start % 64));
        for _ in 0..=words {
            if bits != 0 {
                let place = word * 64 + bits.trailing_zeros() as usize;
                return Some(self.ahead + (place.wrapping_sub(start) & (slots - 1)) as u64);
            }
            word = (word + 1) & (words - 1);
            bits = self.occupied[word];
        }
        None
    }

    fn list_of(&self, slot: u64) -> impl Iterator<Item = &Linked<E>> {
        let entry = |index: u32| self.entries.get(index as usize);
        std::iter::successors(entry(self.heads[self.place_of(slot)]), move |linked| entry(linked.next))
    }

    /// Where a slot lies on the wheel, whose size is a power of two.
    const fn place_of(&self, slot: u64) -> usize {
        slot as usize & (self.heads.len() - 1)
    }

    const fn key(&self, time: Time, sequence: u64) -> Key {
        let behind = time.as_micros() & ((1 << self.slot_bits) - 1);
        Key(behind << SEQUENCE_BITS | sequence)
    }

    const fn time_of(&self, slot: u64, key: Key) -> Time {
        Time::from_micros((slot << self.slot_bits) + (key.0 >> SEQUENCE_BITS))
    }
}

impl<E> PartialEq for Far<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Far<E> {}

impl<E> PartialOrd for Far<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Far<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.sequence).cmp(&(other.time, other.sequence))
    }
}

/// The wheel reaches 2^24 microseconds, about 16.8 seconds: every usual timer of a worker lies within one turn.
const REACH_BITS: u32 = 24;
/// Slots of 32 milliseconds: with few parties a slot that is turned to has several events then.
const WIDE_SLOT_BITS: u32 = 15;
/// Slots of a millisecond.
const NARROW_SLOT_BITS: u32 = 10;
/// From so many parties on a wide slot has too many events to put in order.
const MANY: usize = 100;
/// What a key has for the sequence number, beside a moment in the widest slot: more than a run could count up to.
const SEQUENCE_BITS: u32 = u64::BITS - WIDE_SLOT_BITS;
/// So many events of a slot are usual.
const CURRENT_KEPT: usize = 64;
/// The end of a list.
const NONE: u32 = u32::MAX;
/// No slot.
const NEVER: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes out the next event if it happens at `until` or before.
    fn take<E: Copy>(queue: &mut Queue<E>, until: Time) -> Option<(Time, E)> {
        let time = queue.turn_to(until)?;
        let event = *queue.first()?;
        queue.pop();
        Some((time, event))
    }

    /// The order must be that of a plain sort, whatever is put in and whenever.
    #[test]
    fn order_is_that_of_time_and_then_of_arrival() {
        order_of(Queue::for_parties(1));
        order_of(Queue::for_parties(MANY));
    }

    fn order_of(mut queue: Queue<u32>) {
        let mut model: Vec<(Time, u64, u32)> = Vec::new();
        let mut random = 1_u64;
        let mut now = Time::ZERO;
        let (mut pushed, mut taken) = (0_u32, 0_u32);
        while taken < 20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let roll = random >> 33;
            if pushed < 20_000 && (!roll.is_multiple_of(3) || model.is_empty()) {
                let ahead = match roll % 7 {
                    0 => 0,
                    1..=3 => roll % 2_000,
                    4 | 5 => roll % 6_000_000,
                    _ => roll % 100_000_000,
                };
                let time = Time::from_micros(now.as_micros() + ahead);
                queue.push(time, pushed);
                model.push((time, u64::from(pushed), pushed));
                pushed += 1;
            } else {
                let least = model.iter().min().copied().expect("something waits");
                model.retain(|entry| entry.1 != least.1);
                assert_eq!(queue.next_time(), Some(least.0));
                assert_eq!(take(&mut queue, Time::NEVER), Some((least.0, least.2)));
                now = least.0;
                taken += 1;
            }
        }
        assert_eq!(take(&mut queue, Time::NEVER), None);
        assert_eq!(queue.pops(), 20_000);
    }

    #[test]
    fn nothing_comes_before_its_time() {
        let mut queue = Queue::for_parties(1);
        queue.push(Time::from_micros(5_000), 'a');
        assert_eq!(take(&mut queue, Time::from_micros(4_999)), None);
        queue.push(Time::from_micros(4_999), 'b');
        assert_eq!(queue.next_time(), Some(Time::from_micros(4_999)));
        assert_eq!(take(&mut queue, Time::from_micros(4_999)), Some((Time::from_micros(4_999), 'b')));
        assert_eq!(take(&mut queue, Time::from_micros(5_000)), Some((Time::from_micros(5_000), 'a')));
    }
}
