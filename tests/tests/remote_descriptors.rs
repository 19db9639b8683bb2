//! What reactors and their remotes leave behind. Alone in its process, for descriptors are the process's.

use std::thread;

use lariat::{Reactor, Remote};
use lariat_tests::faults::open_descriptors;

/// Makes a reactor, has a thread call it, ends it.
fn come_and_go() -> Remote {
    let reactor = Reactor::new().expect("there are descriptors");
    let remote = reactor.remote().expect("there are descriptors");
    let other = reactor.remote().expect("there are descriptors");
    let thread = thread::spawn(move || other.call(Reactor::stop));
    reactor.run().expect("it is stopped");
    thread.join().expect("it ends well").expect("the loop ran");
    remote
}

#[test]
fn hundreds_of_reactors_leave_no_descriptor_even_while_their_remotes_are_kept() {
    drop(come_and_go());
    let before = open_descriptors();
    let remotes: Vec<_> = (0..500).map(|_| come_and_go()).collect();
    assert_eq!(open_descriptors(), before);
    assert!(remotes.iter().all(|remote| remote.is_ended() && remote.call(|_| ()).is_err()));
}
