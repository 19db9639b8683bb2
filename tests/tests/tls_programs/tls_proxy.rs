//! The proxy that ends TLS.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::LazyLock;
use std::thread;

use lariat::tls::ClientOptions;
use lariat::{Address, ConnectOptions, Once};
use lariat_tests::certificates::{Wish, authority};
use lariat_tests::child::Child;
use lariat_tests::examples::example;
use lariat_tests::harness::{Ground, Log, World};
use lariat_tests::proxy::{RELAY_MEMORY, accept, backend};
use rustix::process::Signal;

use super::{Files, port};

static TLS_PROXY: LazyLock<String> = LazyLock::new(|| example("tls_proxy").to_string_lossy().into_owned());

/// A running proxy.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(options: &[&str], routes: &[String]) -> Self {
        let routes = routes.iter().map(String::as_str);
        let arguments: Vec<&str> = options.iter().copied().chain(["127.0.0.1:0"]).chain(routes).collect();
        let mut process = Child::start(&TLS_PROXY, &arguments);
        let port = port(&mut process);
        Self { process, port }
    }

    /// The most memory that it has had, in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it runs");
        line.trim().trim_end_matches(" kB").parse().expect("it is a number")
    }
}

/// Starts a backend that answers each line with its name and that line.
fn named(name: &'static str) -> String {
    let listener = backend();
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            // Who goes without a word is not answered.
            if BufReader::new(&stream).read_line(&mut line).is_ok() {
                let _ = write!(&stream, "{name} heard {line}");
            }
        }
    });
    format!("tcp:{address}")
}

fn route(files: &Files, name: &str, certificate: &str, backend: &str) -> String {
    let (key, certificate) = (files.path(&format!("{certificate}-key.pem")), files.path(&format!("{certificate}.pem")));
    format!("{name},{certificate},{key},{backend}")
}

fn heard(files: &Files, server: &Server, arguments: &str) -> Option<String> {
    let ended = files.say(server.port, arguments, "a word");
    ended.output.into_iter().find(|line| line.contains(" heard "))
}

#[test]
fn the_name_decides_on_the_certificate_and_the_backend() {
    let files = Files::new();
    files.issue("a", &["a.test"]);
    files.issue("b", &["*.b.test"]);
    let routes = [
        route(&files, "a.test", "a", &named("one")),
        route(&files, "*.b.test", "b", &named("two")),
        route(&files, "x.b.test", "b", &named("three")),
    ];
    let server = Server::start(&[], &routes);
    for (name, backend) in [("a.test", "one"), ("y.b.test", "two"), ("x.b.test", "three")] {
        let said = heard(&files, &server, &format!("-servername {name} -verify_hostname {name}"));
        assert_eq!(said, Some(format!("{backend} heard a word")));
    }
    for unknown in ["-servername c.test", "-noservername"] {
        let ended = files.say(server.port, unknown, "a word");
        assert!(ended.log.contains("unrecognized name"), "{}", ended.log);
    }
    drop(server);
    let server = Server::start(&["--first-for-others"], &routes);
    for unknown in ["-servername c.test", "-noservername"] {
        let said = heard(&files, &server, &format!("{unknown} -verify_hostname a.test"));
        assert_eq!(said.as_deref(), Some("one heard a word"));
    }
}

#[test]
fn certificates_are_read_anew_on_sighup_and_a_bad_file_leaves_the_old_in_service() {
    let files = Files::new();
    files.issue("a", &["a.test"]);
    files.issue("b", &["b.test"]);
    let routes = [route(&files, "a.test", "a", &named("one")), route(&files, "b.test", "b", &named("two"))];
    let server = Server::start(&[], &routes);
    let is_served =
        |names: &str| heard(&files, &server, &format!("-servername a.test -verify_hostname {names}")).is_some();
    // One that stands all the time.
    let mut standing = files.client(server.port, "-servername b.test -verify_hostname b.test");
    while standing.line() != "---" {}

    files.issue("a", &["a.test", "new.test"]);
    assert!(is_served("a.test") && !is_served("new.test"), "nobody has said so yet");
    let second = files.path("b-key.pem");
    let good = fs::read(&second).unwrap();
    fs::write(&second, "no key at all").unwrap();
    server.process.signal(Signal::HUP);
    // A whole conversation ends after the signal is handled.
    assert!(is_served("a.test"));
    assert!(is_served("a.test") && !is_served("new.test"), "one bad file keeps all the old ones in service");

    fs::write(&second, good).unwrap();
    server.process.signal(Signal::HUP);
    assert!(is_served("a.test"));
    assert!(is_served("new.test"));
    standing.tell("still there");
    let ended = standing.end();
    assert!(ended.output.iter().any(|line| line == "two heard still there"), "{ended:?}");
    server.process.signal(Signal::TERM);
    let ended = server.process.end();
    assert!(ended.status.success());
    let told = ended.log.matches("the former ones stay in use").count();
    assert!(told == 1 && ended.log.contains("b-key.pem"), "{}", ended.log);
    assert_eq!(ended.log.matches(" reloaded\n").count(), 1);
}

#[test]
fn clients_need_a_certificate_where_that_is_said() {
    let files = Files::new();
    files.issue("a", &["a.test"]);
    files.write("alice", &authority().issue(&Wish::client("alice").for_others()));
    let server = Server::start(&["--client-ca", &files.path("ca.pem")], &[route(&files, "a.test", "a", &named("one"))]);
    let shown = format!("-cert {} -key {}", files.path("alice.pem"), files.path("alice-key.pem"));
    assert!(heard(&files, &server, &format!("-servername a.test {shown}")).is_some());
    assert_eq!(heard(&files, &server, "-servername a.test"), None);
}

