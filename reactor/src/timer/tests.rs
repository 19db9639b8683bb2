use crate::random::Random;

use super::chain::Link;
use super::entry::Entry;
use super::{TimerKey, TimerWheel};

/// A delay of any magnitude, small ones as likely as huge ones.
fn delay(random: &Random) -> u64 {
    match random.below(8) {
        0 => 0,
        1 => random.below(4),
        2 => 256 * random.below(3),
        _ => {
            let bits = random.below(64);
            random.next() >> bits
        }
    }
}

fn expire<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<TimerKey> {
    let mut due = Vec::new();
    wheel.expire(now, |key| due.push(key));
    due
}

fn expire_and_take<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<T> {
    let due = expire(wheel, now);
    due.into_iter().map(|key| wheel.take_expired(key).expect("it was announced")).collect()
}

/// A timer of the model: a list that is searched and sorted, with nothing clever about it.
#[derive(Clone)]
struct Expected {
    key: TimerKey,
    deadline: u64,
    order: u64,
    value: u64,
    armed: bool,
}

#[derive(Default)]
struct Model {
    timers: Vec<Expected>,
    ended: Vec<TimerKey>,
    now: u64,
    order: u64,
}

impl Model {
    fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    fn due(&mut self, now: u64) -> Vec<TimerKey> {
        self.now = self.now.max(now);
        let mut due: Vec<&mut Expected> =
            self.timers.iter_mut().filter(|timer| timer.armed && timer.deadline <= self.now).collect();
        due.sort_by_key(|timer| (timer.deadline, timer.order));
        due.into_iter()
            .map(|timer| {
                timer.armed = false;
                timer.key
            })
            .collect()
    }

    fn earliest(&self) -> Option<u64> {
        let armed = self.timers.iter().filter(|timer| timer.armed);
        armed.map(|timer| timer.deadline).min()
    }

    fn agree(&self, wheel: &TimerWheel<u64>, bound_is_exact: bool) {
        assert_eq!(wheel.len(), self.timers.len());
        assert_eq!(wheel.is_empty(), self.timers.is_empty());
        assert_eq!(wheel.now(), self.now);
        match (wheel.next_deadline(), self.earliest()) {
            (Some(bound), Some(earliest)) if !bound_is_exact => assert!(bound <= earliest),
            (bound, earliest) => assert_eq!(bound, earliest),
        }
        for timer in &self.timers {
            assert_eq!(wheel.deadline(timer.key), Some(timer.deadline));
            assert_eq!(wheel.get(timer.key), Some(&timer.value));
            assert_eq!(wheel.is_armed(timer.key), timer.armed);
            assert!(wheel.contains(timer.key));
        }
        for &key in &self.ended {
            assert_eq!(wheel.deadline(key), None);
            assert_eq!(wheel.get(key), None);
            assert!(!wheel.is_armed(key) && !wheel.contains(key));
        }
    }
}

/// Runs one random program on the wheel and on the model, comparing after each step.
fn run_program(seed: u64, steps: u64, with_cancels: bool) {
    let random = Random::new(seed);
    let mut wheel = TimerWheel::new();
    let mut model = Model::default();
    for step in 0..steps {
        match random.below(if with_cancels { 10 } else { 6 }) {
            0..=2 => {
                let from = model.now.saturating_sub(random.below(3));
                let deadline = from.saturating_add(delay(&random));
                let key = wheel.insert(deadline, step);
                let order = model.next_order();
                model.timers.push(Expected { key, deadline, order, value: step, armed: true });
            }
            3..=4 => {
                let now = match random.below(4) {
                    0 => model.now.saturating_sub(random.below(300)),
                    1 => wheel.next_deadline().unwrap_or(0),
                    2 => model.now.saturating_add(random.below(600)),
                    _ => model.now.saturating_add(delay(&random) >> random.below(64)),
                };
                assert_eq!(expire(&mut wheel, now), model.due(now));
            }
            5 => {
                let expired = model.timers.iter().position(|timer| !timer.armed);
                if let Some(place) = expired {
                    let timer = model.timers.swap_remove(place);
                    assert_eq!(wheel.take_expired(timer.key), Some(timer.value));
                    model.ended.push(timer.key);
                }
            }
            6..=7 if !model.timers.is_empty() => {
                let timer = model.timers.swap_remove(random.index(model.timers.len()));
                assert_eq!(wheel.cancel(timer.key), Some(timer.value));
                model.ended.push(timer.key);
            }
            8..=9 if !model.timers.is_empty() => {
                let order = model.next_order();
                let place = random.index(model.timers.len());
                let timer = &mut model.timers[place];
                timer.order = order;
                timer.armed = true;
                if random.below(4) != 0 {
                    timer.deadline = model.now.saturating_add(delay(&random));
                }
                assert!(wheel.reset(timer.key, timer.deadline));
            }
            _ => {
                for &key in &model.ended {
                    assert_eq!(wheel.cancel(key), None);
                    assert_eq!(wheel.take_expired(key), None);
                    assert!(!wheel.reset(key, 0));
                }
            }
        }
        model.agree(&wheel, !with_cancels);
    }
    assert_eq!(expire(&mut wheel, u64::MAX), model.due(u64::MAX));
    let mut values = Vec::new();
    while let Some(value) = wheel.pop_any() {
        values.push(value);
    }
    let mut expected: Vec<u64> = model.timers.iter().map(|timer| timer.value).collect();
    values.sort_unstable();
    expected.sort_unstable();
    assert_eq!(values, expected);
    assert!(wheel.is_empty());
}

