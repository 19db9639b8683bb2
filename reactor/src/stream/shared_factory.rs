//! A port's factory.

use std::any::type_name;
use std::rc::Rc;

use crate::contain::{Panicked, contain};
use crate::factory::Factory;
use crate::guarded::Guarded;
use crate::transport::Peer;

/// A factory that a port shares with those of its connections that no protocol serves yet. Whoever drops it last drops the user's value.
pub(super) struct SharedFactory<F>(Rc<Guarded<Option<Box<F>>>>);

impl<F: Factory> SharedFactory<F> {
    pub(super) fn new(factory: F) -> Self {
        Self(Rc::new(Guarded::new(Some(Box::new(factory)))))
    }

    /// The protocol for a connection, or none if it is refused.
    pub(super) fn build_protocol(&self, peer: &Peer) -> Result<Option<F::Protocol>, Panicked> {
        // Moved out while it works: nothing may be borrowed then.
        let Some(mut factory) = self.0.with(Option::take) else { return Ok(None) };
        let protocol = contain(type_name::<F>, || factory.build_protocol(peer));
        self.0.with(|place| *place = Some(factory));
        protocol
    }
}

impl<F> Clone for SharedFactory<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