#[test]
fn a_backend_that_is_not_there_is_told_of_and_the_client_is_closed_in_good_order() {
    let files = Files::new();
    files.issue("a", &["a.test"]);
    let gone = backend();
    let target = format!("tcp:{}", gone.local_addr().unwrap());
    drop(gone);
    let server = Server::start(&[], &[route(&files, "a.test", "a", &target)]);
    let ended = files.say(server.port, "-servername a.test", "a word");
    assert!(ended.status.success(), "it has heard a good-bye: {ended:?}");
    server.process.signal(Signal::TERM);
    let log = server.process.end().log;
    assert!(log.contains("could not reach the backend of a.test: "), "{log}");
}

#[test]
fn what_is_wrong_is_told_in_a_sentence() {
    let files = Files::new();
    files.issue("a", &["a.test"]);
    let good = route(&files, "a.test", "a", "tcp:127.0.0.1:7000");
    for (arguments, complaint) in [
        (&["8443"][..], "a route is missing"),
        (&["nowhere", &good], "expected a port, or an address"),
        (&["0", "a.test"], "expected NAME,CERTIFICATE,KEY,BACKEND"),
        (&["0", &good.replace("a.test", "b.test")], "is not for b.test, but for a.test"),
        (&["0", &good.replace("a.pem", "nothing.pem")], "nothing.pem"),
        (&["0", &good.replace("tcp:", "udp:")], "udp"),
        (&["--connect-timeout", "0", "0", &good], "--connect-timeout has to be more than 0"),
    ] {
        let ended = Child::start(&TLS_PROXY, arguments).end();
        assert!(!ended.status.success() && ended.log.contains(complaint), "{arguments:?}: {}", ended.log);
    }
    let help = Child::start(&TLS_PROXY, &["--help"]).end();
    assert!(help.status.success() && help.output[0].starts_with("Usage: tls_proxy "));
}

/// A client of ours, connected through a proxy to a backend of the test's.
struct Through {
    world: World,
    log: Log,
    far: TcpStream,
    server: Server,
    _files: Files,
}

impl Through {
    fn new() -> Self {
        let files = Files::new();
        files.issue("a", &["a.test"]);
        let listener: TcpListener = backend();
        let target = format!("tcp:{}", listener.local_addr().expect("it listens"));
        let server = Server::start(&[], &[route(&files, "a.test", "a", &target)]);
        let connector = ClientOptions::new().trust(authority().trust()).build().expect("the options fit");
        let mut options = ConnectOptions::default().tls(connector.to("a.test").expect("it is a name"));
        options.stream.queue_limit = 1 << 30;
        let (mut world, log) = (World::new(Ground::RealTcp), Log::new());
        let address = Address::Tcp((Ipv4Addr::LOCALHOST, server.port).into());
        let probe = log.probe().read_closed(|_| {}).made(|transport| transport.set_backpressure(false));
        world.reactor.connect_at(&address, options, Once::new(probe)).detach();
        world.until("the client is connected", || log.is_made());
        let far = accept(&listener);
        Self { world, log, far, server, _files: files }
    }
}

#[test]
fn either_side_may_end_first_and_still_hears_the_other_out() {
    let mut through = Through::new();
    let mut text = String::new();
    through.log.transport().write(b"a question");
    through.log.transport().close_write();
    through.world.settle();
    through.far.read_to_string(&mut text).unwrap();
    assert_eq!(text, "a question");
    through.far.write_all(b"an answer").unwrap();
    through.far.shutdown(Shutdown::Write).unwrap();
    through.world.until_lost(&[&through.log]);
    assert_eq!((through.log.received(), through.log.lost().as_deref()), (b"an answer".to_vec(), Some("Done")));

    let mut through = Through::new();
    through.far.write_all(b"news").unwrap();
    through.far.shutdown(Shutdown::Write).unwrap();
    let log = through.log.clone();
    through.world.until("the backend has said all", || log.has("read closed"));
    assert_eq!(log.received(), b"news");
    log.transport().write(b"thanks");
    log.transport().close();
    through.world.until_lost(&[&log]);
    let mut text = String::new();
    through.far.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), log.lost().as_deref()), ("thanks", Some("Done")));
}

#[test]
fn what_was_cut_short_does_not_look_whole() {
    let mut through = Through::new();
    // Before the first byte passes, the proxy may still be connecting, and no stream is cut short.
    through.far.write_all(b"the first half").unwrap();
    let log = through.log.clone();
    through.world.until("it has come through", || log.received() == b"the first half");
    log.transport().abort();
    through.world.until_lost(&[&log]);
    let end = through.far.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[test]
fn while_the_backend_does_not_read_the_client_gets_all_and_memory_stays_bounded() {
    const AMOUNT: usize = 64 << 20;
    let mut through = Through::new();
    let before = through.server.memory();
    through.log.transport().write(&vec![1; AMOUNT]);
    let mut far = through.far.try_clone().unwrap();
    let sender = thread::spawn(move || far.write_all(&vec![2; AMOUNT]).unwrap());
    let log = through.log.clone();
    through.world.until("the client has all", || log.received_len() == AMOUNT);
    sender.join().unwrap();
    let took = through.server.memory() - before;
    assert!(took <= RELAY_MEMORY, "the relay took {took} KiB");
    log.transport().close();
    let mut far = through.far.try_clone().unwrap();
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        far.read_to_end(&mut all).map(|_| all.len()).unwrap()
    });
    through.world.until_lost(&[&log]);
    drop(through.far);
    assert_eq!(reader.join().unwrap(), AMOUNT);
}
