//! The proxy example, as those meet it who run it, come through it or stand behind it.

mod backends;
mod limits;
mod program;
mod relaying;
mod seeds;

use std::rc::Rc;

use lariat::testing::Simulation;
use lariat::{Factory, Once, Peer, Port, Protocol, PullProducer, Transport};
use lariat_examples::proxy::{Proxy, Settings, Statistics};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, World};

/// Settings with which nothing happens by itself.
fn quiet() -> Settings {
    Settings { idle_timeout: None, check_period: None, ..Settings::default() }
}

/// A proxy in a world, and the port to reach it by.
fn proxied(world: &World, backends: &[&Port], settings: Settings) -> (Proxy, Port) {
    let backends: Vec<String> = backends.iter().map(|port| port.address().to_string()).collect();
    let proxy = Proxy::begin(&world.reactor, &backends, settings).expect("the settings are right");
    let port = world.listen(proxy.clone());
    (proxy, port)
}

/// A proxy on the host of that name in a simulation, in front of port 9000 of the others; `tcp:proxy:8000` leads to it.
fn on_host(sim: &Simulation, backends: &[&str], settings: Settings) -> Proxy {
    let backends: Vec<String> = backends.iter().map(|host| format!("tcp:{host}:9000")).collect();
    for backend in &backends {
        // A name is known once its host is there.
        sim.host(backend.split(':').nth(1).expect("it was just put there"));
    }
    let reactor = sim.host("proxy").reactor();
    let proxy = Proxy::begin(&reactor, &backends, settings).expect("the settings are right");
    proxy.listen(&reactor, "tcp:8000").expect("the port is free");
    proxy
}

/// Has a host serve as a backend.
fn backend(sim: &Simulation, host: &str, factory: impl Factory + Clone) {
    let boot = move |reactor: &lariat::Reactor| reactor.listen("tcp:9000", factory.clone()).map(drop);
    sim.host(host).start(boot).expect("the port is free");
}

/// Somebody comes to the proxy of a simulation.
fn come(sim: &Simulation, client: impl Protocol) {
    sim.host("client").reactor().connect("tcp:proxy:8000", Once::new(client)).detach();
}

fn now(sim: &Simulation, proxy: &Proxy) -> Statistics {
    proxy.statistics(sim.host("proxy").reactor().now())
}

/// A backend that says its name and closes.
#[derive(Clone)]
struct Says(&'static str);

impl Protocol for Says {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(self.0.as_bytes());
        transport.close();
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// A factory of such backends.
fn says(name: &'static str) -> impl Factory<Protocol = Says> + Clone {
    move |_: &Peer| Says(name)
}

fn tell(transport: &Transport, what: &[u8]) {
    transport.write(what);
}

fn heard(log: &Log) -> String {
    String::from_utf8_lossy(&log.received()).into_owned()
}

/// Sends so many bytes, as fast as they go, and then its end.
struct Pump {
    left: usize,
    sent: Rc<std::cell::Cell<usize>>,
}

impl PullProducer for Pump {
    fn produce(&mut self, transport: &Transport) {
        const CHUNK: &[u8] = &[7; 64 * 1024];
        let amount = self.left.min(CHUNK.len());
        transport.write_chunk(&CHUNK[..amount]);
        self.left -= amount;
        self.sent.set(self.sent.get() + amount);
        if self.left == 0 {
            transport.unregister_producer();
            transport.close_write();
        }
    }
}

/// Sends and counts, each direction by itself.
#[derive(Clone, Default)]
struct Bulk {
    amount: usize,
    /// Is nothing to be read at first?
    deaf: bool,
    sent: Rc<std::cell::Cell<usize>>,
    received: Rc<std::cell::Cell<usize>>,
    ended: Rc<std::cell::Cell<bool>>,
    transport: Shared<Option<Transport>>,
}

impl Protocol for Bulk {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_backpressure(false);
        if self.deaf {
            transport.pause_reading();
        }
        self.transport.with(|own| *own = Some(transport.clone()));
        transport.register_pull_producer(Pump { left: self.amount, sent: self.sent.clone() });
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        assert!(data.iter().all(|byte| *byte == 7));
        self.received.set(self.received.get() + data.len());
    }

    fn read_closed(&mut self, _: &Transport) {}

    fn connection_lost(&mut self, _: &Transport, reason: lariat::CloseReason) {
        assert!(reason.is_done(), "{reason}");
        self.ended.set(true);
    }
}
