//! Names and connecting: what becomes of a host's name, which of its addresses is tried when, and what can go wrong.
//!
//! # A name in a description
//!
//! Wherever a description takes a host, it takes a name:
//!
//! ```
//! use lariat::{Once, Peer, Protocol, Reactor, Transport};
//!
//! struct Greeter;
//!
//! impl Protocol for Greeter {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(b"hello");
//!         transport.close();
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! struct Guest;
//!
//! impl Protocol for Guest {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         println!("{}", data.escape_ascii());
//!         transport.reactor().stop();
//!     }
//! }
//!
//! let reactor = Reactor::new()?;
//! let port = reactor.listen("tcp:0:interface=localhost", |_: &Peer| Greeter)?;
//! let number = port.address().port().unwrap();
//! // It would be `tcp:example.com:80` just so.
//! reactor.connect(&format!("tcp:localhost:{number}"), Once::new(Guest)).detach();
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! | host | what it means |
//! | --- | --- |
//! | `192.0.2.1` | an IPv4 address |
//! | `\:\:1`, `[\:\:1]`, `fe80\:\:1%2` | an IPv6 address, with brackets or without; the last has a zone: the number of a network interface, or its name, `fe80\:\:1%eth0` |
//! | `localhost`, and what ends in `.localhost` | this machine, whatever anybody says (RFC 6761): `127.0.0.1`, then `::1` |
//! | a name in `/etc/hosts` | the addresses there, and no others |
//! | any other name | what the system's `getaddrinfo(3)` says, as `nsswitch.conf(5)` has it: the DNS, as a rule |
//!
//! The first four need nobody to be asked. A name is of labels of up to 63 letters, digits, `-` and `_`, 253 characters at most, and does not
//! end in a number: `127.1` is a mistake and not an address. International names are not translated, so `bücher.example` is written
//! `xn--bcher-kva.example`.
//!
//! [`connect_host`](crate::Reactor::connect_host) takes a host, a port and every [option](crate::ConnectOptions); [`look_up`](crate::Reactor::look_up)
//! gives addresses and connects to none. The interface of a port is no name but an address of this machine.
//!
//! # Many addresses
//!
//! A name may have many addresses, of which some do not answer. They are tried as RFC 8305 ("Happy Eyeballs") says, so that a broken
//! IPv6 network, or one host of several that is down, costs a moment and not a timeout:
//!
//! - Addresses of both families are **asked for separately**, at the same time. IPv6 addresses are tried as soon as they are known. IPv4
//!   addresses that are known first wait 50 ms for them.
//! - The families **take turns**, IPv6 first. Addresses that become known later join those that are left.
//! - An address gets **250 ms** ([`attempt_delay`](crate::ConnectOptions::attempt_delay)) before the next is tried beside it. One that fails is
//!   followed at once.
//! - **The first that answers** gets the connection, and the others are closed. The factory is asked once.
//! - All of it, the look-up too, is over after the [`timeout`](crate::ConnectOptions::timeout), 30 s unless set: `tcp:example.com:80:timeout=5`.
//! - [Cancelling](crate::guide::cancellation) ends every attempt and every look-up.
//!
//! A name server chooses how many addresses a name has. So **at most 16 are tried, at most 4 at a
//! time**. While others wait, an attempt without an answer is given up after a quarter of the
//! timeout, so that all 16 have their turn.
//!
//! With `bindAddress` only addresses of that family are asked for and tried. `localhost` is tried at `127.0.0.1` first, where a server with
//! `interface=localhost` listens. A single address goes the same way, without any of the cost.
//!
//! # What goes wrong
//!
//! When every address has failed, there is one error. Its message lists the first four failures and
//! counts the rest. Its [kind](crate::Error::kind) says what can be done:
//!
//! | kind | what it means | what to do |
//! | --- | --- | --- |
//! | [`InvalidInput`](crate::ErrorKind::InvalidInput) | it cannot be a host's name | correct it |
//! | [`NameNotFound`](crate::ErrorKind::NameNotFound) | nobody has the name, or it has no address | correct it; trying again helps as little |
//! | [`NameUnavailable`](crate::ErrorKind::NameUnavailable) | the name servers cannot be reached, or do not know at the moment | try again, with a [`Backoff`](crate::Backoff) |
//! | [`ResourcesExhausted`](crate::ErrorKind::ResourcesExhausted) | all threads wait for the system's resolver and 256 names are queued, or there is no descriptor left | connect to fewer at a time |
//! | [`TimedOut`](crate::ErrorKind::TimedOut), [`ConnectionRefused`](crate::ErrorKind::ConnectionRefused), [`Unreachable`](crate::ErrorKind::Unreachable) | there are addresses, and the last that failed did so | try again |
//! | [`SelfConnected`](crate::ErrorKind::SelfConnected) | nothing listens at that port of this machine, and the kernel connected the client to itself | try again |
//! | [`AddressDenied`](crate::ErrorKind::AddressDenied) | the address policy does not permit the address | refuse the request for it |
//!
//! # Destinations that others choose
//!
//! A program that connects where its users say (a proxy, a webhook, a fetcher of links) must not
//! lead them to its own machine and network. An [`AddressPolicy`](crate::AddressPolicy) judges the
//! address that is connected to, after the look-up, in every form:
//!
//! ```
//! use lariat::{AddressPolicy, ConnectOptions, ErrorKind, Once, Protocol, Reactor, Transport};
//!
//! struct Fetcher;
//!
//! impl Protocol for Fetcher {
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! let mut reactor = Reactor::new()?;
//! let mut options = ConnectOptions::default();
//! options.address_policy = AddressPolicy::public();
//! let connected = reactor.connect_host("localhost", 6379, options, Once::new(Fetcher));
//! let failure = reactor.block_on(connected)?.err().unwrap();
//! assert_eq!(failure.downcast::<lariat::Error>().unwrap().kind(), ErrorKind::AddressDenied);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # What blocks, and what is kept
//!
//! `getaddrinfo` blocks, for ten seconds and more if a name server is silent. So threads do it, four of their own: those of
//! [`defer_to_thread`](crate::Reactor::defer_to_thread) stay free, and the loop goes on. A look-up that is given up leaves the queue; one that
//! a thread has begun goes on unheard, and does not hold up the end of the loop.
//!
//! Answers are kept for 30 s, that there is none for 5 s, 1,000 of them at most; failures of other kinds are not kept. Whoever asks while
//! the same question is under way shares the answer. The hosts file is looked at each time, and read again when it has changed.
//!
//! # A resolver of one's own
//!
//! What knows names is a [`names::Resolver`](crate::names::Resolver), which [`Builder::resolver`](crate::Builder::resolver) or
//! [`set_resolver`](crate::Reactor::set_resolver) replaces: to ask a service directory, or in a test. [`names::Cache`](crate::names::Cache) goes around
//! one that is slow.
//!
//! ```
//! use lariat::names::{Answer, Cache, Family, Resolver, SystemResolver};
//! use lariat::{Deferred, Reactor};
//! use std::net::IpAddr;
//!
//! /// Knows the hosts of one domain, and asks the system for others.
//! struct Company(Cache);
//!
//! impl Resolver for Company {
//!     fn resolve(&self, reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer> {
//!         match (name.strip_suffix(".corp.test"), family) {
//!             (Some("db"), Family::V4) => Deferred::succeed(reactor, Answer::new([IpAddr::from([10, 0, 0, 7])])),
//!             (Some(_), _) => Deferred::succeed(reactor, Answer::default()),
//!             (None, _) => self.0.resolve(reactor, name, family),
//!         }
//!     }
//! }
//!
//! let company = Company(Cache::new(SystemResolver::new()));
//! let mut reactor = Reactor::builder().resolver(company).build()?;
//! let answer = reactor.look_up("db.corp.test", Family::V4);
//! assert_eq!(reactor.block_on(answer)?.unwrap().addresses.len(), 1);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # In a test
//!
//! In a simulation, nobody outside is asked. Hosts have their names, `Simulation::name` gives others, to as many addresses as wanted, and
//! faults have answers be slow, missing or not to be had, for each family, and addresses swallow what is sent to them (`slow_names`,
//! `missing_names`, `unavailable_names`, `black_hole`). Then the quarter of a second above takes no time, and is exact. The chapter on
//! testing tells of simulations.
