//! The last reply, to peers that have not stopped sending.

use lariat::Transport;
use lariat_tests::faults::End;
use lariat_tests::harness::{Log, really};

use super::outsider;

/// Bytes that tell their place.
fn pattern(length: usize) -> Vec<u8> {
    let number = |at: usize| u32::try_from(at).unwrap_or(0).wrapping_mul(2_654_435_761);
    (0..length.div_ceil(4)).flat_map(|at| number(at).to_le_bytes()).take(length).collect()
}

#[test]
fn a_peer_that_sends_on_after_our_close_still_gets_the_last_reply_whole() {
    really(|mut world| {
        let (log, reply) = (Log::new(), pattern(1 << 20));
        let written = reply.clone();
        let mut peer = outsider(
            &mut world,
            log.probe().data(move |transport, _| {
                transport.write(&written);
                transport.close();
            }),
        );
        peer.send(b"the last request");
        world.until("it is heard", || log.has("data"));
        world.until("the reply and our end are there", || {
            // It takes no notice, and sends on between any two reads.
            peer.send(b"chatter");
            peer.end().is_some()
        });
        assert!(*peer.receive() == reply && peer.end() == Some(End::Orderly));
        peer.close_write();
        world.until_lost(&[&log]);
        assert_eq!(log.lost().as_deref(), Some("Done"));
        assert_eq!(log.deliveries(), 1, "what comes after our close is dropped");
    });
}

#[test]
fn a_close_with_input_unread_does_not_destroy_the_last_reply() {
    really(|mut world| {
        let (log, reply) = (Log::new(), pattern(1 << 20));
        let mut peer = outsider(&mut world, log.probe().made(Transport::pause_reading));
        peer.send(&pattern(100_000));
        world.settle();
        log.transport().write(&reply);
        log.transport().close();
        world.until("the reply and our end are there", || peer.end().is_some());
        assert!(*peer.receive() == reply && peer.end() == Some(End::Orderly));
        drop(peer);
        world.until_lost(&[&log]);
        assert_eq!(log.lost().as_deref(), Some("Done"));
    });
}
