//! Starts and stops servers on one port under load: `restarts [COUNT]`, 1,000 if it does not say. It prints what came of it, and
//! PASS or FAIL.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use lariat_tests::faults::open_descriptors;
use lariat_tests::restarts::restart;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(1000), |count| count.parse())?;
    let (begun, before) = (Instant::now(), open_descriptors());
    let restarts = restart(count)?;
    println!("{restarts}");
    println!("{:.1} s", begun.elapsed().as_secs_f64());
    let after = open_descriptors();
    if restarts.faults.is_empty() && restarts.servers == count && after == before {
        println!("PASS");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("FAIL: {before} descriptors were open, now {after}");
        Ok(ExitCode::FAILURE)
    }
}
