//! User code that panics: it ends its own connection or call, it is logged with the name of its type, and the others go on.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::mio::Interest;
use lariat::mio::unix::SourceFd;
use lariat::{Peer, PullProducer, PushProducer, Registration, Transport};
use lariat_tests::faults::{OnDrop, Outsider, Records};
use lariat_tests::harness::{Ground, Log, World};

use super::{assert_serves, outsider};

fn oh_no() {
    panic!("oh no");
}

#[track_caller]
fn assert_panicked(log: &Log) {
    assert_eq!(log.lost().as_deref(), Some("Panicked"), "{:?}", log.story());
}

fn write_much(transport: &Transport) {
    transport.write(&vec![b'x'; 8 << 20]);
}

/// What is logged when `provoke` makes user code panic.
fn report(provoke: impl FnOnce(&mut World) -> Outsider) -> String {
    let (mut world, records) = (World::new(Ground::RealTcp), Records::begin());
    let _peer = provoke(&mut world);
    world.until("the panic is logged", || !records.panics().is_empty());
    world.settle();
    let [report] = &records.panics()[..] else { panic!("{:?}", records.panics()) };
    report.clone()
}

#[test]
fn a_panic_is_logged_once_with_the_words_and_the_type_of_what_panicked() {
    let in_a_protocol = report(|world| {
        let mut peer = outsider(world, Log::new().probe().data(|_, _| oh_no()));
        peer.send(b"hello");
        peer
    });
    assert_eq!(in_a_protocol, "ERROR lariat_tests::harness::probe::Probe panicked: oh no");

    let in_a_call_through_a_handle = report(|world| {
        let log = Log::new();
        let peer = outsider(world, log.probe());
        log.handle().call(|_, _| oh_no());
        peer
    });
    assert_eq!(in_a_call_through_a_handle, in_a_protocol);

    // A closure is named after where it was written.
    let here = "faults::panics::a_panic_is_logged_once_with_the_words_and_the_type_of_what_panicked::{{closure}}";
    let in_a_factory = report(|world| {
        let port = world.listen(|_: &Peer| -> lariat_tests::harness::Probe { panic!("oh no") });
        Outsider::connect(&world.reactor, port.address())
    });
    assert_eq!(in_a_factory, format!("ERROR {here}::{{{{closure}}}} panicked: oh no"));
}

#[test]
fn a_panic_in_a_delayed_call_is_logged_with_where_the_call_was_written() {
    let report = report(|world| {
        world.reactor.call_later(Duration::ZERO, |_| oh_no());
        outsider(world, Log::new().probe())
    });
    let here = "faults::panics::a_panic_in_a_delayed_call_is_logged_with_where_the_call_was_written::{{closure}}";
    assert_eq!(report, format!("ERROR {here}::{{{{closure}}}} panicked: oh no"));
}

#[test]
fn a_panic_after_a_panic_in_the_last_callback_is_logged_too() {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let gone = OnDrop::new(oh_no);
    let probe = log.probe().data(|_, _| oh_no()).lost(move |_| {
        let _ = &gone;
        oh_no();
    });
    outsider(&mut world, probe).send(b"hello");
    world.until_lost(&[&log]);
    assert_panicked(&log);
    assert_eq!(records.panics().len(), 3, "{:?}", records.panics());
    assert_serves(&mut world);
}

#[test]
fn a_panic_in_a_callback_after_abort_keeps_the_connection_ending() {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let probe = log.probe().data(|transport, _| {
        transport.abort();
        oh_no();
    });
    outsider(&mut world, probe).send(b"hello");
    world.until_lost(&[&log]);
    assert_eq!(log.count("dropped"), 1);
    assert_eq!(records.panics().len(), 1);
    assert_serves(&mut world);
}

