//! Where the loop asks threads for names, and hears of them.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType};

use crate::contain::{catch, contain_drop, contain_drops};
use crate::deferred::{Cancel, Deferred, Resolver};
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::guarded::Guarded;
use crate::inbox::Outbox;
use crate::lookup::{Addresses, Family, Fault, LookedUp};
use crate::reactor::{Lookups, Message, Reactor};
use crate::thread_pool::{Crew, Job, JobId, Refusal};

use super::answer::{Answer, answer};

/// Two names at a time, of both families: a name server that does not answer holds up a thread for some ten seconds, and everything else
/// that a loop does goes on meanwhile.
const THREADS: usize = 4;

/// How many names may wait for a thread. More is a name server that has been silent for long, or a flood.
const QUEUE: usize = 256;

/// How long a thread waits for a name until it ends.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// How a thread finds out.
type Ask = fn(&str, Family) -> Addresses;

/// The names that a loop waits to hear of, and the threads that ask.
pub(super) struct Desk {
    crew: Arc<Crew>,
    tickets: Sender<()>,
    waiting: Guarded<BTreeMap<JobId, Waiter>>,
    last_id: Cell<JobId>,
    outbox: OnceCell<Outbox<Message>>,
    ask: Cell<Ask>,
}

struct Waiter {
    name: Box<str>,
    resolver: Resolver<Answer>,
}

impl Default for Desk {
    fn default() -> Self {
        let (crew, tickets) = Crew::new(THREADS, IDLE_TIME);
        Self {
            crew: Arc::new(crew),
            tickets,
            waiting: Guarded::default(),
            last_id: Cell::new(0),
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
    /// Has a thread ask for a name.
    #[track_caller]
    pub(super) fn ask(reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer> {
        let desk = reactor.extension::<Self>();
        let outbox = match desk.outbox(reactor) {
            Ok(outbox) => outbox,
            Err(error) => return Deferred::fail(reactor, error),
        };
        let id = desk.last_id.get() + 1;
        desk.last_id.set(id);
        let job = LookUp { id, name: name.into(), family, ask: desk.ask.get(), outbox, addresses: None };
        if let Err(error) = desk.put(reactor, job) {
            return Deferred::fail(reactor, error);
        }
        let (resolver, answer) = Deferred::with_cancel(reactor, CancelLookUp { desk: Rc::downgrade(&desk), id });
        desk.waiting.with(|waiting| waiting.insert(id, Waiter { name: name.into(), resolver }));
        answer
    }

    /// How a thread finds the loop.
    fn outbox(self: &Rc<Self>, reactor: &Reactor) -> Result<Outbox<Message>, Error> {
        if reactor.has_ended() {
            return Err(Error::ended());
        }
        if let Some(outbox) = self.outbox.get() {
            return Ok(outbox.clone());
        }
        let outbox = reactor.outbox()?;
        let ours: Rc<dyn Lookups> = self.clone();
        reactor.core().lookups.get_or_init(|| Rc::downgrade(&ours));
        Ok(self.outbox.get_or_init(|| outbox).clone())
    }

    /// Gives a job to the threads, and sees to it that there is one.
    fn put(&self, reactor: &Reactor, job: LookUp) -> Result<(), Error> {
        #[cfg(feature = "testing")]
        if reactor.core().network.replays() {
            // What was answered is in the recording.
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
            Err((refusal, job)) => {
                contain_drop(job);
                Err(refused(refusal))
            }
        }
    }

    /// Starts a thread, which counts already.
    fn start_thread(&self, id: JobId) -> Result<(), Error> {
        let crew = self.crew.clone();
        match thread::Builder::new().name("lariat-names".to_owned()).spawn(move || crew.serve()) {
            Ok(_) => Ok(()),
            // With other threads it only takes longer.
            Err(_) if self.crew.dismiss() => Ok(()),
            Err(error) => {
                // There is none, so nobody has taken it, and no other waits.
                contain_drop(self.crew.remove(id));
                Err(Error::io("could not start a thread that looks up names", error.kind().into()))
            }
        }
    }
}

impl Lookups for Desk {
    fn answered(&self, told: LookedUp) {
        let waiter = self.waiting.with(|waiting| waiting.remove(&told.ticket));
        if let Some(Waiter { name, resolver }) = waiter {
            let result = answer(&name, told.addresses).map_err(Failure::from);
            // It may be just being cancelled.
            drop(resolver.settle(result));
        }
    }
}

/// Cancels a look-up.
struct CancelLookUp {
    desk: Weak<Desk>,
    id: JobId,
}

impl Cancel for CancelLookUp {
    fn cancel(self: Box<Self>, _: &Reactor) {
        if let Some(desk) = self.desk.upgrade() {
            drop(desk.waiting.with(|waiting| waiting.remove(&self.id)));
            // If a thread has begun with it, nobody will hear of it.
            contain_drop(desk.crew.remove(self.id));
        }
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
            // If the reactor has ended, nobody waits.
            drop(outbox.send(Message::LookedUp(LookedUp { ticket, addresses })));
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

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Full(waiting) => {
            let words = format!(
                "too many names are being looked up: {waiting} wait for a thread. Connect to fewer hosts at a time, or look whether the \
                 name servers answer"
            );
            Error::new(ErrorKind::ResourcesExhausted, words)
        }
        Refusal::Closed => Error::ended(),
    }
}

#[cfg(test)]
mod tests;
