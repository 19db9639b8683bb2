//! Where a write queue empties into.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::fs::FileExt;

/// How much of a file is copied at a time where the kernel cannot send it by itself.
const COPY: usize = 64 * 1024;

/// Something that takes bytes without blocking, such as a socket.
///
/// A sink that cannot take all it is offered takes a part, and says [`ErrorKind::WouldBlock`] when it can take
/// nothing. [`WriteQueue::flush`](super::WriteQueue::flush) relies on this: having written a part, it waits until the
/// sink is writable again and asks no second time. A sink over something that takes parts for other reasons must loop.
pub trait Sink {
    /// Takes the beginning of `data`, which is never empty, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WouldBlock`] when there is no room now; [`ErrorKind::Interrupted`] to be asked again; any other
    /// error is final.
    fn write(&mut self, data: &[u8]) -> io::Result<usize>;

    /// Takes the beginning of `slices` put together, which are never empty, and returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// As for [`Sink::write`].
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// As [`Sink::write`], of bytes that a short part of a file follows at once: a socket may keep them back for it, so that the head of a response and what comes
    /// after it do not take a packet each.
    ///
    /// Unless defined otherwise this is [`Sink::write`]; a TCP socket has `MSG_MORE`.
    ///
    /// # Errors
    ///
    /// As for [`Sink::write`].
    fn write_before_file(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write(data)
    }

    /// Takes up to `count` bytes of `file` from `offset` on, and returns how many: 0 only where the file ends. Unlike
    /// with the other methods, a part says nothing about room, since a file may be shorter than thought.
    ///
    /// Unless defined otherwise this is [`send_file_by_copy`]; a socket has `sendfile(2)`.
    ///
    /// # Errors
    ///
    /// As for [`Sink::write`]; besides, what reading the file may fail with.
    fn send_file(&mut self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        send_file_by_copy(self, file, offset, count)
    }
}

/// Sends up to `count` bytes of `file`, from `offset` on, by reading them and writing them to `sink`: for sinks, and
/// files, that `sendfile(2)` does not work with. Returns how many bytes the sink took: 0 only where the file ends.
///
/// The file's own position is neither used nor moved. What was read and not taken is read again by a later call, so
/// nothing has to be kept and nothing is lost.
///
/// # Errors
///
/// Those of reading the file, and of [`Sink::write`]; [`ErrorKind::WriteZero`] if the sink took nothing and did not
/// say why. [`ErrorKind::WouldBlock`] and [`ErrorKind::Interrupted`] only if nothing was taken before.
///
/// # Example
///
/// ```
/// use std::fs::File;
/// use std::io::{self, IoSlice};
///
/// use lariat::{Sink, send_file_by_copy};
///
/// struct Memory(Vec<u8>);
///
/// impl Sink for Memory {
///     fn write(&mut self, data: &[u8]) -> io::Result<usize> {
///         self.0.extend_from_slice(data);
///         Ok(data.len())
///     }
///
///     fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
///         slices.iter().map(|slice| self.write(slice)).sum()
///     }
/// }
///
/// let mut sink = Memory(Vec::new());
/// let sent = send_file_by_copy(&mut sink, &File::open("Cargo.toml")?, 1, 7)?;
/// assert_eq!(sent, 7);
/// assert_eq!(sink.0, b"package");
/// # io::Result::Ok(())
/// ```
pub fn send_file_by_copy<S: Sink + ?Sized>(sink: &mut S, file: &File, offset: u64, count: usize) -> io::Result<usize> {
    let mut scratch = vec![0; count.min(COPY)];
    let mut sent = 0;
    while sent < count {
        let position = offset.saturating_add(sent as u64);
        let wanted = scratch.len().min(count - sent);
        let result = file.read_at(&mut scratch[..wanted], position).and_then(|read| match read {
            0 => Ok((0, 0)),
            _ => sink.write(&scratch[..read]).map(|taken| (read, taken)),
        });
        match result {
            Ok((0, _)) => break,
            Ok((_, 0)) => return Err(ErrorKind::WriteZero.into()),
            Ok((read, taken)) => {
                sent += taken;
                if taken < read {
                    break;
                }
            }
            Err(error) if sent > 0 && matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
