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
Usage: chat [OPTION]... ENDPOINT...

Serve chat rooms, for nc, telnet and other clients that send lines. The first line of a client is its nickname; every other
line goes to all others in its room. /help lists the commands.

Arguments:
  ENDPOINT                 Where to listen; all endpoints lead to the same rooms. Such as
                             tcp:7000
                             tcp:7000:interface=127.0.0.1
                             tcp:0:interface=\\:\\:1
                             unix:/run/chat.sock:mode=660
                             unix:@chat
                             ssl:7443:privateKey=key.pem:certKey=certificate.pem

Options:
      --queue-limit BYTES  Disconnect a client that reads so slowly that more than this waits for it; default: 1048576";

fn main() -> ExitCode {
    server::exit_code("chat", run())
}

fn run() -> server::Result<()> {
    let mut queue_limit = Chat::QUEUE_LIMIT;
    let endpoints = server::endpoints("chat", HELP, |option, arguments| {
        match option {
            "queue-limit" => queue_limit = server::number(option, arguments)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let chat = Chat::new().with_queue_limit(queue_limit);
    server::serve(&endpoints, &[], |reactor, endpoint| {
        reactor.listen_with(endpoint, server::listen_options(), chat.clone())
    })
}