#[test]
fn random_programs_do_what_a_sorted_list_does() {
    for seed in 0..4_000 {
        run_program(seed, 60, true);
    }
    for seed in 0..40 {
        run_program(seed, 1_000, true);
    }
}

#[test]
fn the_wait_bound_is_exact_while_nothing_is_cancelled_or_reset() {
    for seed in 0..3_000 {
        run_program(seed, 60, false);
    }
}

#[test]
fn a_stale_wait_bound_costs_one_idle_turn_at_most() {
    for seed in 0..2_000 {
        let random = Random::new(seed);
        let mut wheel = TimerWheel::new();
        let keys: Vec<TimerKey> = (0..60).map(|value| wheel.insert(delay(&random), value)).collect();
        let mut cancels = 0;
        for key in keys {
            if random.below(2) == 0 && wheel.cancel(key).is_some() {
                cancels += 1;
            }
        }
        let mut idle_turns = 0;
        while let Some(bound) = wheel.next_deadline() {
            if expire_and_take(&mut wheel, bound).is_empty() {
                idle_turns += 1;
                let exact = wheel.next_deadline().expect("idle, so one is still armed");
                assert!(!expire_and_take(&mut wheel, exact).is_empty());
            }
        }
        assert!(idle_turns <= cancels);
    }
}

