//! What every example's `main` does around its protocol.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use lariat::{Port, Reactor, run_on_cores};
use lexopt::prelude::*;
use rustix::process::Signal;

/// A result whose error is for whoever started the server.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Reads the command line: any number of endpoints, at least one, and options of the server's own. `None` if all that was wanted is
/// `help`, which is printed.
///
/// An option `--NAME` other than `--help` is given to `option`, which takes its value, if it has one, and says whether it knows
/// the name.
///
/// # Errors
///
/// When there is an option that nobody knows, a wrong value, or no endpoint.
pub fn endpoints(
    help: &str,
    mut option: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool>,
) -> Result<Option<Vec<String>>> {
    let mut endpoints = Vec::new();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(endpoint) => endpoints.push(endpoint.string()?),
            Short('h') | Long("help") => {
                say(help);
                return Ok(None);
            }
            Long(name) => {
                let name = name.to_owned();
                if !option(&name, &mut arguments)? {
                    return Err(Long(&name).unexpected().into());
                }
            }
            other @ Short(_) => return Err(other.unexpected().into()),
        }
    }
    if endpoints.is_empty() {
        return Err("give at least one endpoint; --help tells more".into());
    }
    Ok(Some(endpoints))
}

/// The value of the option `--NAME`: a time in seconds, with decimals if need be; `None` for 0.
///
/// # Errors
///
/// When there is no value, or it is none.
pub fn seconds(name: &str, arguments: &mut lexopt::Parser) -> Result<Option<Duration>> {
    let value = arguments.value()?;
    let time = value.to_str().and_then(|text| Duration::try_from_secs_f64(text.parse().ok()?).ok());
    let time = time.ok_or_else(|| format!("--{name} takes a number of seconds, 0 or more, not {value:?}"))?;
    Ok(Some(time).filter(|time| !time.is_zero()))
}

/// The value of the option `--NAME`: a whole number.
///
/// # Errors
///
/// When there is no value, or it is none.
pub fn number<T: FromStr<Err: Display>>(name: &str, arguments: &mut lexopt::Parser) -> Result<T> {
    let value = arguments.value()?;
    let number = value.to_string_lossy().parse();
    Ok(number.map_err(|error| format!("--{name} takes a whole number, not {value:?} ({error})"))?)
}

/// Prints a line. That nobody listens any more is no reason to stop serving.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Has `listen` listen on each of `endpoints`, prints where that is, and serves until the process is told to stop.
///
/// # Errors
///
/// When an endpoint cannot be listened on, or the loop fails.
pub fn serve<E: Into<Box<dyn Error>>>(
    endpoints: &[String],
    mut listen: impl FnMut(&Reactor, &str) -> std::result::Result<Port, E>,
) -> Result<()> {
    begin();
    let reactor = Reactor::new()?;
    for endpoint in endpoints {
        let port = listen(&reactor, endpoint).map_err(Into::into)?;
        say(format_args!("listening on {}", port.address()));
        reload_on_hangup(&reactor, endpoint, port)?;
    }
    Ok(reactor.run()?)
}

/// Does as [`serve`] on `cores` threads, or on one for each processor if that is 0. Every core has TCP ports of its own, which share the
/// port's number; a Unix socket has room for one core only.
///
/// # Errors
///
/// When an endpoint cannot be listened on, or a loop fails.
pub fn serve_on_cores(
    endpoints: Vec<String>,
    cores: usize,
    listen: impl Fn(&Reactor, &str) -> lariat::Result<Port> + Send + Sync + 'static,
) -> Result<()> {
    begin();
    run_on_cores(cores, move |_, reactor| {
        for endpoint in &endpoints {
            let shared = !endpoint.starts_with("unix:") && !endpoint.contains(":reuseport=");
            let port = listen(reactor, &format!("{endpoint}{}", if shared { ":reuseport=yes" } else { "" }))?;
            say(format_args!("listening on {}", port.address()));
            reload_on_hangup(reactor, endpoint, port)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// On SIGHUP, has a port that speaks TLS read its certificates anew. Where there is none, that signal ends the process as ever.
fn reload_on_hangup(reactor: &Reactor, endpoint: &str, port: Port) -> lariat::Result<()> {
    if endpoint.starts_with("ssl:") || endpoint.starts_with("tls:") {
        reactor.on_signal(Signal::HUP.as_raw(), move |_| match port.reload_tls() {
            Ok(()) => log::info!("the certificate of {} was read anew", port.address()),
            Err(error) => log::error!("the former certificate of {} stays in service: {error}", port.address()),
        })?;
    }
    Ok(())
}

/// The exit code for `outcome`. An error is printed as a sentence, after the server's `name`.
pub fn exit_code(name: &str, outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Begins the log, which `RUST_LOG` sets, and lets the process have as many descriptors as it may. Comes first, and once.
pub fn begin() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    raise_descriptor_limit();
}

/// Every connection takes a descriptor, and the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        log::warn!("could not raise the limit of open files: {error}");
    }
}
