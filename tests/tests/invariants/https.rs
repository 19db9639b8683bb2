//! The HTTP server over TLS, for peers that speak it.

use std::path::PathBuf;

use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
use lariat::tls::NamedConnector;
use lariat::{ConnectionLimits, ListenOptions, Port, Reactor};
use lariat_tests::certificates::TlsPair;

use crate::http::{self, HttpPage, PLACES, SHARE};

pub(crate) struct HttpsPage(HttpPage);

impl HttpsPage {
    pub(crate) fn new() -> Self {
        Self(HttpPage::new())
    }
}

/// Memory of a TLS session, in addition to that of a connection in clear: rustls' own, and the other end's, which is in this
/// process, too.
const SESSIONS: usize = 96 * 1024;

/// Lets a connection speak TLS, with limits for each address.
pub(crate) fn options() -> ListenOptions {
    let mut limits = ConnectionLimits::total(PLACES);
    limits.per_address = SHARE;
    let mut options = ListenOptions::default().tls(TlsPair::new().acceptor);
    (options.handshakes, options.connections) = (limits, Some(limits));
    options
}

impl Subject for HttpsPage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        reactor.listen_with(endpoint, options(), self.0.server())
    }

    fn tls(&self) -> Option<NamedConnector> {
        Some(TlsPair::new().to_server())
    }

    fn states(&self) -> Vec<State> {
        self.0.states()
    }

    fn probe(&self) -> Probe {
        self.0.probe()
    }

    fn visit(&self) -> Claim<Visit> {
        self.0.visit()
    }

    fn stranger(&self) -> Claim<Stranger> {
        let stranger = http::stranger();
        Claim::Holds(Stranger { memory: stranger.memory + SESSIONS, ..stranger })
    }

    fn share(&self) -> Claim<usize> {
        Claim::Holds(SHARE)
    }

    fn places(&self) -> Claim<usize> {
        Claim::Holds(PLACES)
    }

    fn destination(&self) -> Claim<Destination> {
        self.0.destination()
    }

    fn datagram(&self) -> Claim<Datagram> {
        self.0.datagram()
    }

    fn layer_change(&self) -> Claim<LayerChange> {
        self.0.layer_change()
    }

    fn encoders(&self) -> Claim<Vec<Encoder>> {
        self.0.encoders()
    }

    fn planted(&self) -> Claim<Planted> {
        self.0.planted()
    }

    fn files(&self) -> Claim<PathBuf> {
        self.0.files()
    }
}
