//! Work that is done later, again and again, or bit by bit.

mod sleep;
