//! Running in production: signals, an end in good order, several cores, limits, numbers to watch.
//!
//! # Ending
//!
//! [`MainLoop::run`](crate::MainLoop::run) serves until it is told to stop: by [`Reactor::stop`](crate::Reactor::stop), or by SIGINT or
//! SIGTERM, which is what a terminal and every supervisor sends first. Then
//!
//! 1. triggers *before* the shutdown are called, while everything is served still;
//! 2. ports accept who waits already, and close; attempts to connect are given up;
//! 3. every protocol hears [`drain`](crate::Protocol::drain);
//! 4. the loop goes on until the last connection has ended, or the drain timeout is over, which aborts the rest;
//! 5. triggers *after* the shutdown are called, the report is logged, and `run` returns.
//!
//! A second SIGINT or SIGTERM meanwhile ends the process at once, with status 130 or 143, even if a callback blocks. SIGPIPE is no
//! danger: Rust's runtime ignores it. (A program that gives it back its default action dies of it when a peer goes that is being sent a
//! file.)
//!
//! By default `drain` closes the connection: what is queued is sent, nothing more is received. That is right for a protocol that is
//! between two requests at any time. One that has a request in hand finishes it first:
//!
//! ```
//! use lariat::{Once, Peer, Protocol, Reactor, Transport};
//! # use std::cell::Cell;
//! # use std::rc::Rc;
//! use std::time::Duration;
//!
//! /// Takes a tenth of a second for an answer.
//! #[derive(Default)]
//! struct Slow {
//!     at_work: bool,
//!     draining: bool,
//! }
//!
//! impl Slow {
//!     fn answer(&mut self, transport: &Transport) {
//!         self.at_work = false;
//!         transport.write(b"the answer\n");
//!         if self.draining {
//!             transport.close();
//!         }
//!     }
//! }
//!
//! impl Protocol for Slow {
//!     fn data_received(&mut self, transport: &Transport, _: &[u8]) {
//!         self.at_work = true;
//!         transport.handle(self).call_later(Duration::from_millis(100), Self::answer);
//!     }
//!
//!     fn drain(&mut self, transport: &Transport) {
//!         self.draining = true;
//!         if !self.at_work {
//!             transport.close();
//!         }
//!     }
//! }
//! # struct Client(Rc<Cell<usize>>);
//! # impl Protocol for Client {
//! #     fn connection_made(&mut self, transport: &Transport) {
//! #         transport.write(b"a question");
//! #     }
//! #     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//! #         self.0.set(self.0.get() + data.len());
//! #     }
//! #     fn drain(&mut self, _: &Transport) {}
//! # }
//!
//! let reactor = Reactor::new()?;
//! reactor.set_drain_timeout(Duration::from_secs(25));
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Slow::default())?;
//! # let received = Rc::new(Cell::new(0));
//! # reactor.connect(&port.address().to_string(), Once::new(Client(received.clone()))).detach();
//! # fn soon(reactor: &Reactor) {
//! #     if reactor.stats().bytes_received > 0 { reactor.stop() } else { reactor.call_later(Duration::from_millis(1), soon); }
//! # }
//! # reactor.call_later(Duration::ZERO, soon);
//! reactor.run()?;
//! # assert_eq!(received.get(), 11);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Set [the drain timeout](crate::Reactor::set_drain_timeout) a few seconds below your supervisor's patience.
//! [Triggers](crate::Reactor::add_trigger) are where a program tells others that it goes: *before*, to leave a load balancer while requests
//! are still served; *after*, to write down what is left. A trigger that gives a [`Deferred`](crate::Deferred) holds up the next phase until
//! that has its result; a protocol that has to wait for something before it can go keeps its connection, and closes it in a callback.
//!
//! ```
//! use lariat::{Deferred, Reactor, SystemEvent, TriggerPhase};
//! use std::time::Duration;
//!
//! /// Tells the load balancer, and hears that it knows.
//! fn leave(reactor: &Reactor) -> Deferred<()> {
//! #   // Stands for a request and its answer.
//! #   let (resolver, told) = Deferred::new(reactor);
//! #   reactor.call_later(Duration::from_millis(1), move |_| resolver.resolve(()).unwrap_or_default());
//! #   told
//! }
//!
//! let reactor = Reactor::new()?;
//! reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, leave);
//! # reactor.stop();
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # Other signals
//!
//! [`on_signal`](crate::Reactor::on_signal) calls back from the loop, where everything can be done: SIGHUP to read the configuration again,
//! SIGUSR1 to write down how it goes.
//!
//! ```
//! use lariat::Reactor;
//!
//! const SIGUSR1: i32 = 10;
//!
//! let reactor = Reactor::new()?;
//! reactor.on_signal(SIGUSR1, |reactor| {
//!     let stats = reactor.stats();
//!     println!("{} connections, {} ever, {} bytes queued", stats.connections, stats.opened, stats.queued_bytes);
//! #   reactor.stop();
//! })?;
//! # rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::USR1)?;
//! reactor.run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A program that handles SIGINT and SIGTERM by itself says so before it runs the loop, with
//! [`set_termination(OnTermination::Leave)`](crate::Reactor::set_termination), and calls [`stop`](crate::Reactor::stop) when it sees fit.
//!
//! # Several cores
//!
//! A reactor is one thread's. A server that has more to do than one processor can has a reactor on each, and they share nothing:
//! [`run_on_cores`](crate::run_on_cores) starts them, stops them together, and adds up what they have counted.
//!
//! ```no_run
//! use lariat::{Peer, Protocol, Transport, run_on_cores};
//! use std::time::Duration;
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! fn main() -> lariat::Result<()> {
//!     // One for each processor.
//!     let stats = run_on_cores(0, |_core, reactor| {
//!         reactor.set_drain_timeout(Duration::from_secs(25));
//!         reactor.listen("tcp:7000:reuseport=yes", |_: &Peer| Echo)?;
//!         Ok(())
//!     })?;
//!     println!("served {} connections", stats.opened);
//!     Ok(())
//! }
//! ```
//!
//! With `reuseport=yes` each reactor has a listener of its own, and the kernel deals connections out by a hash of their addresses. A
//! connection stays where it was dealt. So a few busy connections may share one core while another is idle; a thousand spread
//! well. Do not take more cores than there are processors: they would only wait for each other.
//!
//! What all connections share, such as the rooms of a chat, is either one reactor's affair, to which the others hand theirs, or belongs behind
//! a lock or into a store outside. Often one core is enough: measure before you split state. Limits that are set on a reactor, such as
//! the queue budget, are for each.
//!
//! A signal stops all cores once, and each drains as a single one does. [`Cores`](crate::Cores) is for programs that have
//! something else to do on their main thread:
//!
//! ```
//! use lariat::{Cores, Peer, Protocol, Transport};
//! # struct Echo;
//! # impl Protocol for Echo {
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         transport.write(data);
//! #     }
//! # }
//!
//! let cores = Cores::start(2, |_core, reactor| {
//!     reactor.listen("tcp:0:interface=127.0.0.1:reuseport=yes", |_: &Peer| Echo)?;
//!     Ok(())
//! })?;
//! println!("{} connections now", cores.stats().connections);
//! cores.stop();
//! let stats = cores.join()?;
//! assert_eq!(stats.connections, 0);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # Limits
//!
//! What one peer can make the server keep is bounded; [`back_pressure`](super::back_pressure) has the table. What all together can
//! make it keep is for the operator to decide:
//!
//! | what | is bounded by | to be set |
//! | --- | --- | --- |
//! | connections | the process's descriptors: when they are used up, clients are let down politely and accepting goes on when one is free | `ulimit -n`, `LimitNOFILE=`; the usual 1,024 is for desktops |
//! | connections of one address, one network, or one port | nothing by default; past a limit, the most idle one ends. [`ConnectionLimits::for_servers`](crate::ConnectionLimits::for_servers) suits a server that strangers reach | [`ListenOptions::connections`](crate::ListenOptions::connections); `connections=`, `perAddress=`, `perNetwork=` |
//! | descriptors that connections leave free | 32, or an eighth of the limit if that is less | [`ListenOptions::reserved_descriptors`](crate::ListenOptions::reserved_descriptors), `reservedDescriptors=` |
//! | bytes queued for one peer | its queue limit, 16 MiB by default | [`StreamOptions::queue_limit`](crate::StreamOptions::queue_limit) |
//! | bytes queued for all peers | the queue budget, 256 MiB for each reactor by default: past it, of the address whose queues hold most, the connection goes that has sent nothing for longest | [`Reactor::set_queue_budget`](crate::Reactor::set_queue_budget) |
//! | clients that wait to be accepted | the backlog, and no more than `net.core.somaxconn` | [`ListenOptions::backlog`](crate::ListenOptions::backlog), `backlog=` |
//! | silent connections | nothing, until you say so | [`Transport::set_idle_timeout`](crate::Transport::set_idle_timeout) |
//! | connections to servers of one's own, from one address to one port | the ephemeral ports, some 28,000 | `net.ipv4.ip_local_port_range` |
//!
//! ```
//! use lariat::Reactor;
//!
//! let reactor = Reactor::new()?;
//! // A container with 512 MiB: half of it for who reads slowly.
//! reactor.set_queue_budget(256 << 20);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! A connection takes one descriptor, and another for each file that it is being sent. The kernel's buffers are its own and count for the container, up to some megabytes for a peer that is sent
//! much and reads slowly: [`StreamOptions::send_buffer`](crate::StreamOptions::send_buffer) bounds them.
//!
//! # Numbers to watch
//!
//! [`Reactor::stats`](crate::Reactor::stats) costs the copying. Of what it tells,
//!
//! - `longest_lag` is how long a client may have had to wait because a callback took its time: milliseconds are good, tenths of a second
//!   are a reason to look for the callback;
//! - `closed.overflow` counts peers that were dropped for reading too slowly, `closed.panicked` bugs, `closed.timed_out` silence;
//!   `closed.lost` rises with bad networks;
//! - `connections`, `timers` and `calls` that only ever rise are leaks of the program's own;
//! - `queued_bytes` near the queue budget means that slow readers are about to be dropped.
//!
//! # Seeing inside
//!
//! When a number looks wrong, [`Reactor::connections`](crate::Reactor::connections) tells which connections there are: the type of the
//! protocol, the peer, the age, what is queued, what it is doing. It goes through all of them, so ask when somebody wants to know. Here
//! a Unix socket that only the operator can reach answers everybody who connects with the list:
//!
//! ```
//! use lariat::{Peer, Protocol, Reactor, Transport};
//! # use lariat::Once;
//! use std::time::Duration;
//!
//! struct Status;
//!
//! impl Protocol for Status {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         // From a call of its own, where the list is complete.
//!         let transport = transport.clone();
//!         transport.reactor().clone().call_later(Duration::ZERO, move |reactor| {
//!             for connection in reactor.connections() {
//!                 write!(transport, "{connection}\n");
//!             }
//!             transport.close();
//!         });
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! # struct Operator(String);
//! # impl Protocol for Operator {
//! #     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//! #         self.0.push_str(&String::from_utf8_lossy(data));
//! #     }
//! #     fn read_closed(&mut self, transport: &Transport) {
//! #         assert_eq!(self.0.lines().count(), 2, "{}", self.0);
//! #         assert!(self.0.lines().all(|line| line.ends_with(" queued, open")), "{}", self.0);
//! #         transport.reactor().stop();
//! #     }
//! # }
//! # let reactor = Reactor::new()?;
//! # let socket = format!("unix:@lariat-status-{}", std::process::id());
//! # reactor.listen(&socket, |_: &Peer| Status)?;
//! # reactor.connect(&socket, Once::new(Operator(String::new()))).detach();
//! # reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! A line of it is
//! `#12.4 server::Session tcp:192.0.2.7:40112 3.5s 0 B queued, open, rtt 21.4ms, window 10, 0 unacked, 0 lost, 0 sent again, 0 B unsent`.
//! What a peer chose of it is escaped, so it may go to a terminal. The kernel's figures of a TCP
//! connection ([`TcpInfo`](crate::TcpInfo)) are read when the list is made. A service needs the
//! address family `AF_NETLINK` for them.
//!
//! Log lines that peers can cause, such as a panic, an unhandled failure or a TLS handshake that failed, are escaped, cut
//! to 1,024 bytes and bounded in number: of each kind a burst of ten, then one a second with the number of those that were
//! left out. [`LogThrottle`](crate::LogThrottle) does the same for a program's own lines, and
//! [`Escaped`](crate::Escaped) for whatever a peer chose. A panic on a thread of a loop is printed to standard error as
//! one such line, with the type that panicked. A panic hook of the program's own takes the place of that.
//!
//! One callback that takes long keeps all other connections waiting. Whenever a turn of the loop took more than 100 ms, or what
//! [`set_slow_callback_limit`](crate::Reactor::set_slow_callback_limit) says, a warning is logged, and for the next thousand turns each
//! callback is timed: the next one that is too slow is named.
//!
//! ```text
//! a turn of the loop took 312.4ms, longer than the limit of 100ms; callbacks are timed for the next 1000 turns
//! server::Session, serving connection #12.4 with tcp:192.0.2.7:40112, kept the loop busy for 298.1ms in one visit
//! ```
//!
//! A callback that never returns gets no warning that way, for its turn is never over. [`Reactor::watchdog`](crate::Reactor::watchdog)
//! starts a thread that tells of it meanwhile:
//!
//! ```
//! use lariat::Reactor;
//! use std::time::Duration;
//!
//! let reactor = Reactor::new()?;
//! let _watchdog = reactor.watchdog(Duration::from_secs(5))?;
//! # reactor.stop();
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! ```text
//! server::Session, serving connection #12.4 with tcp:192.0.2.7:40112, has been blocking the loop for 5.0s and has not returned yet
//! ```
//!
//! With it every callback costs two clock reads and what belongs to them; without it, and while no turn was slow, the test of one byte.
//!
//! # Unix sockets
//!
//! Every process that may write to a Unix socket's file can connect. The file has the permissions
//! that the umask leaves of 666 (644 with the usual umask of 022, so that its owner alone
//! connects), or exactly those of `mode=660`. It has them from the start, and neither that nor its
//! removal follows a link, so the folder may be one that others write to. A mode that is wider than
//! the umask takes a thread with a umask of its own. Where `unshare(2)` is forbidden, as in most
//! containers, [`listen`](crate::Reactor::listen) says so: start the process with a umask that
//! allows the mode.
//!
//! An abstract socket (`unix:@name`) has no permissions: every process of the network namespace can
//! connect to it, and the name can be taken by any of them. A warning is logged for it.
//! [`Peer::credentials`](crate::Peer::credentials) returns the user that connects, for a factory to
//! decide by. The `pid` is `None` for a peer of another PID namespace.
//!
//! # systemd
//!
//! A unit for a server that needs its port, its files and nothing else. `systemd-analyze security NAME` lists what is left open.
//!
//! ```ini
//! [Unit]
//! Description=A server on port 443
//! After=network-online.target
//! Wants=network-online.target
//!
//! [Service]
//! ExecStart=/usr/local/bin/server ssl:443:privateKey=/run/credentials/server.service/key.pem:certKey=/etc/server/chain.pem
//! # SIGHUP reads certificates again and reopens logs, in a program that handles it so.
//! ExecReload=/bin/kill -HUP $MAINPID
//! Restart=on-failure
//! # SIGTERM, then longer than the drain timeout, then SIGKILL.
//! TimeoutStopSec=30
//! LimitNOFILE=100000
//!
//! # A user of its own; the key is readable by it alone.
//! DynamicUser=yes
//! LoadCredential=key.pem:/etc/server/key.pem
//! UMask=0027
//! StateDirectory=server
//! LogsDirectory=server
//!
//! # A port below 1024, and no other privilege.
//! AmbientCapabilities=CAP_NET_BIND_SERVICE
//! CapabilityBoundingSet=CAP_NET_BIND_SERVICE
//! NoNewPrivileges=yes
//!
//! # Nothing to write to but the two folders above, no devices, no homes, no other processes.
//! ProtectSystem=strict
//! ProtectHome=yes
//! PrivateTmp=yes
//! PrivateDevices=yes
//! ProtectProc=invisible
//! ProcSubset=pid
//!
//! # No way to change the kernel or to make executable memory.
//! ProtectKernelTunables=yes
//! ProtectKernelModules=yes
//! ProtectKernelLogs=yes
//! ProtectControlGroups=yes
//! ProtectClock=yes
//! ProtectHostname=yes
//! LockPersonality=yes
//! MemoryDenyWriteExecute=yes
//! RestrictRealtime=yes
//! RestrictSUIDSGID=yes
//! RestrictNamespaces=yes
//! # AF_NETLINK is how the C library asks for the addresses of this machine when it looks names up.
//! RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
//! SystemCallArchitectures=native
//! SystemCallFilter=@system-service
//! SystemCallErrorNumber=EPERM
//!
//! # Bounds for the whole process.
//! MemoryMax=1G
//! TasksMax=64
//!
//! [Install]
//! WantedBy=multi-user.target
//! ```
//!
//! A program that reloads a key from `LoadCredential=` reads the copy that systemd made at the start: after a renewal, restart it, or give its
//! group the original (mode 0640) instead.
//!
//! A process that was stopped ends with status 0, so `on-failure` does not start it again. Where a new process takes over, let it
//! listen on the same port with `reuseport=yes` before the old one is stopped: then no client is refused. Who had connected and was
//! not accepted yet is accepted by the old one and told its end. The few who connect in the instant between its last accept and
//! its end are reset by the kernel, unless `net.ipv4.tcp_migrate_req` is set.
//!
//! # Containers
//!
//! - The first process of a container gets no default actions: a program without handlers ignores SIGTERM there and is killed after the
//!   grace period. `run` installs handlers, so it does not need an init in front of it, unless it starts children.
//! - A shell in front does not pass signals on: `CMD ["server", "tcp:7000"]`, or `exec server` in the script.
//! - Keep the grace period (`terminationGracePeriodSeconds`, `docker stop --time`) longer than the drain timeout. Balancers learn late that
//!   a server goes; a trigger *before* the shutdown can tell them, but the loop does not wait for what it starts.
