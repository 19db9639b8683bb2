//! Accepting.

use std::io::ErrorKind;

use futures_lite::future::yield_now;
use lariat::testing::simulated;
use lariat::{Deferred, Failure, Once, Protocol, Reactor, Transport};

use super::{Polls, look_for_leftovers, run};

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn connections_wait_in_order_to_be_accepted() {
    run(|reactor| async move {
        let mut listener = reactor.listen_stream("tcp:7000")?;
        let clients = (0..3_u8).map(|number| {
            let connecting = reactor.connect_stream("tcp:127.0.0.1:7000");
            reactor.spawn(async move {
                let mut client = connecting.await?;
                client.write_all(&[number]).await?;
                Ok::<_, Failure>(client)
            })
        });
        let clients = Deferred::gather(&reactor, clients).await?;
        for number in 0..3 {
            let mut stream = listener.accept().await?;
            assert_eq!(stream.fill_buf().await?, [number]);
        }
        drop(clients);
        Ok(())
    });
}

#[test]
fn an_accept_that_was_given_up_has_accepted_nothing() {
    run(|reactor| async move {
        let mut listener = reactor.listen_stream("tcp:7000")?;
        for polls in 0..5 {
            assert!(Polls::at_most(polls.min(1), listener.accept()).await.is_none());
            let client = reactor.connect_stream("tcp:127.0.0.1:7000").await?;
            assert_eq!(listener.accept().await?.peer_address(), client.local_address()?);
        }
        Ok(())
    });
}

#[test]
fn so_many_wait_here_and_no_more() {
    let mut reactor = simulated();
    let mut listener = reactor.listen_stream("tcp:7000").expect("it is free");
    for _ in 0..400 {
        reactor.connect("tcp:127.0.0.1:7000", Once::new(Silent)).detach();
    }
    for _ in 0..100 {
        reactor.turn(Some(std::time::Duration::ZERO)).expect("a turn");
    }
    let waiting = format!("{listener:?}");
    assert!(waiting.contains("waiting: 128"), "{waiting}");
    let accept = async {
        let mut accepted = Vec::new();
        while accepted.len() < 400 {
            accepted.push(listener.accept().await?);
        }
        std::io::Result::Ok(accepted)
    };
    let accepted = reactor.block_on(accept).expect("the loop goes on").expect("all come in the end");
    drop((accepted, listener));
    look_for_leftovers(&mut reactor);
}

#[test]
fn who_waits_for_a_port_that_is_closed_is_told() {
    run(|reactor| async move {
        let mut listener = reactor.listen_stream("tcp:7000")?;
        let port = listener.port().clone();
        let accepting = reactor.spawn(async move {
            let first = listener.accept().await.expect_err("nobody has come").kind();
            let second = listener.accept().await.expect_err("nobody will").kind();
            Ok::<_, Failure>((first, second))
        });
        yield_now().await;
        yield_now().await;
        port.close();
        assert_eq!(accepting.await?, (ErrorKind::ConnectionAborted, ErrorKind::ConnectionAborted));
        Ok(())
    });
}

#[test]
fn dropping_a_listener_closes_the_port_and_who_waits() {
    run(|reactor| async move {
        let listener = reactor.listen_stream("tcp:7000")?;
        let port = listener.port().clone();
        let mut client = reactor.connect_stream("tcp:127.0.0.1:7000").await?;
        drop(listener);
        assert!(!port.is_open());
        assert_eq!(client.fill_buf().await?, b"");
        Ok(())
    });
}

#[test]
fn the_end_of_the_reactor_is_told_to_who_accepts() {
    let mut reactor = simulated();
    let mut listener = Reactor::listen_stream(&reactor, "tcp:7000").expect("it is free");
    reactor.turn(Some(std::time::Duration::ZERO)).expect("a turn");
    drop(reactor);
    let error = simulated().block_on(listener.accept()).expect("the loop goes on").expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}
