//! Endpoint descriptions: where to listen and where to connect to, as a string.
//!
//! The grammar is Twisted's. A description is a kind and its arguments, separated by `:`. An argument that has the form
//! `name=value` is a keyword argument, the others are told by their position. `\` takes away the meaning of the
//! character after it, so the interface `::1` is written `interface=\:\:1`; in a value, a further `=` is a plain
//! character. [`quote`] does this for text that comes from elsewhere.
//!
//! | listen | means |
//! | --- | --- |
//! | `tcp:7000` | port 7000 on every IPv4 and IPv6 address of this machine |
//! | `tcp:0` | a free port that the system chooses |
//! | `tcp:7000:interface=127.0.0.1` | on this address only; `localhost` is `127.0.0.1`, as in Twisted |
//! | `tcp:7000:ipv6only=yes` | on IPv6 addresses alone |
//! | `tcp:7000:backlog=64` | with room for 64 connections that wait to be accepted |
//! | `tcp:http` | port 80, by the name of its service in `/etc/services` |
//! | `tcp:7000:userTimeout=20` | with connections that break when a peer acknowledges nothing for 20 seconds |
//! | `tcp:7000:reuseport=yes` | beside other processes on the same port, which share its connections |
//! | `tcp:7000:connections=5000` | with at most 5,000 connections; for one more, the most idle ends |
//! | `tcp:7000:perAddress=64:perNetwork=256` | … of one address, of one network (24 bits of IPv4, 48 of IPv6); `none` is no limit |
//! | `tcp:7000:perAddress=64:countLoopback=yes` | … of loopback addresses, too |
//! | `tcp:7000:reservedDescriptors=100` | with 100 file descriptors that connections leave free |
//! | `unix:/run/lariat.sock` | a Unix socket that is a file, with the permissions that the umask leaves of 666 |
//! | `unix:/run/lariat.sock:mode=660` | … with exactly these permissions, in octal |
//! | `unix:/run/lariat.sock:connections=100` | … with at most 100 connections; also `reservedDescriptors` |
//! | `unix:@lariat` | a Linux abstract socket, which is no file and has no permissions: every local process can connect |
//! | `ssl:8443:privateKey=key.pem:certKey=chain.pem` | TLS, with all that `tcp:` may have; `tls:` is the same |
//! | `…:extraCertChain=more.pem` | … with certificates between it and its authority, if they are not in the same file |
//! | `…:clientCA=ca.pem:clientAuth=optional` | … for clients with a certificate of that authority, or without any; `required` unless said |
//! | `…:crl=revoked.pem` | … which are not on this revocation list |
//! | `…:alpn=h2,http/1.1` | … speaking these application protocols |
//! | `…:minimumVersion=1.3:handshakeTimeout=5` | … not TLS 1.2, and with five seconds for the handshake; half of it until its first byte |
//! | `…:handshakes=1000:handshakesPerAddress=16` | … with at most 1,000 handshakes at a time, 16 of one address; also `handshakesPerNetwork` |
//!
//! | connect | means |
//! | --- | --- |
//! | `tcp:192.0.2.1:7000` | an IPv4 address and a port |
//! | `tcp:\:\:1:7000`, `tcp:[\:\:1]:7000` | an IPv6 address and a port, with or without brackets |
//! | `tcp:example.com:7000` | a host by its name, at the first of its addresses that answers: [`guide::names`](crate::guide::names) |
//! | `tcp:localhost:7000` | this machine: `127.0.0.1`, and `::1` should nobody listen there |
//! | `tcp:host=192.0.2.1:port=7000` | the same by keywords |
//! | `tcp:192.0.2.1:7000:timeout=5` | give up after five seconds; decimals are allowed |
//! | `tcp:192.0.2.1:7000:bindAddress=192.0.2.9` | from this address of this machine; of a name, only addresses of that family are tried |
//! | `tcp:192.0.2.1:7000:bindPort=7001` | from this port of this machine |
//! | `tcp:192.0.2.1:7000:userTimeout=20` | with a connection that breaks when the peer acknowledges nothing for 20 seconds |
//! | `tcp:example.com:https` | port 443, by the name of its service in `/etc/services` |
//! | `tls:example.org:443` | TLS, with all that `tcp:` may have; the certificate has to be for that name. `ssl:` is the same |
//! | `…:trustRoots=ca.pem` | … from an authority in this file, or in those of this folder, rather than one that this machine trusts; also `caCertsDir` |
//! | `…:serverName=example.org` | … for another name than that by which it is connected to; also `hostname` |
//! | `…:privateKey=key.pem:certificate=chain.pem` | … and showing a certificate; also `certKey` |
//! | `…:pin=` and 64 digits | … and with a public key of this SHA-256 hash; of several, with commas between them |
//! | `…:crl=`, `alpn=`, `minimumVersion=`, `handshakeTimeout=` | as for servers |
//! | `unix:/run/lariat.sock:timeout=5` | a Unix socket; `unix:@lariat` for an abstract one |
//!
//! The limits are those of [`ConnectionLimits`](crate::ConnectionLimits), with the same defaults.
//!
//! TLS takes the feature `tls`. Its files are PEM and are read at once. For what strings cannot say, such as many certificates on one port,
//! there are `tls::ServerOptions`, `tls::ClientOptions`, and `ListenOptions::tls` and `ConnectOptions::tls` to give them to.

mod argument;
mod client;
mod client_endpoint;
mod description;
mod open;
mod server;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;

pub use client_endpoint::ClientEndpoint;
pub use description::quote;
