//! The kernel's figures of a TCP connection.

use std::cell::OnceCell;
use std::fmt;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// The kernel's figures of a TCP connection (`TCP_INFO`, `tcp(7)`), read at the moment when they
/// were asked for.
///
/// They are part of [`ConnectionInfo`](crate::ConnectionInfo).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpInfo {
    /// The smoothed round-trip time (`tcpi_rtt`). Zero until it was measured.
    pub rtt: Duration,
    /// The mean deviation of the round-trip time (`tcpi_rttvar`).
    pub rtt_variance: Duration,
    /// The time that the kernel waits for an acknowledgement before it sends again (`tcpi_rto`).
    pub retransmission_timeout: Duration,
    /// Segments that were sent and not acknowledged (`tcpi_unacked`).
    pub unacked: u32,
    /// Segments that are taken for lost (`tcpi_lost`).
    pub lost: u32,
    /// The retransmissions of the earliest unacknowledged segment since the last acknowledgement
    /// (`tcpi_retransmits`).
    pub retransmits: u32,
    /// Segments that were sent again since the connection was made (`tcpi_total_retrans`).
    pub total_retransmits: u32,
    /// The congestion window: the most segments that may be unacknowledged (`tcpi_snd_cwnd`).
    pub congestion_window: u32,
    /// The most bytes that a segment to the peer carries (`tcpi_snd_mss`).
    pub segment_size: u32,
    /// Bytes in the kernel's send buffer that were not sent yet (`tcpi_notsent_bytes`).
    pub unsent: u32,
}

impl TcpInfo {
    /// The fields of `struct tcp_info` (`include/uapi/linux/tcp.h`). An older kernel's is shorter,
    /// and the rest counts as 0.
    fn decode(bytes: &[u8]) -> Self {
        let word = |offset| u32_at(bytes, offset).unwrap_or(0);
        let microseconds = |offset| Duration::from_micros(word(offset).into());
        Self {
            rtt: microseconds(68),
            rtt_variance: microseconds(72),
            retransmission_timeout: microseconds(8),
            unacked: word(24),
            lost: word(32),
            retransmits: bytes.get(2).copied().unwrap_or(0).into(),
            total_retransmits: word(100),
            congestion_window: word(80),
            segment_size: word(16),
            unsent: word(144),
        }
    }
}

impl fmt::Display for TcpInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rtt, unacked, lost, total_retransmits, congestion_window, unsent, .. } = self;
        write!(
            f,
            "rtt {rtt:?}, window {congestion_window}, {unacked} unacked, {lost} lost, {total_retransmits} sent again, {unsent} B unsent"
        )
    }
}

/// The kernel's diagnostics of sockets (`sock_diag(7)`), which give `TCP_INFO` without unsafe code:
/// the option itself is read into a structure that grows with the kernel, and no safe function does
/// that.
#[derive(Debug, Default)]
pub(crate) struct SocketDiagnostics {
    /// Opened for the first connection that is asked about. `None` inside if the system does not
    /// permit it.
    socket: OnceCell<Option<Socket>>,
}

/// `AF_NETLINK`, `NETLINK_SOCK_DIAG`, `SOCK_DIAG_BY_FAMILY`, `NLM_F_REQUEST`, `INET_DIAG_INFO`
/// (`include/uapi/linux`).
const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const INET_DIAG_INFO: u16 = 2;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;

/// The lengths of `struct nlmsghdr`, of one with `inet_diag_req_v2`, and of `inet_diag_msg`.
const HEADER: usize = 16;
const REQUEST: u32 = 72;
const MESSAGE: usize = 72;

/// The offset of the socket's inode in a reply with `inet_diag_msg`.
const INODE: usize = HEADER + 68;

