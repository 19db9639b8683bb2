//! Several reactors in one process.

use std::collections::BTreeSet;
use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use lariat::{Cores, Error, ErrorKind, Peer, Protocol, Reactor, Stats, Transport, run_on_cores};
use lariat_tests::child::client;

/// Answers each byte with the number of its core, and stops everything when it gets an `s`.
struct Numbered(u8);

impl Protocol for Numbered {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        if data.contains(&b's') {
            transport.reactor().stop();
        }
        transport.write(&vec![self.0; data.len()]);
    }
}

/// A setup whose cores all listen on one port, and where that is.
fn shared_port() -> (impl Fn(usize, &Reactor) -> lariat::Result<()> + Send + Sync + 'static, Receiver<SocketAddr>) {
    let (sender, addresses) = channel();
    let port = Mutex::new(0);
    let setup = move |core: usize, reactor: &Reactor| {
        let mut port = port.lock().expect("no setup panics");
        let endpoint = format!("tcp:{port}:interface=127.0.0.1:reuseport=yes");
        let core = u8::try_from(core).expect("there are few cores");
        let address = reactor.listen(&endpoint, move |_: &Peer| Numbered(core))?.address().tcp();
        let address = address.expect("it is TCP");
        *port = address.port();
        sender.send(address).expect("the test listens");
        Ok(())
    };
    (setup, addresses)
}

/// Asks which core serves a connection.
fn core_of(client: &mut TcpStream) -> u8 {
    client.write_all(b"?").expect("the server takes it");
    let mut answer = [0];
    client.read_exact(&mut answer).expect("the server answers");
    answer[0]
}

fn reads_the_end(mut client: TcpStream) {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("the end is no reset");
    assert_eq!(rest, b"");
}

#[test]
fn connections_to_one_port_are_spread_over_the_cores_and_what_they_count_adds_up() {
    let (setup, addresses) = shared_port();
    let cores = Cores::start(3, setup).expect("it starts");
    let address = addresses.recv().expect("it listens");
    assert_eq!(addresses.try_iter().collect::<Vec<_>>(), [address, address]);
    let mut clients: Vec<_> = (0..64).map(|_| client(address)).collect();
    let served: BTreeSet<_> = clients.iter_mut().map(core_of).collect();
    // By chance alone all would come to one core once in three to the sixty-third.
    assert!(served.len() > 1, "{served:?}");
    let stats = cores.stats();
    assert_eq!((stats.connections, stats.opened, stats.bytes_received, stats.bytes_sent), (64, 64, 64, 64));
    drop(clients);
    cores.stop();
    let stats = cores.join().expect("it ends in good order");
    assert_eq!((stats.connections, stats.opened, stats.closed.done), (0, 64, 64));
}

#[test]
fn a_stop_on_one_core_stops_all_and_each_drains() {
    let (setup, addresses) = shared_port();
    let cores = Cores::start(3, setup).expect("it starts");
    let address = addresses.recv().expect("it listens");
    let mut clients: Vec<_> = (0..16).map(|_| client(address)).collect();
    for client in &mut clients {
        core_of(client);
    }
    clients[0].write_all(b"s").expect("the server takes it");
    let mut last = [0];
    clients[0].read_exact(&mut last).expect("the answer is sent before the end");
    clients.into_iter().for_each(reads_the_end);
    let stats = cores.join().expect("it ends in good order");
    assert_eq!((stats.closed.done, stats.closed.total()), (16, 16));
    let error = TcpStream::connect(address).expect_err("nobody listens any more");
    assert_eq!(error.kind(), IoErrorKind::ConnectionRefused);
}

#[test]
fn the_calling_thread_waits_for_the_cores() {
    let (setup, addresses) = shared_port();
    let server = thread::spawn(move || run_on_cores(2, setup));
    let mut client = client(addresses.recv().expect("it listens"));
    core_of(&mut client);
    assert!(!server.is_finished());
    client.write_all(b"s").expect("the server takes it");
    let stats = server.join().expect("no panic").expect("it ends in good order");
    assert_eq!((stats.opened, stats.bytes_received), (1, 2));
}

#[test]
fn cores_are_threads_with_names_and_set_up_one_after_the_other() {
    let names = Arc::new(Mutex::new(Vec::new()));
    let (seen, busy) = (names.clone(), AtomicBool::new(false));
    let setup = move |core, reactor: &Reactor| {
        assert!(!busy.swap(true, Ordering::SeqCst), "one at a time");
        let name = thread::current().name().map(str::to_owned);
        seen.lock().expect("no setup panics").push((core, name.expect("it has one")));
        reactor.stop();
        busy.store(false, Ordering::SeqCst);
        Ok(())
    };
    run_on_cores(3, setup).expect("it ends as soon as it runs");
    let expected: Vec<_> = (0..3).map(|core| (core, format!("lariat-{core}"))).collect();
    assert_eq!(*names.lock().expect("no setup panics"), expected);
}

