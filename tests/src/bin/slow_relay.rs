//! Sends a gibibyte each way through the proxy example, while one side is slow to read: `slow_relay [MEBIBYTES]`.
//!
//! Once that side reads nothing at all before the other has everything, and once it reads only as much as that has got. It prints a line
//! for each, such as `PASS …: 64 KiB of memory (bound 1024)`, and exits with 1 if a bound was missed or a byte was lost. Build it with
//! `--release`, and the proxy is too.

use std::process::ExitCode;
use std::time::Instant;

use lariat_tests::proxy::{RELAY_MEMORY, Slow, relay_both_ways};

fn main() -> ExitCode {
    let Ok(mebibytes) = std::env::args().nth(1).map_or(Ok(1024), |count| count.parse::<u64>()) else {
        eprintln!("usage: slow_relay [MEBIBYTES]");
        return ExitCode::from(2);
    };
    let ways = [
        ("reads nothing until the other has all", Slow::Waits),
        ("reads only as much as the other has got", Slow::Lags),
    ];
    let mut missed = 0;
    for (what, slow) in ways {
        let begun = Instant::now();
        let memory = relay_both_ways(mebibytes << 20, slow);
        let met = memory <= RELAY_MEMORY;
        missed += usize::from(!met);
        println!(
            "{} relay: {mebibytes} MiB each way, one side {what}: {memory} KiB of memory (bound {RELAY_MEMORY}), in {:.1} s",
            if met { "PASS" } else { "FAIL" },
            begun.elapsed().as_secs_f64()
        );
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
