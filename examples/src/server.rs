//! The parts that every program's `main` has in common: arguments, messages, signals, the log.

use std::error::Error;
use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use lariat::{ConnectionLimits, ErrorKind, ListenOptions, Port, Reactor, run_on_cores};
use lexopt::prelude::*;
use rustix::process::Signal;

use crate::log_file::LogFile;

/// A result whose error is shown to the operator.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The options that every program has.
const COMMON_OPTIONS: &str = "
  -h, --help               Print this help and exit
  -V, --version            Print the version and exit
";

/// The part of the help that is the same for every server.
const SERVER_NOTES: &str = "
Signals:
  SIGTERM, SIGINT          Stop: close the listeners and let connections finish; a second one ends the process at once
  SIGHUP                   Read certificates and keys again, and reopen log files
  SIGUSR1                  Reopen log files

Environment:
  RUST_LOG                 The level of the messages on standard error, such as debug or warn; info by default

An address may have 1,024 connections and a network 4,096, loopback addresses any number. Past that, and when no
descriptors are left, the most idle connections end. Endpoints set other limits: connections=NUMBER, perAddress=NUMBER,
perNetwork=NUMBER (none for no limit), countLoopback=yes, reservedDescriptors=NUMBER.

A private key that every user of this machine can read is refused.

Exit status: 0 after a stop, 1 on a failure, 2 on a wrong argument.";

/// A wrong argument on the command line: [`exit_code`] gives it the status 2.
#[derive(Debug)]
struct Usage(String);

impl Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}

/// The error for a wrong argument on the command line.
pub fn usage(message: impl Display) -> Box<dyn Error> {
    Box::new(Usage(message.to_string()))
}

/// The error for an endpoint that was given as the value of the option `--NAME`, and that cannot be used.
pub fn option_error(name: &str, value: &str, error: &lariat::Error) -> Box<dyn Error> {
    let message = format!("--{name} {value}: {error}");
    if has_wrong_endpoint(error) { usage(message) } else { message.into() }
}

/// Reads the command line of a server: endpoints, at least one, and options. Returns `None` if all that was asked for is the help or the
/// version, which is printed.
///
/// Every option `--NAME` that not all programs have is given to `option`, which takes its value, if it has one, and returns whether it knows
/// the name.
///
/// # Errors
///
/// An unknown option, a wrong value, or no endpoint.
pub fn endpoints(
    name: &str,
    help: &str,
    option: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool>,
) -> Result<Option<Vec<String>>> {
    let Some(endpoints) = arguments(name, help, SERVER_NOTES, option)? else { return Ok(None) };
    if endpoints.is_empty() {
        return Err(usage("an endpoint is missing"));
    }
    Ok(Some(endpoints))
}

/// Reads the command line of any program, as [`endpoints`] does. `notes` stand at the end of the help.
///
/// # Errors
///
/// An unknown option, or a wrong value.
pub fn arguments(
    name: &str,
    help: &str,
    notes: &str,
    mut option: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool>,
) -> Result<Option<Vec<String>>> {
    let mut values = Vec::new();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) => values.push(value.string()?),
            Short('h') | Long("help") => {
                say(format_args!("{help}{COMMON_OPTIONS}{notes}"));
                return Ok(None);
            }
            Short('V') | Long("version") => {
                say(format_args!("{name} (Lariat) {}", env!("CARGO_PKG_VERSION")));
                return Ok(None);
            }
            Long(option_name) => {
                let option_name = option_name.to_owned();
                if !option(&option_name, &mut arguments)? {
                    return Err(Long(&option_name).unexpected().into());
                }
            }
            other @ Short(_) => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(values))
}

/// The value of the option `--NAME`: text.
///
/// # Errors
///
/// A missing value, or one that is not UTF-8.
pub fn text(name: &str, arguments: &mut lexopt::Parser) -> Result<String> {
    let value = arguments.value()?;
    value.into_string().map_err(|value| usage(format_args!("--{name} takes text in UTF-8, not {value:?}")))
}

/// The value of the option `--NAME`: a time in seconds, with decimals if need be; `None` for 0.
///
/// # Errors
///
/// A missing value, or one that is not a time.
pub fn seconds(name: &str, arguments: &mut lexopt::Parser) -> Result<Option<Duration>> {
    let value = arguments.value()?;
    let time = value.to_str().and_then(|text| Duration::try_from_secs_f64(text.parse().ok()?).ok());
    let time =
        time.ok_or_else(|| usage(format_args!("--{name} takes a number of seconds, 0 or more, not {value:?}")))?;
    Ok(Some(time).filter(|time| !time.is_zero()))
}

/// The value of the option `--NAME`: a time in seconds that is not 0.
///
/// # Errors
///
/// A missing value, or one that is not such a time.
pub fn some_seconds(name: &str, arguments: &mut lexopt::Parser) -> Result<Duration> {
    seconds(name, arguments)?.ok_or_else(|| usage(format_args!("--{name} has to be more than 0")))
}

