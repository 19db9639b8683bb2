//! What one end of a connection has done and heard.

use std::time::{Duration, Instant};

use lariat::{CloseReason, Idle, Phase};

/// Something that a protocol hears.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Made,
    Data,
    ReadClosed,
    ReadResumed,
    WritePaused,
    WriteResumed,
    TimedOut(Idle),
    Drain,
    Call,
    Lost,
}

/// Bytes of a stream that tell whose it is: they come first.
pub(super) const HEADING: usize = 4;

/// One end: everything in it is what users did or were told, nothing is asked of the reactor.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) host: &'static str,
    pub(super) is_tcp: bool,
    /// How many protocols have had it, less one.
    pub(super) generation: u32,
    /// A successor waits to take over.
    pub(super) switching: bool,
    pub(super) lost: Option<String>,
    pub(super) sent: usize,
    pub(super) received: usize,
    /// What has come of the peer's heading.
    pub(super) heading: Vec<u8>,
    /// Whose bytes it gets.
    pub(super) peer: Option<usize>,
    pub(super) heard_end: bool,
    told_end: bool,
    told_paused: bool,
    pub(super) paused: bool,
    pub(super) closing: bool,
    pub(super) write_closing: bool,
    pub(super) aborting: bool,
    pub(super) failing: bool,
    pub(super) overflowing: bool,
    /// The limit of the queue is lower than what the user may write at once.
    pub(super) limited: bool,
    pub(super) panicking: bool,
    pub(super) timing_out: bool,
    /// The reactor was told to stop.
    pub(super) stopping: bool,
    /// A write was refused although nothing that the user did explains it.
    pub(super) refused: bool,
    /// By kind: the limit, and when it began to count.
    pub(super) idle: [Option<(Duration, Instant)>; 3],
    /// A producer is registered that has not been stopped.
    pub(super) producing: bool,
    /// Calls through handles: made, and run.
    pub(super) calls: (u64, u64),
    /// Protocols that serve it or wait to.
    pub(super) protocols: usize,
}

impl Story {
    pub(super) fn new(host: &'static str, is_tcp: bool) -> Self {
        Self {
            host,
            is_tcp,
            generation: 0,
            switching: true,
            lost: None,
            sent: 0,
            received: 0,
            heading: Vec::new(),
            peer: None,
            heard_end: false,
            told_end: false,
            told_paused: false,
            paused: false,
            closing: false,
            write_closing: false,
            aborting: false,
            failing: false,
            overflowing: false,
            limited: false,
            panicking: false,
            timing_out: false,
            stopping: false,
            refused: false,
            idle: [None; 3],
            producing: false,
            calls: (0, 0),
            protocols: 1,
        }
    }

    /// Has it been decided here that the connection ends at once?
    pub(super) fn is_ending(&self) -> bool {
        self.aborting || self.overflowing || self.panicking
    }

    /// Is nobody there any more, whether or not anybody was told?
    pub(super) fn is_gone(&self) -> bool {
        self.lost.is_some() || self.protocols == 0
    }

    /// Can anything be written, as far as the user knows?
    pub(super) fn takes_output(&self) -> bool {
        self.lost.is_none() && !self.closing && !self.write_closing && !self.is_ending()
    }

    /// Notes what the protocol of this `generation` hears. An error is what is wrong with that.
    pub(super) fn hear(&mut self, generation: u32, heard: Heard, now: Instant, exact: bool) -> Result<(), String> {
        let wrong = |why: &str| Err(format!("{heard:?} {why}"));
        if self.lost.is_some() {
            return wrong("came after connection_lost");
        }
        if heard == Heard::Made {
            if !self.switching || generation != self.generation {
                return wrong("came to who was not waiting for it");
            }
            (self.switching, self.told_end, self.told_paused) = (false, false, false);
            return Ok(());
        }
        // A protocol that is to be switched away from hears nothing any more but the end, or a call that was on its way.
        let is_former = self.switching && generation + 1 == self.generation;
        let still = matches!(heard, Heard::Lost | Heard::Call);
        if self.switching && !(is_former && still) {
            return wrong("came between switch_to and the successor's connection_made");
        }
        if !self.switching && generation != self.generation {
            return wrong("came to a protocol that was switched away from");
        }
        if (self.closing || self.is_ending()) && !still {
            return wrong("came although the connection was closed or aborted");
        }
        let reads = matches!(heard, Heard::Data | Heard::ReadClosed | Heard::ReadResumed);
        if self.paused && reads {
            return wrong("came while reading was paused");
        }
        if self.told_end && matches!(heard, Heard::Data | Heard::ReadClosed) {
            return wrong("came after read_closed");
        }
        match heard {
            Heard::ReadClosed => (self.told_end, self.heard_end) = (true, true),
            Heard::WritePaused | Heard::WriteResumed => {
                let pauses = heard == Heard::WritePaused;
                if self.told_paused == pauses {
                    return wrong("came twice in a row, or first");
                }
                self.told_paused = pauses;
            }
            Heard::TimedOut(idle) => {
                let Some((limit, since)) = self.idle[place(idle)] else { return wrong("came without a limit") };
                if exact && now - since < limit {
                    return wrong("came early");
                }
                self.idle[place(idle)] = Some((limit, now));
            }
            _ => {}
        }
        Ok(())
    }

    /// Is there a cause for this end?
    pub(super) fn has_cause(&self, reason: &CloseReason) -> bool {
        match reason {
            CloseReason::Done => self.closing || (self.write_closing && self.heard_end),
            CloseReason::Aborted => self.aborting || self.stopping,
            CloseReason::TimedOut(Phase::Idle(_)) => self.timing_out,
            CloseReason::TimedOut(Phase::Close) => self.closing || self.write_closing,
            CloseReason::Overflow => self.overflowing || self.limited,
            CloseReason::Panicked => self.panicking,
            CloseReason::Failed(_) => self.failing,
            // Whatever the network may do, it cannot be held against it that the user had ended the connection before.
            CloseReason::Lost(_) => true,
            _ => false,
        }
    }

    /// The reason that a connection has whose user did nothing but this.
    pub(super) fn only_reason(&self) -> Option<&'static str> {
        let causes = [
            (self.aborting, "aborted on this side"),
            (self.overflowing, "dropped: the peer read too slowly and the queue reached its limit"),
            (self.panicking, "user code panicked"),
        ];
        let mut told = causes.iter().filter(|(is, _)| *is);
        let first = told.next()?;
        let others =
            self.closing || self.failing || self.write_closing || self.stopping || self.timing_out || self.limited;
        (told.next().is_none() && !others).then_some(first.1)
    }
}

/// Where the limits of this kind are.
pub(super) fn place(idle: Idle) -> usize {
    match idle {
        Idle::Read => 0,
        Idle::Write => 1,
        _ => 2,
    }
}

/// The byte at this place of the stream that the end of this name sends.
pub(super) fn byte(name: usize, place: usize) -> u8 {
    if place < HEADING {
        return u32::try_from(name).unwrap_or(u32::MAX).to_le_bytes()[place];
    }
    let mixed = place.wrapping_mul(31) ^ (place >> 8) ^ (place >> 16).wrapping_mul(7) ^ name.wrapping_mul(101);
    mixed.to_le_bytes()[0]
}
