//! The packets on their way to one end of a connection, and what its sender still holds back.

use std::collections::VecDeque;
use std::time::Duration;

use crate::address::Address;
use crate::clock::Time;
use crate::options::StreamOptions;

use super::poll::HostId;

/// A packet of a connection.
#[derive(Debug)]
pub(super) enum Packet {
    /// A client asks for a connection.
    Syn(Box<Call>),
    SynAck,
    /// The last packet of the handshake.
    Ack,
    Data(Vec<u8>),
    Fin,
    Reset,
    /// Sent again because its acknowledgement was lost.
    Probe,
}

/// The destination of a client, and its socket's options.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) client: Address,
    pub(super) destination: Address,
    /// None if the address belongs to no host.
    pub(super) host: Option<HostId>,
    pub(super) options: StreamOptions,
}

impl Packet {
    pub(super) fn size(&self) -> usize {
        if let Self::Data(bytes) = self { bytes.len() } else { 0 }
    }
}

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) packet: Packet,
    /// When it was first sent.
    pub(super) sent: Time,
    /// When it left its host, or will.
    pub(super) departure: Time,
    /// None if it was lost, and is to be sent again.
    pub(super) arrival: Option<Time>,
}

/// One direction of a connection between two hosts.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// Packets for which the receiver's window has no room.
    unsent: VecDeque<Packet>,
    unsent_bytes: usize,
    /// In the order of their sequence numbers. A packet is delivered after all before it.
    segments: VecDeque<Segment>,
    /// When the link has carried what was sent so far.
    pub(super) free: Time,
    /// When lost packets are sent again, and how often the first of them has been.
    pub(super) retry: Option<Time>,
    pub(super) tries: u32,
    /// Window updates on their way back to the sender: when they arrive, and the bytes that were read.
    updates: VecDeque<(Time, usize)>,
    /// When the sender is to look for the first update.
    pub(super) update_due: Option<Time>,
}

/// How long a sender waits before it sends a lost packet again, and when it gives up.
///
/// The values are Linux's: `tcp_syn_linear_timeouts` 4 and `tcp_syn_retries` 6; `tcp_synack_retries` 5; `tcp_retries2` 15 with
/// `TCP_RTO_MIN` and `TCP_RTO_MAX` (`tcp(7)`, `Documentation/networking/ip-sysctl.rst`).
pub(super) fn retransmission(packet: &Packet, tries: u32, round_trip: Duration) -> (Duration, Duration) {
    let backoff = |base: Duration, tries: u32| base.saturating_mul(1 << tries.min(20));
    match packet {
        Packet::Syn(_) => (backoff(Duration::from_secs(1), tries.saturating_sub(4)), Duration::from_secs(131)),
        Packet::SynAck | Packet::Ack => (backoff(Duration::from_secs(1), tries), Duration::from_secs(63)),
        _ => {
            let timeout = backoff(Duration::from_millis(200) + round_trip, tries);
            (timeout.min(Duration::from_secs(120)), Duration::from_millis(924_600))
        }
    }
}

