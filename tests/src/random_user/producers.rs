//! Producers that write down what they hear.

use lariat::{PullProducer, PushProducer, Transport};

use super::book::Book;
use super::user::write;

/// Writes some each time that it is asked, a few times.
pub(super) struct Pull {
    pub(super) book: Book,
    pub(super) name: usize,
    pub(super) left: u32,
    pub(super) piece: usize,
}

impl PullProducer for Pull {
    fn produce(&mut self, transport: &Transport) {
        let (takes_output, producing) = self.book.story(self.name, |story| (story.takes_output(), story.producing));
        if !takes_output || !producing || transport.queued() > 0 {
            let queued = transport.queued();
            self.book
                .violate(format!("end {}: a producer was asked with {queued} bytes queued, or too late", self.name));
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.book.story(self.name, |story| story.producing = false);
            transport.unregister_producer();
        } else {
            write(&self.book, self.name, transport, self.piece, false);
        }
    }

    fn stop(&mut self) {
        stop(&self.book, self.name);
    }
}

/// Knows whether it may write, and does nothing with that.
pub(super) struct Push {
    pub(super) book: Book,
    pub(super) name: usize,
    pub(super) is_paused: bool,
}

impl Push {
    fn hear(&mut self, pauses: bool) {
        if self.is_paused == pauses {
            self.book.violate(format!("end {}: a producer was told twice that pausing is {pauses}", self.name));
        }
        self.is_paused = pauses;
    }
}

impl PushProducer for Push {
    fn pause(&mut self) {
        self.hear(true);
    }

    fn resume(&mut self, _: &Transport) {
        self.hear(false);
    }

    fn stop(&mut self) {
        stop(&self.book, self.name);
    }
}

fn stop(book: &Book, name: usize) {
    let was = book.story(name, |story| std::mem::take(&mut story.producing));
    if !was {
        book.violate(format!("end {name}: a producer was stopped that was not registered"));
    }
}