impl SocketDiagnostics {
    /// Asks about the TCP connection `socket` between `local` and `peer`. `None` if there is no
    /// answer.
    pub(crate) fn tcp_info(&self, socket: BorrowedFd<'_>, local: SocketAddr, peer: SocketAddr) -> Option<TcpInfo> {
        let open = || {
            let kind = Type::DGRAM.nonblocking();
            Socket::new(Domain::from(AF_NETLINK), kind, Some(Protocol::from(NETLINK_SOCK_DIAG))).ok()
        };
        let mut netlink = self.socket.get_or_init(open).as_ref()?;
        netlink.write_all(&request(local, peer)).ok()?;
        let mut reply = [0; 4096];
        // The kernel has answered before `send(2)` returns.
        let length = netlink.read(&mut reply).ok()?;
        let inode = rustix::fs::fstat(socket).ok()?.st_ino;
        find(reply.get(..length)?, inode).map(TcpInfo::decode)
    }
}

/// Asks for `TCP_INFO` of one connection.
fn request(local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
    let mut message = Vec::with_capacity(72);
    message.extend(REQUEST.to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    // The number and the sender of the request: there is no other.
    message.extend([0; 8]);
    let family = if local.is_ipv4() { AF_INET } else { AF_INET6 };
    message.extend([family, IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0]);
    // In any state.
    message.extend(u32::MAX.to_ne_bytes());
    message.extend(local.port().to_be_bytes());
    message.extend(peer.port().to_be_bytes());
    for address in [local, peer] {
        let mut field = [0; 16];
        match address.ip() {
            IpAddr::V4(ip) => field[..4].copy_from_slice(&ip.octets()),
            IpAddr::V6(ip) => field = ip.octets(),
        }
        message.extend(field);
    }
    let interface = if let SocketAddr::V6(local) = local { local.scope_id() } else { 0 };
    message.extend(interface.to_ne_bytes());
    // No cookie: the inode in the reply identifies the socket.
    message.extend([0xff; 8]);
    message
}

/// The `TCP_INFO` in a reply, if that is about the socket of this inode: in another network
/// namespace, the same addresses are another's.
fn find(reply: &[u8], inode: u64) -> Option<&[u8]> {
    if u16_at(reply, 4)? != SOCK_DIAG_BY_FAMILY || u64::from(u32_at(reply, INODE)?) != inode {
        return None;
    }
    let mut attributes = reply.get(HEADER + MESSAGE..)?;
    loop {
        let (length, kind) = (usize::from(u16_at(attributes, 0)?), u16_at(attributes, 2)?);
        let attribute = attributes.get(4..length)?;
        if kind == INET_DIAG_INFO {
            return Some(attribute);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(offset..)?.first_chunk().copied()?))
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(offset..)?.first_chunk().copied()?))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;

    fn reply(inode: u32, attributes: &[&[u8]]) -> Vec<u8> {
        let mut reply = vec![0; HEADER + MESSAGE];
        reply[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        reply[INODE..INODE + 4].copy_from_slice(&inode.to_ne_bytes());
        attributes.iter().for_each(|attribute| reply.extend_from_slice(attribute));
        reply
    }

    #[test]
    fn the_attribute_is_found_behind_others_and_only_for_the_inode() {
        let (other, info) = ([5, 0, 8, 0, 9, 0, 0, 0], [6, 0, 2, 0, 1, 2, 0, 0]);
        let whole = reply(7, &[&other, &info]);
        assert_eq!(find(&whole, 7), Some(&[1, 2][..]));
        assert_eq!(find(&whole, 8), None);
        // Whatever is cut off, or says a length that it has not.
        (0..whole.len() - 2).for_each(|length| assert_eq!(find(&whole[..length], 7), None));
        for length in 0..4 {
            assert_eq!(find(&reply(7, &[&[length, 0, 8, 0], &info]), 7), None);
        }
    }

    #[test]
    fn the_kernel_tells_of_a_connection_of_either_family() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (local, peer) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
            let diagnostics = SocketDiagnostics::default();
            let info = diagnostics.tcp_info(client.as_fd(), local, peer).expect("the kernel tells");
            assert!(info.congestion_window > 0 && info.segment_size > 0, "{info:?}");
            // Of the other end's addresses, this socket is not the one.
            assert_eq!(diagnostics.tcp_info(client.as_fd(), peer, local), None);
        }
    }
}
