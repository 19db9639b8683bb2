//! Looking after the backends, whether clients come or not.

use std::time::Duration;

use lariat::endpoint::ClientEndpoint;
use lariat::{Deferred, Once, Protocol, Reactor, Transport};

use super::service::Proxy;

/// Connects to every backend now and then, and tells the proxy how that went.
#[derive(Debug)]
pub(super) struct Checks {
    proxy: Proxy,
    period: Duration,
    /// One for each backend. The next waits for it.
    running: Vec<Option<Deferred<()>>>,
}

/// Has come to see whether somebody answers.
struct Caller;

impl Protocol for Caller {
    fn connection_made(&mut self, transport: &Transport) {
        transport.close();
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

impl Checks {
    /// Checks each backend now and then every `period`, for as long as the reactor runs.
    pub(super) fn begin(reactor: &Reactor, proxy: Proxy, period: Duration) {
        Self { proxy, period, running: Vec::new() }.run(reactor);
    }

    fn run(mut self, reactor: &Reactor) {
        let targets = self.proxy.targets();
        self.running.resize_with(targets.len(), || None);
        for (backend, (target, running)) in targets.iter().zip(&mut self.running).enumerate() {
            if running.as_ref().is_none_or(Deferred::is_settled) {
                *running = Some(check(reactor, &self.proxy, backend, target));
            }
        }
        reactor.call_later(self.period, |reactor| self.run(reactor));
    }
}

fn check(reactor: &Reactor, proxy: &Proxy, backend: usize, target: &ClientEndpoint) -> Deferred<()> {
    let (there, gone, clock) = (proxy.clone(), proxy.clone(), reactor.clone());
    let connected = target.connect(reactor, Once::new(Caller)).map(move |_| there.is_there(backend));
    connected.recover(move |failure| gone.has_failed(backend, &failure, clock.now()))
}
