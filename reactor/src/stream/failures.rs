//! Why nothing came of a wish to connect.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use crate::address::Address;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::lookup::Family;

/// The most failed attempts that a message lists.
const MOST_LISTED: usize = 4;

/// What has gone wrong with one wish to connect.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Of attempts, in the order in which they failed.
    attempts: Vec<Error>,
    /// Of look-ups.
    names: Vec<(Family, ErrorKind, String)>,
    /// The number of addresses that were not tried.
    not_tried: usize,
}

/// The error of an attempt that failed.
pub(super) fn could_not_connect(address: &Address, error: io::Error) -> Error {
    Error::io(format!("could not connect to {address}"), error)
}

impl Failures {
    /// An attempt has failed.
    pub(super) fn attempt(&mut self, error: Error) {
        self.attempts.push(error);
    }

    /// There were more addresses than could be tried.
    pub(super) fn not_tried(&mut self, count: usize) {
        self.not_tried = count;
    }

    /// An attempt has got no answer.
    pub(super) fn no_answer(&mut self, address: &Address, timeout: Duration) {
        self.attempt(could_not_connect(address, io::Error::new(io::ErrorKind::TimedOut, no_answer_within(timeout))));
    }

    /// A look-up has failed.
    pub(super) fn look_up(&mut self, family: Family, failure: &Failure) {
        let kind = failure.downcast_ref::<Error>().map_or(ErrorKind::Io, Error::kind);
        self.names.push((family, kind, failure.error().to_string()));
    }

    /// A look-up has got no answer.
    pub(super) fn no_name(&mut self, family: Family, timeout: Duration) {
        self.names.push((family, ErrorKind::TimedOut, no_answer_within(timeout)));
    }

    /// All of it in one error, of the kind of what failed last. `host` is who was looked for, if that was a name.
    pub(super) fn into_error(mut self, host: Option<&str>) -> Error {
        let is_only = self.attempts.len() == 1 && self.names.is_empty() && self.not_tried == 0;
        let only = if is_only { self.attempts.pop() } else { None };
        match (only, host) {
            (Some(error), None) => error,
            (Some(error), Some(host)) => Error::new(error.kind(), format!("could not reach {host}: {error}")),
            (None, _) if self.attempts.is_empty() => self.into_name_error(host),
            (None, _) => self.into_list(host),
        }
    }

    /// No address was found.
    fn into_name_error(self, host: Option<&str>) -> Error {
        let Some(host) = host else {
            return Error::new(ErrorKind::InvalidInput, "there is no address to connect to");
        };
        // That there is no such name counts only if nobody says otherwise.
        let other = self.names.iter().find(|(_, kind, _)| *kind != ErrorKind::NameNotFound);
        match other.or(self.names.first()) {
            None => Error::new(ErrorKind::NameNotFound, format!("{host} has no address that can be connected to")),
            Some((_, kind, words)) => Error::new(*kind, format!("could not look up {host}: {words}")),
        }
    }

    fn into_list(self, host: Option<&str>) -> Error {
        let kind = self.attempts.last().map_or(ErrorKind::Io, Error::kind);
        let mut words = match host {
            Some(host) => format!("could not reach {host}, at none of its addresses"),
            None => "none of the addresses could be connected to".to_owned(),
        };
        let mut separator = ": ";
        for error in self.attempts.iter().take(MOST_LISTED) {
            // Writing to a string does not fail.
            let _ = write!(words, "{separator}{error}");
            separator = "; ";
        }
        if self.attempts.len() > MOST_LISTED {
            let _ = write!(words, "{separator}and {} others", self.attempts.len() - MOST_LISTED);
        }
        if self.not_tried > 0 {
            let _ = write!(words, "{separator}{} further addresses were not tried", self.not_tried);
        }
        for (family, _, why) in &self.names {
            let family = if *family == Family::V4 { "IPv4" } else { "IPv6" };
            let _ = write!(words, "{separator}its {family} addresses are not known: {why}");
        }
        Error::new(kind, words)
    }
}

fn no_answer_within(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs_f64())
}
