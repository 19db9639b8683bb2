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
Usage: echo [OPTION]... ENDPOINT...

Send back whatever a client sends (RFC 862).

Arguments:
  ENDPOINT                 Where to listen, such as
                             tcp:7000
                             tcp:7000:interface=127.0.0.1
                             tcp:0:interface=\\:\\:1
                             unix:/run/echo.sock:mode=660
                             unix:@echo
                             ssl:7443:privateKey=key.pem:certKey=certificate.pem

Options:
      --idle SECONDS       End connections without a byte either way for so long; 0, the default, is never
      --cores NUMBER       Serve with so many threads, 0 for one for each processor; default: 1";

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
    let endpoints = server::endpoints("echo", HELP, |option, arguments| {
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
    if cores == 1 {
        server::serve(&endpoints, &[], listen)
    } else {
        server::serve_on_cores(endpoints, cores, Vec::new(), listen)
    }
}
