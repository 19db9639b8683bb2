//! Messages that are delivered as Maildir delivers them: written aside, synced, renamed, and synced
//! again.

use std::panic::catch_unwind;
use std::path::PathBuf;

use lariat::disk::{Disk, OpenMode};
use lariat::testing::{Faults, Simulation, secs};
use lariat::{Deferred, Reactor, Result};
use lariat_tests::downstream::Shared;

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    /// It renames a file whose content is not durable.
    SyncsNoFile,
    /// It says that a message is delivered whose new name is not durable.
    SyncsNoDirectory,
}

const LENGTH: usize = 2_000;

/// Sets the directories up, if they are not there.
fn set_up(disk: &Disk) -> Deferred<()> {
    let (second, third) = (disk.clone(), disk.clone());
    let first = disk.create_directory("/tmp").recover(drop);
    first
        .and_then(move |()| second.create_directory("/new").recover(drop))
        .and_then(move |()| third.sync_directory("/"))
}

/// Delivers a message. The Deferred has its name once it is there for good.
fn deliver(reactor: &Reactor, letter: u8, flaw: Flaw) -> Deferred<String> {
    let disk = reactor.disk();
    let name = format!("{}.{:016x}", char::from(letter), reactor.random().next());
    let (aside, there) = (PathBuf::from("/tmp").join(&name), PathBuf::from("/new").join(&name));
    let opened = disk.open(&aside, OpenMode::New);
    let written = opened.and_then(move |file| {
        let synced = file.clone();
        let appended = file.append(vec![letter; LENGTH]);
        appended.and_then(move |_| if flaw == Flaw::SyncsNoFile { synced.metadata().map(drop) } else { synced.sync() })
    });
    let renaming = disk.clone();
    let renamed = written.and_then(move |()| renaming.rename(aside, there));
    let synced = renamed.and_then(move |()| match flaw {
        Flaw::SyncsNoDirectory => disk.metadata("/new").map(drop),
        _ => disk.sync_directory("/new"),
    });
    synced.map(move |()| name)
}

/// Delivers messages while the host crashes. Every delivered message must be there, and every
/// message that is there must be whole.
fn session(sim: &Simulation, flaw: Flaw) -> Result<()> {
    sim.faults().slow_disk(5..=50);
    let delivered = Shared::new(Vec::new());
    let told = delivered.clone();
    let next = Shared::new(b'a');
    sim.host("mail").start(move |reactor| {
        let (reactor, told, next) = (reactor.clone(), told.clone(), next.clone());
        set_up(&reactor.disk()).finish(move |result| {
            result.unwrap();
            for second in 1..=3 {
                let (told, next) = (told.clone(), next.clone());
                reactor.call_later(secs(second), move |reactor| {
                    let letter = next.with(|next| {
                        *next += 1;
                        *next
                    });
                    deliver(reactor, letter, flaw).finish(move |name| told.with(|told| told.push(name.unwrap())));
                });
            }
        });
        Ok(())
    })?;
    sim.run_until(secs(30))?;
    // No crash is aimed at the look at what is there.
    sim.faults().heal();
    sim.run_until(secs(40))?;
    let disk = sim.host("mail").reactor().disk();
    let found = Shared::new(Vec::new());
    let listed = found.clone();
    disk.clone().list("/new").finish(move |names| {
        for name in names.unwrap() {
            let (listed, path) = (listed.clone(), PathBuf::from("/new").join(&name));
            disk.read(path).finish(move |content| {
                let name = name.into_string().unwrap();
                listed.with(|listed| listed.push((name, content.unwrap())));
            });
        }
    });
    sim.run_until(secs(50))?;
    let found = found.take();
    for (name, content) in &found {
        let letter = name.as_bytes()[0];
        assert!(*content == vec![letter; LENGTH], "a message is there and not whole: {name}");
    }
    for name in delivered.take() {
        assert!(found.iter().any(|(other, _)| *other == name), "a message was delivered and is lost: {name}");
    }
    Ok(())
}

fn crash(faults: &Faults<'_>, call: u64) {
    faults.crash_at_call(call, secs(3));
}

fn found(flaw: Flaw) -> String {
    let seeds = (1..=10).filter_map(|seed| {
        let found = catch_unwind(|| Simulation::check_every_call(seed, crash, |sim| session(sim, flaw)));
        found.err().map(|said| *said.downcast::<String>().unwrap())
    });
    seeds.into_iter().next().unwrap_or_default()
}

#[test]
fn delivered_messages_survive_a_power_failure_at_every_call() {
    for seed in 1..=5 {
        Simulation::check_every_call(seed, crash, |sim| session(sim, Flaw::Nothing));
    }
}

#[test]
fn a_delivery_that_does_not_sync_the_file_is_caught() {
    let said = found(Flaw::SyncsNoFile);
    assert!(said.contains("a message is there and not whole"), "{said}");
}

#[test]
fn a_delivery_that_does_not_sync_the_directory_is_caught() {
    let said = found(Flaw::SyncsNoDirectory);
    assert!(said.contains("a message was delivered and is lost"), "{said}");
}
