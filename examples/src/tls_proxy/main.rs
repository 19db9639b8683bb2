//! A proxy that ends TLS in front of servers that speak in clear.
//!
//! ```sh
//! cargo run --release --example dev_cert -- localhost
//! cargo run --release --example echo -- tcp:7000
//! cargo run --release --example tls_proxy -- 8443 localhost,certificates/server.pem,certificates/server-key.pem,tcp:127.0.0.1:7000
//! openssl s_client -connect localhost:8443 -CAfile certificates/ca.pem
//! ```

use std::process::ExitCode;
use std::time::Duration;

use lariat_examples::server;
use lariat_examples::tls_proxy::routes::{Route, Routes};
use lariat_examples::tls_proxy::{Settings, TlsProxy};
use lexopt::ValueExt;
use rustix::process::Signal;

const HELP: &str = "\
Takes TLS connections, and forwards what they carry to servers that need not speak TLS: to
which one depends on the name that the client asks for (SNI).

Usage: tls_proxy [OPTION...] LISTEN ROUTE...

  LISTEN          where to listen: a port, or an address and a port, such as 8443,
                  127.0.0.1:8443 or [::1]:8443
  ROUTE           NAME,CERTIFICATE,KEY,BACKEND: a name, the PEM files of the certificate with
                  its chain and of its key, and the endpoint of the backend, such as
                    chat.example,chat.pem,chat-key.pem,tcp:127.0.0.1:7000
                    *.example,all.pem,all-key.pem,unix:/run/other.sock
                  An exact name comes before one with *, which stands for one label.
  --first-for-others
                  take the first route, too, with clients that ask for no name or for one that
                  no route has; they are turned away unless it is given
  --client-ca FILE
                  turn away clients without a certificate of these authorities
  --alpn NAME,... the application protocols that the backends speak, such as http/1.1
  --handshake-timeout SECONDS
                  how long a TLS handshake may take; 10 unless it is given
  --connect-timeout SECONDS
                  how long a backend may take to answer; 5 unless it is given
  --idle SECONDS  end connections that were silent both ways for so long, 0 for never; 600
                  unless it is given
  --max-connections NUMBER
                  close clients above so many at once; 10000 unless it is given
  --drain SECONDS how long connections may go on after SIGTERM; 10 unless it is given
  -h, --help      print this

SIGHUP has it read all certificates and keys anew. Connections that stand are not touched; if
a file is wrong, the log says so, and the former ones stay in service.

Set RUST_LOG=debug to see more.";

fn main() -> ExitCode {
    server::exit_code("tls_proxy", run())
}

fn run() -> server::Result<()> {
    let (mut settings, mut drain, mut first_for_others) = (Settings::default(), Duration::from_secs(10), false);
    let endpoints = server::endpoints(HELP, |option, arguments| {
        match option {
            "first-for-others" => first_for_others = true,
            "client-ca" => settings.client_authorities = Some(arguments.value()?.into()),
            "alpn" => settings.alpn = arguments.value()?.string()?.split(',').map(str::to_owned).collect(),
            "handshake-timeout" => {
                settings.handshake_timeout =
                    server::seconds(option, arguments)?.ok_or("--handshake-timeout has to be more than 0")?;
            }
            "connect-timeout" => {
                settings.connect_timeout =
                    server::seconds(option, arguments)?.ok_or("--connect-timeout has to be more than 0")?;
            }
            "idle" => settings.idle_timeout = server::seconds(option, arguments)?,
            "max-connections" => settings.max_connections = server::number(option, arguments)?,
            "drain" => drain = server::seconds(option, arguments)?.unwrap_or_default(),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let [listen, routes @ ..] = &endpoints[..] else { return Ok(()) };
    let routes = routes.iter().map(|route| route.parse()).collect::<Result<Vec<Route>, String>>()?;
    let routes = Routes::new(routes, first_for_others)?;
    server::serve(std::slice::from_ref(listen), |reactor, place| {
        reactor.set_drain_timeout(drain);
        let proxy = TlsProxy::new(routes.clone(), settings.clone())?;
        let reloaded = proxy.clone();
        reactor.on_signal(Signal::HUP.as_raw(), move |_| match reloaded.reload() {
            Ok(()) => log::info!("the certificates were read anew"),
            Err(error) => log::error!("the former certificates stay in service: {error}"),
        })?;
        proxy.listen(reactor, place)
    })
}
