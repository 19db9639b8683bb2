//! An echo server (RFC 862): sends back whatever it is sent.
//!
//! ```sh
//! cargo run --release --example echo -- tcp:7000 unix:/tmp/echo.sock
//! ```

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use lariat::{Factory, Idle, Peer, Protocol, Reactor, Transport};
use lexopt::prelude::*;

const HELP: &str = "\
Sends back whatever it is sent (RFC 862).

Usage: echo [--idle SECONDS] ENDPOINT...

  ENDPOINT        where to listen, such as
                    tcp:7000
                    tcp:7000:interface=127.0.0.1
                    tcp:0:interface=\\:\\:1
                    unix:/run/echo.sock:mode=660
                    unix:@echo
  --idle SECONDS  end connections that were silent both ways for so long
  -h, --help      print this

Set RUST_LOG=debug to see more.";

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
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let mut endpoints = Vec::new();
    let mut idle = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(endpoint) => endpoints.push(endpoint.string()?),
            Long("idle") => idle = Some(Duration::try_from_secs_f64(arguments.value()?.parse()?)?),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if endpoints.is_empty() {
        return Err("give at least one endpoint to listen on; --help tells more".into());
    }
    raise_descriptor_limit();
    let reactor = Reactor::new()?;
    for endpoint in &endpoints {
        match idle {
            None => listen(&reactor, endpoint, |_: &Peer| Echo)?,
            Some(limit) => listen(&reactor, endpoint, move |_: &Peer| ImpatientEcho(limit))?,
        }
    }
    Ok(reactor.run()?)
}

fn listen(reactor: &Reactor, endpoint: &str, factory: impl Factory) -> lariat::Result<()> {
    let port = reactor.listen(endpoint, factory)?;
    println!("listening on {}", port.address());
    Ok(())
}

/// Every connection takes a descriptor, and the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        log::warn!("could not raise the limit of open files: {error}");
    }
}
