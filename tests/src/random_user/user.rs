//! A protocol that does something to its connection every so often.

use std::time::Duration;

use lariat::testing::Random;
use lariat::{CloseReason, Idle, Protocol, Transport, WriteStatus};

use super::book::Book;
use super::producers::{Pull, Push};
use super::story::{Heard, byte, place};

/// What all users of a simulation have in common.
#[derive(Clone)]
pub(super) struct Temper {
    pub(super) book: Book,
    pub(super) random: Random,
    /// Some callbacks panic.
    pub(super) panics: bool,
    /// The most bytes of one write.
    pub(super) largest: usize,
}

/// One protocol of one end.
pub(super) struct User {
    temper: Temper,
    host: &'static str,
    connected: bool,
    /// None until it is made.
    name: Option<usize>,
    generation: u32,
    acts: u32,
}

impl User {
    pub(super) fn new(temper: &Temper, host: &'static str, connected: bool) -> Self {
        let acts = 5 + u32::try_from(temper.random.below(40)).unwrap_or(0);
        Self { temper: temper.clone(), host, connected, name: None, generation: 0, acts }
    }

    fn hear(&self, heard: Heard, transport: &Transport) -> Option<usize> {
        let name = self.name?;
        self.temper.book.hear(name, self.generation, heard, transport.reactor().now());
        Some(name)
    }

    /// Panics every now and then, where that is wanted.
    fn stumble(&self, name: usize) {
        let random = &self.temper.random;
        if self.temper.panics && random.chance(0.01) {
            self.temper.book.story(name, |story| story.panicking = true);
            panic!("on purpose");
        }
    }

    fn act_later(&mut self, transport: &Transport) {
        if self.acts == 0 || self.temper.book.is_resting() {
            return;
        }
        self.acts -= 1;
        let pause = [5, 200, 1_500][self.temper.random.index(3)];
        let delay = Duration::from_millis(self.temper.random.below(pause));
        transport.handle(self).call_later(delay, |user, transport| {
            if !user.temper.book.is_resting() {
                if let Some(name) = user.hear(Heard::Call, transport) {
                    user.act(name, transport);
                }
                user.act_later(transport);
            }
        });
    }

    /// Does something.
    fn act(&self, name: usize, transport: &Transport) {
        let Temper { book, random, largest, .. } = &self.temper;
        match random.below(100) {
            0..=34 => {
                let most = [10, 1_000, *largest][random.index(3)];
                for _ in 0..=random.index(3) {
                    write(book, name, transport, 1 + random.index(most), random.chance(0.5));
                }
            }
            35..=40 => {
                book.story(name, |story| story.paused = true);
                transport.pause_reading();
            }
            41..=53 => {
                book.story(name, |story| story.paused = false);
                transport.resume_reading();
            }
            54 => transport.set_water_marks(random.index(5_000), random.index(100_000)),
            55 => transport.set_backpressure(random.chance(0.5)),
            56 | 57 => {
                book.story(name, |story| story.write_closing = true);
                transport.close_write();
            }
            58 | 59 => self.close(name, transport),
            60 if random.chance(0.5) => {
                book.story(name, |story| story.aborting = true);
                transport.abort();
            }
            61 if random.chance(0.5) => {
                book.story(name, |story| (story.failing, story.closing) = (true, true));
                transport.fail("enough");
            }
            62..=66 => self.watch(name, transport),
            67..=70 => {
                self.switch(name, transport, &[]);
            }
            71..=76 => call(book, name, self, transport),
            77..=79 => self.produce(name, transport),
            80 => {
                // One that only stopped producing by itself has none.
                let was = book.story(name, |story| std::mem::take(&mut story.producing));
                if transport.unregister_producer() != was {
                    book.violate(format!("end {name}: a producer was registered, or was not, against what is known"));
                }
            }
            81 => {
                // What is gathered or queued already may be too much by then.
                book.story(name, |story| story.limited = true);
                transport.set_queue_limit(1_000 + random.index(300_000));
            }
            82 => self.stumble(name),
            _ => {}
        }
    }

    fn close(&self, name: usize, transport: &Transport) {
        self.temper.book.story(name, |story| story.closing = true);
        transport.close();
    }

    /// Sets an idle timeout.
    fn watch(&self, name: usize, transport: &Transport) {
        let Temper { book, random, .. } = &self.temper;
        let idle = [Idle::Read, Idle::Write, Idle::All][random.index(3)];
        let limit = random.chance(0.7).then(|| Duration::from_millis(1 + random.below(10_000)));
        let now = transport.reactor().now();
        book.story(name, |story| story.idle[place(idle)] = limit.map(|limit| (limit, now)));
        transport.set_idle_timeout(idle, limit);
    }

    fn produce(&self, name: usize, transport: &Transport) {
        let Temper { book, random, .. } = &self.temper;
        let before = book.story(name, |story| std::mem::replace(&mut story.producing, true));
        let registered = if random.chance(0.7) {
            let left = 1 + u32::try_from(random.below(20)).unwrap_or(0);
            transport.register_pull_producer(Pull { book: book.clone(), name, left, piece: 1 + random.index(9_000) })
        } else {
            transport.register_push_producer(Push { book: book.clone(), name, is_paused: false })
        };
        if registered && before {
            book.violate(format!("end {name}: a second producer was registered"));
        }
        book.story(name, |story| story.producing = before || registered);
    }

