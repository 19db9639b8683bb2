//! Code that waits: tasks, and connections as streams of bytes. When to write callbacks instead is told in [`choosing`](super::choosing).
//!
//! # Tasks
//!
//! [`Reactor::spawn`](crate::Reactor::spawn) runs a future on the loop, as a task. A [`Deferred`](crate::Deferred) is a future, so everything that gives one can
//! be awaited, and `spawn` gives one too: what is written with `async` and what is written with callbacks call each other.
//!
//! ```
//! use lariat::{Deferred, Failure, Reactor};
//! use std::time::Duration;
//!
//! /// A price, after some thinking.
//! async fn price(reactor: Reactor, pieces: u32) -> Result<u32, Failure> {
//!     reactor.sleep(Duration::from_millis(1)).await?;
//!     Ok(pieces * 7)
//! }
//!
//! let mut reactor = Reactor::new()?;
//! let prices = [1, 2, 3].map(|pieces| reactor.spawn(price(Reactor::clone(&reactor), pieces)));
//! // What a task gives is a Deferred like any other.
//! let sum = Deferred::gather(&reactor, prices).map(|prices| prices.iter().sum::<u32>());
//! assert_eq!(reactor.block_on(sum)?.unwrap(), 42);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! [`MainLoop::block_on`](crate::MainLoop::block_on) runs the loop for the sake of one future: in `main`, in tests. Servers call
//! [`run`](crate::MainLoop::run), and spawn before.
//!
//! A task may hold anything that belongs to the loop, and needs not be `Send`: it is polled on the loop's thread alone. Nothing else runs between two
//! `await`s, so what a task reads and changes between them needs no lock; what has to stay as it is across an `await` does
//! ([`Lock`](crate::Lock)). A task that computes for long keeps the whole loop waiting, as a callback would.
//!
//! # Connections
//!
//! [`Reactor::connect_stream`](crate::Reactor::connect_stream) and [`Reactor::listen_stream`](crate::Reactor::listen_stream) take the same
//! [endpoint descriptions](crate::endpoint) as `connect` and `listen`. This server counts the bytes of whoever connects, and its client
//! sends some:
//!
//! ```
//! use lariat::{AsyncStream, Failure, Reactor};
//!
//! async fn count(mut stream: AsyncStream) -> std::io::Result<()> {
//!     let (mut total, mut buffer) = (0, [0; 512]);
//!     // 0 is the end of what the peer sends.
//!     while let count @ 1.. = stream.read(&mut buffer).await? {
//!         total += count;
//!     }
//!     stream.write_all(format!("{total} bytes\r\n").as_bytes()).await
//!     // Dropping the stream closes the connection, when all of that is sent.
//! }
//!
//! async fn serve(reactor: Reactor) -> Result<String, Failure> {
//!     let mut listener = reactor.listen_stream("tcp:0:interface=127.0.0.1")?;
//!     let endpoint = listener.local_address().to_string();
//!
//!     let handle = reactor.clone();
//!     let accepting = reactor.spawn(async move {
//!         while let Ok(stream) = listener.accept().await {
//!             // A client that breaks off is no reason to stop.
//!             handle.spawn(async move { drop(count(stream).await) }).detach();
//!         }
//!     });
//!
//!     let mut client = reactor.connect_stream(&endpoint).await?;
//!     client.write_all(&[7; 100_000]).await?;
//!     client.close_write();
//!     let answer = String::from_utf8(client.fill_buf().await?.to_vec())?;
//!     // The server listens until this is dropped: with the task goes the listener.
//!     drop(accepting);
//!     Ok(answer)
//! }
//!
//! let mut reactor = Reactor::new()?;
//! let serving = serve(Reactor::clone(&reactor));
//! assert_eq!(reactor.block_on(serving)?.unwrap(), "100000 bytes\r\n");
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! | to … | use |
//! | --- | --- |
//! | read without a buffer of your own, on thousands of connections | [`fill_buf`](crate::AsyncStream::fill_buf), [`consume`](crate::AsyncStream::consume) |
//! | read in one task and write in another | [`split`](crate::AsyncStream::split) |
//! | join two connections | [`copy_bidirectional`](crate::copy_bidirectional) |
//! | know that everything was sent | [`close`](crate::AsyncStream::close) |
//! | set options or an idle timeout | [`transport`](crate::AsyncStream::transport) |
//! | read lines, compress, parse HTTP | any crate that knows `AsyncRead` and `AsyncWrite` of `futures-io` |
//!
//! # What is bounded
//!
//! A task that does not read holds its peer up: when 64 KiB wait to be read, the connection is read from no more. A write waits while 64 KiB wait
//! to be sent. So `read` and `write_all` in a loop are a server that no peer can fill. What nothing bounds is how many tasks there are: a
//! [`Semaphore`](crate::Semaphore) does.
//!
//! # Giving up
//!
//! Dropping a future gives up what it waits for, and dropping a task's Deferred drops the task where it waits, with every connection that it
//! has. So a time limit is put around anything, and a `read` that was given up has read nothing: the next one gets it.
//!
//! ```
//! use lariat::{AsyncStream, Failure, Reactor};
//! use std::time::Duration;
//!
//! /// What the peer says, or nothing if it thinks for too long.
//! async fn hear(reactor: &Reactor, stream: &mut AsyncStream) -> Result<Option<Vec<u8>>, Failure> {
//!     let mut buffer = [0; 512];
//!     match reactor.timeout(Duration::from_millis(5), stream.read(&mut buffer)).await {
//!         Ok(count) => Ok(Some(buffer[..count?].to_vec())),
//!         Err(failure) if failure.is_timed_out() => Ok(None),
//!         Err(failure) => Err(failure),
//!     }
//! }
//!
//! let mut reactor = Reactor::new()?;
//! let handle = Reactor::clone(&reactor);
//! let talk = async move {
//!     let mut listener = handle.listen_stream("tcp:0:interface=127.0.0.1")?;
//!     let mut client = handle.connect_stream(&listener.local_address().to_string()).await?;
//!     let mut server = listener.accept().await?;
//!     assert_eq!(hear(&handle, &mut server).await?, None);
//!     client.write_all(b"at last").await?;
//!     hear(&handle, &mut server).await
//! };
//! assert_eq!(reactor.block_on(talk)?.unwrap().unwrap(), b"at last");
//! # Ok::<(), lariat::Error>(())
//! ```
