//! Hosts that lose their power, and get it back.

use super::poll::{HostId, Id};
use super::sockets::Sockets;
use super::trace::What;

impl Sockets {
    /// The power of `host` goes off: it is gone without a word.
    pub(crate) fn power_off(&mut self, host: HostId) {
        self.note(Some(host), None, What::Note("crashes".into()));
        self.roster.set_down(host, true);
        for listener in self.names.listeners_on(host) {
            self.poll.forget(listener);
            self.names.stop_listening(listener);
        }
        for id in self.ends_on(host) {
            self.poll.forget(id);
            let now = self.clock;
            if let Some(connection) = self.connections.get_mut(&id.connection()) {
                // What has not left the host never will.
                connection.wires[id.other().side()].cut(now);
                if connection.is_in_handshake() {
                    connection.listener = None;
                    connection.end(1).gone = true;
                }
            }
            let address = self.end(id).map(|end| {
                end.gone = true;
                end.incoming.clear();
                end.local.clone()
            });
            if let Some(address) = address.filter(|_| id.side() == 0) {
                self.names.forget_client(host, &address);
            }
            self.probe_window(id.other());
            self.remove_if_gone(id);
        }
    }

    fn ends_on(&self, host: HostId) -> Vec<Id> {
        let ends = self.connections.iter().flat_map(|(id, connection)| {
            let sides = [(*id, connection.hosts[0]), (id.other(), connection.hosts[1])];
            sides.into_iter().filter(|(_, at)| *at == host).map(|(id, _)| id)
        });
        ends.collect()
    }

    /// The process of `host` is killed: its system closes its sockets.
    pub(crate) fn kill(&mut self, host: HostId) {
        self.note(Some(host), None, What::Note("is killed".into()));
        for listener in self.names.listeners_on(host) {
            self.stop_listening(listener);
        }
        for id in self.ends_on(host) {
            if let Some(end) = self.end(id).filter(|end| end.owned) {
                // Its protocol hears nothing, which is no mistake of the reactor's.
                end.lost = true;
                self.drop_end(id);
            }
        }
    }

    /// The power of `host` is on again. It knows nothing of its former connections.
    pub(crate) fn power_on(&mut self, host: HostId) {
        self.roster.set_down(host, false);
        self.note(Some(host), None, What::Note("starts".into()));
    }
}
