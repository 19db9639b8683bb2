//! Whatever is in the file: it is replayed, or refused with a reason, and nothing panics. The input follows a recording's beginning.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use lariat::testing::Simulation;
use lariat::{Peer, Protocol, Transport};
use libfuzzer_sys::fuzz_target;

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// A file of this process's own, in memory where there is such a place.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
    folder.join(format!("lariat-fuzz-recording-{}", std::process::id()))
});

fuzz_target!(|entries: &[u8]| {
    let bytes = [b"\x89lariat-rec\n\x01\x00", entries].concat();
    std::fs::write(&*PATH, bytes).expect("there is room for it");
    let replayed = Simulation::replay(&*PATH, |replay| {
        replay.on_remote_call(|_, _| {});
        replay.reactor().remote()?;
        replay.reactor().listen("tcp:7000", |_: &Peer| Echo)?;
        replay.reactor().connect("tcp:127.0.0.1:7000", |_: &Peer| Echo).detach();
        Ok(())
    });
    match replayed {
        Ok(replayed) => assert!(replayed.panics.is_empty(), "{replayed:?}"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
