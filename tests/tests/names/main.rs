//! What becomes of a host's name: look-ups, several addresses, and what goes wrong.

mod many;
mod racing;
mod racing_seeds;
mod resolvers;
mod system;
