//! Reading, writing and ending.

use std::io::ErrorKind;
use std::time::Duration;

use futures_lite::AsyncReadExt;
use futures_lite::future::yield_now;
use lariat::testing::{Simulation, secs, simulated};
use lariat::{CloseReason, Error, ErrorKind as Kind, Failure, FailureKind, Idle, Reactor};
use lariat_tests::downstream::Shared;

use super::{pair, pattern, run};

#[test]
fn what_one_end_writes_the_other_reads() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        client.write_all(b"how are you?").await?;
        let mut question = [0; 64];
        let count = server.read(&mut question).await?;
        assert_eq!(&question[..count], b"how are you?");
        server.write_all(b"well").await?;
        assert_eq!(client.fill_buf().await?, b"well");
        client.consume(1);
        assert_eq!(client.fill_buf().await?, b"ell");
        client.consume(99);
        assert_eq!(client.read(&mut []).await?, 0, "a buffer without room is no reason to wait");
        assert_eq!(client.peer_address(), server.local_address()?);
        assert_eq!(client.local_address()?, server.peer_address());
        Ok(())
    });
}

#[test]
fn a_small_buffer_gets_everything_piece_by_piece() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        client.write_all(&pattern(1000)).await?;
        client.close_write();
        let (mut all, mut buffer) = (Vec::new(), [0; 7]);
        loop {
            match server.read(&mut buffer).await? {
                0 => break,
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
        assert_eq!(all, pattern(1000));
        assert_eq!(server.read(&mut buffer).await?, 0, "the end stays the end");
        // The other direction is open still.
        server.write_all(b"thanks").await?;
        assert_eq!(client.fill_buf().await?, b"thanks");
        let refused = client.write_all(b"more").await.expect_err("it is closed for writing");
        assert_eq!(refused.kind(), ErrorKind::BrokenPipe);
        Ok(())
    });
}

#[test]
fn dropping_a_stream_sends_what_was_written_and_then_the_end() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        client.write_all(&pattern(60_000)).await?;
        drop(client);
        let mut all = Vec::new();
        loop {
            let bytes = server.fill_buf().await?;
            if bytes.is_empty() {
                break;
            }
            all.extend_from_slice(bytes);
            let count = bytes.len();
            server.consume(count);
        }
        assert_eq!(all, pattern(60_000));
        Ok(())
    });
}

#[test]
fn close_waits_until_everything_is_sent() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        client.write_all(&pattern(60_000)).await?;
        let closing = reactor.spawn(client.close());
        let mut read = 0;
        while let count @ 1.. = server.fill_buf().await?.len() {
            read += count;
            server.consume(count);
        }
        assert_eq!(read, 60_000);
        drop(server);
        closing.await?;
        Ok(())
    });
}

