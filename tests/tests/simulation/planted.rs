//! Programs with a planted bug, which the simulation finds, and the same programs without it, which pass.
//!
//! Others are where their subject is: an acknowledgement before the store (`testing::aiming`), an order that is paid for twice (`storms`), a log
//! that is not synced (`disk`), a queue that only grows (`testing::queues`).

use std::cell::Cell;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::testing::{Simulation, secs};
use lariat::{Address, Idle, ListenOptions, Once, Peer, Reactor, Result, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Probe};

const SEEDS: u64 = 50;

const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Runs a program with its bug, which must fail with these words within the seeds, and then without it.
#[track_caller]
fn assert_found(words: &str, program: impl Fn(&Simulation, bool) -> Result<()> + Copy + std::panic::UnwindSafe) {
    let found = catch_unwind(move || Simulation::check(1..=SEEDS, move |sim| program(sim, true)));
    let said = found.expect_err("the bug is found").downcast::<String>().map(|said| *said).unwrap_or_default();
    assert!(said.contains(words), "{said}");
    Simulation::check(1..=SEEDS, move |sim| program(sim, false));
}

fn serve(sim: &Simulation, probe: impl Fn() -> Probe + 'static) -> Result<()> {
    sim.host("server").reactor().listen("tcp:7000", move |_: &Peer| probe()).map(drop)
}

fn connect(sim: &Simulation, probe: Probe) {
    sim.host("client").reactor().connect("tcp:server:7000", Once::new(probe)).finish(|_| ());
}

fn later(transport: &Transport, delay: Duration, call: impl FnOnce(&Transport) + 'static) {
    let transport = transport.clone();
    transport.reactor().clone().call_later(delay, move |_| call(&transport));
}

fn say(words: &'static [u8]) -> impl FnMut(&Transport) {
    move |transport| {
        transport.write(words);
    }
}

#[test]
fn a_reply_that_is_lost_by_a_reset_is_found() {
    assert_found("the reply is cut short", |sim, has_bug| {
        sim.faults().latency(1..=50);
        serve(sim, move || {
            Log::new().probe().data(move |transport, _| {
                transport.write_chunk(vec![7; 100_000]);
                if has_bug { transport.abort() } else { transport.close() }
            })
        })?;
        let client = Log::new();
        connect(sim, client.probe().made(say(b"question")));
        sim.run_until(secs(60))?;
        assert_eq!(client.received_len(), 100_000, "the reply is cut short");
        Ok(())
    });
}

#[test]
fn a_leak_of_half_open_connections_is_found() {
    assert_found("connections are left", |sim, has_bug| {
        let mut options = ListenOptions::default();
        options.stream.keepalive = None;
        let address = Address::Tcp(([0, 0, 0, 0], 7000).into());
        sim.host("server").reactor().listen_at(&address, options, move |_: &Peer| {
            Log::new().probe().made(move |transport| {
                transport.set_idle_timeout(Idle::Read, (!has_bug).then_some(secs(60)));
            })
        })?;
        for _ in 0..5 {
            connect(sim, Log::new().probe());
        }
        sim.run_until(secs(1))?;
        sim.host("client").crash();
        sim.run_until(secs(3_600))?;
        assert_eq!(sim.host("server").reactor().stats().connections, 0, "connections are left");
        Ok(())
    });
}

#[test]
fn an_order_across_connections_is_found() {
    assert_found("the second came first", |sim, has_bug| {
        sim.faults().latency(1..=100);
        let heard = Log::new();
        let log = heard.clone();
        serve(sim, move || {
            let log = log.clone();
            Log::new().probe().data(move |_, data| data.iter().for_each(|byte| log.note(char::from(*byte).to_string())))
        })?;
        if has_bug {
            for word in [&b"1"[..], b"2"] {
                connect(sim, Log::new().probe().made(say(word)));
            }
        } else {
            connect(sim, Log::new().probe().made(say(b"12")));
        }
        sim.run_until(secs(10))?;
        assert_eq!(heard.story(), ["1", "2"], "the second came first");
        Ok(())
    });
}

#[test]
fn a_limit_that_ends_a_steady_slow_reader_is_found() {
    /// Ends the connection if the queue is as long as two seconds ago.
    fn watch(transport: &Transport, before: u64) {
        later(transport, secs(2), move |transport| match transport.queued() {
            0 => {}
            queued if queued == before => transport.abort(),
            queued => watch(transport, queued),
        });
    }
    fn read_slowly(transport: &Transport) {
        transport.pause_reading();
        later(transport, millis(100), Transport::resume_reading);
    }
    assert_found("a reader was ended", |sim, has_bug| {
        serve(sim, move || {
            Log::new().probe().made(move |transport| {
                transport.write_chunk(vec![7; 12_000_000]);
                if has_bug {
                    watch(transport, 0);
                } else {
                    transport.set_idle_timeout(Idle::Write, Some(secs(2)));
                }
            })
        })?;
        let client = Log::new();
        connect(sim, client.probe().made(read_slowly).data(|transport, _| read_slowly(transport)));
        // Some seconds before all is read.
        sim.run_until(secs(15))?;
        assert_eq!(client.lost(), None, "a reader was ended");
        Ok(())
    });
}

