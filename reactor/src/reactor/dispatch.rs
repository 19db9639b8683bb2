//! How the loop serves what is in its table.

use std::any::{Any, TypeId};

use super::core::Reactor;
use crate::readiness::Readiness;

/// What a source may use while it is served.
pub(crate) struct Turn<'a> {
    pub(crate) reactor: &'a Reactor,
    /// The one read buffer.
    pub(crate) buffer: &'a mut [u8],
}

/// A source as the table holds it. It is moved out while it is served and says by its return value what goes back: itself,
/// what it has become, or nothing once it has ended.
pub(crate) trait Dispatch {
    fn ready(self: Box<Self>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>>;

    /// The protocol of the given type, if this source serves one.
    fn layer(&mut self, _type_id: TypeId) -> Option<&mut dyn Any> {
        None
    }
}
