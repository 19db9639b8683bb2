//! A port forwarder in front of an echo.

use std::path::PathBuf;
use std::time::Duration;

use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
use lariat::{Once, Peer, Port, Protocol, Reactor, Successor, Transport, Wrapper};
use lariat_protocols::{Relay, RelayOptions};

/// The time without a byte in either direction.
const SILENCE: Duration = Duration::from_secs(300);

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

struct Inbound(Relay);

impl Wrapper for Inbound {
    type Inner = Relay;

    fn inner(&mut self) -> &mut Relay {
        &mut self.0
    }

    fn rewrap(self, successor: Successor) -> Successor {
        successor
    }

    fn connection_made(&mut self, transport: &Transport) {
        self.0.connection_made(transport);
        let inbound = transport.clone();
        let outbound = transport.reactor().connect("tcp:127.0.0.1:7999", Once::new(self.0.opposite()));
        outbound.map(drop).recover(move |_| inbound.close()).detach();
    }
}

pub(crate) struct RelayPage;

impl Subject for RelayPage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        reactor.listen("tcp:7999", |_: &Peer| Echo)?;
        let options = || RelayOptions { idle_timeout: Some(SILENCE), ..RelayOptions::default() };
        reactor.listen(endpoint, move |_: &Peer| Inbound(Relay::new(options())))
    }

    fn states(&self) -> Vec<State> {
        vec![
            State::new("connected", "", Claim::Holds(SILENCE)),
            State::new("relaying", "bytes", Claim::Exempt("a relay lasts while bytes are sent, whatever they are"))
                .with_more("more")
                .with_memory(64 * 1024),
        ]
    }

    fn probe(&self) -> Probe {
        Probe::new("hello", "hello")
    }

    fn visit(&self) -> Claim<Visit> {
        Claim::Exempt("a relay knows no units: its visit is one read and one write, bounded by the reactor")
    }

    fn stranger(&self) -> Claim<Stranger> {
        Claim::Exempt(
            "a forwarder serves strangers: a connection for each is its purpose, and seats bound their number",
        )
    }

    fn share(&self) -> Claim<usize> {
        Claim::Exempt("a relay has no listener of its own: the server's factory counts addresses")
    }

    fn places(&self) -> Claim<usize> {
        Claim::Exempt("a relay has no listener of its own: the server's port has its limits")
    }

    fn destination(&self) -> Claim<Destination> {
        Claim::Exempt("the operator names the destination, no peer")
    }

    fn datagram(&self) -> Claim<Datagram> {
        Claim::Exempt("a relay is of streams")
    }

    fn layer_change(&self) -> Claim<LayerChange> {
        Claim::Exempt("a relay changes no layer")
    }

    fn encoders(&self) -> Claim<Vec<Encoder>> {
        Claim::Exempt("a relay encodes nothing")
    }

    fn planted(&self) -> Claim<Planted> {
        let secrets = vec![(b"password: s3cret-phrase".to_vec(), "s3cret-phrase".to_owned())];
        Claim::Holds(Planted { hostile: vec![Planted::TEXT.into()], secrets })
    }

    fn files(&self) -> Claim<PathBuf> {
        Claim::Exempt("a relay makes no files")
    }
}
