//! What a probe has heard.

use lariat::{CloseReason, Handle, Transport};

use crate::downstream::Shared;

use super::Probe;

/// What one or several probes have heard, in order. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Log(Shared<Notes>);

#[derive(Default)]
struct Notes {
    story: Vec<String>,
    received: Vec<u8>,
    /// Times that data came.
    deliveries: usize,
    handle: Option<Handle<Probe>>,
}

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A protocol that writes to this log.
    #[must_use]
    pub fn probe(&self) -> Probe {
        Probe::new(self)
    }

    /// Writes down that something happened.
    pub fn note(&self, what: impl Into<String>) {
        let what = what.into();
        self.0.with(|notes| notes.story.push(what));
    }

    pub(super) fn made(&self, handle: Handle<Probe>) {
        let former = self.0.with(|notes| notes.handle.replace(handle));
        drop(former);
        self.note("made");
    }

    pub(super) fn received_data(&self, data: &[u8]) {
        self.0.with(|notes| {
            notes.received.extend_from_slice(data);
            notes.deliveries += 1;
            // The network may cut data anywhere, so how often it came is no part of the story.
            if notes.story.last().is_none_or(|last| last != "data") {
                notes.story.push("data".into());
            }
        });
    }

    /// Everything heard, one word or two each: `made`, `data` (once for what came in a row), `read closed`, `read resumed`,
    /// `write paused`, `write resumed`, `timed out …`, `lost: …`, `dropped`, and what was [noted](Self::note).
    #[must_use]
    pub fn story(&self) -> Vec<String> {
        self.0.with(|notes| notes.story.clone())
    }

    /// Was this heard?
    #[must_use]
    pub fn has(&self, what: &str) -> bool {
        self.0.with(|notes| notes.story.iter().any(|heard| heard == what))
    }

    /// How many times was this heard?
    #[must_use]
    pub fn count(&self, what: &str) -> usize {
        self.0.with(|notes| notes.story.iter().filter(|heard| *heard == what).count())
    }

    /// Why the connection ended, as [`ending`] puts it, once it has.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        self.0.with(|notes| notes.story.iter().find_map(|heard| Some(heard.strip_prefix("lost: ")?.to_owned())))
    }

    /// All bytes received.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.0.with(|notes| notes.received.clone())
    }

    /// How many bytes were received.
    #[must_use]
    pub fn received_len(&self) -> usize {
        self.0.with(|notes| notes.received.len())
    }

    /// How many times data was delivered.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.0.with(|notes| notes.deliveries)
    }

    /// Is a connection made?
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.0.with(|notes| notes.handle.is_some())
    }

    /// The connection that was made last.
    ///
    /// # Panics
    ///
    /// When none was.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.handle().transport().clone()
    }

    /// The way to the probe that was connected last.
    ///
    /// # Panics
    ///
    /// When none was.
    #[must_use]
    pub fn handle(&self) -> Handle<Probe> {
        self.0.with(|notes| notes.handle.clone()).expect("the connection is made")
    }
}

/// A reason in a form that tests can compare: the kind of an error rather than its text.
#[must_use]
pub fn ending(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Lost(error) => format!("{:?}", error.kind()),
        CloseReason::Failed(error) => format!("failed, {error}"),
        other => format!("{other:?}"),
    }
}
