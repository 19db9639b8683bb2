//! Servers are replaced under load, and no client notices more than a refusal or an end. `cargo run --release -p lariat-tests --bin
//! restarts` does it a thousand times.

use lariat_tests::restarts::restart;

#[test]
fn clients_of_servers_that_are_restarted_meet_nothing_but_refusals_and_ends() {
    let restarts = restart(1000).expect("servers start");
    assert!(restarts.faults.is_empty(), "{restarts}");
    assert_eq!(restarts.servers, 1000, "{restarts}");
    // What the servers answered, the clients have got, save for those that gave up first, which none does.
    assert!(restarts.stats.opened >= restarts.answered, "{restarts}");
}
