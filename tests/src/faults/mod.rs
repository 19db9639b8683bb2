//! What goes wrong, on purpose.
//!
//! An [`Outsider`] is a client without Lariat, which breaks the rules as real ones do. [`OnDrop`] is a value whose destructor does
//! something, and [`Records`] keeps what this thread logs.

mod memory;
mod on_drop;
mod outsider;
mod records;

pub use memory::{open_descriptors, resident_memory};
pub use on_drop::OnDrop;
pub use outsider::{End, Outsider};
pub use records::{Records, log_to_stderr};
