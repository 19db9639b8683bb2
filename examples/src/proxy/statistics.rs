//! The page that tells how the proxy is.

use std::fmt;
use std::time::Duration;

use lariat::{Protocol, Transport};

use super::health::State;
use super::pool::Backend;
use super::service::Proxy;

/// What the proxy has counted. As text it is a line for each figure, its name before it, and a line for each backend.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// How long it has been there.
    pub uptime: Duration,
    /// Clients that are connected.
    pub clients: usize,
    /// How many may be.
    pub max_connections: usize,
    /// Clients that were taken, ever.
    pub accepted: u64,
    /// Clients that were sent away because there were too many, ever.
    pub refused: u64,
    /// Clients that were sent away because no backend was to be had, ever.
    pub unserved: u64,
    /// Bytes that came from clients.
    pub bytes_from_clients: u64,
    /// Bytes that came from backends.
    pub bytes_from_backends: u64,
    /// The backends.
    pub backends: Vec<Backend>,
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "uptime_seconds {}", self.uptime.as_secs())?;
        writeln!(f, "clients {}", self.clients)?;
        writeln!(f, "clients_limit {}", self.max_connections)?;
        writeln!(f, "clients_accepted {}", self.accepted)?;
        writeln!(f, "clients_refused {}", self.refused)?;
        writeln!(f, "clients_without_backend {}", self.unserved)?;
        writeln!(f, "bytes_from_clients {}", self.bytes_from_clients)?;
        writeln!(f, "bytes_from_backends {}", self.bytes_from_backends)?;
        for backend in &self.backends {
            let Backend { target, connections, served, failures, last_failure, .. } = backend;
            let state = match backend.state() {
                State::Up => "up",
                State::Down(_) => "down",
                State::OnTrial => "trial",
            };
            write!(f, "backend {target} {state} connections={connections} served={served} failures={failures}")?;
            // Quoted and escaped, so that a line stays a line.
            match last_failure {
                Some(reason) => writeln!(f, " last_failure={reason:?}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Writes the page to whoever connects, and closes.
#[derive(Debug)]
pub struct StatisticsPage(pub Proxy);

impl Protocol for StatisticsPage {
    fn connection_made(&mut self, transport: &Transport) {
        write!(transport, "{}", self.0.statistics(transport.reactor().now()));
        transport.close();
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}