#[test]
fn close_tells_when_the_peer_did_not_take_everything() {
    run(|reactor| async move {
        let (mut client, server) = pair(&reactor).await?;
        client.write_all(&pattern(60_000)).await?;
        server.transport().abort();
        let error = client.close().await.expect_err("it was reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn what_arrived_before_a_reset_is_read_before_the_error() {
    run(|reactor| async move {
        let (mut client, mut server) = pair(&reactor).await?;
        client.write_all(b"last words").await?;
        assert_eq!(server.fill_buf().await?, b"last words");
        client.transport().abort();
        reactor.sleep(Duration::from_secs(1)).await?;
        assert_eq!(server.fill_buf().await?, b"last words");
        server.consume(10);
        for _ in 0..2 {
            let error = server.fill_buf().await.expect_err("it was reset");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            let reason = error.get_ref().and_then(|reason| reason.downcast_ref::<std::sync::Arc<CloseReason>>());
            assert!(matches!(reason.map(AsRef::as_ref), Some(CloseReason::Lost(_))));
        }
        assert_eq!(server.write_all(b"?").await.expect_err("it was reset").kind(), ErrorKind::ConnectionReset);
        // This side knows that it was itself.
        assert_eq!(client.fill_buf().await.expect_err("aborted").kind(), ErrorKind::ConnectionAborted);
        Ok(())
    });
}

#[test]
fn an_idle_timeout_ends_a_read() {
    run(|reactor| async move {
        let (client, mut server) = pair(&reactor).await?;
        server.transport().set_idle_timeout(Idle::Read, Some(Duration::from_secs(5)));
        let error = server.read(&mut [0; 8]).await.expect_err("nothing comes");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(client);
        Ok(())
    });
}

#[test]
fn halves_end_the_connection_together() {
    run(|reactor| async move {
        let (client, mut server) = pair(&reactor).await?;
        let (mut reader, mut writer) = client.split();
        writer.write_all(b"bye").await?;
        // Nothing more will be written, and that is told.
        drop(writer);
        assert_eq!(server.fill_buf().await?, b"bye");
        server.consume(3);
        assert_eq!(server.fill_buf().await?, b"");
        server.write_all(b"bye").await?;
        assert_eq!(reader.fill_buf().await?, b"bye");
        drop(reader);
        server.close().await?;
        Ok(())
    });
}

#[test]
fn a_refused_connect_fails_and_a_cancelled_one_leaves_nothing() {
    run(|reactor| async move {
        let failure = reactor.connect_stream("tcp:127.0.0.1:7000").await.expect_err("nobody listens");
        assert_eq!(failure.downcast_ref::<Error>().map(Error::kind), Some(Kind::ConnectionRefused));
        let listener = reactor.listen_stream("tcp:7000")?;
        drop(reactor.connect_stream("tcp:127.0.0.1:7000"));
        for turns in 0..6 {
            let connecting = reactor.connect_stream("tcp:127.0.0.1:7000");
            for _ in 0..turns {
                yield_now().await;
            }
            connecting.cancel();
            match connecting.await {
                Ok(stream) => drop(stream),
                Err(failure) => assert_eq!(failure.kind(), FailureKind::Cancelled),
            }
        }
        drop(listener);
        Ok(())
    });
}

#[test]
fn the_end_of_the_reactor_is_told_to_who_still_has_a_stream() {
    let mut reactor = simulated();
    let handle = Reactor::clone(&reactor);
    let pair = reactor.block_on(async { pair(&handle).await }).expect("the loop goes on");
    let (mut client, _server) = pair.expect("it connects");
    drop(reactor);
    let mut other = simulated();
    let error = other.block_on(client.read(&mut [0; 4])).expect("the loop goes on").expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert!(other.block_on(client.write_all(b"x")).expect("the loop goes on").is_err());
    assert!(other.block_on(client.close()).expect("the loop goes on").is_err());
}

#[test]
fn a_server_that_stops_lets_a_task_answer_and_reads_no_more_for_it() {
    Simulation::check(1..=20, |sim: &Simulation| {
        let server = sim.host("server").reactor();
        let mut listener = server.listen_stream("tcp:7000")?;
        let (stop, aborted) = (server.clone(), Shared::new(None));
        let kind = aborted.clone();
        let serve = async move {
            let mut stream = listener.accept().await?;
            stream.write_all(b"wait").await?;
            stop.stop();
            let error = stream.read(&mut [0; 8]).await.expect_err("the server is stopping");
            kind.with(|kind| *kind = Some(error.kind()));
            stream.write_all(b" for it").await
        };
        server.spawn(serve).detach();
        let (client, heard) = (sim.host("client").reactor(), Shared::new(String::new()));
        let (hears, handle) = (heard.clone(), client.clone());
        let listen = async move {
            let mut stream = handle.connect_stream("tcp:server:7000").await?;
            let mut all = String::new();
            stream.read_to_string(&mut all).await?;
            hears.with(|heard| *heard = all);
            Ok::<_, Failure>(())
        };
        client.spawn(listen).detach();
        sim.run_until(secs(60))?;
        assert_eq!((aborted.take(), &*heard.take()), (Some(ErrorKind::ConnectionAborted), "wait for it"));
        Ok(())
    });
}