impl Wire {
    pub(super) fn is_idle(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether the sender holds bytes back, for want of a window.
    pub(super) fn is_blocked(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub(super) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes
    }

    pub(super) fn hold_back(&mut self, packet: Packet) {
        self.unsent_bytes += packet.size();
        self.unsent.push_back(packet);
    }

    /// Takes the next packet that may leave: of data at most `window` bytes, and at most `piece`.
    pub(super) fn take_unsent(&mut self, window: usize, piece: usize) -> Option<Packet> {
        let Packet::Data(bytes) = self.unsent.front_mut()? else { return self.unsent.pop_front() };
        let count = bytes.len().min(window).min(piece.max(1));
        self.unsent_bytes -= count;
        if count == bytes.len() {
            return self.unsent.pop_front();
        }
        if count == 0 {
            return None;
        }
        let rest = bytes.split_off(count);
        Some(Packet::Data(std::mem::replace(bytes, rest)))
    }

    /// Adds a packet that has left. Returns when it arrives: not before those ahead of it.
    pub(super) fn push(&mut self, mut segment: Segment) -> Option<Time> {
        let before = self.segments.back().and_then(|last| last.arrival);
        segment.arrival = segment.arrival.map(|at| before.map_or(at, |before| at.max(before)));
        let at = segment.arrival;
        self.segments.push_back(segment);
        at
    }

    /// Puts a packet back that the receiver dropped.
    pub(super) fn put_back(&mut self, mut segment: Segment) {
        segment.arrival = None;
        self.segments.push_front(segment);
    }

    /// Adds a packet that only asks for an acknowledgement, unless one does already.
    pub(super) fn ask_again(&mut self, sent: Time) {
        if !self.segments.iter().any(|segment| matches!(segment.packet, Packet::Probe)) {
            self.segments.push_back(Segment { packet: Packet::Probe, sent, departure: sent, arrival: None });
        }
    }

    /// Takes the next packet, if it has arrived by `now`. None waits for a lost one that carries nothing.
    pub(super) fn pop(&mut self, now: Time) -> Option<Segment> {
        let carries = |segment: &Segment| segment.arrival.is_some() || !matches!(segment.packet, Packet::Probe);
        let place = self.segments.iter().position(carries)?;
        let has_arrived = self.segments[place].arrival.is_some_and(|at| at <= now);
        if has_arrived { self.segments.remove(place) } else { None }
    }

    /// The receiver's host is down: what has arrived by `now` is lost.
    pub(super) fn lose_arrived(&mut self, now: Time) {
        let is_here = |segment: &Segment| segment.arrival.is_some_and(|at| at <= now);
        self.segments.retain(|segment| !(is_here(segment) && matches!(segment.packet, Packet::Reset)));
        for segment in self.segments.iter_mut().filter(|segment| is_here(segment)) {
            segment.arrival = None;
        }
    }

    pub(super) fn first_lost(&self) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.arrival.is_none())
    }

    pub(super) fn lost(&mut self) -> impl Iterator<Item = &mut Segment> {
        self.segments.iter_mut().filter(|segment| segment.arrival.is_none())
    }

    /// The sender is gone: forgets what has not left its host by `now`, and what it would have sent again.
    pub(super) fn cut(&mut self, now: Time) {
        self.unsent.clear();
        self.unsent_bytes = 0;
        // What follows a lost packet is of no use without it.
        let stays = |segment: &Segment| segment.arrival.is_some() && segment.departure <= now;
        let count = self.segments.iter().take_while(|segment| stays(segment)).count();
        self.segments.truncate(count);
        self.free = self.free.min(now);
        (self.retry, self.tries) = (None, 0);
    }

    /// Loses everything. Returns how many bytes that were.
    pub(super) fn lose(&mut self) -> usize {
        let under_way: usize = self.segments.drain(..).map(|segment| segment.packet.size()).sum();
        self.unsent.clear();
        self.retry = None;
        under_way + std::mem::take(&mut self.unsent_bytes)
    }

    /// Adds a window update. Updates are cumulative: one brings what those before it said.
    pub(super) fn update(&mut self, at: Time, bytes: usize) {
        self.updates.iter_mut().for_each(|(earlier, _)| *earlier = (*earlier).min(at));
        match self.updates.back_mut() {
            Some((last, count)) if *last == at => *count += bytes,
            _ => self.updates.push_back((at, bytes)),
        }
    }

    pub(super) fn next_update(&self) -> Option<Time> {
        self.updates.front().map(|(at, _)| *at)
    }

    /// Takes the updates that have arrived by `now`. Returns for how many bytes.
    pub(super) fn take_updates(&mut self, now: Time) -> usize {
        let mut bytes = 0;
        while let Some((at, count)) = self.updates.front()
            && *at <= now
        {
            bytes += count;
            self.updates.pop_front();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(packet: Packet, arrival: Option<u64>) -> Segment {
        let (sent, arrival) = (Time::default(), arrival.map(Time::from_tick));
        Segment { packet, sent, departure: sent, arrival }
    }

    #[test]
    fn no_packet_overtakes_another() {
        let mut wire = Wire::default();
        wire.push(segment(Packet::Data(b"first".into()), Some(5)));
        assert_eq!(wire.push(segment(Packet::Fin, Some(3))), Some(Time::from_tick(5)));
        assert!(wire.pop(Time::from_tick(4)).is_none());
        assert!(matches!(wire.pop(Time::from_tick(5)).unwrap().packet, Packet::Data(_)));
        assert!(matches!(wire.pop(Time::from_tick(5)).unwrap().packet, Packet::Fin));
        assert!(wire.is_idle());
    }

    #[test]
    fn a_packet_waits_for_a_lost_one_before_it() {
        let mut wire = Wire::default();
        wire.push(segment(Packet::Data(b"lost".into()), None));
        wire.push(segment(Packet::Fin, Some(1)));
        assert!(wire.pop(Time::from_tick(9)).is_none());
        wire.lost().for_each(|segment| segment.arrival = Some(Time::from_tick(9)));
        assert!(wire.pop(Time::from_tick(9)).is_some() && wire.pop(Time::from_tick(9)).is_some());
    }

    #[test]
    fn a_sender_that_is_gone_sends_nothing_more() {
        let mut wire = Wire::default();
        let later = Segment { departure: Time::from_tick(2), ..segment(Packet::Fin, Some(3)) };
        wire.push(segment(Packet::Data(b"under way".into()), Some(1)));
        wire.push(segment(Packet::Data(b"lost".into()), None));
        wire.push(later);
        wire.hold_back(Packet::Data(b"unsent".into()));
        wire.cut(Time::from_tick(1));
        assert!(matches!(wire.pop(Time::from_tick(9)).unwrap().packet, Packet::Data(_)));
        assert!(wire.is_idle() && !wire.is_blocked());
    }

    #[test]
    fn lost_packets_are_sent_again_at_the_times_of_linux() {
        let times = |packet: &Packet| {
            let mut at = Duration::ZERO;
            let mut tries = 0;
            std::iter::from_fn(|| {
                let (delay, limit) = retransmission(packet, tries, Duration::ZERO);
                tries += 1;
                at = (at + delay).min(limit);
                Some(at.as_millis())
            })
            .take(17)
            .collect::<Vec<_>>()
        };
        assert_eq!(times(&Packet::Fin)[..5], [200, 600, 1_400, 3_000, 6_200]);
        assert_eq!(times(&Packet::Fin)[9..], [204_600, 324_600, 444_600, 564_600, 684_600, 804_600, 924_600, 924_600]);
        assert_eq!(times(&Packet::SynAck)[..6], [1_000, 3_000, 7_000, 15_000, 31_000, 63_000]);
    }
}
