//! Certificates that expire by the wall clocks of simulated hosts.

use std::time::SystemTime;

use lariat::testing::{Simulation, secs};
use lariat::tls::{ClientOptions, ServerOptions};
use lariat::{Address, ConnectOptions, ListenOptions, Once, Peer, Protocol, Transport};
use lariat_tests::certificates::{SERVER, Wish, authority};
use lariat_tests::downstream::Shared;

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// 2026-01-01 00:00:00 UTC.
fn new_year() -> SystemTime {
    SystemTime::UNIX_EPOCH + secs(1_767_225_600)
}

/// The outcomes of connections that begin at these times, to a server whose certificate is valid
/// until [`new_year`].
fn outcomes(sim: &Simulation, begun: [u64; 2]) -> lariat::Result<[String; 2]> {
    let identity = authority().issue(&Wish::server(&[SERVER]).valid(2024, 2026)).identity();
    let acceptor = ServerOptions::new(identity).build()?;
    let server = sim.host("server");
    let address = Address::Tcp((server.address(), 7000).into());
    server.reactor().listen_at(&address, ListenOptions::default().tls(&acceptor), |_: &Peer| Silent)?;
    let outcomes = Shared::new([String::new(), String::new()]);
    for (place, time) in begun.into_iter().enumerate() {
        let (address, outcomes) = (address.clone(), outcomes.clone());
        let connector = ClientOptions::new().trust(authority().trust()).build()?.to(SERVER)?;
        sim.at(secs(time), move |sim| {
            let options = ConnectOptions::default().tls(connector);
            let connected = sim.host("client").reactor().connect_at(&address, options, Once::new(Silent));
            connected.finish(move |result| {
                let words = result.map_or_else(|failure| failure.to_string(), |_| "connected".to_owned());
                outcomes.with(|outcomes| outcomes[place] = words);
            });
        });
    }
    sim.run_until(secs(100))?;
    Ok(outcomes.take())
}

#[test]
fn a_certificate_expires_in_virtual_time() {
    Simulation::check(1..=5, |sim: &Simulation| {
        sim.set_wall_clock(new_year() - secs(30));
        let [before, after] = outcomes(sim, [10, 40])?;
        assert_eq!(before, "connected");
        assert!(after.contains("expired on 2026-01-01"), "{after}");
        Ok(())
    });
}

#[test]
fn a_certificate_expires_when_the_clients_clock_jumps() {
    Simulation::check(1..=5, |sim: &Simulation| {
        sim.set_wall_clock(new_year() - secs(3_600));
        sim.faults().clock_jump("client", secs(20), 7_200_000);
        let [before, after] = outcomes(sim, [10, 40])?;
        assert_eq!(before, "connected");
        assert!(after.contains("expired on 2026-01-01"), "{after}");
        Ok(())
    });
}

#[test]
fn a_jump_of_the_servers_clock_expires_nothing_at_the_client() {
    Simulation::check(1..=5, |sim: &Simulation| {
        sim.set_wall_clock(new_year() - secs(3_600));
        sim.faults().clock_jump("server", secs(20), 7_200_000);
        assert_eq!(outcomes(sim, [10, 40])?, ["connected", "connected"]);
        Ok(())
    });
}
