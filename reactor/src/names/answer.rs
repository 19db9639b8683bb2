//! What a resolver answers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::escape::Escaped;
use crate::lookup::{Addresses, Fault};

/// The addresses of a name, those of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Best first, with port 0: they are of this type for the zone that an IPv6 address may have. None, if the name has no address of the
    /// family.
    pub addresses: Vec<SocketAddr>,
    /// How long it may be kept. Default: nothing is known of that.
    pub lifetime: Option<Duration>,
}

impl Answer {
    /// These addresses, best first.
    ///
    /// ```
    /// use lariat::names::Answer;
    ///
    /// let answer = Answer::new(["192.0.2.1".parse()?]);
    /// assert_eq!(answer.addresses, ["192.0.2.1:0".parse().unwrap()]);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into()
    }

    /// The same, to be kept so long: 0 for an answer that is not to be kept.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}

impl From<Vec<SocketAddr>> for Answer {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, lifetime: None }
    }
}

/// The answer for a person, or the error.
pub(super) fn answer(name: &str, addresses: Addresses) -> Result<Answer, Error> {
    match addresses {
        Ok(addresses) => Ok(addresses.into()),
        Err(Fault::NoSuchName) => Err(Error::name_not_found(name)),
        Err(Fault::TryAgain) => Err(Error::name_unavailable(name)),
        Err(Fault::Other(words)) => {
            let words = format!("the system could not look up `{}`: {words}", Escaped::bytes(name));
            Err(Error::new(ErrorKind::Io, words))
        }
    }
}
