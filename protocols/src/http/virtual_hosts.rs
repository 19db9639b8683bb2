//! Several sites on one port.

use std::fmt;

use super::handler::{Answer, AnyHandler, Handler, erase};
use super::request::Request;
use super::response::Response;
use super::status::Status;

/// Chooses a site by the host that a request is for, whatever its port. One that no site has is answered with 421, unless there is a
/// [fallback](Self::fallback).
///
/// Over TLS, the name that the client asked for in the handshake (SNI) must lead to the same site, or the request is answered with
/// 421 (RFC 9110, sections 7.4 and 15.5.20). The certificates and rules of a connection were chosen by that name: otherwise a
/// connection that was made for one site reaches another, whose clients have to meet other rules. A client that gives no name,
/// and every request without TLS, goes by Host alone. See [`with_one_policy`](Self::with_one_policy).
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
    has_one_policy: bool,
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

    /// Says that the rules for connections are the same for all sites, so that a connection that was made for one may carry
    /// requests for another: a proxy in front, for example, may connect by a name of its own. Default: each site has its own
    /// rules.
    #[must_use]
    pub fn with_one_policy(mut self) -> Self {
        self.has_one_policy = true;
        self
    }

    /// Returns whether the TLS connection was made for another site than that of `host`.
    fn is_misdirected(&self, request: &Request<'_>, site: Option<usize>) -> bool {
        if self.has_one_policy || self.sites.is_empty() {
            return false;
        }
        request.peer().server_name().is_some_and(|name| self.find(without_dot(&name)) != site)
    }

    fn find(&self, host: &str) -> Option<usize> {
        let exact = self.sites.iter().position(|(name, _)| name.eq_ignore_ascii_case(host));
        let below = || {
            self.sites.iter().position(|(name, _)| {
                let Some(domain) = name.strip_prefix('*') else { return false };
                let start = host.len().checked_sub(domain.len()).filter(|start| *start > 0);
                start.and_then(|start| host.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(domain))
            })
        };
        exact.or_else(below)
    }
}

/// The kind of handler that [`VirtualHosts`] are.
#[derive(Debug)]
pub enum Hosted {}

impl Handler<Hosted> for VirtualHosts {
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let found = self.find(host_name(request));
        let site = found.and_then(|at| self.sites.get(at)).map(|(_, site)| site).or(self.fallback.as_ref());
        match site {
            Some(site) if !self.is_misdirected(request, found) => site(request),
            _ => Answer::now(Response::error(Status::MISDIRECTED_REQUEST)),
        }
    }
}

/// The name of the host that a request is for, without its port.
pub(super) fn host_name<'a>(request: &Request<'a>) -> &'a str {
    let host = request.head().host().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    without_dot(name)
}

/// The name without the dot at its end, which says that it is whole.
fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

impl fmt::Debug for VirtualHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sites.iter().map(|(host, _)| host)).finish()
    }
}
