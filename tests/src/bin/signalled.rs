//! A server that is sent signals: `signalled [MODE]`. It prints its address, and what happens to it.
//!
//! Every byte that it receives is a command: see [`Signalled::data_received`].

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{Write, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use lariat::{Bytes, Idle, OnTermination, Peer, Protocol, Reactor, SystemEvent, Transport, TriggerPhase, run_on_cores};
use log::{LevelFilter, Log, Metadata, Record};

const SIGHUP: i32 = 1;
const SIGUSR1: i32 = 10;
const SIGPIPE: i32 = 13;

/// More than any socket's buffers hold.
const MUCH: usize = 64 << 20;

fn say(what: &str) {
    println!("{what}");
}

struct Signalled {
    /// Ends only on a command.
    stays: bool,
}

impl Protocol for Signalled {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        for byte in data {
            match byte {
                // Says that it is there.
                b'?' => drop(transport.write(b"!")),
                // Is busy until its standard input has a line.
                b'b' => {
                    say("busy");
                    let _ = stdin().read_line(&mut String::new());
                    say("idle");
                }
                b'c' => transport.close(),
                b'f' => send_file(transport),
                // In pieces, so that they are sent by one call that gathers them.
                b'v' => {
                    transport.set_queue_limit(2 * MUCH);
                    for _ in 0..64 {
                        transport.write_chunk(Bytes::from(vec![0; MUCH / 64]));
                    }
                }
                b's' => transport.reactor().stop(),
                // Expects more within a second.
                b'i' => {
                    transport.set_idle_timeout(Idle::Read, Some(Duration::from_secs(1)));
                    say("watches");
                }
                _ => {}
            }
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        // It goes on sending, as one does that was asked for something.
        if transport.queued() == 0 {
            transport.close();
        }
    }

    fn drain(&mut self, transport: &Transport) {
        say("draining");
        if !self.stays {
            transport.close();
        }
    }

    fn connection_lost(&mut self, _: &Transport, reason: lariat::CloseReason) {
        say(if reason.is_done() { "done" } else { "lost" });
    }
}

fn send_file(transport: &Transport) {
    let path = env::temp_dir().join(format!("lariat-signalled-{}", std::process::id()));
    let file = File::create(&path).and_then(|mut file| {
        file.write_all(&[0])?;
        file.set_len(MUCH as u64)?;
        File::open(&path)
    });
    // The descriptor keeps it for as long as it is needed.
    let _ = std::fs::remove_file(&path);
    match file {
        Ok(file) => drop(transport.write_file(file, 0..MUCH as u64)),
        Err(error) => say(&error.to_string()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    log::set_logger(&Printer).map_err(|error| error.to_string())?;
    log::set_max_level(LevelFilter::Info);
    let mode = env::args().nth(1).unwrap_or_default();
    if mode == "pipe" {
        // The runtime of Rust ignores SIGPIPE; this gives it its default action back.
        signal_hook::flag::register_conditional_default(SIGPIPE, Arc::new(AtomicBool::new(true)))?;
    }
    if mode.starts_with("cores") {
        serve_on_cores(&mode)?;
    } else {
        serve(&mode)?;
    }
    say("ended");
    match mode.as_str() {
        // No loop runs any more: only the signal's own action can end the process.
        "after" => drop(stdin().read_line(&mut String::new())),
        "twice" => serve(&mode)?,
        _ => {}
    }
    Ok(())
}

fn serve(mode: &str) -> lariat::Result<()> {
    let reactor = Reactor::new()?;
    let stays = matches!(mode, "stays" | "short");
    let port = reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| {
        say("connected");
        Signalled { stays }
    })?;
    let limit = if mode == "short" { Duration::from_millis(50) } else { Duration::from_secs(3600) };
    reactor.set_drain_timeout(limit);
    if mode == "leave" {
        reactor.set_termination(OnTermination::Leave);
    }
    reactor.on_signal(SIGHUP, |reactor| {
        say("hung up");
        // It is called from the loop, where everything can be done.
        reactor.call_later(Duration::ZERO, |_| say("soon after"));
    })?;
    let handler = reactor.on_signal(SIGUSR1, |_| say("user signal"))?;
    if mode == "removed" {
        handler.remove();
    }
    // Signals are handled from here on, so now they may be sent.
    reactor.add_trigger(TriggerPhase::After, SystemEvent::Startup, move |_| {
        if let Some(address) = port.address().tcp() {
            say(&address.to_string());
        }
    });
    reactor.run()
}

const CORES: usize = 3;

/// The same on several cores, which print one address when all of them run.
fn serve_on_cores(mode: &str) -> lariat::Result<()> {
    let stays = mode == "cores stay";
    let (port, running) = (AtomicU16::new(0), Arc::new(AtomicUsize::new(0)));
    let stats = run_on_cores(CORES, move |_, reactor| {
        let endpoint = format!("tcp:{}:interface=127.0.0.1:reuseport=yes", port.load(Ordering::SeqCst));
        let address = reactor.listen(&endpoint, move |_: &Peer| Signalled { stays })?.address().tcp();
        port.store(address.map_or(0, |address| address.port()), Ordering::SeqCst);
        reactor.set_drain_timeout(Duration::from_secs(3600));
        let running = running.clone();
        reactor.add_trigger(TriggerPhase::After, SystemEvent::Startup, move |_| {
            if running.fetch_add(1, Ordering::SeqCst) + 1 == CORES
                && let Some(address) = address
            {
                say(&address.to_string());
            }
        });
        Ok(())
    })?;
    say(&format!("{} of {} done", stats.closed.done, stats.opened));
    Ok(())
}

/// Writes what is logged to the standard error.
struct Printer;

impl Log for Printer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        eprintln!("{}", record.args());
    }

    fn flush(&self) {}
}
