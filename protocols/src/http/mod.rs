//! HTTP/1.1 (RFC 9110, RFC 9112): a server, and both sides of a connection without input and output.
//!
//! ```no_run
//! use lariat::Reactor;
//! use lariat_protocols::http::{Request, Router, Server};
//!
//! let mut router = Router::new();
//! router.get("/hello/{name}", |request: &mut Request<'_>| format!("hello {}\n", request.path_parameter("name").unwrap_or("you")));
//!
//! let reactor = Reactor::new()?;
//! reactor.listen("tcp:8080", Server::new(router))?;
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! The [`guide`] tells how to write a service, a subject a page.
//!
//! | for | there is |
//! | --- | --- |
//! | serving | [`Server`], [`Limits`], [`VirtualHosts`] |
//! | handlers | [`Handler`], [`Router`], [`Authenticated`], [`Compressed`], [`Files`] |
//! | requests | [`Request`], [`OwnedRequest`], [`RequestBody`], [`Form`] |
//! | responses | [`Response`], [`Body`], [`BodyWriter`], [`Event`], [`Cookie`], [`IntoResponse`] |
//! | protocols of one's own over HTTP | [`ServerConnection`], [`ClientConnection`] |
//!
//! | feature | brings |
//! | --- | --- |
//! | `http` | all of this but what follows |
//! | `json` | [`Request`]'s and [`Response`]'s `json`, by serde |
//! | `gzip`, `brotli`, `zstd` | the codings that [`Compressed`] has |
//! | `http-types` | requests and responses in the types of the `http` crate: `RequestHead::to_http`, and `http::Response` as a response |
//! | `testing` | `testing::TestClient`, a client for tests of handlers |

mod access_log;
mod authentication;
mod body;
mod body_writer;
mod channel;
mod chunked;
mod client_address;
mod client_connection;
mod compressed;
mod compressed_body;
mod compression;
mod compressor;
mod compressors;
mod conditional;
mod content_coding;
mod content_type;
mod cookies;
mod core;
mod date;
mod entity_tag;
mod error;
mod events;
mod exchange;
mod fields;
mod file_path;
mod file_response;
mod file_tree;
mod files;
mod folder_pages;
mod form;
mod form_error;
mod form_limits;
mod form_request;
mod grammar;
pub mod guide;
mod handing_on;
mod handler;
mod head;
#[cfg(feature = "http-types")]
mod http_types;
#[cfg(feature = "json")]
mod json_request;
mod limits;
mod listing;
mod logging;
mod login_throttle;
mod multipart;
mod outgoing;
mod parameters;
mod parser;
mod percent;
mod range;
mod request;
mod request_body;
mod response;
mod response_body;
mod router;
mod scanner;
mod server;
mod server_connection;
mod server_stats;
mod slot;
mod status;
mod steering;
mod target;
mod temporary_files;
#[cfg(feature = "testing")]
pub mod testing;
mod virtual_hosts;

pub use authentication::{Authenticated, CheckResult, Credentials, Guarding, IntoCheckResult, constant_time_eq};
pub use body::{BodyEncoder, ChunkHead, WrongLength};
pub use body_writer::{BodyProducer, BodyWriter};
pub use channel::Channel;
pub use client_connection::{ClientConnection, InvalidRequest, ResponseEvent};
pub use compressed::Compressed;
pub use compressor::Compressor;
pub use conditional::{Validators, Verdict, evaluate_conditions, range_applies};
pub use content_coding::{AcceptedCodings, ContentCoding};
pub use content_type::{content_type_of, is_compressible};
pub use cookies::{Cookie, SameSite};
pub use entity_tag::{EntityTag, FileTag};
pub use error::HttpError;
pub use events::{Event, EventWriter};
pub use fields::{Fields, Headers, InvalidField};
pub use file_path::{FilePath, FilePathError};
pub use file_tree::{FileTree, FolderContents, FolderEntry, Found, FoundFile};
pub use files::Files;
pub use form::{Form, FormCollector, Upload};
pub use form_error::FormError;
pub use form_limits::FormLimits;
pub use handler::{Answer, Given, Handler, IntoAnswer, Later, Now};
pub use head::{BodyLength, OwnedRequestHead, RequestHead, ResponseHead, Version};
#[cfg(feature = "http-types")]
pub use http_types::ConversionError;
#[cfg(feature = "json")]
pub use json_request::JsonError;
pub use limits::Limits;
pub use listing::{Listing, ListingColumn, ListingOrder};
pub use login_throttle::LoginThrottle;
pub use multipart::{MultipartDecoder, MultipartEvent, PartHead};
pub use range::{ByteRangesFrame, Ranges};
pub use request::{OwnedRequest, Request};
pub use request_body::RequestBody;
pub use response::{IntoResponse, Response};
pub use response_body::Body;
pub use router::{Routed, Router};
pub use server::Server;
pub use server_connection::{RequestEvent, ResponseLength, ServerConnection};
pub use server_stats::ServerStats;
pub use status::Status;
pub use temporary_files::TemporaryFiles;
pub use virtual_hosts::{Hosted, VirtualHosts};
