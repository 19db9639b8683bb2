//! A chat server: rooms in which people talk, from `nc`, telnet or whatever sends lines.
//!
//! ```sh
//! cargo run --release --example chat -- tcp:7000
//! nc localhost 7000
//! ```

use std::process::ExitCode;

use lariat_examples::chat::Chat;
use lariat_examples::server;

const HELP: &str = "\
Rooms in which people talk. The first line that a client sends is its nickname,
every other one is said to all others in its room; /help lists the commands.

Usage: chat [--queue-limit BYTES] ENDPOINT...

  ENDPOINT        where to listen, such as
                    tcp:7000
                    tcp:7000:interface=127.0.0.1
                    tcp:0:interface=\\:\\:1
                    unix:/run/chat.sock:mode=660
                    unix:@chat
                    ssl:7443:privateKey=key.pem:certKey=certificate.pem
                  All of them lead to the same rooms.
  --queue-limit BYTES
                  put out who reads so slowly that more than this waits
                  (default: 1048576)
  -h, --help      print this

SIGHUP has a port with TLS read its certificate anew. Set RUST_LOG=debug to see more.";

fn main() -> ExitCode {
    server::exit_code("chat", run())
}

fn run() -> server::Result<()> {
    let mut queue_limit = Chat::QUEUE_LIMIT;
    let endpoints = server::endpoints(HELP, |option, arguments| {
        match option {
            "queue-limit" => queue_limit = server::number(option, arguments)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let chat = Chat::new().with_queue_limit(queue_limit);
    server::serve(&endpoints, |reactor, endpoint| reactor.listen(endpoint, chat.clone()))
}
