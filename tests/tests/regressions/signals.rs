//! Signals.

use std::fs;

use lariat::Reactor;
use signal_hook::consts::SIGUSR2;

#[test]
fn a_signals_callback_left_descriptors_behind_when_its_loop_was_gone() {
    let count = || fs::read_dir("/proc/self/fd").unwrap().count();
    let handle_once = || {
        let reactor = Reactor::new().unwrap();
        reactor.on_signal(SIGUSR2, |_| {}).unwrap();
    };
    handle_once();
    let before = count();
    for _ in 0..200 {
        handle_once();
    }
    // Other tests of this process open descriptors meanwhile, but by far not as many.
    assert!(count() < before + 100, "{before}, then {}", count());
}
