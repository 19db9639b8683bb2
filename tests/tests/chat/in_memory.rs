//! The same server in a simulated world, where time can be waited for.

use std::time::Duration;

use lariat::Transport;
use lariat_examples::chat::Chat;
use lariat_tests::harness::{Log, World, simulated};

/// Connects a member that sends `line` if it is not empty, and never reads if `deaf`.
fn come(world: &mut World, port: &lariat::Port, line: &'static str, deaf: bool) -> Log {
    let log = Log::new();
    let speak = move |transport: &Transport| {
        transport.write(line.as_bytes());
        if deaf {
            transport.pause_reading();
        }
    };
    world.connect(port, log.probe().made(speak));
    world.until("the connection is made", || log.is_made());
    log
}

fn heard(log: &Log, line: &str) -> bool {
    String::from_utf8_lossy(&log.received()).lines().any(|heard| heard == line)
}

#[test]
fn who_gives_no_nickname_in_half_a_minute_is_sent_away_and_who_gave_one_stays() {
    simulated(|mut world| {
        let port = world.listen(Chat::new());
        let ann = come(&mut world, &port, "ann\n", false);
        let silent = come(&mut world, &port, "", false);
        let hesitant = come(&mut world, &port, "a b\n", false);
        world.pass(Duration::from_secs(29));
        assert!(silent.lost().is_none() && hesitant.lost().is_none());
        world.pass(Duration::from_secs(2));
        world.until_lost(&[&silent, &hesitant]);
        for guest in [silent, hesitant] {
            assert!(heard(&guest, "! no nickname came; good-bye"));
            assert_eq!(guest.lost().as_deref(), Some("Done"));
        }
        world.pass(Duration::from_secs(3600));
        assert_eq!(ann.lost(), None);
    });
}

#[test]
fn what_is_said_to_a_room_is_kept_once_however_many_do_not_read() {
    const DEAF: usize = 50;
    const LINES: usize = 600;
    simulated(|mut world| {
        let port = world.listen(Chat::new());
        let ann = come(&mut world, &port, "ann\n", false);
        for number in 0..DEAF {
            let name: &'static str = format!("deaf{number}\n").leak();
            come(&mut world, &port, name, true);
        }
        world.until("all are there", || heard(&ann, "* deaf49 has joined lobby"));
        world.settle();
        let line = [&[b'x'; 1000][..], b"\n"].concat();
        for _ in 0..LINES {
            ann.transport().write(&line);
        }
        world.until("it is said", || ann.transport().queued() == 0);
        world.settle();
        let queued = world.reactor.stats().queued_bytes;
        let once = LINES * line.len();
        assert!(queued > once / 2, "{queued} bytes wait: the network took too much of it");
        // Beside the lines themselves, there is for each person a table entry of each.
        assert!(queued < once + DEAF * LINES * 50, "{queued} bytes are kept for what has {once}");
    });
}

#[test]
fn an_http_request_is_no_nickname_and_no_message() {
    simulated(|mut world| {
        let port = world.listen(Chat::new());
        let ann = come(&mut world, &port, "ann\n", false);
        let browser = come(&mut world, &port, "POST / HTTP/1.1\r\nHost: a\r\n\r\nmallory\nI was here\n", false);
        world.until_lost(&[&browser]);
        world.settle();
        assert!(!heard(&ann, "* mallory has joined lobby"));
        assert_eq!(ann.lost(), None);
    });
}
