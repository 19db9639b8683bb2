//! A machine in a simulation.

use std::fmt;
use std::net::IpAddr;

use crate::contain::contain_drop;
use crate::error::Result;
use crate::reactor::Reactor;

use super::stage::Stage;

/// A machine in a [`Simulation`](super::Simulation), with a reactor, a name and addresses of its own: see
/// [`Simulation::host`](super::Simulation::host).
#[derive(Copy, Clone)]
pub struct Host<'a> {
    stage: &'a Stage,
    place: usize,
}

impl<'a> Host<'a> {
    pub(super) fn new(stage: &'a Stage, place: usize) -> Self {
        Self { stage, place }
    }

    /// The reactor that runs here; after a [restart](Self::restart) it is another one.
    #[must_use]
    pub fn reactor(&self) -> Reactor {
        self.stage.member(self.place, |member| member.reactor.clone())
    }

    /// What the host is called.
    #[must_use]
    pub fn name(&self) -> String {
        self.stage.member(self.place, |member| member.name.to_string())
    }

    /// Its IPv4 address on the network. It has an IPv6 address besides, and loopback addresses, which are reachable from itself alone.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.stage.address(self.place)
    }

    /// Does its reactor run? Not after a crash, nor once it was stopped.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.stage.member(self.place, |member| member.is_running())
    }

    /// Has `boot` set the reactor up: now, and each time that the host starts again.
    ///
    /// # Errors
    ///
    /// What `boot` gives. At a restart its error ends the simulation.
    pub fn start(&self, boot: impl Fn(&Reactor) -> Result<()> + 'static) -> Result<()> {
        boot(&self.reactor())?;
        self.stage.set_boot(self.place, std::rc::Rc::new(boot));
        Ok(())
    }

    /// Does `work` as another thread of this host would: between the turns of the loops, and among all threads that are done at that
    /// time in an order drawn from the seed. It may [call](crate::Remote::call) into any host. Of a host that crashes it is dropped.
    ///
    /// ```
    /// use lariat::testing::Simulation;
    ///
    /// Simulation::check(1..=10, |sim: &Simulation| {
    ///     let host = sim.host("server");
    ///     let remote = host.reactor().remote()?;
    ///     host.run_in_thread(move || {
    ///         let sum: u64 = (1..=100).sum();
    ///         remote.call(move |_| assert_eq!(sum, 5050)).expect("the reactor runs");
    ///     });
    ///     sim.run()
    /// });
    /// ```
    #[doc(alias = "deferToThread")]
    #[doc(alias = "callInThread")]
    pub fn run_in_thread(&self, work: impl FnOnce() + Send + 'static) {
        if let Err(work) = self.reactor().core().network.run_aside(Box::new(work)) {
            contain_drop(work);
        }
    }

    /// Kills its process, as `kill -9`, or a lack of memory, does: nobody there hears
    /// [`connection_lost`](crate::Protocol::connection_lost), and the system closes the sockets. It still sends what they held and ends each
    /// connection in good order, or with a reset where input was unread; new connections are refused until the host
    /// [starts again](Self::restart). Of a host that is down it changes nothing.
    pub fn kill(&self) {
        self.stage.kill(self.place);
    }

    /// Takes its power away: what ran is gone without a word, nobody there hears
    /// [`connection_lost`](crate::Protocol::connection_lost), and the others are left with connections to nobody. What they send is lost
    /// until the host [starts again](Self::restart), which answers it with a reset. Of a host that is down it changes nothing.
    pub fn crash(&self) {
        self.stage.crash(self.place);
    }

    /// Starts the host, with a new reactor, which what was given to [`start`](Self::start) sets up. A host that runs is crashed first.
    pub fn restart(&self) {
        self.stage.restart(self.place);
    }
}

impl fmt::Debug for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("name", &self.name()).field("address", &self.address()).finish()
    }
}
