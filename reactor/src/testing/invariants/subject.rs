//! The page of code with which a protocol is plugged in.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;
use crate::reactor::Reactor;
use crate::stream::Port;

/// A bound that a protocol's documentation promises, or the reason why an invariant does not apply
/// to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim<T> {
    /// The invariant holds with this bound.
    Holds(T),
    /// The invariant does not apply, for this reason. The reason is printed by the test and must
    /// not be empty.
    Exempt(&'static str),
}

/// A state into which a peer brings a connection.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) name: &'static str,
    pub(super) input: Vec<u8>,
    pub(super) ends: Claim<Duration>,
    pub(super) more: Vec<u8>,
    pub(super) holds: usize,
}

impl State {
    /// The state that a connection is in after `input`, which is empty for the first one. `ends` is
    /// the longest time after which such a connection has ended, in spite of all that its peer does
    /// to stay in the state.
    pub fn new(name: &'static str, input: impl Into<Vec<u8>>, ends: Claim<Duration>) -> Self {
        Self { name, input: input.into(), ends, more: Vec::new(), holds: 4096 }
    }

    /// Sets what a peer can send over and over again without leaving the state: the next bytes of
    /// an endless line, the next header field. It is sent in one-byte pieces, both to fill the
    /// memory and to keep the connection going. Default: nothing.
    #[must_use]
    pub fn with_more(mut self, more: impl Into<Vec<u8>>) -> Self {
        self.more = more.into();
        self
    }

    /// Sets the bytes of memory that the documentation promises for a connection in this state, in
    /// addition to an idle one. Default: 4 KiB.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.holds = bytes;
        self
    }
}

/// The input of another visitor, and a part of the answer.
#[derive(Clone, Debug)]
pub struct Probe {
    pub(super) input: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

impl Probe {
    /// An input whose answer contains `answer`.
    pub fn new(input: impl Into<Vec<u8>>, answer: impl Into<Vec<u8>>) -> Self {
        Self { input: input.into(), answer: answer.into() }
    }
}

/// Units of work that a peer can pipeline: requests, lines, frames.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The input before the first unit.
    pub enter: Vec<u8>,
    /// One unit, complete.
    pub unit: Vec<u8>,
    /// A part that the answer to each unit contains exactly once.
    pub answer: Vec<u8>,
    /// The most units that the server serves, as documented, before the loop goes on to the
    /// next connection.
    pub most: usize,
}

/// The cost of a peer before it is known.
#[derive(Clone, Debug)]
pub struct Stranger {
    /// The most expensive input that the protocol takes from a peer before it has authenticated
    /// itself or sent a whole request.
    pub input: Vec<u8>,
    /// Bytes of memory for each stranger, the connection itself included.
    pub memory: usize,
    /// Log lines of the level info or above for 32 of them together.
    pub log_lines: usize,
}

/// A protocol in which a peer names where the server connects to.
pub struct Destination {
    /// The input with which a peer asks for a connection to an address.
    pub input: Box<dyn Fn(IpAddr) -> Vec<u8>>,
    /// A part of the answer to a refused destination.
    pub refusal: Vec<u8>,
}

/// A protocol over datagrams: gives the replies to one datagram of a peer whose address is not
/// proven.
pub type Datagram = Box<dyn Fn(&[u8]) -> Vec<Vec<u8>>>;

/// A change of layers, such as STARTTLS.
#[derive(Clone, Debug)]
pub struct LayerChange {
    /// The request for the change, and behind it, still in clear, a command that must not be
    /// carried out.
    pub input: Vec<u8>,
    /// A part of the answer to the command.
    pub forbidden: Vec<u8>,
}

/// Encodes a message with a value in it that the caller sets, or refuses the value.
pub type Encode = Box<dyn Fn(&str) -> Option<Vec<u8>>>;

/// An encoder of the protocol and a value that its caller sets.
pub struct Encoder {
    /// Its name in reports.
    pub name: &'static str,
    /// The encoder. It gives nothing for a value that it refuses.
    pub encode: Encode,
}

/// Texts planted in a peer's input, which must not reach the log as they are.
#[derive(Clone, Debug, Default)]
pub struct Planted {
    /// Inputs in which the text that a peer chooses has escape sequences, line ends and
    /// bidirectional controls; see [`Self::TEXT`].
    pub hostile: Vec<Vec<u8>>,
    /// Inputs with a secret, and the secret.
    pub secrets: Vec<(Vec<u8>, String)>,
}

impl Planted {
    /// A text that takes over a terminal, begins a line of its own if it can, and turns the
    /// direction of writing. It has no line end of CR and LF, which would end it in most protocols.
    pub const TEXT: &str = "\u{1b}]0;owned\u{7}\u{1b}[31m\u{202e}\u{2066}\u{85}\u{7f}";
}

/// A protocol to be checked: see the [module](super).
///
/// [`listen`](Self::listen), [`states`](Self::states) and [`probe`](Self::probe) are always needed.
/// A bound that is not given is missing, and its check fails with the words "no claim", so that no
/// invariant is passed over in silence.
pub trait Subject {
    /// Starts a new server at `endpoint`.
    ///
    /// # Errors
    ///
    /// Whatever the reactor's `listen` gives.
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> Result<Port>;

    /// The TLS that visitors speak, if the server speaks it. What they send and receive is then the plaintext, each piece in
    /// a record of its own, and the handshake is done before the first state.
    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<crate::tls::NamedConnector> {
        None
    }

    /// Every state into which a peer can bring a connection.
    fn states(&self) -> Vec<State>;

    /// The input and the answer of another visitor.
    fn probe(&self) -> Probe;

    /// The units of work in a visit.
    fn visit(&self) -> Claim<Visit> {
        missing()
    }

    /// The cost of a stranger.
    fn stranger(&self) -> Claim<Stranger> {
        missing()
    }

    /// The most connections of one address. Of more, the server refuses or ends some.
    fn share(&self) -> Claim<usize> {
        missing()
    }

    /// The connections that the port may have, of a server that [`listen`](Self::listen) gives at least two and at most 1,024. The most idle
    /// one makes room for one more.
    fn places(&self) -> Claim<usize> {
        missing()
    }

    /// The destinations that a peer may name.
    fn destination(&self) -> Claim<Destination> {
        missing()
    }

    /// The replies to datagrams.
    fn datagram(&self) -> Claim<Datagram> {
        missing()
    }

    /// The change of a layer.
    fn layer_change(&self) -> Claim<LayerChange> {
        missing()
    }

    /// The encoders of messages.
    fn encoders(&self) -> Claim<Vec<Encoder>> {
        missing()
    }

    /// The texts planted for the log.
    fn planted(&self) -> Claim<Planted> {
        missing()
    }

    /// The folder in which the protocol makes files.
    fn files(&self) -> Claim<PathBuf> {
        missing()
    }
}

#[track_caller]
fn missing<T>() -> Claim<T> {
    panic!("no claim: the page has to give the bound, or an exemption with its reason")
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("name", &self.name).finish_non_exhaustive()
    }
}
