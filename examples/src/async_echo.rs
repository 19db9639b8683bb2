//! The echo server (RFC 862) as `async` code: a task for each connection.
//!
//! ```sh
//! cargo run --release --example async_echo -- tcp:7000
//! ```

use std::process::ExitCode;

use lariat::{AsyncListener, Port, Reactor, copy};
use lariat_examples::server;

const HELP: &str = "\
Usage: async_echo ENDPOINT...

Send back whatever a client sends (RFC 862), with a task for each connection.

Arguments:
  ENDPOINT                 Where to listen, such as tcp:7000 or unix:/run/echo.sock:mode=660

Options:";

fn main() -> ExitCode {
    server::exit_code("async_echo", run())
}

fn run() -> server::Result<()> {
    match server::endpoints("async_echo", HELP, |_, _| Ok(false))? {
        Some(endpoints) => server::serve(&endpoints, &[], listen),
        None => Ok(()),
    }
}

fn listen(reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
    let listener = reactor.listen_stream(endpoint)?;
    let port = listener.port().clone();
    reactor.spawn(serve(reactor.clone(), listener)).detach();
    Ok(port)
}

/// Accepts until the port is closed.
async fn serve(reactor: Reactor, mut listener: AsyncListener) {
    while let Ok(stream) = listener.accept().await {
        let (mut reader, mut writer) = stream.split();
        let echo = async move {
            // Both halves are dropped at the end, and that closes the connection.
            if let Err(error) = copy(&mut reader, &mut writer).await {
                log::debug!("{reader:?}: {}", server::Chain(&error));
            }
        };
        reactor.spawn(echo).detach();
    }
}
