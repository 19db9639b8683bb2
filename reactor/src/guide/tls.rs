//! TLS: servers and clients, certificates for both, reload, going over from words in clear, what goes wrong and what it costs.
//!
//! TLS takes the feature `tls` (`lariat = { features = ["tls"] }`). TLS 1.2 and 1.3 are spoken, by [rustls](https://docs.rs/rustls) with ring's
//! cryptography, or with that of aws-lc if the feature is `tls-aws-lc-rs`. A protocol sees nothing of it: marks, half-closes, deadlines and
//! reasons are those of every connection.
//!
//! To try what follows, make certificates: `cargo run --release --example dev_cert` in Lariat's own folder writes an authority, a server and a
//! client to `certificates/`. They are for trying alone.
//!
//! # A server
//!
//! In an endpoint description, TLS is `ssl:` or `tls:`, which are the same, and takes the files of the key and of the certificate, the latter with
//! the intermediate certificates after it:
//!
//! ```no_run
//! use lariat::{Peer, Protocol, Reactor, Transport};
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         if let Some(tls) = transport.peer().tls() {
//!             println!("{} for {}", tls.version, tls.server_name.as_deref().unwrap_or("nobody in particular"));
//!         }
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! let reactor = Reactor::new()?;
//! reactor.listen("ssl:7443:privateKey=certificates/server-key.pem:certKey=certificates/server.pem", |_: &Peer| Echo)?;
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! The factory is asked for a protocol when the handshake is done, so neither it nor the protocol ever sees a connection that is not encrypted.
//! [`Peer::tls`](crate::Peer::tls) tells what was agreed on. A handshake that fails is logged, and counted in
//! [`Stats::failed_handshakes`](crate::Stats::failed_handshakes); one that takes longer than ten seconds has failed.
//!
//! [`ServerOptions`](crate::tls::ServerOptions) has what strings cannot say, such as several certificates, of which each client gets the one for
//! the name that it asks for (SNI):
//!
//! ```no_run
//! use lariat::tls::{Identity, ServerOptions};
//! use lariat::{Address, ListenOptions, Peer, Protocol, Reactor, Transport};
//! # struct Echo;
//! # impl Protocol for Echo {
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         transport.write(data);
//! #     }
//! # }
//!
//! let acceptor = ServerOptions::new(Identity::from_pem_files("chat.pem", "chat-key.pem")?)
//!     .identity(Identity::from_pem_files("wildcard.pem", "wildcard-key.pem")?)
//!     .only_known_names()
//!     .alpn(["chat/2", "chat/1"])
//!     .build()?;
//! let reactor = Reactor::new()?;
//! let everywhere = Address::Tcp(([0, 0, 0, 0], 7443).into());
//! reactor.listen_at(&everywhere, ListenOptions::default().tls(&acceptor), |_: &Peer| Echo)?;
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # A client
//!
//! `tls:example.org:443` connects to a server whose certificate has to be for `example.org`, and from an authority that this machine trusts. There
//! is no way to do without: a server with a certificate of one's own making is trusted by naming its authority.
//!
//! | wanted | in a description | in [`ClientOptions`](crate::tls::ClientOptions) |
//! | --- | --- | --- |
//! | another authority | `trustRoots=ca.pem`, or a folder | [`trust`](crate::tls::ClientOptions::trust) |
//! | another name than that connected to | `serverName=example.org` | [`Connector::to`](crate::tls::Connector::to) |
//! | one certain key | `pin=` and its hash | [`pin`](crate::tls::ClientOptions::pin) |
//! | a certificate to show | `privateKey=key.pem:certificate=chain.pem` | [`identity`](crate::tls::ClientOptions::identity) |
//! | application protocols | `alpn=h2,http/1.1` | [`alpn`](crate::tls::ClientOptions::alpn) |
//!
//! A description is read anew each time, and its files with it. Who connects often makes a [`Connector`](crate::tls::Connector) once: it keeps its
//! sessions as well, so that later handshakes resume them at a fraction of the cost. Here both ends are in one program, whose certificates are
//! in memory:
//!
//! ```
//! use lariat::tls::{ClientOptions, Identity, ServerOptions, TrustRoots};
//! use lariat::{Address, CloseReason, ConnectOptions, ListenOptions, Once, Peer, Protocol, Reactor, Transport};
//! # let key = rcgen::KeyPair::generate()?;
//! # let mut authority = rcgen::CertificateParams::default();
//! # authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
//! # let authority = rcgen::CertifiedIssuer::self_signed(authority, rcgen::KeyPair::generate()?)?;
//! # let certificate = rcgen::CertificateParams::new(["chat.example".to_owned()])?.signed_by(&key, &authority)?;
//! # let (ca_pem, chain_pem, key_pem) = (authority.pem(), certificate.pem(), key.serialize_pem());
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
//!         let tls = transport.peer().tls().expect("it is TLS");
//!         println!("{} from {:?}", data.escape_ascii(), tls.peer_certificate);
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
//!         assert!(reason.is_done());
//!         transport.reactor().stop();
//!     }
//! }
//!
//! let acceptor = ServerOptions::new(Identity::from_pem(chain_pem.as_bytes(), key_pem.as_bytes())?).build()?;
//! let connector = ClientOptions::new().trust(TrustRoots::from_pem(ca_pem.as_bytes())?).build()?;
//!
//! let reactor = Reactor::new()?;
//! let here = Address::Tcp(([127, 0, 0, 1], 0).into());
//! let port = reactor.listen_at(&here, ListenOptions::default().tls(&acceptor), |_: &Peer| Greeter)?;
//! let options = ConnectOptions::default().tls(connector.to("chat.example")?);
//! reactor.connect_at(port.address(), options, Once::new(Guest)).detach();
//! reactor.run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Clients with certificates
//!
//! A server that is told whom to trust asks its clients for a certificate, and turns away those that have none:
//! `clientCA=ca.pem` in a description, [`require_client_certificate`](crate::tls::ServerOptions::require_client_certificate) otherwise. With
//! `clientAuth=optional`, or [`request_client_certificate`](crate::tls::ServerOptions::request_client_certificate), a client may have none; one
//! that shows a bad one is turned away all the same. Who a client has proven to be, its protocol finds out when it begins:
//!
//! ```
//! use lariat::{Protocol, Transport};
//!
//! struct Session {
//!     user: String,
//! }
//!
//! impl Protocol for Session {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         let certificate = transport.peer().tls().and_then(|tls| tls.peer_certificate);
//!         match certificate.and_then(|certificate| certificate.dns_names().into_iter().next()) {
//!             Some(user) => self.user = user,
//!             None => transport.close(),
//!         }
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//! ```
//!
//! Go by the alternative names ([`dns_names`](crate::tls::PeerCertificate::dns_names), [`uri_names`](crate::tls::PeerCertificate::uri_names)) or
//! by the key ([`key_hash`](crate::tls::PeerCertificate::key_hash)); the common name is for people. Certificates that should not have been issued
//! go on a [revocation list](crate::tls::RevocationList), `crl=revoked.pem`. Once there is one, every authority in a chain needs one, and one
//! that is out of date turns everybody away: have it renewed in time.
//!
//! # Reload
//!
//! Certificates are renewed while a server runs. [`Port::reload_tls`](crate::Port::reload_tls), or
//! [`Acceptor::reload`](crate::tls::Acceptor::reload) for all ports that share it, reads the files anew, by convention on SIGHUP:
//!
//! ```no_run
//! use lariat::{Peer, Protocol, Reactor, Transport};
//! # struct Echo;
//! # impl Protocol for Echo {
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         transport.write(data);
//! #     }
//! # }
//!
//! const SIGHUP: i32 = 1;
//!
//! let reactor = Reactor::new()?;
//! let port = reactor.listen("ssl:7443:privateKey=server-key.pem:certKey=server.pem", |_: &Peer| Echo)?;
//! reactor.on_signal(SIGHUP, move |_| match port.reload_tls() {
//!     Ok(()) => println!("the certificate was read anew"),
//!     Err(error) => eprintln!("the former certificate stays in service: {error}"),
//! })?;
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Connections that stand are not touched. Either all files are taken or, if one of them is wrong, none: then the error says which, and the old ones
//! stay in service. Write a new file beside the old one and rename it, so that nobody reads half of it. Clients go on resuming their sessions,
//! unless the server judges their certificates: then a reload ends that, for a ticket is not judged again.
//!
//! # From words in clear to TLS
//!
//! Mail and others begin in clear, and go over to TLS when both sides have said so. [`Transport::start_tls`](crate::Transport::start_tls) does
//! that, on either side:
//!
//! ```
//! use lariat::tls::NamedConnector;
//! use lariat::{Protocol, Transport};
//!
//! struct Client {
//!     tls: NamedConnector,
//! }
//!
//! impl Protocol for Client {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(b"STARTTLS\r\n");
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         if let Some(leftover) = data.strip_prefix(b"220 go ahead\r\n") {
//!             // Should it fail, the connection ends, and `connection_lost` tells why.
//!             let _ = transport.start_tls(&self.tls, leftover);
//!         }
//!     }
//!
//!     fn handshake_completed(&mut self, transport: &Transport) {
//!         transport.write(b"EHLO client.example\r\n");
//!     }
//! }
//! ```
//!
//! What has been received in clear after the word is handed over as `leftover`, and has to be empty: an attacker between both sides could have put
//! it there, to be taken for what came encrypted. If it is not, the connection ends. Forget what was said in clear before, too: what the peer can
//! do, and who it claimed to be.
//!
//! # Ends
//!
//! [`close_write`](crate::Transport::close_write) and [`close`](crate::Transport::close) say good-bye in TLS (`close_notify`) before they do
//! below it. The peer's good-bye is [`read_closed`](crate::Protocol::read_closed). A peer that goes without one may have been cut off by somebody:
//! that is [`CloseReason::Lost`](crate::CloseReason::Lost), of the kind [`Truncated`](crate::tls::TlsErrorKind::Truncated), never a clean end. Some old
//! programs never say good-bye; a protocol whose messages tell their length may take that for an end:
//!
//! ```
//! use lariat::CloseReason;
//! use lariat::tls::{TlsError, TlsErrorKind};
//!
//! fn was_cut_short(reason: &CloseReason) -> bool {
//!     reason.tls().map(TlsError::kind) == Some(TlsErrorKind::Truncated)
//! }
//! # assert!(!was_cut_short(&CloseReason::Done));
//! ```
//!
//! # What goes wrong
//!
//! An attempt to connect fails with [`ErrorKind::Tls`](crate::ErrorKind::Tls), and [`Error::tls`](crate::Error::tls) has the
//! [`TlsError`](crate::tls::TlsError); on a connection that was there, [`CloseReason::tls`](crate::CloseReason::tls) has it. The message says what
//! to do; the [kind](crate::tls::TlsErrorKind) is for programs:
//!
//! | kind | what is the matter | what to do |
//! | --- | --- | --- |
//! | `CertificateExpired`, `CertificateNotYetValid` | the dates, or the clock here | renew it, set the clock |
//! | `WrongName` | the certificate is for other names | connect by one of these, or issue it for this one |
//! | `SelfSigned`, `UnknownAuthority` | nobody who is trusted here has issued it | trust the authority, if that is right |
//! | `IncompleteChain` | the peer has not sent its intermediate certificates | have it send them: they belong into its file |
//! | `Revoked`, `UnknownRevocation` | it is on the list, or there is no list that is up to date | do not trust it; fetch the list |
//! | `WrongUsage` | a client shows a server's certificate, or the reverse | issue another |
//! | `UnpinnedKey` | the key is another one | pin the new one, if it was changed on purpose |
//! | `CertificateRequired` | the client has none | give it one |
//! | `UnknownName` | the server has no certificate for the name | add one |
//! | `OldVersion`, `NothingInCommon`, `NoCommonProtocol` | both sides do not come together | bring the older one up to date; look at `alpn` |
//! | `PeerAlert` | the other side has said no: its reason is in the message | look there |
//! | `PlainHttp`, `NotTls` | the other side speaks no TLS | `https:` for `http:`, another port, or STARTTLS |
//! | `Truncated` | the connection ended without a good-bye | take what came for incomplete |
//! | `Tampered`, `RecordOverflow`, `PeerMisbehaved` | what came is no TLS of the kind agreed on | suspect the network |
//! | `ClearTextPending` | bytes in clear after STARTTLS | suspect the network |
//!
//! A key that is not that of its certificate, or a file that cannot be read, is told before anything is served.
//!
//! # Bounds and costs
//!
//! | what | bound |
//! | --- | --- |
//! | a handshake | 10 s, of which a client's first byte may take half: `handshakeTimeout`, [`handshake_timeout`](crate::tls::ServerOptions::handshake_timeout) |
//! | handshakes in progress at a port | 16,384, 1,024 for an address, 4,096 for a network; then the most idle one ends: [`ListenOptions::handshakes`](crate::ListenOptions::handshakes), `handshakes=`, `handshakesPerAddress=`, `handshakesPerNetwork=` |
//! | a message of the handshake | 64 KiB, in records of any size |
//! | sessions kept to be resumed | 1,024 at a server, besides tickets, which it does not keep; 256 at a connector |
//!
//! An idle connection has no buffers: ciphertext is read into memory that all connections of a thread share, and decrypted there; only part of a record
//! that has arrived is kept. What is written in one callback shares records, and much is cut into full ones of 16 KiB. Nothing of Lariat's
//! own is allocated for a record. rustls allocates one piece of memory for each record that is sent or received, as long as that is, and frees it
//! at once. What it keeps of a connection (keys, what was agreed on, the peer's certificates) is allocated in the handshake.
//!
//! Renegotiation and early data, which somebody may replay, are refused. Keys are logged only where [`log_keys`](crate::tls::ServerOptions::log_keys)
//! is called *and* `SSLKEYLOGFILE` is set.
//!
//! # In a test
//!
//! TLS goes over simulated connections as over any others. Simulated time is not that of certificates, so both options take a
//! [`clock`](crate::tls::ServerOptions::clock); and as keys are random, the bytes on the wire are not the same each time, but what protocols hear is.
