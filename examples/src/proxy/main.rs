//! A TCP port forwarder and load balancer.
//!
//! ```sh
//! cargo run --release --example proxy -- tcp:8000 tcp:127.0.0.1:9001 tcp:127.0.0.1:9002
//! ```

use std::process::ExitCode;
use std::time::Duration;

use lariat_examples::proxy::pool::Policy;
use lariat_examples::proxy::{Proxy, Settings};
use lariat_examples::server;

const HELP: &str = "\
Usage: proxy [OPTION]... LISTEN BACKEND...

Forward TCP connections to backends, each connection to one of them.

Arguments:
  LISTEN                   Where to listen, such as
                             tcp:8000
                             tcp:8000:interface=127.0.0.1
                             unix:/run/proxy.sock:mode=660
                             ssl:8443:privateKey=key.pem:certKey=certificate.pem
  BACKEND                  Where to connect to, such as
                             tcp:127.0.0.1:9001
                             tcp:127.0.0.1:9001:timeout=1
                             unix:/run/backend.sock
                             tls:backend.example:9443
                             tls:127.0.0.1:9443:serverName=localhost:trustRoots=ca.pem

A backend that does not answer is left alone for half a second, then for twice as long each time, up to 30 s. One that
answers a check is used again at once.

Options:
      --policy NAME        round-robin, the default, or least-connections
      --connect-timeout SECONDS
                           Try the next backend if one does not answer for so long; default: 5
      --idle SECONDS       End connections without a byte either way for so long, 0 for never; default: 600
      --check SECONDS      Connect to every backend so often, to see whether it is up, 0 for never; default: 5
      --max-connections NUMBER
                           Close clients above so many at a time; default: 10000
      --drain SECONDS      Let connections go on for so long after SIGTERM; default: 10
      --stats ENDPOINT     Where to serve the statistics, as text, such as unix:/run/proxy-stats.sock:mode=600";

fn main() -> ExitCode {
    server::exit_code("proxy", run())
}

fn run() -> server::Result<()> {
    let (mut settings, mut drain, mut statistics) = (Settings::default(), Duration::from_secs(10), None);
    let endpoints = server::endpoints("proxy", HELP, |option, arguments| {
        match option {
            "policy" => {
                let name = server::text(option, arguments)?;
                let unknown =
                    || server::usage(format_args!("--policy is round-robin or least-connections, not {name:?}"));
                settings.policy = Policy::named(&name).ok_or_else(unknown)?;
            }
            "connect-timeout" => settings.connect_timeout = server::some_seconds(option, arguments)?,
            "idle" => settings.idle_timeout = server::seconds(option, arguments)?,
            "check" => settings.check_period = server::seconds(option, arguments)?,
            "max-connections" => settings.max_connections = server::number(option, arguments)?,
            "drain" => drain = server::seconds(option, arguments)?.unwrap_or_default(),
            "stats" => statistics = Some(server::text(option, arguments)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let [listen, backends @ ..] = &endpoints[..] else { return Ok(()) };
    if backends.is_empty() {
        return Err(server::usage("a backend is missing after the endpoint to listen on"));
    }
    for backend in backends {
        server::check_endpoint_keys(backend)?;
    }
    server::serve(std::slice::from_ref(listen), &[], |reactor, endpoint| {
        reactor.set_drain_timeout(drain);
        let proxy = Proxy::begin(reactor, backends, settings.clone())?;
        if let Some(place) = &statistics {
            let named = |error| server::option_error("stats", place, &error);
            proxy.serve_statistics(reactor, place).map_err(named)?;
        }
        server::Result::Ok(proxy.listen(reactor, endpoint)?)
    })
}
