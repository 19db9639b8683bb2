//! An append-only log that survives a power failure at any call, and versions of it that do not.

use std::io::ErrorKind;
use std::panic::catch_unwind;

use lariat::disk::{DiskError, DiskFile, OpenMode};
use lariat::testing::{Faults, Simulation, secs};
use lariat::{Deferred, Once, Peer, Protocol, Reactor, Result, Transport};
use lariat_tests::downstream::Shared;

/// The defect of a version of the log.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    /// It acknowledges what it has not synced.
    SyncsNoFile,
    /// It acknowledges what is in a file whose name is not durable.
    SyncsNoDirectory,
    /// It takes any record for whole.
    ComparesNoChecksum,
    /// It takes further orders after an error of the disk.
    OutlivesErrors,
}

/// The numbers of two errors of a disk (`errno(3)`).
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Longer than a sector, so that records are torn.
const LENGTH: usize = 700;

/// A record: the order, again and again, and a checksum.
fn record(order: u8) -> Vec<u8> {
    let mut record = vec![order; LENGTH];
    record.extend(checksum(&record).to_le_bytes());
    record
}

/// FNV-1a, which is enough for zeros in the place of letters.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The orders in a log up to the first that is not whole, and where that is.
fn recover(log: &[u8], flaw: Flaw) -> (Vec<u8>, u64) {
    let mut orders = Vec::new();
    for piece in log.chunks(LENGTH + 8) {
        let Some((content, sum)) = piece.split_at_checked(LENGTH).filter(|_| piece.len() == LENGTH + 8) else { break };
        if checksum(content).to_le_bytes() != *sum && flaw != Flaw::ComparesNoChecksum {
            break;
        }
        assert!(content.iter().all(|byte| *byte == content[0]), "a torn record was taken for whole");
        orders.push(content[0]);
    }
    let end = orders.len() as u64 * (LENGTH as u64 + 8);
    (orders, end)
}

/// Opens the log, cuts off what is torn, and goes on behind that.
fn open(reactor: &Reactor, flaw: Flaw) -> Deferred<DiskFile> {
    let disk = reactor.disk();
    let former = disk.read("/log").try_recover(|failure| match failure.downcast_ref::<DiskError>() {
        Some(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(failure),
    });
    former.and_then(move |former| {
        let end = recover(&former, flaw).1;
        disk.open("/log", OpenMode::Write).and_then(move |file| {
            let (cut, opened) = (file.clone(), file.clone());
            let synced = file.set_length(end).and_then(move |()| cut.sync());
            let synced = synced.and_then(move |()| match flaw {
                Flaw::SyncsNoDirectory => disk.metadata("/").map(drop),
                _ => disk.sync_directory("/"),
            });
            synced.map(move |()| opened)
        })
    })
}

/// Stores each order, and acknowledges it.
struct Orders {
    log: DiskFile,
    flaw: Flaw,
    /// An operation on the disk has failed: what later ones store may be behind a gap.
    broken: Shared<bool>,
}

impl Protocol for Orders {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        if self.broken.with(|broken| *broken) && self.flaw != Flaw::OutlivesErrors {
            return transport.close();
        }
        for order in data.iter().copied() {
            let broken = self.broken.clone();
            let (log, flaw, transport) = (self.log.clone(), self.flaw, transport.clone());
            let appended = self.log.append(record(order));
            let stored = appended
                .and_then(move |_| if flaw == Flaw::SyncsNoFile { log.metadata().map(drop) } else { log.sync() });
            stored.finish(move |result| {
                if result.is_err() {
                    broken.with(|broken| *broken = true);
                } else {
                    transport.write(&[order]);
                }
            });
        }
    }
}

/// Sends an order each second, and keeps what is acknowledged.
struct Customer(Shared<Vec<u8>>);

impl Protocol for Customer {
    fn connection_made(&mut self, transport: &Transport) {
        for order in 1..=8_u8 {
            let transport = transport.clone();
            let reactor = transport.reactor().clone();
            reactor.call_later(secs(order.into()), move |_| {
                transport.write(&[order]);
            });
        }
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.0.with(|acknowledged| acknowledged.extend(data));
    }
}

fn boot(reactor: &Reactor, flaw: Flaw) {
    let reactor = reactor.clone();
    open(&reactor, flaw).finish(move |log| {
        if let Ok(log) = log {
            let broken = Shared::new(false);
            let orders = move |_: &Peer| Orders { log: log.clone(), flaw, broken: broken.clone() };
            // A server that cannot listen acknowledges nothing.
            drop(reactor.listen("tcp:7000", orders));
        }
    });
}

/// The orders that the log has now.
fn stored(sim: &Simulation, flaw: Flaw) -> Result<Vec<u8>> {
    let stored = Shared::new(Vec::new());
    let found = stored.clone();
    let read = sim.host("server").reactor().disk().read("/log").recover(|_| Vec::new());
    read.finish(move |log| found.with(|found| *found = recover(&log.unwrap(), flaw).0));
    sim.run_until(sim.now() + secs(2))?;
    Ok(stored.take())
}

