//! Reading a recording, whatever is in the file.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::address::{Address, UnixAddress};
use crate::lookup::{Addresses, Fault};

use super::format::{KINDS, LONGEST_TEXT, MAGIC, OTHER_ERROR, Op, SIZES_ONLY, SYSTEM_ERROR, VALUE, VERSION};

/// What is wrong with a recording.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is something else.
    Foreign,
    /// It is of another version, this one.
    Version(u64),
    /// It ends in the middle, after so many bytes.
    Truncated(u64),
    /// What is wrong, and behind how many bytes.
    Damaged(&'static str, u64),
}

/// What comes next: what was done, and to whom.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) op: Op,
    /// 0 where it is the loop.
    pub(super) subject: u64,
}

pub(super) struct Reader {
    input: BufReader<File>,
    /// Bytes that were read.
    at: u64,
    pub(super) sizes_only: bool,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, Flaw> {
        let file = File::open(path).map_err(Flaw::Unreadable)?;
        let mut reader = Self { input: BufReader::with_capacity(64 * 1024, file), at: 0, sizes_only: false };
        for expected in MAGIC {
            if reader.byte()? != expected {
                return Err(Flaw::Foreign);
            }
        }
        let version = reader.integer()?;
        if version != VERSION {
            return Err(Flaw::Version(version));
        }
        reader.sizes_only = match reader.integer()? {
            0 => false,
            SIZES_ONLY => true,
            _ => return Err(reader.damaged("it has flags that do not exist")),
        };
        Ok(reader)
    }

    pub(super) fn damaged(&self, what: &'static str) -> Flaw {
        Flaw::Damaged(what, self.at)
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Flaw> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.input.read(&mut bytes[filled..]) {
                Ok(0) => return Err(Flaw::Truncated(self.at)),
                Ok(count) => {
                    filled += count;
                    self.at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Flaw::Unreadable(error)),
            }
        }
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Flaw> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Flaw> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged("what should be yes or no is neither")),
        }
    }

    pub(super) fn integer(&mut self) -> Result<u64, Flaw> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                break;
            }
            value |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number has more than 64 bits"))
    }

    pub(super) fn size(&mut self) -> Result<usize, Flaw> {
        let value = self.integer()?;
        usize::try_from(value).map_err(|_| self.damaged("a number is too large"))
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Flaw> {
        let value = self.integer()?;
        T::try_from(value).map_err(|_| self.damaged("a number is too large"))
    }

    pub(super) fn id(&mut self) -> Result<u32, Flaw> {
        self.small()
    }

    pub(super) fn readiness(&mut self) -> Result<u16, Flaw> {
        self.small()
    }

    /// A name, a message, or the beginning of what was written.
    pub(super) fn text(&mut self) -> Result<Vec<u8>, Flaw> {
        let length = self.size()?;
        if length > LONGEST_TEXT {
            return Err(self.damaged("a text is too long"));
        }
        let mut text = vec![0; length];
        self.fill(&mut text)?;
        Ok(text)
    }

    pub(super) fn answer<T>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, Flaw>,
    ) -> Result<io::Result<T>, Flaw> {
        match self.byte()? {
            VALUE => value(self).map(Ok),
            kind => self.error_of(kind).map(Err),
        }
    }

    pub(super) fn error(&mut self) -> Result<io::Error, Flaw> {
        let kind = self.byte()?;
        self.error_of(kind)
    }

    fn error_of(&mut self, kind: u8) -> Result<io::Error, Flaw> {
        match kind {
            SYSTEM_ERROR => Ok(io::Error::from_raw_os_error(self.small()?)),
            OTHER_ERROR => {
                let kind = self.size()?;
                let kind = *KINDS.get(kind).ok_or_else(|| self.damaged("an error is of no kind that exists"))?;
                Ok(io::Error::new(kind, String::from_utf8_lossy(&self.text()?).into_owned()))
            }
            _ => Err(self.damaged("an answer is neither a value nor an error")),
        }
    }

    pub(super) fn ip(&mut self) -> Result<IpAddr, Flaw> {
        match self.integer()? {
            4 => Ok(self.array::<4>()?.into()),
            16 => Ok(self.array::<16>()?.into()),
            _ => Err(self.damaged("an IP address has another length")),
        }
    }

    pub(super) fn address(&mut self) -> Result<Address, Flaw> {
        match self.byte()? {
            0 => {
                let (ip, port) = (self.ip()?, self.small()?);
                Ok(Address::Tcp(match ip {
                    IpAddr::V4(_) => SocketAddr::new(ip, port),
                    IpAddr::V6(ip) => SocketAddrV6::new(ip, port, self.small()?, self.small()?).into(),
                }))
            }
            1 => Ok(Address::Unix(UnixAddress::Unnamed)),
            2 => Ok(Address::Unix(UnixAddress::Pathname(std::ffi::OsString::from_vec(self.text()?).into()))),
            3 => Ok(Address::Unix(UnixAddress::Abstract(self.text()?))),
            _ => Err(self.damaged("an address is of no kind that exists")),
        }
    }

    /// A time of day.
    pub(super) fn wall_clock(&mut self) -> Result<SystemTime, Flaw> {
        let is_before = self.flag()?;
        let (seconds, nanos) = (self.integer()?, self.integer()?);
        let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
        let since = nanos.map(|nanos| Duration::new(seconds, nanos));
        let time = since
            .and_then(|since| if is_before { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) });
        time.ok_or_else(|| self.damaged("a time of day is none"))
    }

    /// What is known of a name.
    pub(super) fn addresses(&mut self) -> Result<Addresses, Flaw> {
        match self.byte()? {
            0 => {
                let mut found = Vec::new();
                for _ in 0..self.size()? {
                    let address = self.address()?.tcp();
                    found.push(address.ok_or_else(|| self.damaged("a name leads to what is no IP address"))?);
                }
                Ok(Ok(found))
            }
            1 => Ok(Err(Fault::NoSuchName)),
            2 => Ok(Err(Fault::TryAgain)),
            3 => Ok(Err(Fault::Other(String::from_utf8_lossy(&self.text()?).into_owned()))),
            _ => Err(self.damaged("what is known of a name is of no kind that exists")),
        }
    }

    pub(super) fn head(&mut self) -> Result<Head, Flaw> {
        let byte = self.byte()?;
        let op = Op::from_byte(byte).ok_or_else(|| self.damaged("nothing begins like this"))?;
        let subject = if op.has_subject() { self.integer()? } else { 0 };
        Ok(Head { op, subject })
    }

    /// Nothing may come any more.
    pub(super) fn end(&mut self) -> Result<(), Flaw> {
        match self.input.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(self.damaged("it goes on after its end")),
            Err(error) => Err(Flaw::Unreadable(error)),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "the recording cannot be read: {error}"),
            Self::Foreign => write!(f, "the file is no recording of Lariat's"),
            Self::Version(version) => {
                write!(
                    f,
                    "the recording is of version {version}, and this is a reader of version {VERSION}: \
                     replay it with the release of Lariat that made it"
                )
            }
            Self::Truncated(at) => write!(
                f,
                "the recording is cut off after {at} bytes: its process was killed or its disk full, or not all of it was copied"
            ),
            Self::Damaged(what, at) => write!(f, "the recording is damaged at byte {at}: {what}"),
        }
    }
}
