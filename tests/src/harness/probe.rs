//! A protocol that does what a test tells it to.

use std::fmt;

use lariat::{CloseReason, Idle, Protocol, Transport};

use super::{Log, ending};

type Act<A> = Option<Box<dyn FnMut(&Transport, A)>>;
type ActOnData = Option<Box<dyn FnMut(&Transport, &[u8])>>;
type ActOnLoss = Option<Box<dyn FnMut(&CloseReason)>>;

/// A protocol that writes down what it hears and then does what it was told to. Where it was told nothing, it does what
/// [`Protocol`] does by default. Its drop is written down too.
pub struct Probe {
    log: Log,
    made: Act<()>,
    data: ActOnData,
    read_closed: Act<()>,
    read_resumed: Act<()>,
    handshake_completed: Act<()>,
    write_paused: Act<()>,
    write_resumed: Act<()>,
    timed_out: Act<Idle>,
    drain: Act<()>,
    lost: ActOnLoss,
}

macro_rules! tell {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, mut act: impl FnMut(&Transport) + 'static) -> Self {
            self.$name = Some(Box::new(move |transport, ()| act(transport)));
            self
        }
    };
}

impl Probe {
    pub(super) fn new(log: &Log) -> Self {
        Self {
            log: log.clone(),
            made: None,
            data: None,
            read_closed: None,
            read_resumed: None,
            handshake_completed: None,
            write_paused: None,
            write_resumed: None,
            timed_out: None,
            drain: None,
            lost: None,
        }
    }

    /// Where it writes.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    tell! {
        /// What to do once the connection is made.
        made
    }

    tell! {
        /// What to do at the peer's end, instead of closing.
        read_closed
    }

    tell! {
        /// What to do when reading goes on.
        read_resumed
    }

    tell! {
        /// What to do when the handshake that `start_tls` began is done.
        handshake_completed
    }

    tell! {
        /// What to do above the high mark.
        write_paused
    }

    tell! {
        /// What to do at the low mark.
        write_resumed
    }

    tell! {
        /// What to do when the loop is stopping, instead of closing.
        drain
    }

    /// What to do with data.
    #[must_use]
    pub fn data(mut self, act: impl FnMut(&Transport, &[u8]) + 'static) -> Self {
        self.data = Some(Box::new(act));
        self
    }

    /// What to do after an idle timeout, instead of ending.
    #[must_use]
    pub fn timed_out(mut self, act: impl FnMut(&Transport, Idle) + 'static) -> Self {
        self.timed_out = Some(Box::new(act));
        self
    }

    /// What to do at the end.
    #[must_use]
    pub fn lost(mut self, act: impl FnMut(&CloseReason) + 'static) -> Self {
        self.lost = Some(Box::new(act));
        self
    }

    /// Sends back what it gets.
    #[must_use]
    pub fn echo(self) -> Self {
        self.data(|transport, data| {
            transport.write(data);
        })
    }
}

fn act<A>(act: &mut Act<A>, transport: &Transport, argument: A) -> bool {
    act.as_mut().map(|act| act(transport, argument)).is_some()
}

impl Protocol for Probe {
    fn connection_made(&mut self, transport: &Transport) {
        self.log.made(transport.handle(self));
        act(&mut self.made, transport, ());
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.log.received_data(data);
        if let Some(act) = &mut self.data {
            act(transport, data);
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.log.note("read closed");
        if !act(&mut self.read_closed, transport, ()) {
            transport.close();
        }
    }

    fn read_resumed(&mut self, transport: &Transport) {
        self.log.note("read resumed");
        act(&mut self.read_resumed, transport, ());
    }

    fn handshake_completed(&mut self, transport: &Transport) {
        self.log.note("handshake completed");
        act(&mut self.handshake_completed, transport, ());
    }

    fn write_paused(&mut self, transport: &Transport) {
        self.log.note("write paused");
        act(&mut self.write_paused, transport, ());
    }

    fn write_resumed(&mut self, transport: &Transport) {
        self.log.note("write resumed");
        act(&mut self.write_resumed, transport, ());
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        self.log.note(format!("timed out {idle:?}"));
        if !act(&mut self.timed_out, transport, idle) {
            transport.time_out(idle);
        }
    }

    fn drain(&mut self, transport: &Transport) {
        self.log.note("drain");
        if !act(&mut self.drain, transport, ()) {
            transport.close();
        }
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.log.note(format!("lost: {}", ending(&reason)));
        if let Some(act) = &mut self.lost {
            act(&reason);
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.log.note("dropped");
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}
