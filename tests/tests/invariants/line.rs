//! A protocol of lines with a change to TLS.

use std::time::Duration;

use lariat::testing::MemoryTransport;
use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
use lariat::tls::Acceptor;
use lariat::{Idle, Peer, Port, Protocol, Reactor, Transport};
use lariat_protocols::{Delimiter, LineDecoder, LineProtocol, LineReceiver, LineSender, LineTransport};
use lariat_tests::certificates::TlsPair;

/// Sends back each line; a few are commands.
struct Session(Acceptor);

/// The time that a peer may be silent.
const SILENCE: Duration = Duration::from_secs(60);

impl LineProtocol for Session {
    fn connection_made(&mut self, transport: &LineTransport) {
        transport.set_idle_timeout(Idle::Read, Some(SILENCE));
    }

    fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
        match line {
            b"STARTTLS" => {
                transport.send_line("go ahead");
                if let Err(error) = transport.start_tls(&self.0, b"") {
                    transport.fail(error);
                }
            }
            b"LOGIN mallory" => drop(transport.send_line("welcome, mallory")),
            _ if line.starts_with(b"FAIL ") => transport.fail(String::from_utf8_lossy(&line[5..]).into_owned()),
            _ => drop(transport.send_line(line)),
        }
    }
}

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

pub(crate) struct LinePage;

impl Subject for LinePage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        let acceptor = TlsPair::new().acceptor;
        reactor.listen(endpoint, move |_: &Peer| LineReceiver::new(Session(acceptor.clone())))
    }

    fn states(&self) -> Vec<State> {
        let longest = u64::try_from(LineDecoder::DEFAULT_MAX_LENGTH).unwrap_or(u64::MAX);
        vec![
            State::new("before a line", "", Claim::Holds(SILENCE)),
            State::new("in a line", "some", Claim::Holds(SILENCE + Duration::from_secs(longest)))
                .with_more("x")
                .with_memory(LineDecoder::DEFAULT_MAX_LENGTH),
            State::new("between lines", "a line\r\n", Claim::Exempt("a session lasts while its peer sends lines"))
                .with_more("another\r\n"),
            State::new("before a handshake", "STARTTLS\r\n", Claim::Holds(SILENCE)).with_memory(128 * 1024),
        ]
    }

    fn probe(&self) -> Probe {
        Probe::new("hello\r\n", "hello\r\n")
    }

    fn visit(&self) -> Claim<Visit> {
        Claim::Holds(Visit { enter: Vec::new(), unit: b"ping\r\n".into(), answer: b"ping".into(), most: 256 })
    }

    fn stranger(&self) -> Claim<Stranger> {
        Claim::Holds(Stranger { input: vec![b'x'; LineDecoder::DEFAULT_MAX_LENGTH], memory: 24 * 1024, log_lines: 4 })
    }

    fn share(&self) -> Claim<usize> {
        Claim::Exempt("a framing has no listener of its own: the server's factory counts addresses")
    }

    fn places(&self) -> Claim<usize> {
        Claim::Exempt("a framing has no listener of its own: the server's port has its limits")
    }

    fn destination(&self) -> Claim<Destination> {
        Claim::Exempt("no line names a destination")
    }

    fn datagram(&self) -> Claim<Datagram> {
        Claim::Exempt("lines are a stream")
    }

    fn layer_change(&self) -> Claim<LayerChange> {
        let input = b"STARTTLS\r\nLOGIN mallory\r\n".to_vec();
        Claim::Holds(LayerChange { input, forbidden: b"welcome".to_vec() })
    }

    fn encoders(&self) -> Claim<Vec<Encoder>> {
        let encode = |line: &str| {
            let mut wire = MemoryTransport::new(Silent);
            let sent = LineSender::new(wire.transport().clone(), Delimiter::CrLf).send_line(line);
            wire.clock().settle();
            sent.map(|_| wire.take_written())
        };
        Claim::Holds(vec![Encoder { name: "send_line", encode: Box::new(encode) }])
    }

    fn planted(&self) -> Claim<Planted> {
        let hostile = [format!("{}\r\n", Planted::TEXT), format!("FAIL {}\r\n", Planted::TEXT)].map(String::into_bytes);
        let long = [b"FAIL ".to_vec(), vec![b'x'; 8_000], b"\r\n".to_vec()].concat();
        let secrets = vec![(b"PASS s3cret-phrase\r\n".to_vec(), "s3cret-phrase".to_owned())];
        Claim::Holds(Planted { hostile: [hostile.to_vec(), vec![long]].concat(), secrets })
    }

    fn files(&self) -> Claim<std::path::PathBuf> {
        Claim::Exempt("lines make no files")
    }
}
