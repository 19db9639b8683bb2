//! The gate under loom, which tries every order of the threads' steps and every value that the memory model lets a load return.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p lariat --lib gate`

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;

use super::*;

/// Two senders with one message each. A message is a relaxed store, so that whatever makes it visible to the sleeper is the gate.
struct World {
    gate: Gate,
    messages: [AtomicUsize; 2],
    bell: Notify,
    /// Not part of the model: its order among the rest does not matter.
    rings: std::sync::atomic::AtomicUsize,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Gate::new(),
            messages: [AtomicUsize::new(0), AtomicUsize::new(0)],
            bell: Notify::new(),
            rings: Default::default(),
        })
    }

    /// Returns whether the message was let in.
    fn send(&self, sender: usize) -> bool {
        let Some(pass) = self.gate.enter() else { return false };
        self.messages[sender].store(1, Ordering::Relaxed);
        if pass.leave() {
            self.rings.fetch_add(1, Ordering::Relaxed);
            self.bell.notify();
        }
        true
    }

    fn spawn_senders(world: &Arc<Self>) -> Vec<thread::JoinHandle<bool>> {
        (0..2)
            .map(|sender| {
                let world = world.clone();
                thread::spawn(move || world.send(sender))
            })
            .collect()
    }

    fn messages(&self) -> usize {
        self.messages.iter().map(|message| message.load(Ordering::Relaxed)).sum()
    }
}

#[test]
fn no_wake_up_is_lost_and_none_is_superfluous() {
    let mut model = loom::model::Builder::new();
    // Without a bound it takes hours. `interleavings` has none; what this adds, that a change is seen too late, takes few switches.
    model.preemption_bound = Some(3);
    model.check(|| {
        let world = World::new();
        let senders = World::spawn_senders(&world);
        let mut announced = 0;
        // A lost wake-up is a thread that waits for ever, which loom reports.
        let mut taken = 0;
        while taken < 2 {
            announced += 1;
            if world.gate.sleep(|| world.messages() == taken) {
                world.bell.wait();
                world.gate.awake();
            }
            taken = world.messages();
        }
        for sender in senders {
            assert!(sender.join().unwrap());
        }
        assert!(world.rings.load(Ordering::Relaxed) <= announced);
    });
}

#[test]
fn what_is_let_in_before_it_closes_is_there_and_nothing_follows() {
    loom::model(|| {
        let world = World::new();
        let senders = World::spawn_senders(&world);
        world.gate.close();
        let messages = world.messages();
        let accepted = senders.into_iter().map(|sender| usize::from(sender.join().unwrap())).sum();
        assert_eq!(messages, accepted);
        assert_eq!(world.messages(), accepted);
        assert!(world.gate.is_closed());
    });
}