#[test]
fn without_a_number_there_is_a_core_for_each_processor() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let setup = move |_, reactor: &Reactor| {
        counted.fetch_add(1, Ordering::SeqCst);
        reactor.stop();
        Ok(())
    };
    run_on_cores(0, setup).expect("it ends as soon as it runs");
    let processors = thread::available_parallelism().expect("this system tells").get();
    assert_eq!(count.load(Ordering::SeqCst), processors);
}

/// Drops what a setup has made, and tells so.
struct Told(Sender<&'static str>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// A start whose third setup fails in a way.
fn failing(fail: impl Fn(&Reactor) -> lariat::Result<()> + Send + Sync + 'static) -> Error {
    let (sender, told) = channel();
    let address = Arc::new(Mutex::new(None));
    let listening = address.clone();
    let setup = move |core: usize, reactor: &Reactor| {
        if core == 2 {
            return fail(reactor);
        }
        let held = Told(sender.clone());
        let ran = sender.clone();
        reactor.call_later(std::time::Duration::ZERO, move |_| {
            let _ = (&held, ran.send("ran"));
        });
        let port = reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| Numbered(0))?;
        *listening.lock().expect("no setup panics") = port.address().tcp();
        Ok(())
    };
    let error = Cores::start(5, setup).expect_err("one of them fails");
    // All threads have ended, and none has run.
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["dropped", "dropped"]);
    let address = address.lock().expect("no setup panics").expect("it listened");
    assert_eq!(TcpStream::connect(address).expect_err("it is closed").kind(), IoErrorKind::ConnectionRefused);
    error
}

#[test]
fn a_setup_that_fails_ends_the_others_and_is_the_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = taken.local_addr().expect("it is bound");
    let error = failing(move |reactor| {
        reactor.listen(&format!("tcp:{}:interface=127.0.0.1", address.port()), |_: &Peer| Numbered(0)).map(drop)
    });
    assert_eq!(error.kind(), ErrorKind::AddressInUse, "{error}");
}

#[test]
fn a_setup_that_panics_ends_the_others_and_is_an_error() {
    let error = failing(|_| panic!("in the setup"));
    assert!(error.to_string().contains("core 2"), "{error}");
}

#[test]
fn a_core_that_crashes_stops_the_others_in_good_order() {
    let (setup, addresses) = shared_port();
    let crash = Arc::new(Barrier::new(2));
    let told = crash.clone();
    let setup = move |core, reactor: &Reactor| {
        if core == 1 {
            let told = told.clone();
            reactor.call_later(std::time::Duration::ZERO, move |reactor| {
                told.wait();
                reactor.crash();
            });
            return Ok(());
        }
        setup(core, reactor)
    };
    let cores = Cores::start(2, setup).expect("it starts");
    let mut client = client(addresses.recv().expect("it listens"));
    core_of(&mut client);
    crash.wait();
    reads_the_end(client);
    assert_eq!(cores.join().expect("it was told to crash").closed.done, 1);
}

#[test]
fn a_core_that_is_blocked_counts_as_it_did_before() {
    let (setup, addresses) = shared_port();
    let barrier = Arc::new(Barrier::new(2));
    let blocked = barrier.clone();
    let setup = move |core, reactor: &Reactor| {
        if core == 1 {
            let blocked = blocked.clone();
            reactor.call_later(std::time::Duration::ZERO, move |_| {
                blocked.wait();
                blocked.wait();
            });
            return Ok(());
        }
        setup(core, reactor)
    };
    let cores = Cores::start(2, setup).expect("it starts");
    let mut client = client(addresses.recv().expect("it listens"));
    core_of(&mut client);
    barrier.wait();
    assert_eq!(cores.stats().opened, 1);
    barrier.wait();
    cores.stop();
    cores.join().expect("it ends in good order");
}

#[test]
fn cores_whose_handle_is_dropped_stop() {
    let (setup, addresses) = shared_port();
    let cores = Cores::start(2, setup).expect("it starts");
    let mut client = client(addresses.recv().expect("it listens"));
    core_of(&mut client);
    drop(cores);
    reads_the_end(client);
}

#[test]
fn a_stop_after_the_end_and_another_stop_do_nothing() {
    let cores = Cores::start(2, |_, _| Ok(())).expect("it starts");
    cores.stop();
    cores.stop();
    let stats = thread::scope(|scope| scope.spawn(|| cores.stats()).join().expect("no panic"));
    assert_eq!(stats.opened, 0);
    let Stats { connections, .. } = cores.join().expect("it ends in good order");
    assert_eq!(connections, 0);
}
