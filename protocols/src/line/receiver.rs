//! From a connection to the lines on it.

use std::any::{Any, TypeId};
use std::mem;

use lariat::{CloseReason, Idle, Protocol, Transport, VisitBudget};

use super::decoder::{LineDecoder, LineEvent};
use super::delimiter::Delimiter;
use super::other_protocol::OtherProtocol;
use super::protocol::LineProtocol;
use super::sender::LineSender;
use super::transport::LineTransport;

/// The [`Protocol`] of a connection whose peer speaks in lines: it delivers them to a [`LineProtocol`].
///
/// Lines end in `\r\n` and have at most 16,384 bytes, unless set otherwise. Between two lines it owns no buffer; while reading is
/// paused it keeps what is left of the input that was being delivered, and no more. Many lines that arrive together are delivered over
/// several turns of the loop, within a [`VisitBudget`] each, so that the other connections are served in between.
///
/// ```
/// use lariat_protocols::{Delimiter, LineProtocol, LineReceiver, LineTransport};
///
/// /// Stores a value, which is raw bytes, under a name: `name length`, then so many bytes.
/// #[derive(Default)]
/// struct Store {
///     missing: usize,
///     value: Vec<u8>,
/// }
///
/// impl LineProtocol for Store {
///     fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
///         let text = String::from_utf8_lossy(line);
///         match text.split_once(' ').and_then(|(_name, length)| length.parse().ok()) {
///             Some(length @ 1..=1000) => {
///                 self.missing = length;
///                 transport.set_raw_mode();
///             }
///             _ => transport.fail("expected a name and a length from 1 to 1000"),
///         }
///     }
///
///     fn raw_data_received(&mut self, transport: &LineTransport, data: &[u8]) {
///         let (value, rest) = data.split_at(self.missing.min(data.len()));
///         self.value.extend_from_slice(value);
///         self.missing -= value.len();
///         if self.missing == 0 {
///             transport.send_line("stored");
///             transport.set_line_mode(rest);
///         }
///     }
/// }
///
/// let receiver = LineReceiver::new(Store::default()).with_delimiter(Delimiter::LfOrCrLf).with_max_length(80);
/// # drop(receiver);
/// ```
#[doc(alias = "LineOnlyReceiver")]
#[derive(Debug)]
pub struct LineReceiver<L> {
    protocol: L,
    decoder: LineDecoder,
    transport: Option<LineTransport>,
    /// Input that could not be delivered yet. The first `used` bytes of it have been since: `used <= held.len()`.
    held: Vec<u8>,
    used: usize,
    /// The first line is still to come, and must not be of another protocol.
    checks_first: bool,
}

/// Lines that are delivered in one visit. A line takes less than a microsecond as a rule, and so a visit less than a millisecond.
const LINES_IN_A_VISIT: u32 = 256;

impl<L: LineProtocol> LineReceiver<L> {
    /// Delivers lines to `protocol`.
    pub fn new(protocol: L) -> Self {
        Self { protocol, decoder: LineDecoder::new(), transport: None, held: Vec::new(), used: 0, checks_first: false }
    }

