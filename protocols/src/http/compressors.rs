//! The bound of compressors that are alive, and of threads that run them.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::thread::available_parallelism;

use lariat::{Reactor, Semaphore};

use super::compressor::Compressor;
use super::content_coding::ContentCoding;

/// The compressors of a [`Compressed`](super::Compressed), and the threads that may run them.
#[derive(Debug)]
pub(super) struct Compressors {
    most: usize,
    alive: Cell<usize>,
    threads: OnceCell<Semaphore>,
}

impl Compressors {
    pub(super) fn new(most: usize) -> Self {
        Self { most, alive: Cell::new(0), threads: OnceCell::new() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.alive.get() < self.most
    }

    pub(super) fn start(self: &Rc<Self>, coding: ContentCoding) -> Option<(Compressor, CompressorSlot)> {
        if !self.has_room() {
            return None;
        }
        let compressor = Compressor::new(coding)?;
        self.alive.set(self.alive.get() + 1);
        Some((compressor, CompressorSlot(self.clone())))
    }

    /// The threads of the reactor's pool that may compress at a time: the loop keeps a processor for itself.
    pub(super) fn threads(&self, reactor: &Reactor) -> &Semaphore {
        self.threads.get_or_init(|| {
            let processors = available_parallelism().map_or(1, usize::from);
            Semaphore::new(reactor, processors.saturating_sub(1).max(1))
        })
    }
}

/// A place among the compressors that may be alive, until it is dropped.
#[derive(Debug)]
pub(super) struct CompressorSlot(Rc<Compressors>);

impl Drop for CompressorSlot {
    fn drop(&mut self) {
        self.0.alive.set(self.0.alive.get().saturating_sub(1));
    }
}
