//! Whatever is dropped wherever it waits: nothing is left, and no byte is lost.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::{Simulation, simulated};
use lariat::{Deferred, Event, Failure, Lock, Queue, Reactor, Semaphore};
use lariat_tests::downstream::Shared;
use lariat_tests::story::Population;

use super::{Polls, byte, is_beginning, look_for_leftovers, pair, pattern, run};

/// Everything that has to be waited for, one after the other.
async fn script(reactor: Reactor, heard: Shared<Vec<u8>>) -> Result<(), Failure> {
    let mut listener = reactor.listen_stream("tcp:7000")?;
    let mut client = reactor.connect_stream("tcp:127.0.0.1:7000").await?;
    let mut server = listener.accept().await?;
    let sender = reactor.spawn(async move {
        for piece in pattern(200_000).chunks(50_000) {
            client.write_all(piece).await?;
        }
        client.close().await
    });
    let mut buffer = [0; 30_000];
    while let count @ 1.. = server.read(&mut buffer).await? {
        heard.with(|heard| heard.extend_from_slice(&buffer[..count]));
    }
    server.close().await?;
    sender.await?;
    reactor.sleep(Duration::from_secs(1)).await
}

#[test]
fn a_script_that_is_dropped_at_any_poll_leaves_nothing() {
    let mut polls = 0;
    loop {
        let (mut reactor, heard, population) = (simulated(), Shared::new(Vec::new()), Population::default());
        let (alive, script) = (population.born(), script(Reactor::clone(&reactor), heard.clone()));
        let whole = async move {
            let _alive = alive;
            script.await
        };
        let done = reactor.block_on(Polls::at_most(polls, whole)).expect("the loop goes on");
        assert_eq!(population.count(), 0);
        look_for_leftovers(&mut reactor);
        assert!(heard.with(|heard| is_beginning(heard)), "after {polls} polls");
        if let Some(done) = done {
            done.expect("no failure");
            assert_eq!(heard.take().len(), 200_000);
            break;
        }
        polls += 1;
    }
    assert!(polls > 5, "it has to wait more often than {polls} times");
}

#[test]
fn a_script_that_is_cancelled_in_any_turn_leaves_nothing() {
    for turns in 0..40 {
        let mut reactor = simulated();
        let task: Deferred<()> = reactor.spawn(script(Reactor::clone(&reactor), Shared::default()));
        for _ in 0..turns {
            reactor.turn(Some(Duration::ZERO)).expect("a turn");
        }
        drop(task);
        look_for_leftovers(&mut reactor);
    }
}

#[test]
fn reads_that_are_given_up_lose_nothing() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        let pauses = reactor.clone();
        let sending = reactor.spawn(async move {
            for place in 0..300 {
                client.write_all(&[byte(place)]).await?;
                pauses.sleep(Duration::from_millis(2)).await?;
            }
            Ok::<_, Failure>(())
        });
        let (mut all, mut given_up, mut buffer) = (Vec::new(), 0, [0; 16]);
        loop {
            match reactor.timeout(Duration::from_millis(1), server.read(&mut buffer)).await {
                Ok(count) => match count? {
                    0 => break,
                    count => all.extend_from_slice(&buffer[..count]),
                },
                Err(failure) => {
                    assert!(failure.is_timed_out());
                    given_up += 1;
                }
            }
        }
        sending.await?;
        assert!(all.len() == 300 && is_beginning(&all));
        assert!(given_up > 100, "{given_up}");
        Ok(())
    });
}