    /// Sets what ends a line, both ways. Default: [`Delimiter::CrLf`].
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: Delimiter) -> Self {
        self.decoder = self.decoder.with_delimiter(delimiter);
        self
    }

    /// Sets how many bytes a line may have, its delimiter not counted. Default: 16,384.
    #[doc(alias = "MAX_LENGTH")]
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.decoder = self.decoder.with_max_length(bytes);
        self
    }

    /// Ends a connection whose first line is an HTTP request, or the beginning of a TLS handshake, with [`OtherProtocol`] as the
    /// error of [`CloseReason::Failed`]; nothing of it is delivered. Default: every line is delivered.
    ///
    /// A web page can have a browser send an HTTP request to any port, with lines of its choice after the head. A protocol that
    /// answers unknown commands with an error and goes on would execute them (cross-protocol scripting, ALPACA).
    #[must_use]
    pub fn without_other_protocols(mut self) -> Self {
        self.checks_first = true;
        self
    }

    /// The protocol that gets the lines.
    pub fn protocol(&self) -> &L {
        &self.protocol
    }

    /// The protocol that gets the lines.
    pub fn protocol_mut(&mut self) -> &mut L {
        &mut self.protocol
    }

    /// Calls the protocol, then goes on as it asked.
    fn tell(&mut self, transport: &Transport, callback: impl FnOnce(&mut L, &LineTransport)) {
        self.meet(transport);
        let has_more = self.keeps_input();
        if let Some(transport) = &self.transport {
            transport.set_has_more(has_more);
            callback(&mut self.protocol, transport);
            self.go_on(&mut VisitBudget::new(LINES_IN_A_VISIT));
        }
    }

    /// Returns whether any received byte is not delivered yet.
    fn keeps_input(&self) -> bool {
        self.used < self.held.len() || !self.decoder.is_between_lines()
    }

    fn meet(&mut self, transport: &Transport) {
        if self.transport.is_none() {
            let sender = LineSender::new(transport.clone(), self.decoder.delimiter().clone());
            self.transport = Some(LineTransport::new(sender));
        }
    }

    /// Delivers `input` until nothing is left of it or the protocol wants no more for now.
    fn deliver(&mut self, input: &mut &[u8], budget: &mut VisitBudget) {
        let Some(transport) = &self.transport else { return };
        while transport.wants_input() {
            if transport.is_raw_mode() {
                // What the decoder still has is a line that it gave, or skips.
                self.decoder.take_partial();
                if input.is_empty() {
                    break;
                }
                transport.set_has_more(false);
                *input = transport.raw_data(input, |data| self.protocol.raw_data_received(transport, data));
                continue;
            }
            let max_length = self.decoder.max_length();
            match self.decoder.next(input) {
                Some(LineEvent::Line(line)) => {
                    if self.checks_first {
                        self.checks_first = false;
                        if let Some(other) = OtherProtocol::of_line(line) {
                            transport.fail(other);
                            break;
                        }
                    }
                    transport.set_has_more(!input.is_empty());
                    if !input.is_empty() {
                        budget.start(transport);
                    }
                    self.protocol.line_received(transport, line);
                }
                Some(LineEvent::TooLong) => {
                    // The rest of the line is still to come, or to be skipped.
                    transport.set_has_more(true);
                    self.protocol.line_length_exceeded(transport, max_length);
                }
                None => {
                    if self.checks_first
                        && let Some(other) = OtherProtocol::of_first_bytes(self.decoder.partial())
                    {
                        transport.fail(other);
                    }
                    break;
                }
            }
            if !input.is_empty() {
                budget.spend(transport);
            }
        }
    }

    /// Does what the last callback asked for, and delivers what is held as far as the protocol wants it.
    fn go_on(&mut self, budget: &mut VisitBudget) {
        loop {
            let Some(transport) = &self.transport else { return };
            if let Some(request) = transport.take_request() {
                let mut input = request.leftover;
                if let Some(switch) = request.switch {
                    input.append(&mut self.decoder.take_partial());
                    input.extend_from_slice(&self.held[self.used..]);
                    switch(transport, &input);
                    self.hold(Vec::new());
                    return;
                }
                self.hold_first(input);
            } else if transport.is_raw_mode() && !self.decoder.partial().is_empty() {
                // Raw mode was set from elsewhere than a line's callback: the line that had begun is raw data too.
                let partial = self.decoder.take_partial();
                self.hold_first(partial);
            } else if self.used == self.held.len() || !transport.is_open() {
                // Given back rather than kept: a connection that waits owns no buffer.
                return self.hold(Vec::new());
            } else if !transport.wants_input() {
                return;
            } else {
                let held = mem::take(&mut self.held);
                let mut input = &held[self.used..];
                self.deliver(&mut input, budget);
                self.used = held.len() - input.len();
                self.held = held;
            }
        }
    }

    fn hold(&mut self, held: Vec<u8>) {
        self.held = held;
        self.used = 0;
    }

    /// Holds `first`, and after it what is held already.
    fn hold_first(&mut self, mut first: Vec<u8>) {
        first.extend_from_slice(&self.held[self.used..]);
        self.hold(first);
    }
}

impl<L: LineProtocol> Protocol for LineReceiver<L> {
    fn connection_made(&mut self, transport: &Transport) {
        self.tell(transport, L::connection_made);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.meet(transport);
        let mut input = data;
        let raw = self.transport.as_ref().is_some_and(LineTransport::is_raw_mode);
        let others_first = !self.held.is_empty() || (raw && !self.decoder.partial().is_empty());
        let mut budget = VisitBudget::new(LINES_IN_A_VISIT);
        if !others_first {
            self.deliver(&mut input, &mut budget);
        }
        self.held.extend_from_slice(input);
        self.go_on(&mut budget);
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.tell(transport, L::read_closed);
    }

    fn read_resumed(&mut self, transport: &Transport) {
        self.tell(transport, |_, _| {});
    }

    fn handshake_completed(&mut self, transport: &Transport) {
        self.tell(transport, L::handshake_completed);
    }

    fn write_paused(&mut self, transport: &Transport) {
        self.tell(transport, L::write_paused);
    }

    fn write_resumed(&mut self, transport: &Transport) {
        self.tell(transport, L::write_resumed);
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        self.tell(transport, |protocol, transport| protocol.timed_out(transport, idle));
    }

    fn drain(&mut self, transport: &Transport) {
        self.tell(transport, L::drain);
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.tell(transport, |protocol, transport| protocol.connection_lost(transport, reason));
    }

    fn holds_input(&mut self) -> bool {
        self.keeps_input() || self.transport.as_ref().is_some_and(LineTransport::has_leftover)
    }

    fn layer(&mut self, type_id: TypeId) -> Option<&mut dyn Any> {
        (type_id == TypeId::of::<L>()).then_some(&mut self.protocol)
    }
}

#[cfg(test)]
mod tests;
