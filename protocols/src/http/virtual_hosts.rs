//! Several sites on one port.

use std::fmt;

use super::handler::{Answer, AnyHandler, Handler, erase};
use super::request::Request;
use super::response::Response;
use super::status::Status;

/// Chooses a site by the host that a request is for, whatever its port. One that no site has is answered with 421, unless there is a
/// [fallback](Self::fallback).
///
/// ```
/// use lariat_protocols::http::{Request, Server, VirtualHosts};
///
/// let mut hosts = VirtualHosts::new();
/// hosts.add("example.org", |_: &mut Request<'_>| "the main site");
/// hosts.add("*.example.org", |_: &mut Request<'_>| "somebody's site");
/// let server = Server::new(hosts);
/// # drop(server);
/// ```
#[doc(alias = "NameVirtualHost")]
#[derive(Default)]
pub struct VirtualHosts {
    sites: Vec<(String, Box<AnyHandler>)>,
    fallback: Option<Box<AnyHandler>>,
}

impl VirtualHosts {
    /// No site yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a site for `host`, a name without a port in any case. One that begins with `*.` is for every name below that one, if it has no
    /// site of its own; the site that was added first counts.
    pub fn add<Kind>(&mut self, host: &str, site: impl Handler<Kind>) -> &mut Self {
        self.sites.push((host.to_ascii_lowercase(), erase(site)));
        self
    }

    /// Answers requests for any other host, or none.
    pub fn fallback<Kind>(&mut self, site: impl Handler<Kind>) -> &mut Self {
        self.fallback = Some(erase(site));
        self
    }

    fn find(&self, host: &str) -> Option<&AnyHandler> {
        let exact = self.sites.iter().find(|(name, _)| name.eq_ignore_ascii_case(host));
        let below = || {
            self.sites.iter().find(|(name, _)| {
                let Some(domain) = name.strip_prefix('*') else { return false };
                let start = host.len().checked_sub(domain.len()).filter(|start| *start > 0);
                start.and_then(|start| host.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(domain))
            })
        };
        exact.or_else(below).map(|(_, site)| &**site)
    }
}

/// The kind of handler that [`VirtualHosts`] are.
#[derive(Debug)]
pub enum Hosted {}

impl Handler<Hosted> for VirtualHosts {
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let host = request.head().host().unwrap_or_default();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => name,
            _ => host,
        };
        // A name may end in a dot, which says that it is whole.
        match self.find(name.strip_suffix('.').unwrap_or(name)).or(self.fallback.as_deref()) {
            Some(site) => site(request),
            None => Answer::now(Response::error(Status::MISDIRECTED_REQUEST)),
        }
    }
}

impl fmt::Debug for VirtualHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sites.iter().map(|(host, _)| host)).finish()
    }
}
