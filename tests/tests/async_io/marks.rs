//! What is bounded by what.

use std::time::Duration;

use futures_lite::future;
use lariat::testing::simulated;
use lariat::{AsyncStream, Once, Protocol, Transport, WriteStatus};
use lariat_tests::downstream::Shared;

use super::{Polls, byte, is_beginning, pair, pattern, run};

/// Sends for as long as anything is taken.
struct Flood(Shared<usize>);

impl Flood {
    fn send(&self, transport: &Transport) {
        loop {
            let piece: Vec<u8> = self.0.with(|sent| (*sent..*sent + 10_000).map(byte).collect());
            let status = transport.write(&piece);
            self.0.with(|sent| *sent += piece.len());
            if status != WriteStatus::Accepted {
                return;
            }
        }
    }
}

impl Protocol for Flood {
    fn connection_made(&mut self, transport: &Transport) {
        self.send(transport);
    }

    fn write_resumed(&mut self, transport: &Transport) {
        self.send(transport);
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn a_peer_that_floods_a_reader_who_does_not_read_is_stopped() {
    let mut reactor = simulated();
    let mut listener = reactor.listen_stream("tcp:7000").expect("it is free");
    let sent = Shared::new(0);
    reactor.connect("tcp:127.0.0.1:7000", Once::new(Flood(sent.clone()))).detach();
    let mut stream = reactor.block_on(listener.accept()).expect("the loop goes on").expect("somebody comes");
    for _ in 0..1000 {
        reactor.turn(Some(Duration::from_millis(1))).expect("a turn");
    }
    let received = reactor.stats().bytes_received;
    // The mark, and what the loop reads at once.
    assert!((64 * 1024..=192 * 1024).contains(&received), "{received} bytes");
    let stopped_at = sent.with(|sent| *sent);
    reactor.turn(Some(Duration::from_secs(1))).expect("a turn");
    assert_eq!((reactor.stats().bytes_received, sent.with(|sent| *sent)), (received, stopped_at));
    // Read a little, and it is not woken for every byte; read more, and it goes on.
    let mut all = vec![0; 1000];
    let count = reactor.block_on(stream.read(&mut all)).expect("the loop goes on").expect("it is there");
    assert!(count == 1000 && is_beginning(&all));
    reactor.turn(Some(Duration::from_secs(1))).expect("a turn");
    assert_eq!(reactor.stats().bytes_received, received);
    let more = async {
        while all.len() < 1_000_000 {
            let bytes = stream.fill_buf().await.expect("the connection stands");
            all.extend_from_slice(bytes);
            let count = bytes.len();
            stream.consume(count);
        }
    };
    reactor.block_on(more).expect("the loop goes on");
    assert!(is_beginning(&all));
}

#[test]
fn a_write_waits_while_the_peer_does_not_read() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        let mut written = 0;
        while let Some(count) = Polls::at_most(1, client.write(&[7; 20_000])).await {
            written += count?;
            assert!(client.transport().queued() <= 128 * 1024, "{}", client.transport().queued());
        }
        // A write that was given up has written nothing.
        assert!(Polls::at_most(1, client.write(&[8; 20_000])).await.is_none());
        // A single write takes a part, however long it is.
        let reading = reactor.spawn(async move {
            let mut read = 0;
            while let bytes @ [_, ..] = server.fill_buf().await? {
                assert!(bytes.iter().all(|byte| *byte == 7));
                let count = bytes.len();
                server.consume(count);
                read += count;
            }
            std::io::Result::Ok(read)
        });
        let all = vec![7; 5_000_000];
        assert_eq!(client.write(&all).await?, 64 * 1024);
        client.write_all(&all).await?;
        assert!(client.transport().queued() <= 128 * 1024);
        client.close_write();
        assert_eq!(reading.await?, written + 64 * 1024 + all.len());
        Ok(())
    });
}

async fn both_ways(stream: AsyncStream) -> std::io::Result<usize> {
    let (mut reader, mut writer) = stream.split();
    let write = async move { writer.write_all(&pattern(2_000_000)).await };
    let read = async {
        let mut all = Vec::new();
        loop {
            match reader.fill_buf().await? {
                [] => return Ok(all),
                bytes => all.extend_from_slice(bytes),
            }
            reader.consume(usize::MAX);
        }
    };
    let (all, ()) = future::try_zip(read, write).await?;
    assert!(is_beginning(&all));
    Ok(all.len())
}

#[test]
fn two_that_write_much_to_each_other_do_not_wait_for_each_other() {
    run(|reactor| async move {
        let (one, other) = pair(&reactor).await?;
        let one = reactor.spawn(both_ways(one));
        assert_eq!(both_ways(other).await?, 2_000_000);
        assert_eq!(one.await?, 2_000_000);
        Ok(())
    });
}

#[test]
fn a_task_that_always_finds_something_leaves_the_others_their_turn() {
    let mut reactor = simulated();
    let mut listener = reactor.listen_stream("tcp:7000").expect("it is free");
    reactor.connect("tcp:127.0.0.1:7000", Once::new(Flood(Shared::new(0)))).detach();
    let mut stream = reactor.block_on(listener.accept()).expect("the loop goes on").expect("somebody comes");
    let read = Shared::new(0_usize);
    let counted = read.clone();
    let task = async move {
        while let count @ 1.. = stream.fill_buf().await?.len() {
            stream.consume(count);
            counted.with(|read| *read += count);
        }
        std::io::Result::Ok(())
    };
    let task = reactor.spawn(task);
    for _ in 0..50 {
        let before = read.with(|read| *read);
        reactor.turn(Some(Duration::ZERO)).expect("a turn");
        assert!(read.with(|read| *read) - before <= 512 * 1024, "a turn comes to its end");
    }
    assert!(read.with(|read| *read) > 100_000);
    drop(task);
}
