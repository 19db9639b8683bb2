//! A connection as those see it who look at all of them.

use std::rc::Rc;

use crate::address::Address;
use crate::connection_info::{ConnectionId, ConnectionInfo, ConnectionState};
use crate::reactor::Inspect;
use crate::tcp_info::SocketDiagnostics;

use super::flags::Flags;
use super::shared::Shared;
use super::transport::Transport;

impl Inspect for Shared {
    fn id(&self) -> ConnectionId {
        ConnectionId::new(self.token)
    }

    fn peer(&self) -> Address {
        Address::from(&self.peer)
    }

    fn inspect(self: Rc<Self>, protocol: &'static str, diagnostics: &SocketDiagnostics) -> Option<ConnectionInfo> {
        if self.flags.has(Flags::ENDED) {
            return None;
        }
        let (id, peer, age, state) = (Inspect::id(&*self), Inspect::peer(&*self), self.age(), state(&self.flags));
        let tcp = self.state.with(|connection| {
            let descriptor = connection.socket.descriptor()?;
            let local = connection.socket.local_address().ok()?.tcp()?;
            diagnostics.tcp_info(descriptor, local, peer.tcp()?)
        });
        Some(ConnectionInfo { id, protocol, peer, age, queued: Transport { shared: self }.queued(), state, tcp })
    }
}

fn state(flags: &Flags) -> ConnectionState {
    let states = [
        (Flags::ENDING, ConnectionState::Ending),
        (Flags::CLOSING, ConnectionState::Closing),
        (Flags::PREPARING, ConnectionState::Handshaking),
        (Flags::READ_CLOSED, ConnectionState::ReadClosed),
        (Flags::WRITE_CLOSING, ConnectionState::WriteClosed),
        (Flags::PAUSED_BY_USER | Flags::PAUSED_BY_QUEUE, ConnectionState::ReadingPaused),
    ];
    let found = states.into_iter().find(|(bits, _)| flags.has(*bits));
    found.map_or(ConnectionState::Open, |(_, state)| state)
}
