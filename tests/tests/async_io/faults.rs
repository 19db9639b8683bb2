//! On a network that fails.

use std::ops::RangeInclusive;
use std::time::Duration;

use futures_lite::future;
use lariat::testing::{Random, Simulation, secs};
use lariat::{AsyncStream, Idle, Reactor, copy};
use lariat_tests::downstream::Shared;

use super::{is_beginning, pattern};

const LENGTH: usize = 40_000;

/// The bytes that came back to a client, and its end.
#[derive(Default)]
struct Outcome {
    heard: Vec<u8>,
    end: Option<Result<(), String>>,
}

fn serve(reactor: &Reactor) -> lariat::Result<()> {
    let mut listener = reactor.listen_stream("tcp:7000")?;
    let handle = reactor.clone();
    let accept = async move {
        while let Ok(stream) = listener.accept().await {
            let echo = async move {
                let (mut reader, mut writer) = stream.split();
                // The client finds out by itself.
                let _ = copy(&mut reader, &mut writer).await;
            };
            handle.spawn(echo).detach();
        }
    };
    reactor.spawn(accept).detach();
    Ok(())
}

async fn talk(stream: AsyncStream, reactor: Reactor, random: Random, outcome: Shared<Outcome>) -> std::io::Result<()> {
    // A half-open connection on which everything is sent has no other end.
    stream.transport().set_idle_timeout(Idle::Read, Some(Duration::from_secs(600)));
    let (mut reader, mut writer) = stream.split();
    let (pauses, lengths) = (random.clone(), random);
    let write = async move {
        let (all, mut written) = (pattern(LENGTH), 0);
        while written < LENGTH {
            let length = (1 + lengths.index(5000)).min(LENGTH - written);
            writer.write_all(&all[written..written + length]).await?;
            written += length;
            if lengths.chance(0.3) {
                let pause = reactor.sleep(Duration::from_millis(lengths.below(50)));
                pause.await.map_err(|failure| std::io::Error::other(failure.to_string()))?;
            }
        }
        writer.close_write();
        Ok(writer)
    };
    let read = async move {
        loop {
            let mut buffer = vec![0; 1 + pauses.index(3000)];
            match reader.read(&mut buffer).await? {
                0 => return Ok(()),
                count => outcome.with(|outcome| outcome.heard.extend_from_slice(&buffer[..count])),
            }
        }
    };
    future::try_zip(read, write).await.map(|_| ())
}

fn run(seeds: RangeInclusive<u64>, must_end_well: bool, faults: impl Fn(&Simulation)) {
    Simulation::check(seeds, |sim: &Simulation| {
        faults(sim);
        if serve(&sim.host("server").reactor()).is_err() {
            // Descriptors had run out.
            return Ok(());
        }
        let mut outcomes = Vec::new();
        for host in ["one", "one", "other"] {
            let (reactor, random, outcome) = (sim.host(host).reactor(), sim.random(), Shared::<Outcome>::default());
            let (handle, own) = (reactor.clone(), outcome.clone());
            let client = async move {
                let end = match handle.connect_stream("tcp:server:7000:timeout=10").await {
                    Ok(stream) => talk(stream, handle, random, own.clone()).await.map_err(|error| error.to_string()),
                    Err(failure) => Err(failure.to_string()),
                };
                own.with(|own| own.end = Some(end));
            };
            reactor.spawn(client).detach();
            outcomes.push(outcome);
        }
        sim.run_until(secs(3600))?;
        for outcome in outcomes {
            outcome.with(|Outcome { heard, end }| {
                assert!(is_beginning(heard), "bytes were lost or changed their order");
                assert!(end.is_some(), "everybody comes to an end");
                let well = matches!(end, Some(Ok(())));
                assert!(well || !must_end_well, "{end:?}");
                // An orderly end comes after all bytes.
                assert!(!well || heard.len() == LENGTH, "{} bytes of {LENGTH}", heard.len());
            });
        }
        Ok(())
    });
}

#[test]
fn no_byte_is_lost_or_changes_its_order() {
    run(1..=40, true, |sim| {
        sim.faults().latency(0..=80).short_reads().short_writes().reordered_readiness().spurious_readiness(0.2);
        sim.faults().interrupts(0.1).small_buffers(3000).partition("one", "server", secs(1)..secs(4));
    });
}

#[test]
fn who_is_cut_off_is_told_and_has_heard_the_beginning() {
    run(1..=40, false, |sim| {
        sim.faults().latency(0..=80).short_reads().small_buffers(5000).resets(0.01).refused_connects(0.1);
        sim.faults().unanswered_connects(0.1).half_open(0.002).slow_callbacks(0.05, 1..=30);
    });
}
