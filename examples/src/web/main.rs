//! A web server for the files of a folder.
//!
//! ```sh
//! cargo run --release --example web -- --listing . tcp:8080
//! ```

use std::process::ExitCode;

use lariat::Reactor;
use lariat_examples::log_file::LogFile;
use lariat_examples::server;
use lariat_examples::web::{Settings, Sites};

const HELP: &str = "\
Usage: web [OPTION]... FOLDER ENDPOINT...

Serve the files of a folder over HTTP/1.1.

Arguments:
  FOLDER                   The folder; hidden files, files on other file systems and symbolic links that lead outside are
                           not served
  ENDPOINT                 Where to listen, such as
                             tcp:8080
                             tcp:8080:interface=127.0.0.1
                             unix:/run/web.sock:mode=660
                             ssl:8443:privateKey=key.pem:certKey=cert.pem

Options:
      --host NAME=FOLDER   Serve another folder for that host, or for every host below it if NAME begins with *. ; may be
                           given several times
      --listing            List folders that have no index.html
      --spa                Send /index.html for a page that is not there, to clients that ask for HTML: for applications
                           that route paths in the browser
      --compress           Compress text as it is sent. Without it, only a file NAME.br, NAME.zst or NAME.gz beside NAME is
                           sent in its place
      --cache VALUE        The Cache-Control of files; default: no-cache, which has clients ask each time
      --access-log FILE    Append a line for each request to FILE, or to standard output for -, in the Combined Log Format;
                           a new file gets mode 0640
      --other-mounts       Serve other file systems that are mounted below the folder, too
      --cores NUMBER       Serve with so many threads, 0 for one for each processor; default: 1";

fn main() -> ExitCode {
    server::exit_code("web", run())
}

fn run() -> server::Result<()> {
    let (mut settings, mut hosts, mut logs, mut cores) = (Settings::default(), Vec::new(), Vec::new(), 1);
    let arguments = server::endpoints("web", HELP, |option, arguments| {
        match option {
            "host" => {
                let value = server::text(option, arguments)?;
                let wrong = || server::usage(format_args!("--host takes NAME=FOLDER, not {value:?}"));
                let (name, folder) = value.split_once('=').ok_or_else(wrong)?;
                hosts.push((name.to_owned(), folder.to_owned()));
            }
            "listing" => settings.lists = true,
            "spa" => settings.has_fallback = true,
            "compress" => settings.compresses = true,
            "cache" => settings.cache_control = Some(server::text(option, arguments)?),
            "access-log" => {
                let path = server::text(option, arguments)?;
                let log = LogFile::open(&path).map_err(|error| format!("--access-log {path}: {error}"))?;
                // The last one counts, as for other options.
                logs = vec![log];
            }
            "other-mounts" => settings.crosses_mounts = true,
            "cores" => cores = server::number(option, arguments)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(arguments) = arguments else { return Ok(()) };
    let [folder, endpoints @ ..] = &arguments[..] else { return Ok(()) };
    if endpoints.is_empty() {
        return Err(server::usage("an endpoint is missing after the folder"));
    }
    let mut sites = Sites::new(folder, settings)?;
    for (name, folder) in hosts {
        sites.add(&name, &folder).map_err(|error| format!("--host {name}={folder}: {error}"))?;
    }
    let log = logs.first().cloned();
    let listen = move |reactor: &Reactor, endpoint: &str| {
        let (server, options) = (sites.server(), server::listen_options());
        match log.clone() {
            Some(log) => {
                reactor.listen_with(endpoint, options, server.with_access_log(move |line| log.write_line(line)))
            }
            None => reactor.listen_with(endpoint, options, server),
        }
    };
    if cores == 1 {
        server::serve(endpoints, &logs, listen)
    } else {
        server::serve_on_cores(endpoints.to_vec(), cores, logs, listen)
    }
}
