//! Calls, sources, and what is thrown.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lariat::mio::Interest;
use lariat::mio::unix::SourceFd;
use lariat::{Reactor, Registration, SystemEvent, TriggerPhase};
use lariat_tests::faults::Records;
use lariat_tests::harness::Log;

use super::{Stage, on_the_way, ways};

/// Nobody sends it; see `signal(7)`.
const SIGUSR2: i32 = 12;

ways! {
    a_call_that_is_cancelled_may_use_everything_in_its_drop: |stage| {
        let value = stage.value();
        stage.reactor().call_later(Duration::from_secs(60), move |_| drop(value)).cancel();
        Some(stage.world)
    };
    a_call_that_has_run_may_use_everything_in_its_drop: |mut stage| {
        let value = stage.value();
        stage.reactor().call_later(Duration::ZERO, move |_| drop(value));
        stage.until_dropped();
        Some(stage.world)
    };
    a_call_that_waits_for_the_loop_that_ends_may_use_everything_in_its_drop: |stage| {
        let value = stage.value();
        stage.reactor().call_later(Duration::from_secs(60), move |_| drop(value));
        drop(stage.world);
        None
    };
    a_call_that_comes_after_the_loops_end_may_use_everything_in_its_drop: |stage| {
        let (value, reactor) = (stage.value(), stage.reactor().clone());
        drop(stage.world);
        reactor.call_later(Duration::ZERO, move |_| drop(value));
        None
    };
    a_call_through_a_handle_that_is_never_made_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        let value = stage.value();
        log.transport().abort();
        assert!(log.handle().call(move |_, _| drop(value)));
        stage.until_dropped();
        Some(stage.world)
    };
    a_call_through_a_handle_to_nobody_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        drop(stage.connect(log.probe()));
        stage.world.until_lost(&[&log]);
        let value = stage.value();
        assert!(!log.handle().call(move |_, _| drop(value)));
        Some(stage.world)
    };
    a_call_through_a_handle_that_waits_when_the_loop_ends_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        let value = stage.value();
        assert!(log.handle().call(move |_, _| drop(value)));
        drop(stage.world);
        None
    };
    a_source_that_is_deregistered_may_use_everything_in_its_drop: |stage| {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let descriptor = ours.as_raw_fd();
        let registration = register(&stage, descriptor, |_| ());
        registration.deregister(&mut SourceFd(&descriptor)).unwrap();
        Some(stage.world)
    };
    a_source_that_deregisters_itself_may_use_everything_in_its_drop: |mut stage| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let descriptor = ours.as_raw_fd();
        register(&stage, descriptor, move |registration| {
            registration.deregister(&mut SourceFd(&descriptor)).unwrap();
        });
        theirs.write_all(b"x").unwrap();
        stage.until_dropped();
        Some(stage.world)
    };
    a_source_that_cannot_be_registered_may_use_everything_in_its_drop: |stage| {
        let file = File::open("/dev/null").unwrap();
        let value = stage.value();
        let source = move |_: &Registration, _| {
            let _ = &value;
        };
        assert!(stage.reactor().register(&mut SourceFd(&file.as_raw_fd()), Interest::READABLE, source).is_err());
        Some(stage.world)
    };
    a_source_at_the_loops_end_may_use_everything_in_its_drop: |stage| {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        register(&stage, ours.as_raw_fd(), |_| ());
        drop(stage.world);
        None
    };
    a_trigger_that_is_removed_may_use_everything_in_its_drop: |stage| {
        let value = stage.value();
        let call = move |_: &Reactor| drop(value);
        assert!(stage.reactor().add_trigger(TriggerPhase::After, SystemEvent::Shutdown, call).remove());
        Some(stage.world)
    };
    a_trigger_at_the_loops_end_may_use_everything_in_its_drop: |stage| {
        let value = stage.value();
        stage.reactor().add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |_| drop(value));
        drop(stage.world);
        None
    };
    a_trigger_after_the_loops_end_may_use_everything_in_its_drop: |stage| {
        let (value, reactor) = (stage.value(), stage.reactor().clone());
        drop(stage.world);
        reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |_| drop(value));
        None
    };
    a_signal_handler_that_is_removed_may_use_everything_in_its_drop: |mut stage| {
        let value = stage.value();
        let handler = stage.reactor().on_signal(SIGUSR2, move |_| {
            let _ = &value;
        });
        handler.unwrap().remove();
        stage.until_dropped();
        Some(stage.world)
    };
    a_signal_handler_at_the_loops_end_may_use_everything_in_its_drop: |stage| {
        let value = stage.value();
        let handler = stage.reactor().on_signal(SIGUSR2, move |_| {
            let _ = &value;
        });
        drop((stage.world, handler.unwrap()));
        None
    };
    what_a_panic_throws_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        // What is thrown may go to another thread, and a chunk is the one value that may and still reaches all this.
        let thrown = stage.chunk(1);
        let mut peer = stage.connect(log.probe().data(move |_, _| std::panic::panic_any(thrown.clone())));
        peer.send(b"x");
        stage.until_dropped();
        stage.world.until_lost(&[&log]);
        // This one is meant to be.
        let _ = Records::begin();
        Some(stage.world)
    };
}

/// Registers a source that owns a value.
fn register(stage: &Stage, descriptor: i32, mut ready: impl FnMut(&Registration) + 'static) -> Registration {
    let value = stage.value();
    let source = move |registration: &Registration, _| {
        let _ = &value;
        ready(registration);
    };
    stage.reactor().register(&mut SourceFd(&descriptor), Interest::READABLE, source).expect("a socket can be watched")
}
