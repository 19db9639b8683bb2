//! Hosts that lose their power, and get it back.

use super::poll::HostId;
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
        let ends = self.connections.iter().flat_map(|(id, connection)| {
            let sides = [(*id, connection.hosts[0]), (id.other(), connection.hosts[1])];
            sides.into_iter().filter(|(_, at)| *at == host).map(|(id, _)| id)
        });
        for id in ends.collect::<Vec<_>>() {
            self.poll.forget(id);
            let address = self.end(id).map(|end| {
                end.gone = true;
                end.incoming.clear();
                end.local.clone()
            });
            if let Some(address) = address.filter(|_| id.side() == 0) {
                self.names.forget_client(host, &address);
            }
            self.remove_if_gone(id);
        }
    }

    /// The power of `host` is on again: it hears what was sent to it meanwhile, and has forgotten what it was about.
    pub(crate) fn power_on(&mut self, host: HostId) {
        self.roster.set_down(host, false);
        self.note(Some(host), None, What::Note("starts".into()));
        let Self { connections, agenda, faults, now, .. } = self;
        for (id, connection) in connections.iter_mut() {
            for (side, end) in [*id, id.other()].into_iter().enumerate() {
                if connection.hosts[side] == host && !connection.wires[side].is_empty() {
                    let at = faults.arrival(connection.hosts, *now);
                    (0..connection.wires[side].hold(at)).for_each(|_| agenda.push(at, end));
                }
            }
        }
    }
}
