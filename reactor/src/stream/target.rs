//! Where a connection is to lead.

use crate::address::Address;
use crate::lookup::Family;

/// Where a connection is to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The first of these that answers. They are tried in this order.
    Addresses(Vec<Address>),
    /// A host that has to be looked for.
    Host {
        /// Fit to be asked for.
        name: String,
        port: u16,
        /// The family that its address has to be of, if not any.
        family: Option<Family>,
    },
}
