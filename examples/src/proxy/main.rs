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
use lexopt::ValueExt;

const HELP: &str = "\
Forwards connections to backends, each to one of them.

Usage: proxy [OPTION...] LISTEN BACKEND...

  LISTEN          where to listen, such as
                    tcp:8000
                    tcp:8000:interface=127.0.0.1
                    unix:/run/proxy.sock:mode=660
                    ssl:8443:privateKey=key.pem:certKey=certificate.pem
  BACKEND         where to connect to, such as
                    tcp:127.0.0.1:9001
                    tcp:127.0.0.1:9001:timeout=1
                    unix:/run/backend.sock
                    tls:backend.example:9443
                    tls:127.0.0.1:9443:serverName=localhost:trustRoots=ca.pem
  --policy NAME   round-robin (the default) or least-connections
  --connect-timeout SECONDS
                  how long a backend may take to answer, before the next one
                  is tried; 5 unless it is given
  --idle SECONDS  end connections that were silent both ways for so long, 0 for
                  never; 600 unless it is given
  --check SECONDS how often every backend is connected to, to see whether it is
                  there, 0 for never; 5 unless it is given
  --max-connections NUMBER
                  close clients above so many at once; 10000 unless it is given
  --drain SECONDS how long connections may go on after SIGTERM; 10 unless it is
                  given
  --stats ENDPOINT
                  where to tell, as text, how it goes, such as
                    unix:/run/proxy-stats.sock:mode=600
  -h, --help      print this

A backend that does not answer is left alone for half a second, then for twice
as long each time, up to 30 s; one that answers a check is back at once.

SIGHUP has a port with TLS read its certificate anew. Set RUST_LOG=debug to see more.";

fn main() -> ExitCode {
    server::exit_code("proxy", run())
}

fn run() -> server::Result<()> {
    let (mut settings, mut drain) = (Settings::default(), Duration::from_secs(10));
    let endpoints = server::endpoints(HELP, |option, arguments| {
        match option {
            "policy" => {
                let name = arguments.value()?.string()?;
                let unknown = || format!("--policy is round-robin or least-connections, not {name}");
                settings.policy = Policy::named(&name).ok_or_else(unknown)?;
            }
            "connect-timeout" => {
                settings.connect_timeout =
                    server::seconds(option, arguments)?.ok_or("--connect-timeout has to be more than 0")?;
            }
            "idle" => settings.idle_timeout = server::seconds(option, arguments)?,
            "check" => settings.check_period = server::seconds(option, arguments)?,
            "max-connections" => settings.max_connections = server::number(option, arguments)?,
            "drain" => drain = server::seconds(option, arguments)?.unwrap_or_default(),
            "stats" => settings.statistics = Some(arguments.value()?.string()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let [listen, backends @ ..] = &endpoints[..] else { return Ok(()) };
    if backends.is_empty() {
        return Err("give at least one backend after the endpoint to listen on; --help tells more".into());
    }
    server::serve(std::slice::from_ref(listen), |reactor, endpoint| {
        reactor.set_drain_timeout(drain);
        Proxy::begin(reactor, backends, settings.clone())?.listen(reactor, endpoint)
    })
}