#[test]
fn a_timer_that_outlives_its_connection_is_found() {
    assert_found("the second connection was ended", |sim, has_bug| {
        let current = Shared::new(None::<Transport>);
        serve(sim, move || {
            let (ends, timer) = (current.clone(), Shared::new(None));
            let cancels = timer.clone();
            Log::new()
                .probe()
                .made(move |transport| {
                    ends.with(|current| *current = Some(transport.clone()));
                    let ends = ends.clone();
                    let call = transport.reactor().call_later(secs(5), move |_| {
                        let current = ends.with(|current| current.clone());
                        current.inspect(Transport::abort);
                    });
                    timer.with(|timer| *timer = Some(call));
                })
                .lost(move |_| {
                    if !has_bug && let Some(call) = cancels.with(Option::take) {
                        call.cancel();
                    }
                })
        })?;
        connect(sim, Log::new().probe().made(|transport| later(transport, secs(1), Transport::close)));
        sim.run_until(secs(3))?;
        let second = Log::new();
        connect(sim, second.probe());
        sim.run_until(secs(7))?;
        assert_eq!(second.lost(), None, "the second connection was ended");
        Ok(())
    });
}

#[test]
fn a_read_that_is_taken_for_a_message_is_found() {
    assert_found("messages are miscounted", |sim, has_bug| {
        sim.faults().short_reads();
        let messages = Rc::new(Cell::new(0));
        let count = messages.clone();
        serve(sim, move || {
            let (count, mut held) = (count.clone(), 0);
            Log::new().probe().data(move |_, data| {
                held += data.len();
                count.set(count.get() + if has_bug { 1 } else { held / 8 });
                held %= 8;
            })
        })?;
        connect(sim, Log::new().probe().made(say(b"message1message2")));
        sim.run_until(secs(10))?;
        assert_eq!(messages.get(), 2, "messages are miscounted");
        Ok(())
    });
}

#[test]
fn a_client_that_gives_up_at_the_first_refusal_is_found() {
    fn try_to_connect(reactor: &Reactor, client: &Log, has_bug: bool) {
        let (again, log) = (reactor.clone(), client.clone());
        reactor.connect("tcp:server:7000", Once::new(client.probe())).finish(move |result| {
            if result.is_err() && !has_bug {
                let reactor = again.clone();
                again.call_later(secs(1), move |_| try_to_connect(&reactor, &log, has_bug));
            }
        });
    }
    assert_found("never connected", |sim, has_bug| {
        sim.host("server")
            .start(|reactor: &Reactor| reactor.listen("tcp:7000", |_: &Peer| Log::new().probe()).map(drop))?;
        sim.faults().kill("server", secs(1)..secs(5));
        let client = Log::new();
        sim.run_until(secs(2))?;
        try_to_connect(&sim.host("client").reactor(), &client, has_bug);
        sim.run_until(secs(60))?;
        assert!(client.is_made(), "never connected");
        Ok(())
    });
}

#[test]
fn a_late_reply_that_is_taken_for_the_next_is_found() {
    assert_found("the reply is that of another question", |sim, has_bug| {
        sim.faults().timer_order().latency(500..=500);
        serve(sim, || Log::new().probe().echo())?;
        let (asked, wrong) = (Rc::new(Cell::new(b'a')), Rc::new(Cell::new(false)));
        let (asks, checks, found) = (asked.clone(), asked.clone(), wrong.clone());
        let client = Log::new().probe().made(move |transport| {
            transport.write_first(&[asks.get()]);
            let asks = asks.clone();
            later(transport, secs(1), move |transport| {
                // Timed out, or answered just now: the next question.
                asks.set(b'b');
                transport.write(b"b");
            });
        });
        connect(
            sim,
            client.data(move |_, data| {
                let is_current = data == [checks.get()];
                // Without the bug a reply to an earlier question is dropped.
                if has_bug || is_current {
                    found.set(found.get() || !is_current);
                }
            }),
        );
        sim.run_until(secs(10))?;
        assert!(!wrong.get(), "the reply is that of another question");
        Ok(())
    });
}

#[test]
fn a_lease_that_is_judged_by_wall_clocks_is_found() {
    assert_found("two hold the lease", |sim, has_bug| {
        sim.faults().clock_skews(-5_000..=5_000);
        let (server, client) = (sim.host("server").reactor(), sim.host("client").reactor());
        let lease = secs(10);
        let (granted, expires) = (server.now(), server.wall_clock() + lease);
        let is_over = |now: Instant| now.saturating_duration_since(granted) >= lease;
        for second in 0..30 {
            sim.run_until(secs(second))?;
            let (is_held, is_free) = if has_bug {
                (client.wall_clock() < expires, server.wall_clock() >= expires)
            } else {
                (!is_over(client.now()), is_over(server.now()))
            };
            assert!(!(is_held && is_free), "two hold the lease");
        }
        Ok(())
    });
}

#[test]
fn an_address_that_is_kept_for_ever_is_found() {
    assert_found("the service has moved", |sim, has_bug| {
        for host in ["old", "new"] {
            sim.host(host).reactor().listen("tcp:7000", |_: &Peer| Log::new().probe())?;
        }
        let (old, new) = (sim.host("old").address(), sim.host("new").address());
        sim.name("www.test", [old]);
        sim.run_until(secs(1))?;
        sim.host("old").crash();
        sim.name("www.test", [new]);
        let (client, reactor) = (Log::new(), sim.host("client").reactor());
        let once = Once::new(client.probe());
        if has_bug {
            reactor
                .connect_at(&Address::Tcp((old, 7000).into()), lariat::ConnectOptions::default(), once)
                .finish(|_| ());
        } else {
            reactor.connect("tcp:www.test:7000", once).finish(|_| ());
        }
        sim.run_until(secs(600))?;
        assert!(client.is_made(), "the service has moved");
        Ok(())
    });
}
