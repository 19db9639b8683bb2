//! A handle that sends lines.

use std::ops::Deref;

use lariat::{Transport, WriteStatus};

use super::delimiter::Delimiter;

/// Sends lines over a connection: a [`Transport`] that knows what ends a line. Cheap to clone, and may be stored anywhere on
/// the loop's thread, such as among the members of a chat room. Once the connection has ended it does nothing.
///
/// Whoever implements [`LineProtocol`](super::LineProtocol) gets one by
/// [`LineTransport::sender`](super::LineTransport::sender).
#[derive(Clone, Debug)]
pub struct LineSender {
    transport: Transport,
    delimiter: Delimiter,
}

impl LineSender {
    /// Sends lines over `transport`, each with `delimiter` after it.
    pub fn new(transport: Transport, delimiter: Delimiter) -> Self {
        Self { transport, delimiter }
    }

    /// Sends a line and its delimiter: what [`Transport::write`] does, and what it returns.
    ///
    /// A line that would not arrive as one line is refused: nothing of it is sent, and `None` returned. So text that came
    /// from elsewhere cannot smuggle in a line of its own. If lines end in `\r\n`, that is a line with a CR, an LF or a NUL in
    /// it; else one with the delimiter in it.
    ///
    /// ```
    /// use lariat_protocols::{LineProtocol, LineTransport};
    ///
    /// struct Echo;
    ///
    /// impl LineProtocol for Echo {
    ///     fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
    ///         if transport.send_line(line).is_none() {
    ///             transport.send_line("that line was odd");
    ///         }
    ///     }
    /// }
    /// ```
    #[doc(alias = "sendLine")]
    pub fn send_line(&self, line: impl AsRef<[u8]>) -> Option<WriteStatus> {
        let line = line.as_ref();
        if !self.delimiter.allows(line) {
            return None;
        }
        Some(match self.transport.write(line) {
            status @ (WriteStatus::Closed | WriteStatus::Overflow) => status,
            WriteStatus::Accepted | WriteStatus::Paused => self.transport.write(self.delimiter.as_bytes()),
        })
    }

    /// What ends a line.
    pub fn delimiter(&self) -> &Delimiter {
        &self.delimiter
    }
}

impl Deref for LineSender {
    type Target = Transport;

    fn deref(&self) -> &Transport {
        &self.transport
    }
}
