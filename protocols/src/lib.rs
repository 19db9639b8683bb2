//! Protocols for [Lariat](lariat), each over a core that does no input or output.
//!
//! A core (a *codec*) takes bytes that came from anywhere and tells what they mean: it can be tested with a slice, fuzzed,
//! and used with another runtime. What the reactor serves is a thin layer above it.
//!
//! | protocol | core | on the reactor |
//! | --- | --- | --- |
//! | HTTP/1.1 (feature `http`) | [`http::ServerConnection`], [`http::ClientConnection`] | [`http::Server`] |
//! | lines | [`LineDecoder`] | [`LineReceiver`], which serves a [`LineProtocol`] |
//! | any stream, to another connection | none: bytes stay bytes | [`Relay`] |
//!
//! [`http::guide`] tells how to write an HTTP service, a subject a page.
//!
//! # Floors
//!
//! A module imports only from the floors below its own, from its own floor where that makes no circle, or downward inside its own
//! folder. A test holds the code to this table. What a folder has in it stands on the folder's floor, unless it is named itself.
//!
//! | floor | holds | modules |
//! | --- | --- | --- |
//! | P3 | servers and clients: what implements or serves `Protocol` | `http`, `line`, `relay` |
//! | P2 | connections without input and output: a codec and the protocol's own rules | `http::client_connection`, `http::server_connection` |
//! | P1 | codecs, which know nothing of the reactor | `http::access_log`, `http::body`, `http::chunked`, `http::compressor`, `http::conditional`, `http::content_coding`, `http::content_type`, `http::date`, `http::entity_tag`, `http::error`, `http::fields`, `http::file_path`, `http::file_tree`, `http::form`, `http::form_error`, `http::form_limits`, `http::grammar`, `http::head`, `http::limits`, `http::listing`, `http::multipart`, `http::parameters`, `http::parser`, `http::percent`, `http::range`, `http::scanner`, `http::status`, `http::target`, `http::temporary_files`, `line::decoder`, `line::delimiter`, `line::other_protocol` |
//! | P0 | helpers over bytes that several codecs share | |
#![forbid(unsafe_code)]

#[cfg(feature = "http")]
pub mod http;
mod line;
mod relay;

pub use line::{
    Delimiter, LineDecoder, LineEvent, LineProtocol, LineReceiver, LineSender, LineTooLong, LineTransport,
    OtherProtocol,
};
pub use relay::{Relay, RelayOptions, Traffic};
