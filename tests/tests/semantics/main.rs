//! What Lariat promises, on every driver: the real one and the simulated one, over TCP and over Unix streams.

mod back_pressure;
mod chaos;
mod closing;
mod connecting;
mod delayed_calls;
mod descriptors;
mod ending;
mod fairness;
mod handles;
mod idle;
mod options;
mod others;
mod panics;
mod ports;
mod producers;
mod reading;
mod socket_files;
mod stopping;
mod streams;
mod switching;
mod turns;
mod writing;
