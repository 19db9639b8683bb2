//! Host names: look-ups, several addresses, and failures.

mod many;
mod racing;
mod racing_seeds;
mod resolvers;
mod system;
