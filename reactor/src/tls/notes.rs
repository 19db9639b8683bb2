//! What is learned inside of rustls, about the connection that it works for at the moment.
//!
//! rustls asks our resolver for a certificate and our verifiers for a verdict; of what they see, it keeps little. As all that happens
//! within one call on one thread, they leave word here, and the stream that made the call finds it afterwards.

use std::rc::Rc;

use crate::guarded::Guarded;

use super::problem::TlsError;

/// What the last handshake step has brought to light.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The name that a client asked for.
    pub(super) server_name: Option<Rc<str>>,
    /// Why a certificate was turned down, in more words than rustls has.
    pub(super) verdict: Option<TlsError>,
}

thread_local! {
    static NOTES: Guarded<Notes> = const { Guarded::new(Notes { server_name: None, verdict: None }) };
}

/// Adds to the notes.
pub(super) fn leave(write: impl FnOnce(&mut Notes)) {
    // While a thread ends nobody reads them.
    let _ = NOTES.try_with(|notes| notes.with(write));
}

/// Takes the notes.
pub(super) fn take() -> Notes {
    NOTES.try_with(|notes| notes.with(std::mem::take)).unwrap_or_default()
}
