//! A reactor's view of the world.

use std::io;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::disk_operation::{DiskAnswer, DiskOperation, Storage};
use crate::driver::{Acceptor, Network, Reserve, Work};
use crate::lookup::{Family, Told};
use crate::options::{ConnectOptions, ListenOptions};

use super::listener::Listener;
use super::poll::HostId;
use super::stream::Stream;
use super::world::World;

/// What a reactor in a simulated world has for an operating system.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) world: Rc<World>,
    pub(super) id: HostId,
}

impl Network for Host {
    fn now(&self) -> Time {
        self.world.look_at_clock(self.id)
    }

    fn instant(&self, time: Time) -> Instant {
        self.world.instant(time)
    }

    fn wall_clock(&self) -> SystemTime {
        self.world.wall_clock(self.id)
    }

    fn random_seed(&self) -> u64 {
        self.world.random_seed(self.id)
    }

    fn listen(&self, address: &Address, options: &ListenOptions) -> io::Result<Acceptor> {
        if options.before_bind.is_some() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a simulated socket has no descriptor to set up"));
        }
        let (id, address) = self.world.on(self.id, |sockets| sockets.listen(self.id, address, options))?;
        let listener = Listener { world: self.world.clone(), host: self.id, id, address };
        Ok(Acceptor::Boxed(Box::new(listener)))
    }

    fn connect(&self, address: &Address, options: &ConnectOptions) -> io::Result<Socket> {
        let id = self.world.on(self.id, |sockets| sockets.connect(self.id, address, options))?;
        Ok(Socket::Boxed(Box::new(Stream { world: self.world.clone(), host: self.id, id })))
    }

    fn look_up(&self, name: &str, family: Family) -> Option<Told> {
        Some(self.world.on(self.id, |sockets| sockets.look_up(self.id, name, family)))
    }

    fn runs_aside(&self) -> bool {
        self.world.is_directed
    }

    fn run_aside(&self, work: Work) -> Result<(), Work> {
        if self.world.is_directed { self.world.add_work(self.id, work) } else { Err(work) }
    }

    fn disk(&self) -> Option<Rc<dyn Storage>> {
        Some(Rc::new(HostDisk { world: self.world.clone(), id: self.id }))
    }

    fn reserve(&self) -> Option<Reserve> {
        Some(Reserve::pretended())
    }

    fn waker(&self) -> io::Result<Waker> {
        self.world.on(self.id, |sockets| sockets.faults.descriptor())?;
        Ok(self.world.bell.waker())
    }

    fn task_waker(&self) -> io::Result<Waker> {
        self.world.on(self.id, |sockets| sockets.faults.descriptor())?;
        Ok(self.world.bell.quiet_waker())
    }

    fn registry(&self) -> Option<&mio::Registry> {
        None
    }
}

/// The disk of a host.
#[derive(Debug)]
struct HostDisk {
    world: Rc<World>,
    id: HostId,
}

impl Storage for HostDisk {
    fn begin(&self, operation: DiskOperation) -> (u64, Duration) {
        self.world.begin_on_disk(self.id, operation)
    }

    fn end(&self, number: u64) -> io::Result<DiskAnswer> {
        self.world.end_on_disk(self.id, number)
    }

    fn close(&self, file: u64) {
        self.world.with_disk(self.id, |disk| disk.close(file));
    }
}
