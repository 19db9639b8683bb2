//! Somebody at the table.

use std::fmt;
use std::mem;
use std::time::Duration;

use lariat::{CloseReason, DelayedCall, Protocol, Transport};

use super::Flaw;
use super::table::{Seat, Table};
use crate::downstream::Shared;

/// The most bytes of a line.
const MAX_LINE: usize = 64 * 1024;

/// How long somebody may be quiet.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the oracle thinks.
const THOUGHT: Duration = Duration::from_secs(1);

/// Somebody's connection.
pub struct Member {
    table: Shared<Table>,
    flaw: Option<Flaw>,
    /// None before the connection is made.
    seat: Option<Seat>,
    patience: Option<DelayedCall>,
    partial: Vec<u8>,
    /// Questions that the oracle thinks about.
    questions: usize,
    read_closed: bool,
}

impl Member {
    pub(super) fn new(table: Shared<Table>, flaw: Option<Flaw>) -> Self {
        Self { table, flaw, seat: None, patience: None, partial: Vec::new(), questions: 0, read_closed: false }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Lets the time run from now on after which the seat is lost.
    fn restart_patience(&mut self, transport: &Transport) {
        self.stop_patience();
        let Some(seat) = self.seat else { return };
        let table = self.table.clone();
        let put_out = move |_: &lariat::Reactor| table.with(|table| table.put_out(seat));
        self.patience = Some(transport.reactor().call_later(PATIENCE, put_out));
    }

    fn stop_patience(&mut self) {
        if let Some(patience) = self.patience.take() {
            patience.cancel();
        }
    }

    fn line_received(&mut self, transport: &Transport, line: &[u8]) {
        self.restart_patience(transport);
        match line.iter().position(|byte| *byte == b' ').map(|space| line.split_at(space)) {
            Some((b"say", word)) => self.table.with(|table| table.say(&word[1..])),
            Some((b"ask", question)) => self.ask(transport, &question[1..]),
            _ => drop(transport.write_chunk(&b"what?\r\n"[..])),
        }
    }

    fn ask(&mut self, transport: &Transport, question: &[u8]) {
        let mut answer: Vec<u8> = question.iter().rev().copied().collect();
        answer.extend_from_slice(b"\r\n");
        self.questions += 1;
        transport.handle(self).call_later(THOUGHT, move |member, transport| {
            transport.write(&answer);
            member.questions -= 1;
            member.close_if_done(transport);
        });
    }

    /// There is nothing left to say to somebody who has nothing left to ask.
    fn close_if_done(&self, transport: &Transport) {
        if self.read_closed && (self.questions == 0 || self.has(Flaw::DropsReplyAtHalfClose)) {
            transport.close();
        }
    }
}

impl Protocol for Member {
    fn connection_made(&mut self, transport: &Transport) {
        self.seat = Some(self.table.with(|table| table.sit_down(transport)));
        self.restart_patience(transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        // What may be the first half of a delimiter has to be looked at again.
        let overlap = usize::from(!self.has(Flaw::ForgetsHalfADelimiter));
        let mut searched = self.partial.len().saturating_sub(overlap);
        let mut input = mem::take(&mut self.partial);
        input.extend_from_slice(data);
        let mut used = 0;
        while let Some(found) = input[searched..].windows(2).position(|two| two == b"\r\n") {
            let end = searched + found;
            self.line_received(transport, &input[used..end]);
            (used, searched) = (end + 2, end + 2);
        }
        input.drain(..used);
        self.partial = input;
        if self.partial.len() > MAX_LINE {
            transport.fail("a line is too long");
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.read_closed = true;
        self.close_if_done(transport);
    }

    fn write_resumed(&mut self, _: &Transport) {
        if let Some(seat) = self.seat {
            self.table.with(|table| table.catches_up(seat));
        }
    }

    fn connection_lost(&mut self, _: &Transport, _: CloseReason) {
        if !self.has(Flaw::TimerOutlivesConnection) {
            self.stop_patience();
        }
        if let Some(seat) = self.seat {
            self.table.with(|table| table.get_up(seat));
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("seat", &self.seat).finish_non_exhaustive()
    }
}
