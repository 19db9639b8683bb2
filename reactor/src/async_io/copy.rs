//! Moving bytes from stream to stream.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use super::reader::AsyncReader;
use super::stream::AsyncStream;
use super::writer::AsyncWriter;

/// Writes to `writer` whatever `reader` reads, until there is no more, and tells how many bytes that were. `writer` stays open.
///
/// Dropped before it is ready, it has lost nothing: what it has taken from `reader` is written. It holds no buffer while it waits, and
/// what arrives then is written as it arrives: the task is polled again only when the writer cannot keep up, and at the end.
///
/// # Errors
///
/// When reading or writing fails.
pub fn copy(reader: &mut AsyncReader, writer: &mut AsyncWriter) -> impl Future<Output = io::Result<u64>> {
    Copy { reader, writer, copied: 0 }
}

/// Not an async block: this is what waits on every connection of a relay, so it is to be small.
struct Copy<'reader, 'writer> {
    reader: &'reader mut AsyncReader,
    writer: &'writer mut AsyncWriter,
    copied: u64,
}

impl Future for Copy<'_, '_> {
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let Self { reader, writer, copied } = self.get_mut();
        *copied += reader.shared().end_onward();
        while let Poll::Ready(bytes) = reader.poll_there(context)? {
            if bytes.is_empty() {
                return Poll::Ready(Ok(*copied));
            }
            let written = ready!(writer.poll_some(context, bytes))?;
            reader.consume(written);
            *copied += written as u64;
        }
        // Nothing is left to be done but to hand on what comes, and that can be done where it comes.
        if let Some(onward) = writer.takes_more() {
            reader.shared().set_onward(onward);
        }
        Poll::Pending
    }
}

impl Drop for Copy<'_, '_> {
    fn drop(&mut self) {
        self.reader.shared().end_onward();
    }
}

/// Writes to each stream what the other reads, and tells each that nothing more will come when that is so of the other. Ready when both
/// have ended: with how many bytes went from `one` to `other`, and how many the other way.
///
/// Dropped before it is ready, it has lost nothing.
///
/// # Errors
///
/// When reading or writing fails, on either side. The streams are then as they are, to be dropped.
pub async fn copy_bidirectional(one: &mut AsyncStream, other: &mut AsyncStream) -> io::Result<(u64, u64)> {
    let (one_reads, one_writes) = one.halves();
    let (other_reads, other_writes) = other.halves();
    let mut there = pin!(copy_to_end(one_reads, other_writes));
    let mut back = pin!(copy_to_end(other_reads, one_writes));
    let (mut went, mut came) = (None, None);
    poll_fn(|context| {
        if went.is_none()
            && let Poll::Ready(copied) = there.as_mut().poll(context)
        {
            went = Some(copied?);
        }
        if came.is_none()
            && let Poll::Ready(copied) = back.as_mut().poll(context)
        {
            came = Some(copied?);
        }
        went.zip(came).map_or(Poll::Pending, |copied| Poll::Ready(Ok(copied)))
    })
    .await
}

async fn copy_to_end(reader: &mut AsyncReader, writer: &mut AsyncWriter) -> io::Result<u64> {
    let copied = copy(reader, writer).await?;
    writer.close_write();
    Ok(copied)
}
