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
    /// Events of the slot that is being emptied, and earlier ones: latest first.
    current: Vec<Entry<E>>,
    /// The slot that `current` was taken from, counted from the start of time.
    slot: u64,
    /// A slot is two to the power of this many microseconds wide.
    slot_bits: u32,
    /// First entry of each slot's list.
    heads: Vec<u32>,
    occupied: Vec<u64>,
    entries: Vec<Linked<E>>,
    free: u32,
    far: BinaryHeap<Reverse<Entry<E>>>,
    sequence: u64,
    pops: u64,
    waiting: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    time: Time,
    sequence: u64,
    event: E,
}

/// An entry in a slot's list, or in the list of free places; flat, so that the link fits beside the event.
#[derive(Clone, Copy, Debug)]
struct Linked<E> {
    time: Time,
    sequence: u64,
    event: E,
    next: u32,
}

impl<E: Copy> Queue<E> {
    /// Nothing happens yet. So many parties put in events.
    pub(crate) fn for_parties(parties: usize) -> Self {
        let slot_bits = if parties < MANY { REACH_BITS - 11 } else { REACH_BITS - 14 };
        let slots = 1 << (REACH_BITS - slot_bits);
        Self {
            current: Vec::new(),
            slot: 0,
            slot_bits,
            heads: vec![NONE; slots],
            occupied: vec![0; slots / 64],
            entries: Vec::new(),
            free: NONE,
            far: BinaryHeap::new(),
            sequence: 0,
            pops: 0,
            waiting: 0,
        }
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.current.clear();
        self.slot = 0;
        self.heads.fill(NONE);
        self.occupied.fill(0);
        self.entries.clear();
        self.free = NONE;
        self.far.clear();
        self.sequence = 0;
        self.pops = 0;
        self.waiting = 0;
    }

    /// How many events have been taken out.
    pub(crate) const fn pops(&self) -> u64 {
        self.pops
    }

    /// Puts `event` in at `time`, after everything that is there already for the same moment.
    pub(crate) fn push(&mut self, time: Time, event: E) {
        self.sequence += 1;
        self.waiting += 1;
        self.place(Entry { time, sequence: self.sequence, event });
    }

    /// The moment of the next event.
    pub(crate) fn next_time(&mut self) -> Option<Time> {
        self.refill();
        self.current.last().map(|entry| entry.time)
    }

    /// Takes out the next event if it happens at `until` or before.
    pub(crate) fn pop_until(&mut self, until: Time) -> Option<(Time, E)> {
        if self.current.is_empty() {
            self.refill();
        }
        let entry = self.current.pop_if(|entry| entry.time <= until)?;
        self.pops += 1;
        self.waiting -= 1;
        Some((entry.time, entry.event))
    }

    fn place(&mut self, entry: Entry<E>) {
        let slot = entry.time.as_micros() >> self.slot_bits;
        if slot <= self.slot {
            let key = entry.key();
            let place = self.current.iter().rposition(|other| other.key() > key).map_or(0, |place| place + 1);
            self.current.insert(place, entry);
        } else if slot - self.slot < self.heads.len() as u64 {
            self.link(slot, entry);
        } else {
            self.far.push(Reverse(entry));
        }
    }

    /// Where a slot lies on the wheel, whose size is a power of two.
    const fn place_of(&self, slot: u64) -> usize {
        slot as usize & (self.heads.len() - 1)
    }

    fn link(&mut self, slot: u64, entry: Entry<E>) {
        let place = self.place_of(slot);
        let Entry { time, sequence, event } = entry;
        let linked = Linked { time, sequence, event, next: self.heads[place] };
        self.heads[place] = if self.free == NONE {
            if self.entries.len() == self.entries.capacity() {
                // By a quarter: doubling would leave up to half of it unused, in a world of many workers for ever.
                self.entries.reserve_exact((self.entries.len() / 4).max(64));
            }
            self.entries.push(linked);
            (self.entries.len() - 1) as u32
        } else {
            let index = self.free;
            self.free = self.entries[index as usize].next;
            self.entries[index as usize] = linked;
            index
        };
        self.occupied[place / 64] |= 1 << (place % 64);
    }

    /// Makes `current` hold the next event, if there is one anywhere.
    fn refill(&mut self) {
        while self.current.is_empty() && self.waiting > 0 {
            match (self.next_occupied(), self.far.peek()) {
                (Some(slot), _) => self.slot = slot,
                // The wheel is empty: jump to where the far events begin.
                (None, Some(Reverse(entry))) => self.slot = entry.time.as_micros() >> self.slot_bits,
                (None, None) => unreachable!("{} events wait in neither place", self.waiting),
            }
            self.take_far();
            self.empty_slot();
        }
    }

    /// Moves in what has come within reach of the wheel.
    fn take_far(&mut self) {
        while let Some(Reverse(entry)) = self.far.peek()
            && (entry.time.as_micros() >> self.slot_bits) - self.slot < self.heads.len() as u64
        {
            let Some(Reverse(entry)) = self.far.pop() else { return };
            self.place(entry);
        }
    }

    fn empty_slot(&mut self) {
        let place = self.place_of(self.slot);
        let mut next = std::mem::replace(&mut self.heads[place], NONE);
        self.occupied[place / 64] &= !(1 << (place % 64));
        while next != NONE {
            let linked = &mut self.entries[next as usize];
            let Linked { time, sequence, event, .. } = *linked;
            self.current.push(Entry { time, sequence, event });
            let after = linked.next;
            linked.next = self.free;
            self.free = next;
            next = after;
        }
        if self.current.len() > 1 {
            self.current.sort_unstable_by_key(|entry| Reverse(entry.key()));
        }
    }

    /// The next slot after the current one that has events; the wheel spans exactly one turn.
    fn next_occupied(&self) -> Option<u64> {
        let (slots, words) = (self.heads.len(), self.occupied.len());
        let start = self.place_of(self.slot);
        let mut word = start / 64;
        let mut bits = self.occupied[word] & (!0_u64).checked_shl((start % 64) as u32 + 1).unwrap_or(0);
        for _ in 0..=words {
            if bits != 0 {
                let place = word * 64 + bits.trailing_zeros() as usize;
                return Some(self.slot + (place.wrapping_sub(start) & (slots - 1)) as u64);
            }
            word = (word + 1) & (words - 1);
            bits = self.occupied[word];
        }
        None
    }
}

impl<E> Entry<E> {
    const fn key(&self) -> (Time, u64) {
        (self.time, self.sequence)
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The wheel reaches 2^24 microseconds, about 16.8 seconds: every usual timer of a worker lies within one turn.
const REACH_BITS: u32 = 24;
/// From so many parties on a slot of 8 milliseconds has too many events to sort, and one of 1 millisecond is better.
const MANY: usize = 100;
/// The end of a list.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

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
                assert_eq!(queue.pop_until(Time::NEVER), Some((least.0, least.2)));
                now = least.0;
                taken += 1;
            }
        }
        assert_eq!(queue.pop_until(Time::NEVER), None);
        assert_eq!(queue.pops(), 20_000);
    }

    #[test]
    fn nothing_comes_before_its_time() {
        let mut queue = Queue::for_parties(1);
        queue.push(Time::from_micros(5_000), 'a');
        assert_eq!(queue.pop_until(Time::from_micros(4_999)), None);
        queue.push(Time::from_micros(3_000), 'b');
        assert_eq!(queue.pop_until(Time::from_micros(4_999)), Some((Time::from_micros(3_000), 'b')));
        assert_eq!(queue.pop_until(Time::from_micros(5_000)), Some((Time::from_micros(5_000), 'a')));
    }
}
