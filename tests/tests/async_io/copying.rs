//! From stream to stream.

use futures_lite::AsyncReadExt;
use futures_lite::future::{or, yield_now};
use lariat::{AsyncStream, Failure, Reactor, copy, copy_bidirectional};

use super::{Polls, pair, pattern, run};

/// A client and a server with a relay between them: its two ends.
async fn relay(reactor: &Reactor) -> Result<[AsyncStream; 4], Failure> {
    let mut behind = reactor.listen_stream("tcp:7001")?;
    let (client, front) = pair(reactor).await?;
    let back = reactor.connect_stream("tcp:127.0.0.1:7001").await?;
    Ok([client, front, back, behind.accept().await?])
}

#[test]
fn a_relay_passes_both_directions_and_both_ends_on() {
    run(|reactor| async move {
        let [mut client, mut front, mut back, mut server] = relay(&reactor).await?;
        let relaying = reactor.spawn(async move { copy_bidirectional(&mut front, &mut back).await });
        let serving = reactor.spawn(async move {
            let mut all = Vec::new();
            server.read_to_end(&mut all).await?;
            assert!(all == pattern(300_000));
            server.write_all(&pattern(400_000)).await
        });
        client.write_all(&pattern(300_000)).await?;
        client.close_write();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await?;
        assert!(all == pattern(400_000));
        serving.await?;
        assert_eq!(relaying.await?, (300_000, 400_000));
        Ok(())
    });
}

#[test]
fn a_relay_ends_when_either_side_breaks() {
    run(|reactor| async move {
        let [client, mut front, mut back, server] = relay(&reactor).await?;
        let relaying = reactor.spawn(async move { copy_bidirectional(&mut front, &mut back).await });
        server.transport().abort();
        assert!(relaying.await.is_err());
        drop(client);
        Ok(())
    });
}

#[test]
fn what_arrives_after_a_waiting_copy_was_dropped_is_there_to_be_read() {
    run(|reactor| async move {
        let (mut client, server) = pair(&reactor).await?;
        let (mut reader, mut writer) = server.split();
        let copying = async { copy(&mut reader, &mut writer).await.map(drop) };
        let talking = async {
            for word in [b"one", b"two", b"ten"] {
                let mut echo = [0; 3];
                client.write_all(word).await?;
                client.read_exact(&mut echo).await?;
                assert_eq!(&echo, word);
            }
            Ok(())
        };
        or(copying, talking).await?;
        client.write_all(b"six").await?;
        assert_eq!(reader.fill_buf().await?, b"six");
        Ok(())
    });
}

#[test]
fn a_copy_that_is_dropped_at_any_poll_loses_nothing() {
    for polls in 1..12 {
        run(|reactor| async move {
            let [mut client, front, back, mut server] = relay(&reactor).await?;
            let sending = reactor.spawn(async move {
                for piece in pattern(500_000).chunks(9_999) {
                    client.write_all(piece).await?;
                }
                std::io::Result::Ok(())
            });
            let (mut reader, _front) = front.split();
            let (_back, mut writer) = back.split();
            let relaying = reactor.spawn(async move {
                // Begun again and again, it goes on where it was.
                while Polls::at_most(polls, copy(&mut reader, &mut writer)).await.transpose()?.is_none() {
                    yield_now().await;
                }
                std::io::Result::Ok(())
            });
            let mut all = Vec::new();
            server.read_to_end(&mut all).await?;
            assert!(all == pattern(500_000), "dropped after {polls} polls");
            sending.await?;
            relaying.await?;
            Ok(())
        });
    }
}