#[test]
fn a_lone_timer_an_hour_away_causes_no_other_turn() {
    let mut wheel = TimerWheel::new();
    expire(&mut wheel, 12_345);
    wheel.insert(12_345 + 3_600_000, "an hour later");
    assert_eq!(wheel.next_deadline(), Some(3_612_345));
    assert!(expire(&mut wheel, 3_612_344).is_empty());
    assert_eq!(wheel.next_deadline(), Some(3_612_345));
    assert_eq!(expire_and_take(&mut wheel, 3_612_345), ["an hour later"]);
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn equal_deadlines_expire_in_the_order_of_insertion_from_whatever_level_they_come() {
    for deadline in [1, 255, 256, 65_536, 70_000, 1 << 24, (1 << 40) + 77, u64::MAX] {
        let mut wheel = TimerWheel::new();
        let mut times: Vec<u64> = (0..64).map(|bits| deadline >> bits).collect();
        times.reverse();
        for (value, &time) in times.iter().enumerate() {
            // The closer the deadline, the lower the level at which the next one goes in.
            expire(&mut wheel, time.saturating_sub(1));
            wheel.insert(deadline, value);
        }
        let in_order: Vec<usize> = (0..times.len()).collect();
        assert_eq!(expire_and_take(&mut wheel, deadline), in_order);
    }
}

#[test]
fn a_crowd_expires_in_the_order_of_deadlines_and_among_equals_of_insertion() {
    let random = Random::new(3);
    for size in (0..40).chain([1_000, 10_000]) {
        for range in [1, 3, 300, 70_000, 1 << 24] {
            let mut wheel = TimerWheel::new();
            let mut expected: Vec<(u64, usize)> = (0..size).map(|value| (random.below(range) + 500, value)).collect();
            for &(deadline, value) in &expected {
                wheel.insert(deadline, (deadline, value));
            }
            expected.sort_unstable();
            let mut taken = Vec::new();
            let mut now = 0;
            while !wheel.is_empty() {
                now += 1 + random.below(range);
                taken.extend(expire_and_take(&mut wheel, now));
                assert!(taken.iter().all(|&(deadline, _)| deadline <= now));
            }
            assert_eq!(taken, expected);
        }
    }
}

#[test]
fn a_reset_timer_is_the_last_of_its_deadline() {
    let mut wheel = TimerWheel::new();
    let first = wheel.insert(1_000, "first");
    wheel.insert(1_000, "second");
    assert!(wheel.reset(first, 1_000));
    assert_eq!(expire_and_take(&mut wheel, 1_000), ["second", "first"]);
}

#[test]
fn no_timer_expires_a_tick_early_or_late() {
    for deadline in [1, 2, 255, 256, 257, 511, 65_535, 65_536, 65_537, 1 << 32, u64::MAX] {
        let mut wheel = TimerWheel::new();
        let key = wheel.insert(deadline, ());
        assert!(expire(&mut wheel, deadline - 1).is_empty());
        assert!(wheel.is_armed(key));
        assert_eq!(expire(&mut wheel, deadline), [key]);
    }
}

#[test]
fn a_deadline_that_has_passed_is_due_at_the_next_turn_in_its_place() {
    let mut wheel = TimerWheel::new();
    expire(&mut wheel, 1_000);
    wheel.insert(1_000, "now");
    wheel.insert(1_001, "next");
    wheel.insert(3, "long ago");
    wheel.insert(1_000, "now, but later");
    wheel.insert(0, "at the very beginning");
    assert_eq!(wheel.next_deadline(), Some(0));
    assert_eq!(expire_and_take(&mut wheel, 1_000), ["at the very beginning", "long ago", "now", "now, but later"]);
    assert_eq!(wheel.next_deadline(), Some(1_001));
}

#[test]
fn time_never_goes_back() {
    let mut wheel = TimerWheel::new();
    expire(&mut wheel, 500);
    let key = wheel.insert(500, ());
    assert_eq!(expire(&mut wheel, 20), [key]);
    assert_eq!(wheel.now(), 500);
}

#[test]
fn an_expired_timer_can_be_cancelled_until_it_is_taken() {
    let mut wheel = TimerWheel::new();
    let kept = wheel.insert(10, "kept");
    let dropped = wheel.insert(10, "dropped");
    assert_eq!(expire(&mut wheel, 10), [kept, dropped]);
    assert_eq!(wheel.len(), 2);
    assert!(!wheel.is_armed(dropped) && wheel.contains(dropped));
    assert_eq!(wheel.cancel(dropped), Some("dropped"));
    assert_eq!(wheel.take_expired(dropped), None);
    assert_eq!(wheel.take_expired(kept), Some("kept"));
    assert_eq!(wheel.take_expired(kept), None);
    assert!(wheel.is_empty());
}

#[test]
fn an_expired_timer_that_is_reset_waits_again() {
    let mut wheel = TimerWheel::new();
    let key = wheel.insert(10, "twice");
    assert_eq!(expire(&mut wheel, 10), [key]);
    assert!(wheel.reset(key, 700));
    assert_eq!(wheel.take_expired(key), None);
    assert_eq!(wheel.next_deadline(), Some(700));
    assert!(expire(&mut wheel, 699).is_empty());
    assert_eq!(expire_and_take(&mut wheel, 700), ["twice"]);
}

#[test]
fn a_value_can_be_read_and_changed_where_it_is() {
    let mut wheel = TimerWheel::default();
    let key = wheel.insert(10, 1);
    *wheel.get_mut(key).expect("it is armed") += 1;
    assert_eq!(wheel.get(key), Some(&2));
    assert_eq!(wheel.cancel(key), Some(2));
    assert_eq!(wheel.get_mut(key), None);
}

#[test]
fn a_stale_key_does_nothing_to_the_timer_in_its_place() {
    let mut wheel = TimerWheel::new();
    let stale = wheel.insert(10, "old");
    assert_eq!(wheel.cancel(stale), Some("old"));
    let fresh = wheel.insert(20, "new");
    assert_ne!(stale, fresh);
    assert_eq!(wheel.cancel(stale), None);
    assert!(!wheel.reset(stale, 5));
    assert_eq!(wheel.deadline(stale), None);
    assert_eq!(wheel.deadline(fresh), Some(20));
    assert_eq!(expire(&mut wheel, 20), [fresh]);
    assert_eq!(wheel.take_expired(stale), None);
    assert_eq!(wheel.take_expired(fresh), Some("new"));
}

#[test]
fn years_of_idle_ticks_cost_nothing() {
    const YEAR: u64 = 365 * 24 * 3_600 * 1_000;
    let mut wheel = TimerWheel::new();
    for year in 1..=1_000 {
        wheel.insert(year * YEAR, year);
    }
    // Walking over the 3 * 10^13 ticks of these years would take hours.
    for year in 1..=1_000 {
        assert_eq!(wheel.next_deadline(), Some(year * YEAR));
        assert!(expire(&mut wheel, year * YEAR - 1).is_empty());
        assert_eq!(expire_and_take(&mut wheel, year * YEAR), [year]);
    }
    wheel.insert(u64::MAX, 0);
    assert!(expire(&mut wheel, u64::MAX - 1).is_empty());
    assert_eq!(expire_and_take(&mut wheel, u64::MAX), [0]);
    wheel.insert(u64::MAX, 1);
    assert_eq!(expire_and_take(&mut wheel, 0), [1]);
}

#[test]
fn the_memory_of_ended_timers_is_used_again() {
    let mut wheel = TimerWheel::new();
    let random = Random::new(1);
    for round in 0..100 {
        let keys: Vec<TimerKey> = (0..100).map(|value| wheel.insert(round + delay(&random) / 2, value)).collect();
        for key in keys {
            assert!(wheel.cancel(key).is_some());
        }
    }
    assert!(wheel.capacity() <= 128);
}

#[test]
fn an_empty_wheel_gives_its_memory_back() {
    let mut wheel = TimerWheel::new();
    for value in 0..1_000_u64 {
        wheel.insert(value << 40, value);
    }
    while wheel.pop_any().is_some() {}
    assert_eq!(wheel.next_deadline(), None);
    wheel.shrink_to_fit();
    assert_eq!(wheel.capacity(), 0);
    wheel.insert(1 << 40, 7);
    assert_eq!(wheel.pop_any(), Some(7));
}

#[test]
fn shrinking_leaves_armed_timers_alone() {
    let mut wheel = TimerWheel::new();
    let keys: Vec<TimerKey> = (0..100).map(|value| wheel.insert(value, value)).collect();
    for &key in &keys[10..] {
        wheel.cancel(key);
    }
    wheel.shrink_to_fit();
    assert!(wheel.capacity() <= 10);
    let all: Vec<u64> = (0..10).collect();
    assert_eq!(expire_and_take(&mut wheel, 100), all);
}

#[test]
fn timers_may_be_set_while_the_wheel_is_emptied() {
    let mut wheel = TimerWheel::new();
    for value in 0..50 {
        wheel.insert(value, value);
    }
    let expired = expire(&mut wheel, 20).len();
    assert_eq!(expired, 21);
    let mut popped = 0;
    while let Some(value) = wheel.pop_any() {
        popped += 1;
        if value < 50 {
            wheel.insert(value * 1_000, value + 50);
        }
    }
    assert_eq!(popped, 100);
}

#[test]
fn a_panic_while_announcing_leaves_the_rest_armed() {
    let mut wheel = TimerWheel::new();
    for deadline in [5, 5, 5, 300, 300] {
        wheel.insert(deadline, deadline);
    }
    let mut announced = 0;
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wheel.expire(1_000, |_| {
            announced += 1;
            assert!(announced < 2, "the second one panics");
        });
    }));
    assert!(unwound.is_err());
    assert_eq!(wheel.next_deadline(), Some(5));
    wheel.insert(4, 4);
    assert_eq!(expire_and_take(&mut wheel, 1_000), [4, 5, 300, 300]);
    assert_eq!(wheel.len(), 2);
}

#[test]
fn keys_and_entries_are_small() {
    /// As the slab lays out its places.
    #[expect(dead_code, reason = "only its size matters")]
    enum Place<T> {
        Vacant(usize),
        Occupied(T),
    }

    assert_eq!(size_of::<TimerKey>(), 8);
    assert_eq!(size_of::<Option<TimerKey>>(), 8);
    assert_eq!(size_of::<Place<Entry<usize>>>() + size_of::<Link>(), 32);
    assert_eq!(size_of::<Place<Entry<[usize; 2]>>>() + size_of::<Link>(), 40);
}

#[test]
fn debug_output_tells_the_state_and_not_the_values() {
    let mut wheel = TimerWheel::new();
    wheel.insert(9, "secret");
    let text = format!("{wheel:?}");
    assert_eq!(text, "TimerWheel { now: 0, len: 1, next_deadline: Some(9), .. }");
}
