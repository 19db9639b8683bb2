//! The smallest web service that is worth measuring: a greeting as text and as JSON.
//!
//! ```sh
//! cargo run --release --example plaintext -- tcp:8080
//! curl http://localhost:8080/plaintext
//! ```

use std::process::ExitCode;

use lariat::Reactor;
use lariat_examples::server;
use lariat_protocols::http::{Request, Response, Router, Server};
use serde::Serialize;

const HELP: &str = "\
Usage: plaintext [OPTION]... ENDPOINT...

Answer /plaintext with a greeting as text, and /json with one as JSON, over HTTP/1.1.

Arguments:
  ENDPOINT                 Where to listen, such as
                             tcp:8080
                             tcp:8080:interface=127.0.0.1
                             unix:/run/plaintext.sock:mode=660

Options:
      --cores NUMBER       Serve with so many threads, 0 for one for each processor; default: 1";

#[derive(Serialize)]
struct Greeting {
    message: &'static str,
}

fn site() -> Router {
    let mut router = Router::new();
    router.get("/plaintext", |_: &mut Request<'_>| "Hello, World!");
    router.get("/json", |_: &mut Request<'_>| Response::json(&Greeting { message: "Hello, World!" }));
    router
}

fn main() -> ExitCode {
    server::exit_code("plaintext", run())
}

fn run() -> server::Result<()> {
    let mut cores = 1;
    let endpoints = server::endpoints("plaintext", HELP, |option, arguments| {
        if option == "cores" {
            cores = server::number(option, arguments)?;
        }
        Ok(option == "cores")
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let listen = |reactor: &Reactor, endpoint: &str| reactor.listen(endpoint, Server::new(site()));
    if cores == 1 {
        server::serve(&endpoints, &[], listen)
    } else {
        server::serve_on_cores(endpoints, cores, Vec::new(), listen)
    }
}