#[test]
fn writes_that_are_given_up_have_written_what_they_said() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        let sending = reactor.spawn(async move {
            let (all, mut written, mut given_up) = (pattern(1_000_000), 0, 0);
            while written < all.len() {
                match Polls::at_most(1, client.write(&all[written..])).await {
                    Some(count) => written += count?,
                    None => {
                        given_up += 1;
                        futures_lite::future::yield_now().await;
                    }
                }
            }
            std::io::Result::Ok(given_up)
        });
        let (mut all, mut buffer) = (Vec::new(), vec![0; 10_000]);
        while let count @ 1.. = server.read(&mut buffer).await? {
            all.extend_from_slice(&buffer[..count]);
            reactor.sleep(Duration::from_millis(1)).await?;
        }
        assert!(all == pattern(1_000_000));
        assert!(sending.await? > 0, "some had to wait");
        Ok(())
    });
}

/// What tasks share that wait for each other.
#[derive(Clone)]
struct Office {
    desk: Semaphore,
    tray: Queue<u32>,
    stamp: Lock,
    bell: Event,
    taken: Shared<Vec<u32>>,
}

impl Office {
    fn new(reactor: &Reactor) -> Self {
        Self {
            desk: Semaphore::new(reactor, 1),
            tray: Queue::new(reactor, 1),
            stamp: Lock::new(reactor),
            bell: Event::new(reactor),
            taken: Shared::new(Vec::new()),
        }
    }
}

/// Waits for everything that is no connection, one after the other.
async fn errand(reactor: Reactor, office: Office) -> Result<(), Failure> {
    let _permit = office.desk.acquire().await?;
    let number = office.tray.get().await?;
    office.taken.with(|taken| taken.push(number));
    reactor.sleep(milliseconds(3)).await?;
    let stamped = office.stamp.acquire().await?;
    let double = reactor.defer_to_thread(move || 2 * number).await?;
    drop(stamped);
    reactor.timeout(milliseconds(100), office.bell.wait()).await??;
    let mut ticks = reactor.interval(milliseconds(7));
    for _ in 0..3 {
        ticks.tick().await?;
    }
    office.tray.put(double).await
}

/// Has everything that the errand waits for, and gives it up late.
async fn clerk(reactor: Reactor, office: Office) -> Result<(), Failure> {
    let (permit, stamped) = (office.desk.acquire().await?, office.stamp.acquire().await?);
    reactor.sleep(milliseconds(5)).await?;
    drop(permit);
    reactor.sleep(milliseconds(5)).await?;
    office.tray.put(1).await?;
    reactor.sleep(milliseconds(10)).await?;
    drop(stamped);
    reactor.sleep(milliseconds(40)).await?;
    office.bell.set();
    Ok(())
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn an_errand_that_is_dropped_at_any_poll_gives_back_what_it_held() {
    let (mut polls, unfinished) = (0, Rc::new(Cell::new(true)));
    while unfinished.take() {
        let unfinished = unfinished.clone();
        Simulation::check(1..=3, move |sim: &Simulation| {
            sim.faults().slow_threads(1..=20);
            let reactor = sim.host("office").reactor();
            let (office, population, done) = (Office::new(&reactor), Population::default(), Rc::new(Cell::new(false)));
            reactor.spawn(clerk(reactor.clone(), office.clone())).detach();
            let (alive, errand, told) = (population.born(), errand(reactor.clone(), office.clone()), done.clone());
            let limited = Polls::at_most(polls, async move {
                let _alive = alive;
                errand.await.expect("no failure");
            });
            reactor.spawn(async move { told.set(limited.await.is_some()) }).detach();
            sim.run_until(Duration::from_secs(1))?;
            assert_eq!(population.count(), 0);
            assert_eq!((office.desk.available(), office.stamp.is_locked()), (1, false), "after {polls} polls");
            let seen = (office.taken.take(), office.tray.try_get());
            if done.get() {
                assert_eq!(seen, (vec![1], Some(2)));
            } else {
                unfinished.set(true);
                assert!(seen == (vec![], Some(1)) || seen == (vec![1], None), "after {polls} polls: {seen:?}");
            }
            Ok(())
        });
        polls += 1;
    }
    assert!(polls > 8, "it has to wait more often than {polls} times");
}
