//! Descriptors that somebody else has opened.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use mio::Interest;
use socket2::{Domain, SockRef, Type};

use crate::byte_stream::Socket;
use crate::contain::contain_drop;
use crate::driver::Acceptor;
use crate::error::{Error, ErrorKind, Result};
use crate::factory::Factory;
use crate::options::{ListenOptions, StreamOptions};
use crate::protocol::Protocol;
use crate::reactor::Reactor;
use crate::socket_options::apply_options;
use crate::transport::{Flags, Shared, Transport};

use super::connection::Connection;
use super::port::{Origin, Port};

impl Reactor {
    /// Serves a connected TCP or Unix stream socket that was opened elsewhere: inherited, passed over a Unix socket, or one half of a
    /// pair. It is put into non-blocking mode and closed with the connection.
    ///
    /// If the options say that it speaks TLS, its handshake comes after [`connection_made`](Protocol::connection_made), and before
    /// [`handshake_completed`](Protocol::handshake_completed): as if the protocol had gone over to it at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the descriptor is no connected stream socket, [`ErrorKind::ReactorEnded`]; it is closed then.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::{Protocol, Reactor, StreamOptions, Transport};
    /// use std::os::unix::net::UnixStream;
    /// # struct Echo;
    /// # impl Protocol for Echo {
    /// #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    /// #         transport.write(data);
    /// #     }
    /// # }
    ///
    /// let (ours, theirs) = UnixStream::pair()?;
    /// let reactor = Reactor::new()?;
    /// let transport = reactor.adopt_stream(ours.into(), StreamOptions::default(), Echo)?;
    /// assert!(transport.is_open());
    /// # drop(theirs);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "adoptStreamConnection")]
    pub fn adopt_stream(
        &self,
        descriptor: OwnedFd,
        options: StreamOptions,
        protocol: impl Protocol,
    ) -> Result<Transport> {
        let adopted = self.adopt(descriptor, options);
        let shared = match adopted {
            Ok(shared) => shared,
            Err(error) => {
                contain_drop(protocol);
                return Err(error);
            }
        };
        let transport = Transport { shared };
        let shared = &transport.shared;
        let layer = shared.state.with(|state| state.options.layer().cloned());
        if let Some(layer) = layer
            && let Err(error) = shared.begin_layer(&*layer, Vec::new())
        {
            self.remove(shared.token);
            contain_drop(protocol);
            return Err(failed(error));
        }
        // Its first callback comes from the loop, like every other.
        shared.flags.set(Flags::MADE | Flags::ADOPTED);
        self.install(shared.token, Connection::open(transport.clone(), protocol));
        shared.serve_again();
        Ok(transport)
    }

    fn adopt(&self, descriptor: OwnedFd, options: StreamOptions) -> Result<Rc<Shared>> {
        let socket = match stream_domain(&descriptor, &options).map_err(failed)? {
            Some(Domain::UNIX) => Socket::from(std::os::unix::net::UnixStream::from(descriptor)),
            Some(_) => Socket::Tcp(mio::net::TcpStream::from_std(descriptor.into())),
            None => return Err(Error::new(ErrorKind::InvalidInput, "the descriptor is no TCP or Unix stream socket")),
        };
        let peer = socket.peer_address().map_err(failed)?.canonical();
        let token = self.reserve()?;
        let network = &self.core().network;
        let (mut socket, peer) = network.adopt_stream(socket, peer);
        let registry = network.registry();
        if let Err(error) = socket.register(registry, token, Interest::READABLE) {
            self.remove(token);
            return Err(failed(error));
        }
        Ok(Shared::new(self, token, socket, peer, Rc::new(options)))
    }

    /// Serves a listening TCP or Unix stream socket that was opened elsewhere, as by a supervisor that passes its sockets on. It is put
    /// into non-blocking mode. A Unix socket's file is left to whoever made it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the descriptor is no listening stream socket, [`ErrorKind::ReactorEnded`]; it is closed then.
    #[doc(alias = "adoptStreamPort")]
    pub fn adopt_port(&self, descriptor: OwnedFd, options: StreamOptions, factory: impl Factory) -> Result<Port> {
        let domain = stream_domain(&descriptor, &options).map_err(failed)?;
        let listens = SockRef::from(&descriptor).is_listener().map_err(failed)?;
        let acceptor = match domain {
            Some(Domain::UNIX) if listens => Acceptor::Unix(mio::net::UnixListener::from_std(descriptor.into()), None),
            Some(_) if listens => Acceptor::Tcp(mio::net::TcpListener::from_std(descriptor.into())),
            _ => return Err(Error::new(ErrorKind::InvalidInput, "the descriptor is no listening stream socket")),
        };
        if self.has_ended() {
            return Err(Error::ended());
        }
        let acceptor = self.core().network.adopt_port(acceptor);
        let options = ListenOptions { stream: options, ..ListenOptions::default() };
        self.serve_port(acceptor, options, Origin::Adopted, factory)
    }
}

fn failed(error: io::Error) -> Error {
    use rustix::io::Errno;
    let wrong = [Errno::NOTSOCK, Errno::NOTCONN].map(|errno| Some(errno.raw_os_error()));
    if wrong.contains(&error.raw_os_error()) {
        return Error::new(ErrorKind::InvalidInput, format!("the descriptor cannot be adopted: {error}"));
    }
    Error::io("could not adopt the descriptor", error)
}

/// The domain of a stream socket, made ready to be served; none for another kind of descriptor.
fn stream_domain(descriptor: &OwnedFd, options: &StreamOptions) -> io::Result<Option<Domain>> {
    let socket = SockRef::from(descriptor);
    if socket.r#type()? != Type::STREAM {
        return Ok(None);
    }
    let domain = socket.domain()?;
    if ![Domain::IPV4, Domain::IPV6, Domain::UNIX].contains(&domain) {
        return Ok(None);
    }
    socket.set_nonblocking(true)?;
    apply_options(&socket, domain != Domain::UNIX, options)?;
    Ok(Some(domain))
}
