//! Destructors that panic, two at a time: `panicking_drops WHERE`. A panic while another unwinds ends the process, so code that
//! drops two user values must keep their panics apart. The program prints a line if it survives.

use std::error::Error;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use lariat::{MainLoop, Protocol, PullProducer, Reactor, StreamOptions, SystemEvent, Transport, TriggerPhase};
use lariat_tests::faults::OnDrop;

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// Panics in all that it does.
struct Producer(#[expect(dead_code, reason = "it is there to be dropped")] OnDrop);

impl PullProducer for Producer {
    fn produce(&mut self, _: &Transport) {
        oh_no();
    }

    fn stop(&mut self) {
        oh_no();
    }
}

fn oh_no() {
    panic!("oh no");
}

fn write_two(transport: &Transport) {
    for _ in 0..2 {
        transport.write_chunk(OnDrop::chunk([b'.'; 1000], oh_no));
    }
}

/// More than a peer that does not read takes.
fn write_much(transport: &Transport) {
    transport.write(&vec![b'.'; 8 << 20]);
}

fn turn(reactor: &mut MainLoop) -> lariat::Result<()> {
    (0..5).try_for_each(|_| reactor.turn(Some(Duration::ZERO)))
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("before the first turn") {
        let caught = std::panic::catch_unwind(|| {
            let _reactor = Reactor::new();
            oh_no();
        });
        assert!(caught.is_err(), "it has panicked");
        println!("it is still there");
        return Ok(());
    }
    let mut reactor = Reactor::new()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut peer = TcpStream::connect(listener.local_addr()?)?;
    peer.set_nonblocking(true)?;
    let (ours, _) = listener.accept()?;
    let transport = reactor.adopt_stream(ours.into(), StreamOptions::default(), Silent)?;
    turn(&mut reactor)?;
    match std::env::args().nth(1).as_deref() {
        Some("sent") => {
            // The first fills the kernel's buffer, so that both are sent from the queue.
            write_much(&transport);
            write_two(&transport);
            let mut received = vec![0; 1 << 20];
            while transport.queued() > 0 {
                // Whether or not anything is there yet.
                let _ = peer.read(&mut received);
                turn(&mut reactor)?;
            }
        }
        Some("discarded") => {
            write_much(&transport);
            write_two(&transport);
            transport.abort();
        }
        Some("at the end") => {
            write_much(&transport);
            write_two(&transport);
        }
        Some("left to a successor") => {
            let bomb = OnDrop::new(oh_no);
            write_much(&transport);
            write_two(&transport);
            transport.switch_to(Owner(bomb), b"");
            transport.abort();
        }
        Some("a producer's") => {
            transport.register_pull_producer(Producer(OnDrop::new(oh_no)));
        }
        Some("triggers") => {
            for _ in 0..2 {
                let bomb = OnDrop::new(oh_no);
                reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |_| drop(bomb));
            }
        }
        Some("calls") => {
            for _ in 0..2 {
                let bomb = OnDrop::new(oh_no);
                reactor.call_later(Duration::from_secs(60), move |_| drop(bomb));
            }
        }
        _ => return Err("where?".into()),
    }
    turn(&mut reactor)?;
    drop(reactor);
    println!("it is still there");
    Ok(())
}

struct Owner(#[expect(dead_code, reason = "it is there to be dropped")] OnDrop);

impl Protocol for Owner {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}
