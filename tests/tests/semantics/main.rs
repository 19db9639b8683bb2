//! What Lariat promises, on every driver: the real one and the simulated one, over TCP and over Unix streams.

mod back_pressure;
mod delayed_calls;
mod streams;
mod turns;
mod writing;
