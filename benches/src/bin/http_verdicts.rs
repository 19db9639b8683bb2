//! A server that reads every request to its end, and then says whether it was for the sentinel's path.
//!
//! Run: `http_verdicts PORT`; it listens on 127.0.0.1.

use lariat::Reactor;
use lariat_benches::{Result, Trouble, differential::SENTINEL};
use lariat_protocols::http::{Answer, Request, Server, Status};

fn main() -> Result<()> {
    let port: u16 = std::env::args()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| Trouble::new("usage: http_verdicts PORT"))?;
    serve(port).map_err(|error| Trouble::new(error.to_string()))
}

fn serve(port: u16) -> lariat::Result<()> {
    let reactor = Reactor::new()?;
    reactor.listen(&format!("tcp:{port}:interface=127.0.0.1"), Server::new(answer))?;
    reactor.run()
}

fn answer(request: &mut Request<'_>) -> Answer {
    let is_allowed = !["CONNECT", "TRACE"].contains(&request.method());
    let name = if request.path() == SENTINEL { "sentinel" } else { "request" };
    let body = request.body().collect();
    Answer::later(body.map(move |_| if is_allowed { Ok(name) } else { Err(Status::METHOD_NOT_ALLOWED) }))
}
