//! What can go wrong, sorted by what the caller can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::escape::Escaped;

/// What Lariat's fallible functions give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation of the reactor failed. [`Error::kind`] tells what went wrong, the message where and what to do about it,
/// and [`source`](StdError::source) gives the operating system's own error if there is one.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An endpoint description, an option or another argument is wrong.
    InvalidInput,
    /// A host name was given where only an address, or `localhost`, can be used.
    NameNotSupported,
    /// There is no host of this name, or it has no address that could be used.
    #[doc(alias = "DNSLookupError")]
    #[doc(alias = "DNSNameError")]
    NameNotFound,
    /// What knows the addresses of names has not answered, or not to the purpose: it may later.
    #[doc(alias = "DNSServerError")]
    NameUnavailable,
    /// Another socket has the address, or the file of a Unix socket exists already.
    AddressInUse,
    /// This machine has no such address.
    AddressNotAvailable,
    /// This system has no such address family, as one without IPv6.
    AddressFamilyNotSupported,
    /// What was wrong with TLS: the peer's certificate, or what it said.
    Tls,
    /// The operating system does not permit it, such as a port below 1024.
    PermissionDenied,
    /// Nobody listens there.
    #[doc(alias = "ConnectionRefusedError")]
    ConnectionRefused,
    /// The kernel connected the socket to itself: nothing listens at a port of this machine from
    /// which ports for clients are chosen, and the client got that very port (RFC 9293, section
    /// 3.5, simultaneous open).
    SelfConnected,
    /// The [address policy](crate::AddressPolicy) does not permit to connect to the address.
    AddressDenied,
    /// No route leads there.
    #[doc(alias = "NoRouteError")]
    Unreachable,
    /// The other end did not answer in time.
    #[doc(alias = "TimeoutError")]
    TimedOut,
    /// Descriptors or buffers are used up.
    ResourcesExhausted,
    /// The connection has ended, or another protocol serves it now.
    #[doc(alias = "NotConnectedError")]
    NotConnected,
    /// It would wait for itself, for ever.
    Deadlock,
    /// The reactor has ended.
    #[doc(alias = "ReactorNotRunning")]
    ReactorEnded,
    /// This driver or platform cannot do it.
    Unsupported,
    /// A simulation has found what should never happen: see `lariat::testing`.
    Violated,
    /// Another error of the operating system: the source tells which.
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// `error` happened while the reactor was doing `what`.
    pub(crate) fn io(what: impl Into<String>, error: io::Error) -> Self {
        Self(Box::new(Inner { kind: kind_of(&error), message: what.into(), source: Some(error.into()) }))
    }

    pub(crate) fn ended() -> Self {
        Self::new(ErrorKind::ReactorEnded, "the reactor has ended")
    }

    /// `error`, of a layer of ours, happened while the reactor was doing `what`.
    pub(crate) fn tls_failure(what: impl Into<String>, error: io::Error) -> Self {
        Self(Box::new(Inner { kind: ErrorKind::Tls, message: what.into(), source: Some(error.into()) }))
    }

    /// What the error was made of.
    #[cfg(feature = "tls")]
    pub(crate) fn cause(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::InvalidInput => ErrorKind::InvalidInput,
        io::ErrorKind::AddrInUse => ErrorKind::AddressInUse,
        io::ErrorKind::AddrNotAvailable => ErrorKind::AddressNotAvailable,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        // A Unix socket's file that is missing is a server that is not there.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ErrorKind::ConnectionRefused,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => ErrorKind::Unreachable,
        io::ErrorKind::TimedOut => ErrorKind::TimedOut,
        // A Unix socket says so of a server whose backlog is full.
        io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock => ErrorKind::ResourcesExhausted,
        io::ErrorKind::Unsupported => ErrorKind::Unsupported,
        _ if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) => {
            ErrorKind::AddressFamilyNotSupported
        }
        _ if is_exhaustion(error) => ErrorKind::ResourcesExhausted,
        _ => ErrorKind::Io,
    }
}

/// Is this the operating system's way to say that descriptors or buffers are used up?
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.source {
            // A layer's error may have a peer's words in it.
            Some(source) => write!(f, ": {}", Escaped::display(source)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The cause itself is in the message already.
        self.0.source.as_deref()?.source()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::NameNotSupported => io::ErrorKind::InvalidInput,
            ErrorKind::AddressInUse => io::ErrorKind::AddrInUse,
            ErrorKind::AddressNotAvailable | ErrorKind::AddressFamilyNotSupported => io::ErrorKind::AddrNotAvailable,
            ErrorKind::PermissionDenied | ErrorKind::AddressDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::ConnectionRefused | ErrorKind::SelfConnected => io::ErrorKind::ConnectionRefused,
            ErrorKind::NameNotFound => io::ErrorKind::NotFound,
            ErrorKind::Unreachable => io::ErrorKind::HostUnreachable,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::NotConnected => io::ErrorKind::NotConnected,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::Deadlock => io::ErrorKind::Deadlock,
            ErrorKind::Tls => io::ErrorKind::InvalidData,
            ErrorKind::NameUnavailable
            | ErrorKind::ResourcesExhausted
            | ErrorKind::ReactorEnded
            | ErrorKind::Violated
            | ErrorKind::Io => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
