//! How a recording is written down.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::address::{Address, UnixAddress};
use crate::lookup::{Addresses, Fault};

/// What every recording begins with. No text file does.
pub(super) const MAGIC: [u8; 12] = *b"\x89lariat-rec\n";

/// The version of all that follows.
pub(super) const VERSION: u64 = 4;

/// The flag of a recording that has sizes only.
pub(super) const SIZES_ONLY: u64 = 1;

/// How much of what is written is recorded, so that a difference can be shown.
pub(super) const HEAD: usize = 16;

/// The longest name or message: a path may have 4096 bytes (`path_resolution(7)`).
pub(super) const LONGEST_TEXT: usize = 4096;

/// The answer is a value, an error of the system's, or another one.
pub(super) const VALUE: u8 = 0;
pub(super) const SYSTEM_ERROR: u8 = 1;
pub(super) const OTHER_ERROR: u8 = 2;

/// Errors that are not the system's are of one of these kinds; the last one stands for all others.
pub(super) const KINDS: [io::ErrorKind; 9] = [
    io::ErrorKind::WouldBlock,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::Unsupported,
    io::ErrorKind::NotConnected,
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::WriteZero,
    io::ErrorKind::AddrInUse,
    io::ErrorKind::TimedOut,
    io::ErrorKind::Other,
];

/// What a loop asks of the world, or tells it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Op {
    /// The recording ends here, with its loop.
    End,
    /// The recording ends here, for it has reached its limit.
    Full,
    Now,
    Wait,
    /// The loop begins to run, rather than to be turned.
    Run,
    /// The loop begins to end.
    Finish,
    Listen,
    Connect,
    Accept,
    AdoptStream,
    AdoptPort,
    Register,
    Reregister,
    Read,
    Write,
    SendFile,
    CloseWrite,
    Reset,
    Close,
    TakeError,
    LocalAddress,
    IsConnected,
    Credentials,
    SetNodelay,
    SetKeepalive,
    LookUp,
    Waker,
    RemoteCalls,
    RemoteCall,
    Wake,
    AddSource,
    Signal,
    Reserve,
    LookedUp,
    WallClock,
    RandomSeed,
}

impl Op {
    const ALL: [Self; 36] = [
        Self::End,
        Self::Full,
        Self::Now,
        Self::Wait,
        Self::Run,
        Self::Finish,
        Self::Listen,
        Self::Connect,
        Self::Accept,
        Self::AdoptStream,
        Self::AdoptPort,
        Self::Register,
        Self::Reregister,
        Self::Read,
        Self::Write,
        Self::SendFile,
        Self::CloseWrite,
        Self::Reset,
        Self::Close,
        Self::TakeError,
        Self::LocalAddress,
        Self::IsConnected,
        Self::Credentials,
        Self::SetNodelay,
        Self::SetKeepalive,
        Self::LookUp,
        Self::Waker,
        Self::RemoteCalls,
        Self::RemoteCall,
        Self::Wake,
        Self::AddSource,
        Self::Signal,
        Self::Reserve,
        Self::LookedUp,
        Self::WallClock,
        Self::RandomSeed,
    ];

    #[cfg_attr(not(any(test, feature = "testing")), expect(dead_code, reason = "only replays read"))]
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// Is it done to a socket, and not to the loop?
    pub(super) fn has_subject(self) -> bool {
        !matches!(
            self,
            Self::End
                | Self::Full
                | Self::Now
                | Self::Wait
                | Self::Run
                | Self::Finish
                | Self::Listen
                | Self::Connect
                | Self::AdoptStream
                | Self::AdoptPort
                | Self::LookUp
                | Self::Waker
                | Self::RemoteCalls
                | Self::RemoteCall
                | Self::Wake
                | Self::AddSource
                | Self::Signal
                | Self::Reserve
                | Self::LookedUp
                | Self::WallClock
                | Self::RandomSeed
        )
    }
}

pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_bytes(out, &text[..text.len().min(LONGEST_TEXT)]);
}

/// A time of day: whether it is before 1970, then seconds and nanoseconds from there.
pub(super) fn put_wall_clock(out: &mut Vec<u8>, time: SystemTime) {
    let (is_before, since) = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => (false, since),
        Err(before) => (true, before.duration()),
    };
    out.push(u8::from(is_before));
    put(out, since.as_secs());
    put(out, u64::from(since.subsec_nanos()));
}

/// An answer, with `value` to write what there is if it is no error.
pub(super) fn put_answer<T>(out: &mut Vec<u8>, answer: &io::Result<T>, value: impl FnOnce(&mut Vec<u8>, &T)) {
    match answer {
        Ok(found) => {
            out.push(VALUE);
            value(out, found);
        }
        Err(error) => put_error(out, error),
    }
}

pub(super) fn put_error(out: &mut Vec<u8>, error: &io::Error) {
    match error.raw_os_error() {
        Some(code) => {
            out.push(SYSTEM_ERROR);
            put(out, u64::from(code.unsigned_abs()));
        }
        None => {
            out.push(OTHER_ERROR);
            let kind = KINDS.iter().position(|kind| *kind == error.kind()).unwrap_or(KINDS.len() - 1);
            put(out, kind as u64);
            put_text(out, error.to_string().as_bytes());
        }
    }
}

pub(super) fn put_ip(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => put_bytes(out, &address.octets()),
        IpAddr::V6(address) => put_bytes(out, &address.octets()),
    }
}

/// What is known of a name: addresses, each with its zone, or why there are none.
pub(super) fn put_addresses(out: &mut Vec<u8>, addresses: &Addresses) {
    match addresses {
        Ok(found) => {
            out.push(0);
            put(out, found.len() as u64);
            found.iter().for_each(|address| put_address(out, &Address::Tcp(*address)));
        }
        Err(Fault::NoSuchName) => out.push(1),
        Err(Fault::TryAgain) => out.push(2),
        Err(Fault::Other(words)) => {
            out.push(3);
            put_text(out, words.as_bytes());
        }
    }
}

pub(super) fn put_address(out: &mut Vec<u8>, address: &Address) {
    match address {
        Address::Tcp(address) => {
            out.push(0);
            put_ip(out, address.ip());
            put(out, u64::from(address.port()));
            if let SocketAddr::V6(address) = address {
                put(out, u64::from(address.flowinfo()));
                put(out, u64::from(address.scope_id()));
            }
        }
        Address::Unix(UnixAddress::Unnamed) => out.push(1),
        Address::Unix(UnixAddress::Pathname(path)) => {
            out.push(2);
            put_text(out, path.as_os_str().as_bytes());
        }
        Address::Unix(UnixAddress::Abstract(name)) => {
            out.push(3);
            put_text(out, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_its_byte() {
        for (byte, op) in (0..).zip(Op::ALL) {
            assert_eq!((op as u8, Op::from_byte(byte)), (byte, Some(op)));
        }
        assert_eq!(Op::from_byte(36), None);
    }

    #[test]
    fn an_integer_takes_a_byte_for_each_seven_bits() {
        let mut out = Vec::new();
        [0, 127, 128, 300].iter().for_each(|value| put(&mut out, *value));
        assert_eq!(out, [0, 127, 0x80, 1, 0xac, 2]);
        out.clear();
        put(&mut out, u64::MAX);
        assert_eq!(out.len(), 10);
    }
}
