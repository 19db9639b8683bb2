//! What a source is woken for.

use std::fmt;
use std::ops::BitOr;

/// Why a source is served: what the kernel reported, or what the reactor has for it.
#[derive(Copy, Clone, PartialEq, Eq, Default)]
pub struct Readiness(u16);

impl Readiness {
    pub(crate) const READABLE: Self = Self(1);
    pub(crate) const WRITABLE: Self = Self(1 << 1);
    pub(crate) const READ_CLOSED: Self = Self(1 << 2);
    pub(crate) const WRITE_CLOSED: Self = Self(1 << 3);
    pub(crate) const ERROR: Self = Self(1 << 4);
    pub(crate) const PRIORITY: Self = Self(1 << 5);
    /// The source has just been made.
    pub(crate) const MADE: Self = Self(1 << 6);
    /// It was on the reactor's ready list.
    pub(crate) const AGAIN: Self = Self(1 << 7);
    /// Its timer is due.
    pub(crate) const TIMER: Self = Self(1 << 8);
    /// Something was asked of it outside its own callbacks.
    pub(crate) const FLUSH: Self = Self(1 << 9);
    /// The reactor is ending.
    pub(crate) const END: Self = Self(1 << 10);
    /// The reactor is going to end: what can should end in good order.
    pub(crate) const DRAIN: Self = Self(1 << 11);
    /// All queues together are past their budget, and this one is the largest.
    pub(crate) const OVERFLOW: Self = Self(1 << 12);

    /// Is any bit of `other` set here?
    #[inline]
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    #[cfg(feature = "testing")]
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// There may be something to read, or the other end has closed.
    pub fn is_readable(self) -> bool {
        self.has(Self::READABLE | Self::READ_CLOSED | Self::ERROR)
    }

    /// There may be room to write, or nobody reads any more.
    pub fn is_writable(self) -> bool {
        self.has(Self::WRITABLE | Self::WRITE_CLOSED | Self::ERROR)
    }

    /// The descriptor has an error to report.
    pub fn is_error(self) -> bool {
        self.has(Self::ERROR)
    }

    /// The source asked to be served again: no new event came.
    pub fn is_again(self) -> bool {
        self.has(Self::AGAIN)
    }

    /// What mio reports. An event that is nothing else is one of something to read.
    #[inline]
    pub(crate) fn of(event: &mio::event::Event) -> Self {
        let unusual = event.is_writable()
            || event.is_read_closed()
            || event.is_write_closed()
            || event.is_error()
            || event.is_priority();
        if unusual { Self::of_unusual(event) } else { Self::READABLE }
    }

    #[inline(never)]
    fn of_unusual(event: &mio::event::Event) -> Self {
        let bit = |set: bool, bit: Self| if set { bit.0 } else { 0 };
        Self(
            bit(event.is_readable(), Self::READABLE)
                | bit(event.is_writable(), Self::WRITABLE)
                | bit(event.is_read_closed(), Self::READ_CLOSED)
                | bit(event.is_write_closed(), Self::WRITE_CLOSED)
                | bit(event.is_error(), Self::ERROR)
                | bit(event.is_priority(), Self::PRIORITY),
        )
    }
}

impl BitOr for Readiness {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 13] = [
            "readable",
            "writable",
            "read closed",
            "write closed",
            "error",
            "priority",
            "made",
            "again",
            "timer",
            "flush",
            "end",
            "drain",
            "overflow",
        ];
        f.debug_set()
            .entries(NAMES.iter().enumerate().filter(|(bit, _)| self.0 & 1 << bit != 0).map(|(_, name)| name))
            .finish()
    }
}
