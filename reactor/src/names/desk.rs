//! The threads that ask the system's resolver for names, and the names that wait for one.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType};

use crate::clock::Time;
use crate::contain::{catch, contain_drop, contain_drops, mark_worker};
use crate::deferred::{Deferred, Resolver};
use crate::error::{Error, ErrorKind};
use crate::escape::Escaped;
use crate::failure::Failure;
use crate::guarded::Guarded;
use crate::inbox::Outbox;
use crate::lookup::{Addresses, Family, Fault, LookedUp};
use crate::reactor::{Cancel, DelayedCall, Lookups, Message, Reactor};
use crate::thread_pool::{Crew, Job, JobId};

use super::answer::{Answer, answer};

/// The most threads. `getaddrinfo(3)` cannot be interrupted: a name whose servers are silent holds its thread for some
/// ten seconds, whether or not its look-up was cancelled. Threads are made as they are needed.
const THREADS: usize = 32;

/// The most names that wait for a thread: more come only from a flood, or while the name servers are silent.
const QUEUE: usize = 256;

/// The longest that a name waits for a thread: as long as glibc waits for a server that is silent, twice.
const QUEUE_TIME: Duration = Duration::from_secs(10);

/// The time after which a thread without work ends.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// The most names in an error.
const SHOWN: usize = 3;

/// The call that a thread makes.
type Ask = fn(&str, Family) -> Addresses;

/// The look-ups of a loop.
///
/// ```text
///           a thread is free             answered
///   queued ------------------> running -----------> gone
///      |                          |
///      | cancelled, 10 s          | cancelled: it runs on, and whoever asks for the name again joins it
///      +--> gone                  +--> running
/// ```
///
/// Threads and places in the queue are shared by domain (the last two labels of a name): a domain gets another one only
/// while more are free than it has. So the first has 16 of the 32 threads at the most, a second 8, a third 4, and names
/// that hang in one domain never hold up those of another.
pub(super) struct Desk {
    crew: Arc<Crew>,
    tickets: Sender<()>,
    asked: Guarded<BTreeMap<JobId, Question>>,
    last_id: Cell<JobId>,
    /// Fails what has been queued for too long; armed while anything is.
    timer: Cell<Option<DelayedCall>>,
    outbox: OnceCell<Outbox<Message>>,
    ask: Cell<Ask>,
}

/// A name of one family that has no answer yet.
struct Question {
    name: Box<str>,
    /// In lower case.
    domain: Box<str>,
    family: Family,
    since: Time,
    /// A thread has it, or is about to.
    runs: bool,
    /// None, if all were cancelled while it ran.
    waiters: Vec<(JobId, Resolver<Answer>)>,
}

