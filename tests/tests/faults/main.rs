//! Faults and the loop: peers that break the rules, user code that panics, systems that refuse.

mod drops;
mod floods;
mod last_words;
mod log_floods;
mod panics;
mod refusals;
mod resets;

use lariat::{Once, Transport};
use lariat_tests::faults::Outsider;
use lariat_tests::harness::{Log, Probe, World};

/// Makes a connection from a bare socket to a probe, and waits until the probe is notified.
fn outsider(world: &mut World, server: Probe) -> Outsider {
    let log = server.log().clone();
    let port = world.listen(Once::new(server));
    let outsider = Outsider::connect(&world.reactor, port.address());
    world.until("the connection is made", || log.is_made());
    port.close();
    outsider
}

/// Makes sure that the world still serves: a new connection gets an echo.
fn assert_serves(world: &mut World) {
    let (server, client) = (Log::new(), Log::new());
    let greet = |transport: &Transport| {
        transport.write(b"still there?");
    };
    let port = world.pair(server.probe().echo(), client.probe().made(greet));
    world.until("the echo is back", || client.received() == b"still there?");
    client.transport().close();
    world.until_lost(&[&server, &client]);
    port.close();
}
