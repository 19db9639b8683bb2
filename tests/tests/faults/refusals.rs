//! Addresses that cannot be used: each mistake has an error kind of its own, and a message with the remedy.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use lariat::{Address, ConnectOptions, Error, ErrorKind, ListenOptions, Once, Peer, UnixAddress};
use lariat_tests::faults::{OnDrop, Records};
use lariat_tests::harness::{Ground, Log, Scratch, World, outcome};

use super::assert_serves;

fn unix(path: PathBuf) -> Address {
    Address::Unix(UnixAddress::Pathname(path))
}

fn tcp(address: &str) -> Address {
    Address::Tcp(address.parse().expect("the address is right"))
}

/// Returns the error of opening a port at `address`.
fn listening_fails(address: &Address) -> (ErrorKind, String) {
    let mut world = World::new(Ground::RealTcp);
    let error: Error = world
        .reactor
        .listen_at(address, ListenOptions::default(), |_: &Peer| Log::new().probe())
        .expect_err("nobody can listen there");
    assert_serves(&mut world);
    (error.kind(), error.to_string())
}

/// Returns the error of connecting to `address`.
fn connecting_fails(address: &Address, bind_address: Option<&str>) -> (ErrorKind, String) {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let dropped = log.clone();
    let owned = OnDrop::new(move || dropped.note("factory dropped"));
    let probe = log.probe().made(move |_| {
        let _ = &owned;
    });
    let mut options = ConnectOptions::default();
    options.bind_address = bind_address.map(|address| address.parse::<IpAddr>().expect("the address is right"));
    let outcome = outcome(world.reactor.connect_at(address, options, Once::new(probe)));
    world.until("it has failed", || log.has("factory dropped"));
    assert_serves(&mut world);
    assert!(records.lines().is_empty(), "whoever was told has no need of the log: {:?}", records.lines());
    let error = outcome.take().expect("it is told").expect_err("it has failed");
    (error.kind(), error.to_string())
}

#[test]
fn a_failure_to_connect_that_nobody_is_told_is_logged_with_where_it_was_tried() {
    let (mut world, records, log) = (World::new(Ground::RealTcp), Records::begin(), Log::new());
    let dropped = log.clone();
    let owned = OnDrop::new(move || dropped.note("factory dropped"));
    let probe = log.probe().made(move |_| {
        let _ = &owned;
    });
    world.reactor.connect("tcp:255.255.255.255:9", Once::new(probe)).detach();
    world.until("it has failed", || log.has("factory dropped"));
    assert_serves(&mut world);
    let [line] = &records.lines()[..] else { panic!("{:?}", records.lines()) };
    assert!(
        line.starts_with("ERROR unhandled failure in the Deferred made at tests/tests/faults/refusals.rs:"),
        "{line}"
    );
    assert!(line.contains("could not connect to tcp:255.255.255.255:9: Network is unreachable"), "{line}");
}

#[test]
fn a_port_in_use_is_told_from_an_address_that_is_not_ours() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = Address::Tcp(holder.local_addr().unwrap());
    let (kind, words) = listening_fails(&taken);
    assert_eq!(kind, ErrorKind::AddressInUse);
    assert_eq!(words, format!("could not listen on {taken}: Address already in use (os error 98)"));
    drop(holder);

    // 198.51.100.0/24 is for documentation: no machine has an address of it.
    let (kind, words) = listening_fails(&tcp("198.51.100.1:0"));
    assert_eq!(kind, ErrorKind::AddressNotAvailable);
    assert!(words.starts_with("could not listen on tcp:198.51.100.1:0: Cannot assign requested address"), "{words}");
}

#[test]
fn a_stale_socket_file_is_told_from_one_in_use_and_from_a_file_that_is_no_socket() {
    let scratch = Scratch::new();
    let (stale, used, file) = (scratch.path("stale"), scratch.path("used"), scratch.path("file"));
    drop(UnixListener::bind(&stale).unwrap());
    let server = UnixListener::bind(&used).unwrap();
    fs::write(&file, "dear to somebody").unwrap();

    let (kind, stale) = listening_fails(&unix(stale));
    assert_eq!(kind, ErrorKind::AddressInUse);
    assert!(stale.contains("stale socket file") && stale.contains("can be removed"), "{stale}");

    let (kind, used) = listening_fails(&unix(used));
    assert_eq!(kind, ErrorKind::AddressInUse);
    assert!(used.contains("in use") && !used.contains("stale"), "{used}");

    let (kind, words) = listening_fails(&unix(file.clone()));
    assert_eq!(kind, ErrorKind::AddressInUse);
    assert!(words.contains("no socket") && !words.contains("can be removed"), "{words}");
    assert_eq!(fs::read_to_string(file).unwrap(), "dear to somebody");
    drop(server);
}

#[test]
fn a_directory_that_is_missing_is_not_taken_for_a_server_that_is() {
    let scratch = Scratch::new();
    let (kind, words) = listening_fails(&unix(scratch.path("missing").join("socket")));
    assert_eq!(kind, ErrorKind::InvalidInput, "nobody wanted to connect");
    assert!(words.contains("directory does not exist"), "{words}");
}

#[test]
fn a_socket_path_that_is_too_long_is_told_with_the_path() {
    let path = "x".repeat(200);
    let (kind, words) = listening_fails(&unix(path.clone().into()));
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert!(words.starts_with(&format!("could not listen on unix:{path}: ")), "{words}");
    assert!(words.to_lowercase().contains("sun_len") || words.contains("long"), "{words}");
}

#[test]
fn each_way_in_which_a_connection_cannot_be_made_is_told_in_its_own_words() {
    let scratch = Scratch::new();
    let (stale, file) = (scratch.path("stale"), scratch.path("file"));
    drop(UnixListener::bind(&stale).unwrap());
    fs::write(&file, "").unwrap();
    let closed = Address::Tcp(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let long = unix("x".repeat(200).into());

    use ErrorKind::{AddressNotAvailable, ConnectionRefused, InvalidInput, Unreachable};
    let told = [
        (connecting_fails(&closed, None), ConnectionRefused, format!("{closed}: Connection refused")),
        // The broadcast address is on no way of TCP's, with or without a network.
        (
            connecting_fails(&tcp("255.255.255.255:9"), None),
            Unreachable,
            "tcp:255.255.255.255:9: Network is unreachable".into(),
        ),
        (
            connecting_fails(&closed, Some("198.51.100.1")),
            AddressNotAvailable,
            format!("{closed}: bind_address is 198.51.100.1, which is no address of this machine: Cannot assign"),
        ),
        (
            connecting_fails(&unix(scratch.path("none")), None),
            ConnectionRefused,
            "/none: No such file or directory".into(),
        ),
        (connecting_fails(&unix(stale), None), ConnectionRefused, "/stale: Connection refused".into()),
        (connecting_fails(&unix(file), None), ConnectionRefused, "/file: Connection refused".into()),
        (connecting_fails(&long, None), InvalidInput, format!("{long}: path must be shorter than SUN_LEN")),
    ];
    for ((kind, words), expected_kind, expected) in &told {
        assert!(words.starts_with("could not connect to ") && words.contains(expected), "{words}");
        assert_eq!(kind, expected_kind, "{words}");
    }
    let distinct: BTreeSet<_> = told.iter().map(|((_, words), ..)| words).collect();
    assert_eq!(distinct.len(), told.len());
}
