//! The course of a simulation with random users.

use std::time::Duration;

use lariat::testing::{Random, Simulation, secs};
use lariat::{ConnectOptions, ListenOptions, Once, Peer, Port, Reactor, Result};

use super::book::Book;
use super::clockwork::wind_up;
use super::user::{Temper, User};
use super::weather::Weather;
use crate::downstream::Shared;

const CLIENTS: [&str; 2] = ["one", "other"];
/// When the users rest, and for how long: longer than a system takes to give up what nobody acknowledges.
const REST: Duration = secs(30);
const RESTED: Duration = secs(1_100);
/// When all hosts have stopped: longer than they drain.
const OVER: Duration = secs(1_200);

/// What clients connect to.
const DOORS: [&str; 3] = ["tcp:server:7000", "tcp:server:7001", "unix:/door"];

/// Has users do things in `sim`, and writes down in the book what comes of it.
///
/// # Errors
///
/// When the simulation finds something wrong. What the book finds is in [`Book::violations`].
pub fn run(sim: &Simulation, book: &Book) -> Result<()> {
    let random = sim.random();
    let weather = Weather::draw(sim);
    let panics = random.chance(0.25);
    if panics {
        sim.allow_panics();
    }
    if !weather.is_slow {
        book.be_exact();
    }
    book.vanish(&weather.vanishing);
    let temper = Temper { book: book.clone(), random: random.clone(), panics, largest: 1 + random.index(60_000) };
    let ports = Shared::new(Vec::new());
    let (host, doors) = (temper.clone(), ports.clone());
    sim.host("server").start(move |reactor| {
        for door in &DOORS {
            open(reactor, door, &host, &doors);
        }
        Ok(())
    })?;
    for _ in 0..random.below(4) {
        let (temper, ports) = (temper.clone(), ports.clone());
        sim.at(Duration::from_millis(random.below(20_000)), move |sim| meddle(sim, &temper, &ports));
    }
    for host in CLIENTS {
        for _ in 0..1 + random.below(3) {
            let temper = temper.clone();
            sim.at(Duration::from_millis(random.below(15_000)), move |sim| connect(sim, host, &temper));
        }
    }
    if random.chance(0.4) {
        let temper = temper.clone();
        sim.at(Duration::from_millis(random.below(5_000)), move |sim| connect(sim, "server", &temper));
    }
    for host in ["server", "one", "other"] {
        wind_up(book, &sim.host(host).reactor(), &random, random.below(6));
    }
    sim.run_until(REST)?;
    rest(sim, book);
    sim.run_until(RESTED)?;
    book.look_after_rest(!weather.hides_ends);
    for host in ["one", "server", "other"] {
        book.stop(host);
        sim.host(host).reactor().stop();
    }
    sim.run_until(OVER)?;
    for host in ["one", "server", "other"] {
        if sim.host(host).is_running() {
            book.violate(format!("the host {host:?} does not stop"));
        }
    }
    book.look_at_end();
    Ok(())
}

/// Opens one of the server's doors, unless its system has no descriptors.
fn open(reactor: &Reactor, door: &str, temper: &Temper, ports: &Shared<Vec<Port>>) {
    let random = temper.random.clone();
    let own = temper.clone();
    let factory = move |_: &Peer| (!own.random.chance(0.03)).then(|| User::new(&own, "server", false));
    let mut options = ListenOptions::default();
    options.backlog = if random.chance(0.2) { 1 } else { 100 };
    options.stream.close_timeout = Duration::from_millis(100 + random.below(30_000));
    let address = match door {
        "unix:/door" => lariat::Address::Unix(lariat::UnixAddress::Pathname("/door".into())),
        _ => lariat::Address::Tcp(([0, 0, 0, 0], if door.ends_with('0') { 7000 } else { 7001 }).into()),
    };
    if let Ok(port) = reactor.listen_at(&address, options, factory) {
        ports.with(|ports| ports.push(port));
    }
}

/// Does something to the server's doors.
fn meddle(sim: &Simulation, temper: &Temper, ports: &Shared<Vec<Port>>) {
    let random = &temper.random;
    let Some(port) = ports.with(|ports| random.pick(ports).cloned()) else { return };
    match random.below(3) {
        0 => {
            port.pause();
            sim.at(sim.now() + Duration::from_millis(random.below(3_000)), move |_| port.resume());
        }
        _ => {
            port.closed().finish(|_| {});
            port.close();
            let (temper, ports) = (temper.clone(), ports.clone());
            let door = match port.address() {
                lariat::Address::Unix(_) => DOORS[2],
                address => DOORS[usize::from(address.port() == Some(7001))],
            };
            sim.at(sim.now() + Duration::from_millis(random.below(3_000)), move |sim| {
                if !temper.book.is_resting() {
                    open(&sim.host("server").reactor(), door, &temper, &ports);
                }
            });
        }
    }
}

fn connect(sim: &Simulation, host: &'static str, temper: &Temper) {
    let random: &Random = &temper.random;
    let reactor = sim.host(host).reactor();
    let door = if host == "server" && random.chance(0.7) { DOORS[2] } else { DOORS[random.index(2)] };
    let user = Once::new(User::new(temper, host, true));
    let connected = if door == DOORS[2] || random.chance(0.5) {
        reactor.connect(door, user)
    } else {
        let mut options = ConnectOptions::default();
        options.timeout = Duration::from_millis(1 + random.below(20_000));
        options.stream.close_timeout = Duration::from_millis(100 + random.below(30_000));
        let address = (sim.host("server").address(), if door.ends_with('0') { 7000 } else { 7001 });
        reactor.connect_at(&lariat::Address::Tcp(address.into()), options, user)
    };
    match random.below(4) {
        0 => {
            let delay = Duration::from_millis(random.below(500));
            reactor.call_later(delay, move |_| drop(connected));
        }
        1 => connected.detach(),
        _ => connected.finish(|_| {}),
    }
}

/// The network is well again; nobody does anything any more but read.
fn rest(sim: &Simulation, book: &Book) {
    sim.faults().heal();
    book.rest();
    for transport in book.transports() {
        transport.set_backpressure(false);
        transport.resume_reading();
        for idle in [lariat::Idle::Read, lariat::Idle::Write, lariat::Idle::All] {
            transport.set_idle_timeout(idle, None);
        }
    }
    book.resume_all();
}
