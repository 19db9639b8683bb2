//! The guide: how to write programs with Lariat, a chapter a subject.
//!
//! | chapter | tells |
//! | --- | --- |
//! | [`first_protocol`] | a server, a client and a test of them, in ten minutes |
//! | [`ownership`] | who owns what, how protocols share state, what dropping a handle does |
//! | [`back_pressure`] | what happens when a peer does not read, and what is bounded by what |
//! | [`timers`] | calls that happen later, idle timeouts, how exact they are |
//! | [`deferreds`] | results that arrive later, chains of callbacks, failures |
//! | [`async_await`] | tasks, and connections as streams of bytes |
//! | [`choosing`] | whether to write callbacks or `async`, and how both work together |
//! | [`cancellation`] | giving up on results, timeouts, work that ends with its owner |
//! | [`threads`] | what runs where, calling into a loop from other threads, bringing results back |
//! | [`names`] | what becomes of a host's name: look-ups, several addresses, what goes wrong and what it is called |
//! | `tls` | servers and clients that encrypt, certificates for both, reload, STARTTLS, what goes wrong (with the feature `tls`) |
//! | [`production`] | signals, an end in good order, several cores, limits, numbers to watch |
//! | `testing` | protocols tested without sockets and without waiting (with the feature `testing`) |
//! | [`twisted`] | for those who come from Twisted: every name and what became of it |
//!
//! How to write an HTTP service is told in the crate `lariat-protocols`, whose `http::guide` has a page for each of its subjects.
//!
//! The programs in it are compiled and run with Lariat's own tests. Each begins with what it needs and can be copied as it is; only a
//! server that would listen for ever is compiled without being run.

pub mod async_await;
pub mod back_pressure;
pub mod cancellation;
pub mod choosing;
pub mod deferreds;
pub mod first_protocol;
pub mod names;
pub mod ownership;
pub mod production;
#[cfg(feature = "testing")]
pub mod testing;
pub mod threads;
pub mod timers;
#[cfg(feature = "tls")]
pub mod tls;
pub mod twisted;
