//! Threads that come and go, without a loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use super::*;

const LONG: Duration = Duration::from_secs(3600);

/// Counts what was run and what was told.
struct Counted {
    told: Arc<AtomicUsize>,
    /// Waits for it first.
    gate: Option<Receiver<()>>,
}

impl Job for Counted {
    fn run(&mut self) {
        if let Some(gate) = &self.gate {
            // Nobody sends: the other end is let go.
            assert!(gate.recv().is_err());
        }
    }

    fn tell(self: Box<Self>) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }
}

fn stats(crew: &Crew) -> (usize, usize, usize, u64) {
    let mut stats = Stats::default();
    crew.count(&mut stats);
    (stats.threads, stats.idle_threads, stats.queued_jobs, stats.done_jobs)
}

#[test]
fn a_thread_ends_when_there_has_been_no_job_for_a_while() {
    let (crew, tickets) = Crew::new(4, Duration::ZERO);
    let told = Arc::new(AtomicUsize::new(0));
    for id in 0..3 {
        let hired = crew.put(id, Box::new(Counted { told: told.clone(), gate: None }), 100);
        assert!(hired.is_ok_and(|hired| hired));
        tickets.send(()).unwrap();
    }
    assert_eq!(stats(&crew), (3, 3, 3, 0));
    // This thread is all three, one after the other; it does what is there before it ends.
    (0..3).for_each(|_| crew.serve());
    assert_eq!(told.load(Ordering::Relaxed), 3);
    assert_eq!(stats(&crew), (0, 0, 0, 3));
}

#[test]
fn threads_that_are_too_many_end_and_the_others_do_the_jobs() {
    let (crew, tickets) = Crew::new(5, LONG);
    let (crew, told) = (Arc::new(crew), Arc::new(AtomicUsize::new(0)));
    let (hold, gate) = bounded(0);
    let threads: Vec<_> = (0..5)
        .map(|id| {
            let job = Counted { told: told.clone(), gate: Some(gate.clone()) };
            assert!(crew.put(id, Box::new(job), 0).is_ok_and(|hired| hired));
            tickets.send(()).unwrap();
            let crew = crew.clone();
            thread::spawn(move || crew.serve())
        })
        .collect();
    let refused = crew.put(5, Box::new(Counted { told: told.clone(), gate: None }), 0);
    assert!(matches!(refused, Err((Refusal::Full(0), _))));
    assert!(crew.put(6, Box::new(Counted { told: told.clone(), gate: None }), 1).is_ok_and(|hired| !hired));
    tickets.send(()).unwrap();
    (0..crew.set_limit(2)).for_each(|_| tickets.send(()).unwrap());
    drop((hold, gate));
    drop(tickets);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(told.load(Ordering::Relaxed), 6);
    assert_eq!(stats(&crew), (0, 0, 0, 6));
}

#[test]
fn whatever_is_put_in_and_taken_back_a_ticket_is_left_for_every_job() {
    let (crew, tickets) = Crew::new(1, LONG);
    let told = Arc::new(AtomicUsize::new(0));
    for id in 0..1000 {
        assert!(crew.put(id, Box::new(Counted { told: told.clone(), gate: None }), 1000).is_ok());
        tickets.send(()).unwrap();
        if id % 3 != 0 {
            assert!(crew.remove(id).is_some());
            assert!(crew.remove(id).is_none());
        }
    }
    assert_eq!(crew.tickets.len(), 334);
    drop(tickets);
    crew.serve();
    assert_eq!(told.load(Ordering::Relaxed), 334);
    assert_eq!(stats(&crew), (0, 0, 0, 334));
}

#[test]
fn a_crew_that_closes_keeps_the_jobs_that_a_thread_is_free_for() {
    let (crew, _tickets) = Crew::new(2, LONG);
    let told = Arc::new(AtomicUsize::new(0));
    for id in 0..5 {
        assert!(crew.put(id, Box::new(Counted { told: told.clone(), gate: None }), 100).is_ok());
    }
    assert_eq!(crew.close().into_keys().collect::<Vec<_>>(), [2, 3, 4]);
    let late = crew.put(5, Box::new(Counted { told, gate: None }), 100);
    assert!(matches!(late, Err((Refusal::Closed, _))));
    assert_eq!(crew.take_jobs().into_keys().collect::<Vec<_>>(), [0, 1]);
}