#[test]
fn a_source_that_panics_is_deregistered_and_dropped() {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let gone = log.clone();
    let dropped = OnDrop::new(move || gone.note("source dropped"));
    let descriptor = ours.as_raw_fd();
    let source = move |_: &Registration, _| {
        let _ = &dropped;
        oh_no();
    };
    world.reactor.register(&mut SourceFd(&descriptor), Interest::READABLE, source).unwrap();
    theirs.write_all(b"hello").unwrap();
    world.until("the source is dropped", || log.has("source dropped"));
    // Whatever comes now is nobody's.
    theirs.write_all(b"hello?").unwrap();
    world.settle();
    assert_eq!(records.panics().len(), 1);
    assert_serves(&mut world);
}

#[test]
fn a_panic_in_the_drop_of_a_call_that_has_run_harms_nobody() {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let (bomb, ran) = (OnDrop::new(oh_no), log.clone());
    world.reactor.call_later(Duration::ZERO, move |_| {
        let _bomb = bomb;
        ran.note("ran");
    });
    world.until("it runs", || log.has("ran"));
    assert_eq!(records.panics().len(), 1);
    assert_serves(&mut world);
}

#[test]
fn a_panic_in_the_drop_of_a_call_that_nobody_is_left_for_harms_nobody() {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let peer = outsider(&mut world, log.probe());
    let bomb = OnDrop::new(oh_no);
    log.transport().abort();
    assert!(log.handle().call(move |_, _| drop(bomb)));
    world.until_lost(&[&log]);
    world.settle();
    assert_eq!(records.panics().len(), 1);
    drop(peer);
    assert_serves(&mut world);
}

#[test]
fn a_panic_in_the_drop_of_a_chunk_that_was_sent_leaves_the_connection_as_it_was() {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let mut peer = outsider(&mut world, log.probe());
    log.transport().write_chunk(OnDrop::chunk(*b"one ", oh_no));
    log.transport().write(b"two");
    world.until("both arrive", || peer.receive() == b"one two");
    assert_eq!(records.panics().len(), 1);
    assert!(log.transport().is_open());
    drop(peer);
    world.until_lost(&[&log]);
    assert_serves(&mut world);
}

#[test]
fn a_panic_in_the_drop_of_a_chunk_that_was_copied_leaves_the_connection_as_it_was() {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let mut peer = outsider(&mut world, log.probe());
    let transport = log.transport();
    // Small ones join what is there already, and are dropped at once.
    world.reactor.call_later(Duration::ZERO, move |_| {
        transport.write(b"one ");
        transport.write_chunk(OnDrop::chunk(*b"two ", oh_no));
        transport.write(b"three");
    });
    world.until("all arrive", || peer.receive() == b"one two three");
    assert_eq!(records.panics().len(), 1);
    assert!(log.transport().is_open());
}

#[test]
fn a_panic_in_the_drop_of_the_protocol_that_was_replaced_harms_nobody() {
    let (mut world, records, log, successor) = (World::new(Ground::RealTcp), Records::begin(), Log::new(), Log::new());
    let bomb = OnDrop::new(oh_no);
    let next = Cell::new(Some(successor.probe().echo()));
    let probe = log.probe().data(move |transport, data| {
        let _ = &bomb;
        if let Some(next) = next.take() {
            transport.switch_to(next, data);
        }
    });
    let mut peer = outsider(&mut world, probe);
    peer.send(b"hello");
    world.until("either is settled", || successor.is_made() || successor.has("dropped"));
    assert_eq!(records.panics().len(), 1);
    assert!(log.has("dropped") && log.lost().is_none());
    world.until("the successor serves", || peer.receive() == b"hello");
    assert_eq!(successor.story(), ["made", "data"]);
    drop(peer);
    world.until_lost(&[&successor]);
    assert_serves(&mut world);
}

