//! The HTTP server over TLS, for peers that do not complete the handshake.

use std::path::PathBuf;
use std::time::Duration;

use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
use lariat::{Port, Reactor};

use crate::http::HttpPage;
use crate::https;

pub(crate) struct HandshakePage(HttpPage);

impl HandshakePage {
    pub(crate) fn new() -> Self {
        Self(HttpPage::new())
    }
}

/// The time for a handshake, of which the first byte may take half.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Memory of a handshake: rustls' own, and records that are not a whole message.
const MEMORY: usize = 128 * 1024;

/// The beginning of a message of the handshake, of 65,000 bytes, and one byte of it in a record of its own.
const BEGINNING: [u8; 9] = [22, 3, 1, 0, 4, 1, 0, 0xfd, 0xe8];
const FRAGMENT: [u8; 6] = [22, 3, 1, 0, 1, 0];

impl Subject for HandshakePage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        reactor.listen_with(endpoint, https::options(), self.0.server())
    }

    fn states(&self) -> Vec<State> {
        vec![
            State::new("before the first byte", "", Claim::Holds(HANDSHAKE / 2)),
            State::new("in a record", [22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb], Claim::Holds(HANDSHAKE))
                .with_more([0])
                .with_memory(32 * 1024),
            State::new("in a message of many records", BEGINNING, Claim::Holds(HANDSHAKE))
                .with_more(FRAGMENT)
                .with_memory(MEMORY),
        ]
    }

    /// A client that does not speak TLS gets an alert.
    fn probe(&self) -> Probe {
        Probe::new("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", [21, 3, 3, 0, 2, 2])
    }

    fn visit(&self) -> Claim<Visit> {
        Claim::Exempt("a handshake has a few messages, and rustls answers no more of them")
    }

    fn stranger(&self) -> Claim<Stranger> {
        let mut input = BEGINNING.to_vec();
        input.extend(FRAGMENT.iter().cycle().take(90 * 1024));
        Claim::Holds(Stranger { input, memory: MEMORY, log_lines: 4 })
    }

    fn share(&self) -> Claim<usize> {
        self.0.share()
    }

    fn places(&self) -> Claim<usize> {
        Claim::Exempt("the probe is in clear and ends its own handshake; the tests of TLS have crowds of their own")
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
        Claim::Exempt("the messages of a handshake have no text that a caller sets")
    }

    fn planted(&self) -> Claim<Planted> {
        let text = Planted::TEXT;
        let hostile = vec![
            text.as_bytes().to_vec(),
            format!("GET /{text} HTTP/1.1\r\n\r\n").into_bytes(),
            [&[22, 3, 1, 0, 200], text.repeat(10).as_bytes()].concat(),
        ];
        Claim::Holds(Planted { hostile, secrets: Vec::new() })
    }

    fn files(&self) -> Claim<PathBuf> {
        self.0.files()
    }
}
