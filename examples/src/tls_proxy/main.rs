//! A proxy that ends TLS in front of servers that speak in clear.
//!
//! ```sh
//! cargo run --release --example dev_cert -- localhost
//! cargo run --release --example echo -- tcp:7000
//! cargo run --release --example tls_proxy -- 8443 localhost,certificates/server.pem,certificates/server-key.pem,tcp:127.0.0.1:7000
//! openssl s_client -connect localhost:8443 -CAfile certificates/ca.pem
//! ```

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lariat_examples::server::{self, Service};
use lariat_examples::tls_proxy::routes::{Route, Routes};
use lariat_examples::tls_proxy::{Settings, TlsProxy};

const HELP: &str = "\
Usage: tls_proxy [OPTION]... LISTEN ROUTE...

Take TLS connections, and forward their content to servers that need not speak TLS. The name that the client asks for
(SNI) decides on the server.

Arguments:
  LISTEN                   Where to listen: a port, or an address and a port, such as 8443, 127.0.0.1:8443 or [::1]:8443
  ROUTE                    NAME,CERTIFICATE,KEY,BACKEND: a name, the PEM files of the certificate with its chain and of its
                           key, and the endpoint of the backend, such as
                             chat.example,chat.pem,chat-key.pem,tcp:127.0.0.1:7000
                             *.example,all.pem,all-key.pem,unix:/run/other.sock
                           An exact name comes before one with *, which stands for one label.

Options:
      --first-for-others   Use the first route for clients that ask for no name, or for one without a route, too; they are
                           refused by default
      --client-ca FILE     Refuse clients without a certificate of these authorities
      --alpn NAME,...      The application protocols that the backends speak, such as http/1.1
      --handshake-timeout SECONDS
                           End TLS handshakes that take longer; default: 10
      --connect-timeout SECONDS
                           Close the client if its backend does not answer for so long; default: 5
      --idle SECONDS       End connections without a byte either way for so long, 0 for never; default: 600
      --max-connections NUMBER
                           Close clients above so many at a time; default: 10000
      --drain SECONDS      Let connections go on for so long after SIGTERM; default: 10";

fn main() -> ExitCode {
    server::exit_code("tls_proxy", run())
}

fn run() -> server::Result<()> {
    let (mut settings, mut drain, mut first_for_others) = (Settings::default(), Duration::from_secs(10), false);
    let endpoints = server::endpoints("tls_proxy", HELP, |option, arguments| {
        match option {
            "first-for-others" => first_for_others = true,
            "client-ca" => {
                let path = PathBuf::from(arguments.value()?);
                // The file is read with the certificates; an error there does not name the option.
                File::open(&path).map_err(|error| format!("--client-ca {}: {error}", path.display()))?;
                settings.client_authorities = Some(path);
            }
            "alpn" => settings.alpn = server::text(option, arguments)?.split(',').map(str::to_owned).collect(),
            "handshake-timeout" => settings.handshake_timeout = server::some_seconds(option, arguments)?,
            "connect-timeout" => settings.connect_timeout = server::some_seconds(option, arguments)?,
            "idle" => settings.idle_timeout = server::seconds(option, arguments)?,
            "max-connections" => settings.max_connections = server::number(option, arguments)?,
            "drain" => drain = server::seconds(option, arguments)?.unwrap_or_default(),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(()) };
    let [listen, routes @ ..] = &endpoints[..] else { return Ok(()) };
    let routes = routes.iter().map(|route| route.parse()).collect::<Result<Vec<Route>, String>>();
    let routes = routes.and_then(|routes| Routes::new(routes, first_for_others)).map_err(server::usage)?;
    server::serve(std::slice::from_ref(listen), &[], |reactor, place| {
        reactor.set_drain_timeout(drain);
        let proxy = TlsProxy::new(routes.clone(), settings.clone())?;
        let port = proxy.listen(reactor, place)?;
        server::Result::Ok(Service::with_reload(port, move || proxy.reload()))
    })
}