#[test]
fn a_panic_in_the_drop_of_the_error_that_a_protocol_failed_with_harms_nobody() {
    #[derive(Debug)]
    struct Bomb;
    impl std::fmt::Display for Bomb {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("bomb")
        }
    }
    impl std::error::Error for Bomb {}
    impl Drop for Bomb {
        fn drop(&mut self) {
            oh_no();
        }
    }
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let probe = log.probe().made(|transport| {
        transport.fail(Bomb);
        // The first one counts.
        transport.fail(Bomb);
    });
    drop(outsider(&mut world, probe));
    world.until_lost(&[&log]);
    assert_eq!(log.lost().as_deref(), Some("failed, bomb"));
    assert_eq!(records.panics().len(), 2);
    assert_serves(&mut world);
}

/// Panics in one of its methods.
struct Producer {
    panics_in: &'static str,
    log: Log,
}

impl Producer {
    fn act(&self, method: &'static str) {
        self.log.note(method);
        if method == self.panics_in {
            oh_no();
        }
    }
}

impl PullProducer for Producer {
    fn produce(&mut self, transport: &Transport) {
        self.act("produce");
        transport.unregister_producer();
    }

    fn stop(&mut self) {
        self.act("stop");
    }
}

impl PushProducer for Producer {
    fn pause(&mut self) {
        self.act("pause");
    }

    fn resume(&mut self, _: &Transport) {
        self.act("resume");
    }

    fn stop(&mut self) {
        self.act("stop");
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.act("producer dropped");
    }
}

fn panics_in_a_producer(panics_in: &'static str) -> Log {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let producer_log = log.clone();
    let probe = log.probe().made(move |transport| {
        let producer = Producer { panics_in, log: producer_log.clone() };
        if ["pause", "resume", "stop"].contains(&panics_in) {
            transport.register_push_producer(producer);
            write_much(transport);
        } else {
            transport.register_pull_producer(producer);
        }
    });
    let mut peer = outsider(&mut world, probe);
    if panics_in == "stop" {
        peer.reset();
    } else {
        world.until("the producer is gone", || {
            peer.receive();
            log.has("producer dropped")
        });
        drop(peer);
    }
    world.until_lost(&[&log]);
    assert_eq!(records.panics().len(), 1, "{panics_in}: {:?}", records.panics());
    assert_eq!(log.count("producer dropped"), 1);
    assert_serves(&mut world);
    log
}

#[test]
fn a_panic_in_a_producer_ends_its_connection() {
    for panics_in in ["produce", "pause", "resume"] {
        assert_panicked(&panics_in_a_producer(panics_in));
    }
}

#[test]
fn a_panic_in_a_producers_drop_harms_nobody() {
    let log = panics_in_a_producer("producer dropped");
    assert_eq!(log.lost().as_deref(), Some("Done"));
}

#[test]
fn a_panic_in_a_producers_stop_does_not_keep_the_protocol_from_hearing_of_the_end() {
    let log = panics_in_a_producer("stop");
    assert_eq!(log.lost().as_deref(), Some("ConnectionReset"), "{:?}", log.story());
}

#[test]
fn a_panic_while_the_reactor_ends_does_not_keep_the_others_from_hearing_of_it() {
    let (mut world, records) = (World::new(Ground::RealTcp), Records::begin());
    let logs: Vec<_> = (0..3).map(|_| Log::new()).collect();
    let peers: Vec<_> = logs.iter().map(|log| outsider(&mut world, log.probe().lost(|_| oh_no()))).collect();
    let bombs: Vec<_> = (0..3).map(|_| OnDrop::new(oh_no)).collect();
    for bomb in bombs {
        world.reactor.call_later(Duration::from_secs(60), move |_| drop(bomb));
    }
    let dropped = Rc::new(Cell::new(false));
    let last = OnDrop::new({
        let dropped = dropped.clone();
        move || dropped.set(true)
    });
    world.reactor.call_later(Duration::from_secs(60), move |_| drop(last));
    drop(world);
    for log in &logs {
        assert_eq!(log.story(), ["made", "lost: Aborted", "dropped"]);
    }
    assert!(dropped.get());
    assert_eq!(records.panics().len(), 6);
    drop(peers);
}