/// The value of the option `--NAME`: a whole number.
///
/// # Errors
///
/// A missing value, or one that is not a number of this type.
pub fn number<T: FromStr<Err: Display>>(name: &str, arguments: &mut lexopt::Parser) -> Result<T> {
    let value = arguments.value()?;
    let number = value.to_string_lossy().parse();
    number.map_err(|error| usage(format_args!("--{name} takes a whole number, not {value:?} ({error})")))
}

/// Prints a line on standard output. A closed standard output does not end a server.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// An error with the messages of its sources, without those that the message before already contains.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let words = error.to_string();
            if !said.contains(&words) {
                write!(f, ": {words}")?;
                said = words;
            }
            source = error.source();
        }
        Ok(())
    }
}

/// The exit code for `outcome`: 0, 2 for a wrong argument, 1 for any other error. An error is printed on standard error, after the
/// program's `name`.
pub fn exit_code(name: &str, outcome: Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    eprintln!("{name}: {}", Chain(&*error));
    let is_usage = error.is::<Usage>() || error.is::<lexopt::Error>() || has_wrong_endpoint(&*error);
    if !is_usage {
        return ExitCode::FAILURE;
    }
    eprintln!("Try '{name} --help' for more information.");
    ExitCode::from(2)
}

/// Returns whether an error is about an argument on the command line that cannot be used as an endpoint.
fn has_wrong_endpoint(error: &(dyn Error + 'static)) -> bool {
    let kind = error.downcast_ref::<lariat::Error>().map(lariat::Error::kind);
    matches!(kind, Some(ErrorKind::InvalidInput | ErrorKind::NameNotSupported))
}

/// A port that serves, and how its certificates are read again.
pub struct Service {
    port: Port,
    reload: Option<Reload>,
}

type Reload = Box<dyn Fn() -> Result<()>>;

impl Service {
    /// A port whose certificates `reload` reads again.
    pub fn with_reload(port: Port, reload: impl Fn() -> Result<()> + 'static) -> Self {
        Self { port, reload: Some(Box::new(reload)) }
    }
}

impl From<Port> for Service {
    fn from(port: Port) -> Self {
        Self { port, reload: None }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Calls `listen` for each of `endpoints`, prints their addresses, and serves until the process gets SIGTERM or SIGINT. SIGHUP and SIGUSR1
/// reopen `logs`; SIGHUP reads certificates and keys again, too.
///
/// # Errors
///
/// An endpoint that cannot be listened on, a private key that every user can read, or a failure of the loop.
pub fn serve<S: Into<Service>, E: Into<Box<dyn Error>>>(
    endpoints: &[String],
    logs: &[LogFile],
    listen: impl FnMut(&Reactor, &str) -> std::result::Result<S, E>,
) -> Result<()> {
    begin();
    let reactor = Reactor::new()?;
    let services = listen_on(&reactor, endpoints, listen)?;
    handle_signals(&reactor, services, logs)?;
    Ok(reactor.run()?)
}

/// Does as [`serve`] on `cores` threads, or on one for each processor if that is 0. Each core has TCP listeners of its own, which share the
/// port's number; a Unix socket serves one core only.
///
/// # Errors
///
/// As for [`serve`].
pub fn serve_on_cores(
    endpoints: Vec<String>,
    cores: usize,
    logs: Vec<LogFile>,
    listen: impl Fn(&Reactor, &str) -> lariat::Result<Port> + Send + Sync + 'static,
) -> Result<()> {
    begin();
    for endpoint in &endpoints {
        check_endpoint_keys(endpoint)?;
    }
    run_on_cores(cores, move |core, reactor| {
        let endpoints = endpoints.iter().map(|endpoint| {
            let shared = !endpoint.starts_with("unix:") && !endpoint.contains(":reuseport=");
            format!("{endpoint}{}", if shared { ":reuseport=yes" } else { "" })
        });
        let mut services = Vec::new();
        for endpoint in endpoints {
            services.push(reloading(endpoint.clone(), listen(reactor, &endpoint)?.into()));
        }
        // The cores share the log files.
        handle_signals(reactor, services, if core == 0 { &logs } else { &[] })
    })?;
    Ok(())
}

fn listen_on<S: Into<Service>, E: Into<Box<dyn Error>>>(
    reactor: &Reactor,
    endpoints: &[String],
    mut listen: impl FnMut(&Reactor, &str) -> std::result::Result<S, E>,
) -> Result<Vec<Service>> {
    let mut services = Vec::new();
    for endpoint in endpoints {
        check_endpoint_keys(endpoint)?;
        let service = listen(reactor, endpoint).map_err(Into::into)?.into();
        services.push(reloading(endpoint.clone(), service));
    }
    Ok(services)
}

/// Has a port that speaks TLS by its description read the files in it again.
fn reloading(endpoint: String, service: Service) -> Service {
    let is_tls = endpoint.starts_with("ssl:") || endpoint.starts_with("tls:");
    if service.reload.is_some() || !is_tls {
        return service;
    }
    let port = service.port.clone();
    Service::with_reload(service.port, move || {
        check_endpoint_keys(&endpoint)?;
        Ok(port.reload_tls()?)
    })
}

/// Has SIGHUP read certificates again and reopen `logs`, and SIGUSR1 reopen `logs` only. Prints the addresses once the loop runs: a
/// reader of them may send signals, which would end a process without handlers.
fn handle_signals(reactor: &Reactor, services: Vec<Service>, logs: &[LogFile]) -> lariat::Result<()> {
    let logs: Rc<[LogFile]> = logs.into();
    let addresses: Vec<_> = services.iter().map(|service| service.port.address().to_string()).collect();
    let reopened = logs.clone();
    reactor.on_signal(Signal::HUP.as_raw(), move |_| {
        let mut did_anything = reopen(&reopened);
        for Service { port, reload } in &services {
            let Some(reload) = reload else { continue };
            did_anything = true;
            match reload() {
                Ok(()) => log::info!("SIGHUP: certificates of {} reloaded", port.address()),
                Err(error) => log::error!(
                    "SIGHUP: certificates of {} not reloaded, the former ones stay in use: {}",
                    port.address(),
                    Chain(&*error)
                ),
            }
        }
        if !did_anything {
            log::info!("SIGHUP: no certificates to reload, no log files to reopen");
        }
    })?;
    reactor.on_signal(Signal::USR1.as_raw(), move |_| {
        if !reopen(&logs) {
            log::info!("SIGUSR1: no log files to reopen");
        }
    })?;
    reactor.call_later(Duration::ZERO, move |_| {
        for address in addresses {
            say(format_args!("listening on {address}"));
        }
    });
    Ok(())
}

/// Reopens log files. Returns whether there are any.
fn reopen(logs: &[LogFile]) -> bool {
    for log in logs {
        match log.reopen() {
            Ok(()) => log::info!("log file {log} reopened"),
            Err(error) => log::error!("log file {log} not reopened, the former one stays in use: {error}"),
        }
    }
    !logs.is_empty()
}

/// Refuses a private key file that every user of this machine can read or write. A missing file is no error here: the code that
/// reads it reports that.
///
/// # Errors
///
/// Such a file: the message has its path, its mode and the remedy.
pub fn check_key_file(path: &Path) -> Result<()> {
    const OTHERS: u32 = 0o006;
    let Ok(status) = fs::metadata(path) else { return Ok(()) };
    let mode = status.mode() & 0o7777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!("the private key {path} is open to every user of this machine (mode {mode:04o}): run chmod o= {path}")
        .into())
}

/// Checks the key file of an endpoint description, if it has one: see [`check_key_file`].
///
/// # Errors
///
/// A key file that every user of this machine can read or write.
pub fn check_endpoint_keys(endpoint: &str) -> Result<()> {
    keyword(endpoint, "privateKey").map_or(Ok(()), |path| check_key_file(Path::new(&path)))
}

/// The value of a keyword argument of an endpoint description, without its escapes.
fn keyword(description: &str, name: &str) -> Option<String> {
    let (mut argument, mut is_escaped) = (String::new(), false);
    let mut value = None;
    for character in description.chars().chain([':']) {
        match character {
            _ if is_escaped => argument.push(character),
            '\\' => {
                is_escaped = true;
                continue;
            }
            ':' if value.is_some() => return Some(argument),
            ':' => argument.clear(),
            '=' if value.is_none() && argument == name => {
                value = Some(());
                argument.clear();
            }
            _ => argument.push(character),
        }
        is_escaped = false;
    }
    None
}

/// The options of a port that strangers reach, for what its endpoint does not say: with [`ConnectionLimits::for_servers`].
#[must_use]
pub fn listen_options() -> ListenOptions {
    let mut options = ListenOptions::default();
    options.connections = Some(ConnectionLimits::for_servers());
    options
}

/// Starts the log, which `RUST_LOG` sets, and raises the limit of descriptors. To be called first, and once.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_of_an_endpoint_is_found_without_its_escapes() {
        for (endpoint, key) in [
            ("ssl:8443:privateKey=key.pem:certKey=c.pem", Some("key.pem")),
            ("ssl:8443:certKey=c.pem:privateKey=a\\:b=c", Some("a:b=c")),
            ("ssl:8443:privateKey=", Some("")),
            ("tcp:7000", None),
            ("unix:privateKey\\=x", None),
            ("unix:x\\:privateKey=y", None),
        ] {
            assert_eq!(keyword(endpoint, "privateKey").as_deref(), key, "{endpoint}");
        }
    }

    #[test]
    fn an_error_is_shown_with_the_sources_that_it_does_not_mention() {
        #[derive(Debug)]
        struct Outer(&'static str, io::Error);
        impl Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.1)
            }
        }
        let shown = |words| Chain(&Outer(words, io::Error::other("disk full"))).to_string();
        assert_eq!(shown("could not write"), "could not write: disk full");
        assert_eq!(shown("could not write: disk full"), "could not write: disk full");
    }
}
