//! Who sits where, and who has heard what.

use std::collections::VecDeque;

use lariat::{Bytes, Transport, WriteStatus};

/// A seat's number. It is given again when it is free.
pub(super) type Seat = usize;

/// The seats around a board.
#[derive(Default)]
pub(super) struct Table {
    seats: Vec<Option<Transport>>,
    /// Goes round with one word at a time, and waits for whoever is slow.
    waits: bool,
    /// Words that go round: each with the seat that hears it next.
    round: VecDeque<(Bytes, Seat)>,
    waits_for: Option<Seat>,
}

impl Table {
    pub(super) fn new(waits: bool) -> Self {
        Self { waits, ..Self::default() }
    }

    /// Gives the first free seat.
    pub(super) fn sit_down(&mut self, transport: &Transport) -> Seat {
        let seat = self.seats.iter().position(Option::is_none).unwrap_or(self.seats.len());
        if seat == self.seats.len() {
            self.seats.push(None);
        }
        self.seats[seat] = Some(transport.clone());
        seat
    }

    pub(super) fn get_up(&mut self, seat: Seat) {
        self.seats[seat] = None;
        self.catches_up(seat);
    }

    /// Ends the connection of whoever has the seat.
    pub(super) fn put_out(&self, seat: Seat) {
        if let Some(transport) = self.seats.get(seat).and_then(Option::as_ref) {
            transport.write(b"too quiet\r\n");
            transport.close();
        }
    }

    pub(super) fn say(&mut self, word: &[u8]) {
        let word = Bytes::from([word, b"\r\n"].concat());
        if self.waits {
            self.round.push_back((word, 0));
            return self.go_round();
        }
        for transport in self.seats.iter().flatten() {
            transport.write_chunk(word.clone());
        }
    }

    /// Somebody who was slow has heard everything.
    pub(super) fn catches_up(&mut self, seat: Seat) {
        if self.waits_for == Some(seat) {
            self.waits_for = None;
            self.go_round();
        }
    }

    fn go_round(&mut self) {
        while self.waits_for.is_none()
            && let Some((word, next)) = self.round.front_mut()
        {
            match self.seats.get(*next) {
                Some(Some(transport)) if transport.write_chunk(word.clone()) == WriteStatus::Paused => {
                    self.waits_for = Some(*next);
                }
                Some(_) => {}
                None => {
                    self.round.pop_front();
                    continue;
                }
            }
            *next += 1;
        }
    }
}
