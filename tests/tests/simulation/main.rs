//! What the simulation promises: many hosts in one time, faults from a seed, and the same course for the same seed.

mod calls;
mod chaos;
mod crashes;
mod habits;
mod hosts;
mod names;
mod network;
mod packets;
mod planted;
mod replay;
mod rules;
mod storms;
mod threads;
mod torture;
mod violations;
mod wall_clock;
