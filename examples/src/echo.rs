//! An echo server (RFC 862): sends back whatever it is sent.
//!
//! ```sh
//! cargo run --release --example echo -- tcp:7000 unix:/tmp/echo.sock
//! ```

use std::process::ExitCode;
use std::time::Duration;

use lariat::{Idle, Peer, Protocol, Reactor, Transport};
use lariat_examples::server;

const HELP: &str = "\
Sends back whatever it is sent (RFC 862).

Usage: echo [--idle SECONDS] [--cores NUMBER] ENDPOINT...

  ENDPOINT        where to listen, such as
                    tcp:7000
                    tcp:7000:interface=127.0.0.1
                    tcp:0:interface=\\:\\:1
                    unix:/run/echo.sock:mode=660
                    unix:@echo
                    ssl:7443:privateKey=key.pem:certKey=certificate.pem
  --idle SECONDS  end connections that were silent both ways for so long; 0, for never, unless it is given
  --cores NUMBER  serve with so many threads, 0 for one for each processor; 1 unless it is given
  -h, --help      print this

SIGHUP has a port with TLS read its certificate anew. Set RUST_LOG=debug to see more.";

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// An echo that gives up on silent peers.
struct ImpatientEcho(Duration);

impl Protocol for ImpatientEcho {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::All, Some(self.0));
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

fn main() -> ExitCode {
    server::exit_code("echo", run())
}

fn run() -> server::Result<()> {
    let (mut idle, mut cores) = (None, 1);
    let endpoints = server::endpoints(HELP, |option, arguments| {
        match option {
            "idle" => idle = server::seconds(option, arguments)?,
            "cores" => cores = server::number(option, arguments)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let listen = move |reactor: &Reactor, endpoint: &str| match idle {
        None => reactor.listen(endpoint, |_: &Peer| Echo),
        Some(limit) => reactor.listen(endpoint, move |_: &Peer| ImpatientEcho(limit)),
    };
    if cores == 1 { server::serve(&endpoints, listen) } else { server::serve_on_cores(endpoints, cores, listen) }
}
