//! The room on the network.

use std::collections::BTreeMap;
use std::fmt;

use lariat::{Bytes, CloseReason, Factory, Peer, Protocol, Transport};
use lariat_protocols::{Delimiter, LineDecoder, LineEvent};

use super::room::{Delivery, Member, Room};
use crate::downstream::Shared;

/// The most bytes of a line.
const MAX_LINE: usize = 16 * 1024;

/// How many bytes may wait for a member before it is put out.
const MAX_QUEUE: usize = 256 * 1024;

/// A room with a door: every connection is a member.
#[derive(Clone, Default)]
pub struct Chat {
    hall: Shared<Hall>,
}

#[derive(Default)]
struct Hall {
    room: Room,
    transports: BTreeMap<Member, Transport>,
}

impl Hall {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        for Delivery { to, mut line } in deliveries {
            line.push_str("\r\n");
            let chunk = Bytes::from(line);
            for transport in to.iter().filter_map(|member| self.transports.get(member)) {
                transport.write_chunk(chunk.clone());
            }
        }
    }
}

impl Factory for Chat {
    type Protocol = Session;

    fn build_protocol(&mut self, _: &Peer) -> Option<Session> {
        let lines = LineDecoder::new().with_delimiter(Delimiter::LfOrCrLf).with_max_length(MAX_LINE);
        Some(Session { hall: self.hall.clone(), member: None, lines })
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chat")
    }
}

/// One member's connection.
pub struct Session {
    hall: Shared<Hall>,
    /// None before the connection is made.
    member: Option<Member>,
    lines: LineDecoder,
}

impl Protocol for Session {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_queue_limit(MAX_QUEUE);
        self.member = Some(self.hall.with(|hall| {
            let (member, deliveries) = hall.room.join();
            hall.transports.insert(member, transport.clone());
            hall.deliver(deliveries);
            member
        }));
    }

    fn data_received(&mut self, transport: &Transport, mut data: &[u8]) {
        let Some(member) = self.member else { return };
        while let Some(event) = self.lines.next(&mut data) {
            match event {
                LineEvent::Line(b"/quit") => return transport.close(),
                LineEvent::Line(line) => {
                    let line = String::from_utf8_lossy(line);
                    self.hall.with(|hall| {
                        let deliveries = hall.room.line(member, &line);
                        hall.deliver(deliveries);
                    });
                }
                LineEvent::TooLong => return transport.fail("a line is too long"),
            }
        }
    }

    fn connection_lost(&mut self, _: &Transport, _: CloseReason) {
        let Some(member) = self.member else { return };
        self.hall.with(|hall| {
            hall.transports.remove(&member);
            let deliveries = hall.room.leave(member);
            hall.deliver(deliveries);
        });
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("member", &self.member).finish_non_exhaustive()
    }
}
