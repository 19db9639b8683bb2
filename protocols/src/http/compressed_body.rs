//! A body that is compressed while it is written: small pieces on the loop, large ones by threads.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use lariat::{Failure, Semaphore, WriteStatus};

use super::compressor::Compressor;
use super::compressors::CompressorSlot;
use super::fields::Fields;
use super::outgoing::Outgoing;

/// The most bytes that are compressed at a time: about 1 ms of work, after which another response has its turn.
const STEP: usize = 64 * 1024;

/// A shorter piece may be an event that the client waits for. The compressor is flushed after it, and compressed on the loop if nothing is before it.
const SMALL_PIECE: usize = 8 * 1024;

/// The bytes waiting for a thread from which on the writer has to pause.
const HIGH_MARK: u64 = 64 * 1024;

/// The most bytes of pieces in memory that wait for a thread; the default of a connection's queue.
const MOST_WAITING: u64 = 16 * 1024 * 1024;

/// Content on its way to the compressor.
pub(super) enum Piece {
    Bytes(Bytes),
    File(Arc<File>, Range<u64>),
}

/// The compressor of a response's body, and the pieces that wait for it.
pub(super) struct CompressedBody {
    outgoing: Rc<Outgoing>,
    threads: Semaphore,
    _slot: CompressorSlot,
    /// Out while a thread has it.
    compressor: Cell<Option<Compressor>>,
    waiting: Cell<VecDeque<Piece>>,
    waiting_bytes: Cell<u64>,
    /// A task passes the pieces to threads.
    is_running: Cell<bool>,
    /// The trailers, once the body was ended.
    end: Cell<Option<Fields>>,
}

/// The next thing for a thread to do.
enum Step {
    Compress(Piece),
    Finish,
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, range) => range.end.saturating_sub(range.start),
        }
    }

    /// Cuts off the first [`STEP`] bytes, if there are more.
    fn cut(&mut self) -> Option<Self> {
        if self.length() <= STEP as u64 {
            return None;
        }
        Some(match self {
            Self::Bytes(bytes) => Self::Bytes(bytes.split_to(STEP)),
            Self::File(file, range) => {
                let first = range.start..range.start + STEP as u64;
                range.start = first.end;
                Self::File(file.clone(), first)
            }
        })
    }

    /// Compresses it, which may block.
    fn compress(&self, compressor: &mut Compressor, output: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => {
                compressor.write(bytes, output)?;
                if bytes.len() < SMALL_PIECE { compressor.flush(output) } else { Ok(()) }
            }
            Self::File(file, range) => {
                let length = usize::try_from(self.length()).map_err(io::Error::other)?;
                let mut content = vec![0; length];
                file.read_exact_at(&mut content, range.start)?;
                compressor.write(&content, output)
            }
        }
    }
}

impl CompressedBody {
    pub(super) fn new(
        outgoing: Rc<Outgoing>,
        compressor: Compressor,
        slot: CompressorSlot,
        threads: Semaphore,
    ) -> Rc<Self> {
        Rc::new(Self {
            outgoing,
            threads,
            _slot: slot,
            compressor: Cell::new(Some(compressor)),
            waiting: Cell::default(),
            waiting_bytes: Cell::new(0),
            is_running: Cell::new(false),
            end: Cell::new(None),
        })
    }

    /// Returns whether the writer has to pause until a thread has compressed more.
    pub(super) fn is_full(&self) -> bool {
        self.waiting_bytes.get() >= HIGH_MARK
    }

    /// Compresses a piece now, or queues it.
    pub(super) fn write(self: &Rc<Self>, piece: Piece) -> WriteStatus {
        if let Piece::Bytes(bytes) = &piece
            && bytes.len() < SMALL_PIECE
            && !self.is_running.get()
        {
            return self.compress_now(&piece);
        }
        if !self.outgoing.is_open() {
            return WriteStatus::Closed;
        }
        let waiting = self.waiting_bytes.get();
        if waiting > 0 && waiting.saturating_add(piece.length()) > MOST_WAITING {
            super::logging::log_failure(format_args!(
                "a response ends the connection: its writer does not pause while {waiting} bytes are to be compressed"
            ));
            self.outgoing.fail();
            return WriteStatus::Overflow;
        }
        self.waiting_bytes.set(waiting.saturating_add(piece.length()));
        self.with_waiting(|pieces| pieces.push_back(piece));
        self.run();
        if self.is_full() { WriteStatus::Paused } else { self.outgoing.status() }
    }

