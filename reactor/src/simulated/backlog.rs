//! The connections that wait to be accepted.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::address::Address;
use crate::options::ListenOptions;

use super::poll::{HostId, Id, Mask};

/// What the world knows of a socket that listens.
#[derive(Debug)]
pub(super) struct Backlog {
    pub(super) host: HostId,
    pub(super) address: Address,
    pub(super) options: ListenOptions,
    /// Connections that wait to be accepted.
    pub(super) queue: VecDeque<Id>,
    /// Clients that wait for room among them.
    pub(super) waiting: VecDeque<Id>,
}

impl Backlog {
    pub(super) fn new(host: HostId, address: Address, options: &ListenOptions) -> Self {
        Self { host, address, options: options.clone(), queue: VecDeque::new(), waiting: VecDeque::new() }
    }

    /// Linux takes one more than it was asked for.
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() > self.options.backlog as usize
    }

    pub(super) fn mask(&self) -> Mask {
        Mask::IN.when(!self.queue.is_empty())
    }

    /// How well it fits a client that connects to `address`; nothing if it does not. Who names the address fits better than who
    /// takes any, and of those who take any, who takes only the client's family.
    pub(super) fn fit(&self, address: &Address) -> Option<u8> {
        match (&self.address, address) {
            (Address::Tcp(own), Address::Tcp(theirs)) if own.port() == theirs.port() => {
                let any = own.ip().is_unspecified();
                match (own.is_ipv4() == theirs.is_ipv4(), any) {
                    (true, false) if own.ip() == theirs.ip() => Some(2),
                    (true, true) => Some(1),
                    (false, true) if own.is_ipv6() && !self.options.ipv6_only => Some(0),
                    _ => None,
                }
            }
            (Address::Unix(own), Address::Unix(theirs)) if own == theirs => Some(0),
            _ => None,
        }
    }

    /// Would a client be in doubt which of this and a socket at `address` it means?
    pub(super) fn conflicts(&self, address: &Address, options: &ListenOptions) -> bool {
        match (&self.address, address) {
            (Address::Tcp(own), Address::Tcp(other)) => {
                let shared = self.options.reuse_port && options.reuse_port;
                own.port() == other.port() && !shared && self.overlaps(*own, *other, options)
            }
            (own, other) => own == other,
        }
    }

    fn overlaps(&self, own: SocketAddr, other: SocketAddr, options: &ListenOptions) -> bool {
        if own.is_ipv4() == other.is_ipv4() {
            return own.ip() == other.ip() || own.ip().is_unspecified() || other.ip().is_unspecified();
        }
        let both_families = |address: SocketAddr, options: &ListenOptions| {
            address.is_ipv6() && address.ip().is_unspecified() && !options.ipv6_only
        };
        both_families(own, &self.options) || both_families(other, options)
    }
}