    /// Hands over to another of its kind, with what is left over. Returns whether that was done.
    fn switch(&self, name: usize, transport: &Transport, leftover: &[u8]) -> bool {
        let book = &self.temper.book;
        let may = book.story(name, |story| {
            let may = !story.switching;
            if may {
                (story.switching, story.generation, story.protocols) =
                    (true, story.generation + 1, story.protocols + 1);
            }
            may
        });
        if !may {
            return false;
        }
        let successor = Self {
            temper: self.temper.clone(),
            name: Some(name),
            generation: self.generation + 1,
            acts: self.acts,
            ..*self
        };
        let done = transport.switch_to(successor, leftover);
        if !done {
            book.story(name, |story| (story.switching, story.generation) = (false, story.generation - 1));
        }
        done
    }
}

/// Calls the protocol through a handle; calls come in the order in which they were made.
fn call(book: &Book, name: usize, user: &User, transport: &Transport) {
    let number = book.story(name, |story| {
        story.calls.0 += 1;
        story.calls.0
    });
    let called = transport.handle(user).call(move |user: &mut User, transport| {
        user.hear(Heard::Call, transport);
        let before = user.temper.book.story(name, |story| std::mem::replace(&mut story.calls.1, number));
        if before + 1 != number {
            user.temper.book.violate(format!("end {name}: call {number} came after call {before}"));
        }
        if user.temper.random.chance(0.5) && !user.temper.book.is_resting() {
            user.act(name, transport);
        }
    });
    if !called {
        book.violate(format!("end {name}: a handle took no call although nobody had heard of an end"));
    }
}

/// Writes so many bytes of the end's stream.
pub(super) fn write(book: &Book, name: usize, transport: &Transport, length: usize, whole: bool) {
    let start = book.story(name, |story| story.sent);
    let bytes: Vec<u8> = (start..start + length).map(|place| byte(name, place)).collect();
    let status = if whole { transport.write_chunk(bytes) } else { transport.write(&bytes) };
    let wrong = book.story(name, |story| {
        let takes_output = story.takes_output();
        match status {
            WriteStatus::Accepted | WriteStatus::Paused => story.sent += length,
            WriteStatus::Closed => story.refused |= takes_output,
            WriteStatus::Overflow => {
                // Some of it may have left before the rest was too much.
                story.sent += length;
                story.overflowing = true;
            }
        }
        (!takes_output && status != WriteStatus::Closed).then(|| format!("{story:?}"))
    });
    if let Some(story) = wrong {
        book.violate(format!("end {name}: a write was {status:?} that nobody can send: {story}"));
    }
}

impl Protocol for User {
    fn connection_made(&mut self, transport: &Transport) {
        let Temper { book, .. } = &self.temper;
        let is_first = self.name.is_none();
        let name = self.name.unwrap_or_else(|| book.open(self.host, transport, self.connected));
        self.name = Some(name);
        self.hear(Heard::Made, transport);
        if is_first {
            // The heading, by which the other end knows who this is.
            write(book, name, transport, 4, false);
        }
        if self.temper.random.chance(0.3) && !self.temper.book.is_resting() {
            self.act(name, transport);
        }
        self.act_later(transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let Some(name) = self.hear(Heard::Data, transport) else { return };
        let Temper { book, random, .. } = &self.temper;
        self.stumble(name);
        if random.chance(0.02) {
            let (used, left) = data.split_at(random.index(data.len() + 1));
            if self.switch(name, transport, left) {
                return book.receive(name, used);
            }
        }
        book.receive(name, data);
        if random.chance(0.15) && !book.is_resting() {
            self.act(name, transport);
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        let Some(name) = self.hear(Heard::ReadClosed, transport) else { return };
        self.stumble(name);
        if self.temper.random.chance(0.6) || self.temper.book.is_resting() {
            self.close(name, transport);
        }
    }

    fn read_resumed(&mut self, transport: &Transport) {
        self.hear(Heard::ReadResumed, transport);
    }

    fn write_paused(&mut self, transport: &Transport) {
        let Some(name) = self.hear(Heard::WritePaused, transport) else { return };
        self.stumble(name);
        if self.temper.random.chance(0.2) && !self.temper.book.is_resting() {
            self.act(name, transport);
        }
    }

    fn write_resumed(&mut self, transport: &Transport) {
        let Some(name) = self.hear(Heard::WriteResumed, transport) else { return };
        if self.temper.random.chance(0.2) && !self.temper.book.is_resting() {
            self.act(name, transport);
        }
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        let Some(name) = self.hear(Heard::TimedOut(idle), transport) else { return };
        if self.temper.random.chance(0.3) {
            let aborts = transport.queued() > 0;
            self.temper.book.story(name, |story| {
                (story.timing_out, story.closing) = (true, true);
                story.aborting |= aborts;
            });
            transport.time_out(idle);
        }
    }

    fn drain(&mut self, transport: &Transport) {
        let Some(name) = self.hear(Heard::Drain, transport) else { return };
        if self.temper.random.chance(0.7) {
            self.close(name, transport);
        }
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        let Some(name) = self.hear(Heard::Lost, transport) else { return };
        let book = &self.temper.book;
        book.lose(name, &reason);
        // Everything is harmless by now, and says so.
        let taken = transport.write(b"late") != WriteStatus::Closed || transport.is_open();
        if taken || transport.queued() > 0 || transport.handle(self).call(|_, _| {}) {
            book.violate(format!("end {name}: its transport does not know of the end"));
        }
        transport.resume_reading();
        transport.close();
        transport.abort();
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            self.temper.book.drop_protocol(name);
        }
    }
}
