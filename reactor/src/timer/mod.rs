//! Timers that hold a value until a tick: a hierarchical wheel, and the keys that name what it holds.
//!
//! The wheel is pure logic. It never reads a clock: whoever drives it says what time it is, so the same
//! wheel serves the real loop, a simulated one and a unit test.
//!
//! ```text
//!                 insert, reset                 expire                 take_expired
//!   (no entry) ------------------> armed ----------------> expired ------------------> (gone)
//!                                    |   <----------------    |
//!                                    |         reset          |
//!                                    +------------------------+------------------------> (gone)
//!                                               cancel, pop_any
//! ```

mod chain;
mod dial;
mod entry;
mod key;
mod level;
mod slot;
mod wheel;

#[cfg(test)]
mod tests;

pub use self::key::TimerKey;
pub use self::wheel::TimerWheel;
