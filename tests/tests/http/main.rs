//! HTTP/1.1, on connections in memory, in simulations and over real sockets.

mod answering;
mod around;
mod behind_nginx;
mod bodies;
mod client;
mod crowds;
mod deadlines;
mod flood;
mod handing_on;
mod malformed;
mod real_clients;
mod routing;
mod served;
mod simulated;
mod site;
mod splitting;
mod upgrades;
mod wall_clock;
mod written_by;