    /// Ends the body after all that waits.
    pub(super) fn finish(self: &Rc<Self>, trailers: &Fields) {
        self.end.set(Some(trailers.clone()));
        if self.is_running.get() {
            // The task ends it.
            return;
        }
        let Some(compressor) = self.compressor.take() else { return };
        let mut output = Vec::new();
        match compressor.finish(&mut output) {
            Ok(()) => self.end_with(output),
            Err(error) => self.fail(&error.into()),
        }
    }

    fn compress_now(&self, piece: &Piece) -> WriteStatus {
        let Some(mut compressor) = self.compressor.take() else { return WriteStatus::Closed };
        let mut output = Vec::new();
        if let Err(error) = piece.compress(&mut compressor, &mut output) {
            self.fail(&error.into());
            return WriteStatus::Closed;
        }
        self.compressor.set(Some(compressor));
        self.outgoing.send_chunk(output)
    }

    /// Starts the task that has threads compress what waits, unless it runs. It ends when nothing waits.
    fn run(self: &Rc<Self>) {
        if !self.outgoing.is_open() || self.is_running.replace(true) {
            return;
        }
        let body = self.clone();
        let task = async move {
            if let Err(failure) = body.compress_all().await {
                body.fail(&failure);
            }
        };
        self.outgoing.run_compression(task);
    }

    async fn compress_all(&self) -> Result<(), Failure> {
        let reactor = self.outgoing.transport().reactor().clone();
        while let Some(step) = self.next_step() {
            // What was compressed before goes first, so that a client that reads slowly has no more than a step in memory.
            if !poll_fn(|context| self.outgoing.poll_compression(context)).await {
                return Ok(());
            }
            let permit = self.threads.acquire().await?;
            let Some(mut compressor) = self.compressor.take() else { return Ok(()) };
            let length = if let Step::Compress(piece) = &step { piece.length() } else { 0 };
            let (compressor, output) = reactor
                .try_defer_to_thread(move || -> io::Result<_> {
                    let mut output = Vec::new();
                    match step {
                        Step::Compress(piece) => {
                            piece.compress(&mut compressor, &mut output)?;
                            Ok((Some(compressor), output))
                        }
                        Step::Finish => compressor.finish(&mut output).map(|()| (None, output)),
                    }
                })
                .await?;
            drop(permit);
            self.waiting_bytes.set(self.waiting_bytes.get().saturating_sub(length));
            match compressor {
                Some(compressor) => {
                    self.compressor.set(Some(compressor));
                    self.outgoing.send_chunk(output);
                    self.outgoing.wake();
                }
                None => {
                    self.end_with(output);
                    return Ok(());
                }
            }
        }
        self.is_running.set(false);
        Ok(())
    }

    fn next_step(&self) -> Option<Step> {
        let piece = self.with_waiting(|pieces| pieces.front_mut().and_then(Piece::cut).or_else(|| pieces.pop_front()));
        if let Some(piece) = piece {
            return Some(Step::Compress(piece));
        }
        let end = self.end.take();
        let is_ended = end.is_some();
        self.end.set(end);
        is_ended.then_some(Step::Finish)
    }

    fn end_with(&self, output: Vec<u8>) {
        self.outgoing.send_chunk(output);
        self.outgoing.end(&self.end.take().unwrap_or_default());
    }

    fn fail(&self, failure: &Failure) {
        if self.outgoing.is_open() {
            super::logging::log_failure(format_args!(
                "a response ends the connection: it cannot be compressed: {failure}"
            ));
            self.outgoing.fail();
        }
    }

    fn with_waiting<R>(&self, visit: impl FnOnce(&mut VecDeque<Piece>) -> R) -> R {
        let mut pieces = self.waiting.take();
        let result = visit(&mut pieces);
        self.waiting.set(pieces);
        result
    }
}