impl Default for Desk {
    fn default() -> Self {
        let (crew, tickets) = Crew::new(THREADS, IDLE_TIME);
        Self {
            crew: Arc::new(crew),
            tickets,
            asked: Guarded::default(),
            last_id: Cell::new(0),
            timer: Cell::new(None),
            outbox: OnceCell::new(),
            ask: Cell::new(ask_system),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        contain_drops(self.crew.take_jobs());
    }
}

impl Desk {
    /// Has a thread ask for a name, now or when one is free for it.
    #[track_caller]
    pub(super) fn ask(reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer> {
        let desk = reactor.extension::<Self>();
        if let Err(error) = desk.open(reactor) {
            return Deferred::fail(reactor, error);
        }
        let id = desk.last_id.get() + 1;
        desk.last_id.set(id);
        let running = desk.asked.with(|asked| find(asked, name, family));
        let question = running.unwrap_or(id);
        if running.is_none() {
            let new = Question {
                name: name.into(),
                domain: domain(name).into(),
                family,
                since: reactor.core().now.get(),
                runs: false,
                waiters: Vec::new(),
            };
            if let Err(error) = desk.asked.with(|asked| insert(asked, id, new)) {
                return Deferred::fail(reactor, error);
            }
        }
        let cancel = CancelLookUp { desk: Rc::downgrade(&desk), question, waiter: id };
        let (resolver, answer) = Deferred::with_cancel(reactor, cancel);
        desk.asked.with(|asked| asked.get_mut(&question).map(|question| question.waiters.push((id, resolver))));
        desk.start_next(reactor);
        answer
    }

    /// Opens the way from the threads to the loop.
    fn open(self: &Rc<Self>, reactor: &Reactor) -> Result<(), Error> {
        if reactor.has_ended() {
            return Err(Error::ended());
        }
        if self.outbox.get().is_none() {
            let outbox = reactor.outbox()?;
            let ours: Rc<dyn Lookups> = self.clone();
            reactor.core().lookups.get_or_init(|| Rc::downgrade(&ours));
            self.outbox.get_or_init(|| outbox);
        }
        Ok(())
    }

    /// Gives threads the names that they are free for, the earliest first.
    fn start_next(&self, reactor: &Reactor) {
        let Some(outbox) = self.outbox.get() else { return };
        for (id, name, family) in self.asked.with(begin) {
            let job = LookUp { id, name, family, ask: self.ask.get(), outbox: outbox.clone(), addresses: None };
            if let Err(error) = self.put(reactor, job) {
                let question = self.asked.with(|asked| asked.remove(&id));
                fail(question, || Error::new(error.kind(), error.to_string()));
            }
        }
        self.arm(reactor);
    }

    /// Gives a job to the threads, and starts one if all are at work.
    fn put(&self, reactor: &Reactor, job: LookUp) -> Result<(), Error> {
        #[cfg(feature = "testing")]
        if reactor.core().network.replays() {
            // The recording has the answer.
            return Ok(());
        }
        #[cfg(not(feature = "testing"))]
        let _ = reactor;
        let id = job.id;
        match self.crew.put(id, Box::new(job), QUEUE) {
            Ok(hired) => {
                // The crew has the other end, so it is taken.
                let _ = self.tickets.send(());
                if hired { self.start_thread(id) } else { Ok(()) }
            }
            Err((_, job)) => {
                contain_drop(job);
                Err(Error::ended())
            }
        }
    }

    /// Starts a thread, which counts already.
    fn start_thread(&self, id: JobId) -> Result<(), Error> {
        let crew = self.crew.clone();
        let serve = move || {
            mark_worker();
            crew.serve();
        };
        match thread::Builder::new().name("lariat-names".to_owned()).spawn(serve) {
            Ok(_) => Ok(()),
            // With other threads it only takes longer.
            Err(_) if self.crew.dismiss() => Ok(()),
            Err(error) => {
                // Without a thread, the job has not been taken, and no other waits.
                contain_drop(self.crew.remove(id));
                Err(Error::io("could not start a thread that looks up names", error.kind().into()))
            }
        }
    }

    /// Arms the timer that bounds the time in the queue.
    fn arm(&self, reactor: &Reactor) {
        let first = self.asked.with(|asked| asked.values().find(|question| !question.runs).map(|first| first.since));
        let timer = self.timer.take();
        let Some(first) = first else {
            if let Some(timer) = timer {
                timer.cancel();
            }
            return;
        };
        let timer = timer.filter(DelayedCall::is_active).unwrap_or_else(|| {
            let waited = reactor.core().now.get().since(first);
            reactor.call_later(QUEUE_TIME.saturating_sub(waited), |reactor| {
                reactor.extension::<Self>().give_up(reactor);
            })
        });
        self.timer.set(Some(timer));
    }

    /// Fails what has been queued for too long.
    fn give_up(&self, reactor: &Reactor) {
        let now = reactor.core().now.get();
        let late = self.asked.with(|asked| {
            let late = |question: &Question| !question.runs && now.since(question.since) >= QUEUE_TIME;
            let late: Vec<_> = asked.iter().filter(|(_, question)| late(question)).map(|(id, _)| *id).collect();
            let late = late.into_iter().filter_map(|id| asked.remove(&id));
            let late: Vec<_> = late.collect();
            late.into_iter().map(|question| (cause(asked, &question.domain), question)).collect::<Vec<_>>()
        });
        for (cause, question) in late {
            let seconds = QUEUE_TIME.as_secs();
            let words =
                format!("`{}` has waited {seconds} s to be looked up: {cause}", Escaped::bytes(&*question.name));
            fail(Some(question), || Error::new(ErrorKind::NameUnavailable, words.clone()));
        }
        self.arm(reactor);
    }
}

impl Lookups for Desk {
    fn answered(&self, reactor: &Reactor, told: LookedUp) {
        // It has no waiters if it was cancelled.
        if let Some(Question { name, waiters, .. }) = self.asked.with(|asked| asked.remove(&told.ticket)) {
            for (_, resolver) in waiters {
                let result = answer(&name, told.addresses.clone()).map_err(Failure::from);
                // It may be just being cancelled.
                drop(resolver.settle(result));
            }
        }
        self.start_next(reactor);
    }
}

/// A question of the same name and family, if there is one.
fn find(asked: &BTreeMap<JobId, Question>, name: &str, family: Family) -> Option<JobId> {
    let same = |question: &Question| question.family == family && question.name.eq_ignore_ascii_case(name);
    asked.iter().find(|(_, question)| same(question)).map(|(id, _)| *id)
}

/// The last two labels of a name: what has name servers of its own, more or less.
fn domain(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    let dots = name.rmatch_indices('.').map(|(place, _)| place + 1);
    name[dots.take(2).nth(1).unwrap_or(0)..].to_ascii_lowercase()
}

/// Returns whether a domain that has `taken` of `most` places gets another one, while `all` are taken.
fn has_share(taken: usize, all: usize, most: usize) -> bool {
    taken < most.saturating_sub(all)
}

/// Takes in a question, unless the queue has no room for it.
fn insert(asked: &mut BTreeMap<JobId, Question>, id: JobId, new: Question) -> Result<(), Error> {
    let count = |runs: bool| {
        let such = asked.values().filter(|question| question.runs == runs);
        such.fold((0, 0), |(all, own), question| (all + 1, own + usize::from(question.domain == new.domain)))
    };
    let (running, own_running) = count(true);
    let (queued, own_queued) = count(false);
    if !has_share(own_running, running, THREADS) && !has_share(own_queued, queued, QUEUE) {
        let cause = cause(asked, &new.domain);
        let words = format!(
            "too many names are being looked up: {queued} wait for a thread ({own_queued} of them in `{}`), and {cause}",
            Escaped::bytes(&*new.domain)
        );
        return Err(Error::new(ErrorKind::ResourcesExhausted, words));
    }
    asked.insert(id, new);
    Ok(())
}

/// Marks the questions that a thread is free for as running, and returns what to ask.
fn begin(asked: &mut BTreeMap<JobId, Question>) -> Vec<(JobId, Box<str>, Family)> {
    let mut running = 0;
    let mut by_domain = BTreeMap::<Box<str>, usize>::new();
    for question in asked.values().filter(|question| question.runs) {
        running += 1;
        *by_domain.entry(question.domain.clone()).or_default() += 1;
    }
    let mut begun = Vec::new();
    for (id, question) in asked.iter_mut().filter(|(_, question)| !question.runs) {
        if running == THREADS {
            break;
        }
        let own = by_domain.entry(question.domain.clone()).or_default();
        if has_share(*own, running, THREADS) {
            question.runs = true;
            *own += 1;
            running += 1;
            begun.push((*id, question.name.clone(), question.family));
        }
    }
    begun
}

/// The reason why a name of `domain` gets no thread.
fn cause(asked: &BTreeMap<JobId, Question>, domain: &str) -> String {
    let running = asked.values().filter(|question| question.runs);
    let mut running: Vec<_> = running.collect();
    let mut text = if running.len() == THREADS {
        format!("all {THREADS} look-up threads are waiting for the system's resolver: names ")
    } else {
        running.retain(|question| &*question.domain == domain);
        let count = running.len();
        format!("the {count} look-up threads that one domain may have are waiting for the system's resolver: names ")
    };
    // Both families of a name are one.
    running.dedup_by(|one, other| one.name == other.name);
    for (place, question) in running.iter().take(SHOWN).enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        text.push_str(&format!("{comma}`{}`", Escaped::bytes(&*question.name)));
    }
    if let Some(others @ 1..) = running.len().checked_sub(SHOWN) {
        text.push_str(&format!(" and {others} more"));
    }
    text.push_str(". Check whether the name servers in /etc/resolv.conf answer");
    text
}

/// Fails a question.
fn fail(question: Option<Question>, why: impl Fn() -> Error) {
    for (_, resolver) in question.into_iter().flat_map(|question| question.waiters) {
        // It may be just being cancelled.
        drop(resolver.reject(why()));
    }
}

/// Cancels a look-up.
struct CancelLookUp {
    desk: Weak<Desk>,
    question: JobId,
    waiter: JobId,
}

impl Cancel for CancelLookUp {
    fn cancel(self: Box<Self>, reactor: &Reactor) {
        let Some(desk) = self.desk.upgrade() else { return };
        let cancelled = desk.asked.with(|asked| {
            let question = asked.get_mut(&self.question)?;
            let place = question.waiters.iter().position(|(waiter, _)| *waiter == self.waiter)?;
            let resolver = question.waiters.swap_remove(place);
            // What a thread has begun with goes on, and counts until the system has answered.
            let is_over = question.waiters.is_empty() && !question.runs;
            Some((resolver, if is_over { asked.remove(&self.question) } else { None }))
        });
        drop(cancelled);
        desk.arm(reactor);
    }
}

/// A name that a thread is to ask for.
struct LookUp {
    id: JobId,
    name: Box<str>,
    family: Family,
    ask: Ask,
    outbox: Outbox<Message>,
    addresses: Option<Addresses>,
}

impl Job for LookUp {
    fn run(&mut self) {
        let asked = catch(|| (self.ask)(&self.name, self.family));
        self.addresses = Some(asked.unwrap_or_else(|message| Err(Fault::Other(message))));
    }

