//! What is under way to one end of a connection.

use std::collections::VecDeque;
use std::time::Duration;

use crate::address::Address;
use crate::clock::Time;

use super::poll::HostId;

/// What one end of a connection sends to the other.
#[derive(Debug)]
pub(super) enum Parcel {
    /// A client asks to be connected.
    Call(Box<Call>),
    /// The listener's host has taken the client.
    Welcome,
    Bytes(Vec<u8>),
    /// Nothing follows.
    End,
    Reset,
    /// What the receiver itself has sent was not acknowledged for so long that its system gives up.
    TimedOut,
}

/// Whom a client wants, and what it brings.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) client: Address,
    pub(super) destination: Address,
    /// None if the address is nobody's.
    pub(super) host: Option<HostId>,
    pub(super) send_buffer: Option<usize>,
    pub(super) receive_buffer: Option<usize>,
}

/// Parcels that follow each other, none of which overtakes another.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// With the time of their arrival, which never goes down.
    parcels: VecDeque<(Time, Parcel)>,
    last: Time,
    /// When the last byte is sent off, where they take time to be.
    sent: Time,
}

impl Wire {
    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// When what is sent at `now` and takes `duration` to be sent off has been.
    pub(super) fn send_off(&mut self, now: Time, duration: Duration) -> Time {
        self.sent = self.sent.max(now).after(duration);
        self.sent
    }

    /// Puts a parcel on its way, to arrive at `at` or right after the one before it. Returns when.
    pub(super) fn push(&mut self, at: Time, parcel: Parcel) -> Time {
        self.last = self.last.max(at);
        self.parcels.push_back((self.last, parcel));
        self.last
    }

    /// The next parcel, if it has arrived by `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<Parcel> {
        if self.parcels.front()?.0 > now {
            return None;
        }
        self.parcels.pop_front().map(|(_, parcel)| parcel)
    }

    /// Loses what is under way. Returns how many bytes that were.
    pub(super) fn lose(&mut self) -> usize {
        let length = |(_, parcel): (Time, Parcel)| if let Parcel::Bytes(bytes) = parcel { bytes.len() } else { 0 };
        self.parcels.drain(..).map(length).sum()
    }

    /// Nothing arrives before `at`. Returns how many parcels wait.
    pub(super) fn hold(&mut self, at: Time) -> usize {
        self.parcels.iter_mut().for_each(|(arrival, _)| *arrival = (*arrival).max(at));
        self.last = self.last.max(at);
        self.parcels.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_parcel_overtakes_another() {
        let mut wire = Wire::default();
        assert_eq!(wire.push(Time::from_tick(5), Parcel::Bytes(b"first".into())), Time::from_tick(5));
        assert_eq!(wire.push(Time::from_tick(3), Parcel::End), Time::from_tick(5));
        assert!(wire.pop(Time::from_tick(4)).is_none());
        assert!(matches!(wire.pop(Time::from_tick(5)), Some(Parcel::Bytes(_))));
        assert!(matches!(wire.pop(Time::from_tick(5)), Some(Parcel::End)));
        assert!(wire.is_empty());
    }

    #[test]
    fn bytes_are_sent_off_one_after_the_other() {
        let mut wire = Wire::default();
        let second = Duration::from_secs(1);
        wire.send_off(Time::from_tick(0), second);
        assert_eq!(wire.send_off(Time::from_tick(0), second), Time::from_tick(2_000));
        assert_eq!(wire.send_off(Time::from_tick(5_000), second), Time::from_tick(6_000));
    }
}
