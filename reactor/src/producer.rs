//! Producers: what fills a connection at the pace at which it drains.

use std::any::Any;

use crate::close_reason::CloseReason;
use crate::contain::{contain, contain_drop};
use crate::transport::{Flags, Transport};

/// Produces when asked, some at a time: a file being generated, a long listing.
///
/// Registered with [`Transport::register_pull_producer`], it is asked whenever nothing is queued; so it never outruns the peer.
#[doc(alias = "IPullProducer")]
pub trait PullProducer: 'static {
    /// Write some, to this `transport`. Written nothing? It is asked again next turn. Done? Call
    /// [`Transport::unregister_producer`].
    #[doc(alias = "resumeProducing")]
    fn produce(&mut self, transport: &Transport);

    /// The connection has ended, or is about to: produce no more.
    #[doc(alias = "stopProducing")]
    fn stop(&mut self) {}
}

/// Produces on its own account, and pauses when told to: a sensor, another connection.
///
/// Registered with [`Transport::register_push_producer`]. The connection's protocol hears `write_paused` and `write_resumed` at the
/// same time.
#[doc(alias = "IPushProducer")]
pub trait PushProducer: 'static {
    /// The queue is above its high mark: write no more for now.
    #[doc(alias = "pauseProducing")]
    fn pause(&mut self);

    /// The queue is down to its low mark: go on.
    #[doc(alias = "resumeProducing")]
    fn resume(&mut self, transport: &Transport);

    /// The connection has ended, or is about to: produce no more.
    #[doc(alias = "stopProducing")]
    fn stop(&mut self) {}
}

/// A registered producer, of one kind or the other.
pub(crate) enum Producer {
    Pull(Box<dyn PullProducer>),
    Push {
        producer: Box<dyn PushProducer>,
        /// It was told to pause.
        is_paused: bool,
    },
}

impl Producer {
    pub(crate) fn produce(&mut self, transport: &Transport) {
        if let Self::Pull(producer) = self {
            producer.produce(transport);
        }
    }

    pub(crate) fn pause(&mut self, _: &Transport) {
        if let Self::Push { producer, is_paused } = self
            && !std::mem::replace(is_paused, true)
        {
            producer.pause();
        }
    }

    pub(crate) fn resume(&mut self, transport: &Transport) {
        if let Self::Push { producer, is_paused } = self
            && std::mem::replace(is_paused, false)
        {
            producer.resume(transport);
        }
    }

    pub(crate) fn stop(&mut self) {
        match self {
            Self::Pull(producer) => producer.stop(),
            Self::Push { producer, .. } => producer.stop(),
        }
    }
}

impl Transport {
    /// Has `producer` asked for more whenever nothing is queued. Returns whether it was registered: not on a connection that takes no
    /// output any more or that has a producer already; it is then dropped.
    #[doc(alias = "registerProducer")]
    pub fn register_pull_producer(&self, producer: impl PullProducer) -> bool {
        self.register(Producer::Pull(Box::new(producer)), Flags::PULLING)
    }

    /// Has `producer` told when the queue passes its marks; at once, from the loop, if it is above the high one now. Returns whether it
    /// was registered, as [`register_pull_producer`](Self::register_pull_producer) does.
    #[doc(alias = "registerProducer")]
    pub fn register_push_producer(&self, producer: impl PushProducer) -> bool {
        let registered =
            self.register(Producer::Push { producer: Box::new(producer), is_paused: false }, Flags::PUSHING);
        if registered && self.shared.flags.has(Flags::TOLD_PAUSED) {
            // The mark was passed before it came.
            let transport = self.clone();
            self.reactor().enqueue(Box::new(move |_| {
                // It may have been passed the other way since.
                if transport.shared.flags.has(Flags::TOLD_PAUSED) {
                    transport.with_producer(Producer::pause);
                }
            }));
        }
        registered
    }

    fn register(&self, producer: Producer, flag: u32) -> bool {
        let shared = &*self.shared;
        if shared.flags.has(Flags::NO_OUTPUT | Flags::PULLING | Flags::PUSHING) {
            contain_drop(producer);
            return false;
        }
        shared.flags.set(flag);
        shared.state.with(|state| state.rare().producer = Some(Box::new(producer)));
        shared.touch();
        true
    }

    /// Ends the producer's registration; it is dropped and hears nothing of it. Returns whether there was one.
    #[doc(alias = "unregisterProducer")]
    pub fn unregister_producer(&self) -> bool {
        let registered = self.shared.flags.take(Flags::PULLING | Flags::PUSHING);
        let producer = take(self);
        contain_drop(producer);
        registered
    }

    /// Lets the producer act, out of its place so that it may unregister itself or another take its place.
    pub(crate) fn with_producer(&self, act: impl FnOnce(&mut Producer, &Self)) {
        let Some(mut producer) = take(self) else { return };
        // Contained here, for unwinding would drop the producer, and a `Drop` that panics too would then end the process.
        let acted = contain(|| "a producer", || producer.downcast_mut().map(|producer| act(producer, self)));
        if acted.is_err() {
            self.shared.end(CloseReason::Panicked);
        }
        let mut producer = Some(producer);
        if acted.is_ok() && self.shared.flags.has(Flags::PULLING | Flags::PUSHING) {
            self.shared.state.with(|state| {
                let place = &mut state.rare().producer;
                if place.is_none() {
                    *place = producer.take();
                }
            });
        }
        contain_drop(producer);
    }
}

fn take(transport: &Transport) -> Option<Box<dyn Any>> {
    transport.shared.state.with(|state| state.rare.as_mut()?.producer.take())
}
