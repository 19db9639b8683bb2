//! What is put around a stream before a protocol hears of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::byte_stream::Socket;
use crate::error::Result;
use crate::options::StreamOptions;

/// Puts a stream of its own around another, as TLS does.
pub(crate) trait Layer: Send + Sync {
    /// A stream over `socket`, which is to be [prepared](Socket::prepare). `unsent` goes before everything else, as it is.
    fn wrap(&self, socket: Socket, unsent: Vec<u8>) -> io::Result<Socket>;

    /// Reads its files anew, for streams to come.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only TLS has files"))]
    fn reload(&self) -> Result<()> {
        Ok(())
    }

    /// The same layer for these application protocols; none if it has its own, or nothing to do with them.
    fn with_application_protocols(&self, _names: &[&str]) -> Option<Arc<dyn Layer>> {
        None
    }

    /// How long preparing may take.
    fn timeout(&self) -> Duration;
}

impl StreamOptions {
    pub(crate) fn set_layer(&mut self, layer: Arc<dyn Layer>) {
        self.layer = Some(Arc::new(layer));
    }

    pub(crate) fn layer(&self) -> Option<&Arc<dyn Layer>> {
        self.layer.as_ref()?.downcast_ref()
    }
}
