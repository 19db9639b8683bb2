//! What Lariat promises, on every driver: the real one and the simulated one, over TCP and over Unix streams.

mod back_pressure;
mod closing;
mod connecting;
mod delayed_calls;
mod ending;
mod fairness;
mod handles;
mod idle;
mod others;
mod panics;
mod ports;
mod producers;
mod reading;
mod streams;
mod switching;
mod turns;
mod writing;
