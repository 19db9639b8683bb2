//! What Lariat promises, on every driver: the real one and the simulated one, over TCP and over Unix streams.

mod back_pressure;
mod closing;
mod delayed_calls;
mod handles;
mod idle;
mod producers;
mod reading;
mod streams;
mod switching;
mod turns;
mod writing;
