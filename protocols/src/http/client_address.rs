//! Who asks, from behind proxies.

use std::net::IpAddr;

use super::fields::Headers;
use super::request::{OwnedRequest, Request};

impl Request<'_> {
    /// The address of the client, where proxies may be in between that add whom they have got a request from to `X-Forwarded-For`, as all do
    /// that know HTTP. `is_proxy` says which addresses are those of such proxies: what anybody else says of where a request comes from is not
    /// believed. A connection without an address, over a Unix socket, is taken to be a proxy's.
    ///
    /// `None` if the last proxy of them does not say, or says something that is no address.
    ///
    /// ```
    /// use lariat_protocols::http::{Request, Router};
    ///
    /// let mut router = Router::new();
    /// router.get("/address", |request: &mut Request<'_>| {
    ///     let client = request.client_address(|address| address.is_loopback());
    ///     client.map(|address| format!("{address}\n"))
    /// });
    /// ```
    #[doc(alias = "X-Forwarded-For")]
    #[doc(alias = "getClientIP")]
    pub fn client_address(&self, is_proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        let peer = self.peer().address().tcp().map(|peer| peer.ip());
        client_address(peer, &self.head().headers(), is_proxy)
    }
}

impl OwnedRequest {
    /// See [`Request::client_address`].
    pub fn client_address(&self, is_proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        let peer = self.peer().address().tcp().map(|peer| peer.ip());
        client_address(peer, &self.head().headers(), is_proxy)
    }
}

/// Each proxy has added to the end; so the list is read from there, as far as it can be believed.
fn client_address(peer: Option<IpAddr>, headers: &Headers<'_>, is_proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    if let Some(peer) = peer.map(|peer| peer.to_canonical())
        && !is_proxy(peer)
    {
        return Some(peer);
    }
    let lists: Vec<&[u8]> = headers.get_all("X-Forwarded-For").collect();
    for entry in lists.iter().rev().flat_map(|list| list.rsplit(|byte| *byte == b',')) {
        let address = parse(entry.trim_ascii())?;
        if !is_proxy(address) {
            return Some(address);
        }
    }
    None
}

/// An address, which may have brackets around it and a port after it.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    let with_port = || entry.parse().map(|address: std::net::SocketAddr| address.ip());
    let in_brackets = || entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry).parse();
    let address: IpAddr = in_brackets().or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fields::Fields;

    /// Who it is that sends these lists from `peer`, if proxies have addresses that begin with 10.
    fn client(peer: &str, lists: &[&str]) -> Option<String> {
        let mut fields = Fields::new();
        for list in lists {
            fields.append("x-forwarded-for", list).unwrap();
        }
        let is_proxy = |address: IpAddr| address.to_string().starts_with("10.");
        client_address(peer.parse().ok(), &fields.headers(), is_proxy).map(|address| address.to_string())
    }

    #[test]
    fn who_is_no_proxy_is_believed_nothing() {
        assert_eq!(client("1.2.3.4", &["9.9.9.9"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(client("::1", &["9.9.9.9", "10.0.0.1"]).as_deref(), Some("::1"));
        assert_eq!(client("::ffff:1.2.3.4", &[]).as_deref(), Some("1.2.3.4"));
    }

    #[test]
    fn a_proxy_is_believed_the_last_address_that_is_none_of_a_proxy() {
        assert_eq!(client("10.0.0.1", &["1.2.3.4"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:1.2.3.4"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.2.3.4 ,10.0.0.2,\t10.0.0.3"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(client("10.0.0.1", &["6.6.6.6, nonsense", "1.2.3.4", "10.0.0.2"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(client("no address", &["1.2.3.4, 10.0.0.1"]).as_deref(), Some("1.2.3.4"), "over a Unix socket");
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (said, meant) in
            [("1.2.3.4:56", "1.2.3.4"), ("[2001:db8::1]:56", "2001:db8::1"), ("[::1]", "::1"), ("::1", "::1")]
        {
            assert_eq!(client("10.0.0.1", &[said]).as_deref(), Some(meant), "{said}");
        }
    }

    #[test]
    fn what_is_no_address_is_nobody() {
        for list in ["unknown", "", "1.2.3.4,", "1.2.3.4, [::1", "1.2.3.4, 5.6.7", "1.2.3.4, \u{ff}", "10.0.0.2"] {
            assert_eq!(client("10.0.0.1", &[list]), None, "{list}");
        }
        assert_eq!(client("10.0.0.1", &[]), None);
        assert_eq!(client("no address", &["10.0.0.1"]), None);
    }
}
