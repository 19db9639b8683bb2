//! All that a destructor may use.

use std::cell::Cell;
use std::fs::File;
use std::time::Duration;

use lariat::{Bytes, DelayedCall, Handle, Idle, Once, Peer, Port, PullProducer, PushProducer, Reactor, Transport};
use lariat_tests::harness::{Log, Probe};

/// What a destructor gets its hands on.
pub(super) struct Everything {
    pub(super) reactor: Reactor,
    pub(super) port: Port,
    pub(super) call: DelayedCall,
    /// A connection that has nothing to do with what is dropped.
    pub(super) other: Handle<Probe>,
    /// The connection that it was part of, if it was.
    pub(super) own: Cell<Option<Handle<Probe>>>,
    pub(super) ran: Cell<u32>,
}

impl Everything {
    fn own(&self) -> Option<Handle<Probe>> {
        let own = self.own.take();
        self.own.set(own.clone());
        own
    }

    /// Uses what leaves the connections as they are.
    pub(super) fn use_gently(&self) {
        self.ran.set(self.ran.get() + 1);
        let reactor = &self.reactor;
        for handle in self.own().iter().chain([&self.other]) {
            let transport = handle.transport();
            transport.write(b"a slice ");
            transport.write_chunk(Bytes::from_static(b"a chunk "));
            transport.write_file(File::open("/dev/null").expect("it is there"), 0..0);
            transport.set_water_marks(1 << 10, 1 << 20);
            transport.set_queue_limit(64 << 20);
            transport.set_backpressure(false);
            transport.set_idle_timeout(Idle::Read, Some(Duration::from_secs(600)));
            transport.pause_reading();
            transport.resume_reading();
            transport.register_pull_producer(Idler);
            transport.unregister_producer();
            transport.register_push_producer(Idler);
            transport.unregister_producer();
            let _ = (transport.queued(), transport.is_open(), transport.peer(), transport.local_address());
            let _ = (transport.set_nodelay(true), transport.set_keepalive(None), format!("{transport:?}"));
            handle.call(|_, transport| {
                transport.write(b"a call ");
            });
        }
        reactor.call_later(Duration::ZERO, |_| ());
        self.call.delay(Duration::from_secs(1));
        self.call.reset(Duration::from_secs(60));
        reactor.call_later(Duration::from_secs(60), |_| ()).cancel();
        reactor.connect("tcp:127.0.0.1:1", Once::new(Log::new().probe())).detach();
        if let Ok(port) = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Log::new().probe()) {
            port.pause();
            port.resume();
            port.close();
        }
        self.port.pause();
        self.port.resume();
        let _ = (self.port.is_open(), format!("{reactor:?}"));
    }

    /// Ends whatever can be ended.
    pub(super) fn use_roughly(&self) {
        self.use_gently();
        self.call.cancel();
        for handle in self.own().iter().chain([&self.other]) {
            let transport = handle.transport();
            transport.switch_to(Log::new().probe(), b"left over");
            transport.close_write();
            transport.fail("on purpose");
            transport.close();
            transport.abort();
            transport.write(b"too late");
            handle.call(|_, _| ());
        }
        self.port.close();
        self.reactor.stop();
    }
}

/// A producer that does nothing.
pub(super) struct Idler;

impl PullProducer for Idler {
    fn produce(&mut self, transport: &Transport) {
        transport.unregister_producer();
    }
}

impl PushProducer for Idler {
    fn pause(&mut self) {}

    fn resume(&mut self, _: &Transport) {}
}