    fn tell(self: Box<Self>) {
        let Self { id: ticket, outbox, addresses, .. } = *self;
        if let Some(addresses) = addresses {
            // A reactor that has ended takes no answer.
            drop(outbox.send(Message::Call(Box::new(LookedUp { ticket, addresses }))));
        }
    }
}

/// Asks the system, and blocks until it has answered.
fn ask_system(name: &str, family: Family) -> Addresses {
    let family = match family {
        Family::V4 => AddrFamily::Inet,
        Family::V6 => AddrFamily::Inet6,
    };
    // A type, so that an address comes once and not once for each.
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), address: family.into(), ..AddrInfoHints::default() };
    let found = match dns_lookup::getaddrinfo(Some(name), None, Some(hints)) {
        Ok(found) => found,
        Err(error) => return fault(error).map_or(Ok(Vec::new()), Err),
    };
    let addresses = found.map(|found| found.map(|found| found.sockaddr)).collect::<io::Result<Vec<_>>>();
    addresses.map_err(|error| Fault::Other(error.to_string()))
}

/// The C library's word for a name that exists and has no address of the family: glibc's `EAI_ADDRFAMILY`, which the crate does not name.
const NO_ADDRESS_OF_FAMILY: i32 = -9;

/// What an error means; nothing, if it says that there is such a name, without an address of the family.
fn fault(error: LookupError) -> Option<Fault> {
    match error.kind() {
        LookupErrorKind::NoData => None,
        _ if error.error_num() == NO_ADDRESS_OF_FAMILY => None,
        LookupErrorKind::NoName => Some(Fault::NoSuchName),
        LookupErrorKind::Again => Some(Fault::TryAgain),
        _ => Some(Fault::Other(io::Error::from(error).to_string())),
    }
}

#[cfg(test)]
mod tests;