/// Runs a customer against the log. Every acknowledged order must be in the log after all crashes.
fn session(sim: &Simulation, flaw: Flaw, milliseconds: u64) -> Result<()> {
    sim.faults().slow_disk(milliseconds..=milliseconds);
    sim.host("server").start(move |reactor| {
        boot(reactor, flaw);
        Ok(())
    })?;
    let acknowledged = Shared::new(Vec::new());
    let customer = acknowledged.clone();
    sim.at(secs(1), move |sim| {
        let reactor = sim.host("client").reactor();
        reactor.connect("tcp:server:7000:timeout=5", Once::new(Customer(customer))).detach();
    });
    sim.run_until(secs(40))?;
    // No crash is aimed at the look at the log.
    sim.faults().heal();
    let (acknowledged, stored) = (acknowledged.take(), stored(sim, flaw)?);
    let lost: Vec<_> = acknowledged.iter().filter(|order| !stored.contains(order)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    Ok(())
}

fn crash(faults: &Faults<'_>, call: u64) {
    faults.crash_at_call(call, secs(3));
}

fn crash_twice(faults: &Faults<'_>, call: u64) {
    faults.crash_at_call(call, secs(3)).crash_at_call(call + 2, secs(1));
}

/// The report of the test about a flaw, in the first seed that finds it.
fn found(flaw: Flaw) -> String {
    let seeds = (1..=10).filter_map(|seed| {
        let found = catch_unwind(|| Simulation::check_every_call(seed, crash, |sim| session(sim, flaw, 20)));
        found.err().map(|said| *said.downcast::<String>().unwrap())
    });
    seeds.into_iter().next().unwrap_or_default()
}

#[test]
fn a_log_that_syncs_survives_a_power_failure_at_every_call() {
    for (seed, milliseconds) in [(1, 1), (2, 20), (3, 20), (4, 300)] {
        Simulation::check_every_call(seed, crash, |sim| session(sim, Flaw::Nothing, milliseconds));
    }
}

#[test]
fn a_log_that_syncs_survives_two_power_failures_in_a_row() {
    Simulation::check_every_call(5, crash_twice, |sim| session(sim, Flaw::Nothing, 20));
}

#[test]
fn everything_is_acknowledged_where_nothing_fails() {
    Simulation::check(1..=3, |sim: &Simulation| {
        session(sim, Flaw::Nothing, 20)?;
        assert_eq!(stored(sim, Flaw::Nothing)?, (1..=8).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn a_log_that_does_not_sync_is_caught() {
    let said = found(Flaw::SyncsNoFile);
    assert!(said.contains("acknowledged and lost: [") && said.contains("crash_at_call("), "{said}");
}

#[test]
fn a_log_that_does_not_sync_its_directory_is_caught() {
    let said = found(Flaw::SyncsNoDirectory);
    assert!(said.contains("acknowledged and lost: [") && said.contains("crash_at_call("), "{said}");
}

#[test]
fn a_log_that_takes_torn_records_is_caught() {
    let said = found(Flaw::ComparesNoChecksum);
    assert!(said.contains("a torn record was taken for whole"), "{said}");
}

#[test]
fn a_killed_process_loses_nothing_that_it_has_written() {
    Simulation::check(1..=10, |sim: &Simulation| {
        sim.at(secs(5), |sim| {
            sim.host("server").kill();
            sim.host("server").restart();
        });
        // Even without a sync the kernel has it.
        session(sim, Flaw::SyncsNoFile, 20)
    });
}

/// Runs a customer against a log on a disk with this probability of errors, then takes the power
/// away.
fn session_with_errors(sim: &Simulation, flaw: Flaw, probability: f64) -> Result<()> {
    let acknowledged = Shared::new(Vec::new());
    let customer = acknowledged.clone();
    sim.host("server").start(move |reactor| {
        boot(reactor, flaw);
        Ok(())
    })?;
    sim.at(secs(1), move |sim| {
        sim.faults().disk_errors(probability);
        let reactor = sim.host("client").reactor();
        reactor.connect("tcp:server:7000:timeout=5", Once::new(Customer(customer))).finish(drop);
    });
    sim.run_until(secs(20))?;
    sim.faults().heal();
    sim.host("server").restart();
    sim.run_until(secs(30))?;
    let (acknowledged, stored) = (acknowledged.take(), stored(sim, flaw)?);
    let lost: Vec<_> = acknowledged.iter().filter(|order| !stored.contains(order)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    Ok(())
}

#[test]
fn a_log_that_gives_up_after_an_error_loses_nothing() {
    Simulation::check(1..=60, |sim: &Simulation| session_with_errors(sim, Flaw::Nothing, 0.1));
}

#[test]
fn a_log_loses_nothing_whichever_operation_fails() {
    for errno in [EIO, ENOSPC] {
        let fail = |faults: &Faults<'_>, call| {
            faults.failing_call(call, errno);
        };
        Simulation::check_every_call(1, fail, |sim| session_with_errors(sim, Flaw::Nothing, 0.0));
        let check = || Simulation::check_every_call(1, fail, |sim| session_with_errors(sim, Flaw::OutlivesErrors, 0.0));
        let said = *catch_unwind(check).unwrap_err().downcast::<String>().unwrap();
        assert!(said.contains("acknowledged and lost: [") && said.contains("failing_call("), "{said}");
    }
}

#[test]
fn a_log_that_goes_on_after_a_failed_sync_is_caught() {
    let check = || Simulation::check(1..=60, |sim: &Simulation| session_with_errors(sim, Flaw::OutlivesErrors, 0.1));
    let said = *catch_unwind(check).unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("acknowledged and lost: [") && said.contains("it takes every fault: disk_errors("), "{said}");
}
