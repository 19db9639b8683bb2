//! A web server for the files of a folder.
//!
//! ```sh
//! cargo run --release --example web -- --listing . tcp:8080
//! ```

use std::process::ExitCode;

use lariat::Reactor;
use lariat_examples::server;
use lariat_examples::web::{Settings, Sites, access_log};
use lariat_protocols::http::Server;
use lexopt::ValueExt;

const HELP: &str = "\
Serves the files of a folder over HTTP/1.1.

Usage: web [OPTION...] FOLDER ENDPOINT...

  FOLDER          what is served, but for what is hidden and what symbolic links
                  outside lead to
  ENDPOINT        where to listen, such as
                    tcp:8080
                    tcp:8080:interface=127.0.0.1
                    unix:/run/web.sock:mode=660
                    ssl:8443:privateKey=key.pem:certKey=cert.pem
  --host NAME=FOLDER
                  serve another folder to who asks for that host, or for every
                  host below it if NAME begins with *. ; may be given often
  --listing       list folders that have no index.html
  --spa           send /index.html where there is nothing and a person seems to
                  look for a page: for applications that see to their own paths
  --compress      compress as it is sent what is worth it. Without it, only a
                  NAME.br, NAME.zst or NAME.gz next to a file is sent in its
                  place, to who takes it so
  --cache VALUE   the Cache-Control that files are sent with; no-cache, which has
                  clients ask each time, unless it is given
  --access-log FILE
                  write a line for each request to the end of FILE, or to
                  standard output for -, in the Combined Log Format
  --cores NUMBER  serve with so many threads, 0 for one for each processor; 1
                  unless it is given
  -h, --help      print this

Set RUST_LOG=debug to see more.";

fn main() -> ExitCode {
    server::exit_code("web", run())
}

fn run() -> server::Result<()> {
    let (mut settings, mut hosts, mut log, mut cores) = (Settings::default(), Vec::new(), None, 1);
    let arguments = server::endpoints(HELP, |option, arguments| {
        match option {
            "host" => {
                let value = arguments.value()?.string()?;
                let (name, folder) = value.split_once('=').ok_or("--host is given as NAME=FOLDER")?;
                hosts.push((name.to_owned(), folder.to_owned()));
            }
            "listing" => settings.lists = true,
            "spa" => settings.has_fallback = true,
            "compress" => settings.compresses = true,
            "cache" => settings.cache_control = Some(arguments.value()?.string()?),
            "access-log" => log = Some(access_log(&arguments.value()?.string()?)?),
            "cores" => cores = server::number(option, arguments)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(arguments) = arguments else { return Ok(()) };
    let [folder, endpoints @ ..] = &arguments[..] else { return Ok(()) };
    if endpoints.is_empty() {
        return Err("give at least one endpoint after the folder; --help tells more".into());
    }
    let mut sites = Sites::new(folder, settings)?;
    for (name, folder) in hosts {
        sites.add(&name, &folder)?;
    }
    let listen = move |reactor: &Reactor, endpoint: &str| {
        let server = Server::new(sites.handler());
        match log.clone() {
            Some(log) => reactor.listen(endpoint, server.with_access_log(log)),
            None => reactor.listen(endpoint, server),
        }
    };
    if cores == 1 {
        server::serve(endpoints, listen)
    } else {
        server::serve_on_cores(endpoints.to_vec(), cores, listen)
    }
}
