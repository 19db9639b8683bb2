//! Work to be counted: messages that go to and fro over TLS.
//!
//! ```text
//! tls_cost MESSAGES
//! ```
//!
//! A client and an echo server on one loop, over a TCP connection of loopback; one message of 64 bytes is in flight. Each costs four records:
//! sent and received, there and back.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use lariat::{Address, ConnectOptions, ListenOptions, Once, Peer, Protocol, Reactor, Transport};
use lariat_tests::certificates::TlsPair;

const MESSAGE: [u8; 64] = [b'm'; 64];

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

struct Asker {
    left: u64,
    missing: usize,
}

impl Asker {
    fn ask(&mut self, transport: &Transport) {
        if self.left == 0 {
            return transport.reactor().stop();
        }
        self.left -= 1;
        self.missing = MESSAGE.len();
        transport.write(&MESSAGE);
    }
}

impl Protocol for Asker {
    fn connection_made(&mut self, transport: &Transport) {
        self.ask(transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.missing -= data.len();
        if self.missing == 0 {
            self.ask(transport);
        }
    }
}

fn main() -> ExitCode {
    let Some(Ok(messages)) = std::env::args().nth(1).map(|argument| argument.parse()) else {
        eprintln!("usage: tls_cost MESSAGES");
        return ExitCode::from(2);
    };
    match talk(messages) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tls_cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn talk(messages: u64) -> lariat::Result<()> {
    let reactor = Reactor::new()?;
    let tls = TlsPair::new();
    let anywhere = Address::Tcp((Ipv4Addr::LOCALHOST, 0).into());
    let port = reactor.listen_at(&anywhere, ListenOptions::default().tls(&tls.acceptor), |_: &Peer| Echo)?;
    let asker = Once::new(Asker { left: messages, missing: 0 });
    reactor.connect_at(port.address(), ConnectOptions::default().tls(tls.to_server()), asker).detach();
    reactor.run()
}
