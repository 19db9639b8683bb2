//! A conversation over TLS: `key_log SIDE`. The side, `client` or `server`, logs its keys where `SSLKEYLOGFILE` says; with `nobody`, neither
//! does.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use lariat::{Address, ConnectOptions, ListenOptions, Once, Peer, Protocol, Reactor, Transport};
use lariat_tests::certificates::TlsPair;

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

struct Asker;

impl Protocol for Asker {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(b"a secret");
    }

    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        transport.reactor().stop();
    }
}

fn main() -> ExitCode {
    let side = std::env::args().nth(1).unwrap_or_default();
    if !["client", "server", "nobody"].contains(&&*side) {
        eprintln!("usage: key_log client|server|nobody");
        return ExitCode::from(2);
    }
    match talk(&side) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("key_log: {error}");
            ExitCode::FAILURE
        }
    }
}

fn talk(side: &str) -> lariat::Result<()> {
    let pair = TlsPair::with(
        |server| if side == "server" { server.log_keys() } else { server },
        |client| if side == "client" { client.log_keys() } else { client },
    );
    let reactor = Reactor::new()?;
    let anywhere = Address::Tcp((Ipv4Addr::LOCALHOST, 0).into());
    let port = reactor.listen_at(&anywhere, ListenOptions::default().tls(&pair.acceptor), |_: &Peer| Echo)?;
    let options = ConnectOptions::default().tls(pair.to_server());
    reactor.connect_at(port.address(), options, Once::new(Asker)).detach();
    reactor.run()
}
