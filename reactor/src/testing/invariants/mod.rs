//! Ten security invariants, checked for any protocol that is plugged in with a page of code.
//!
//! The page is a [`Subject`]: how the server is started, the [states](State) into which a peer
//! brings a connection with the input that leads to each, what [another visitor](Probe) sends and
//! is answered, and for each invariant the bound that the protocol's documentation promises. An
//! invariant that does not apply is [exempt](Claim::Exempt), with the reason; there is no way to
//! leave it out.
//!
//! | | invariant | checked by |
//! | --- | --- | --- |
//! | 1 | a visit is short, whatever is pipelined | [`check_visits`] |
//! | 2 | memory is counted with its overhead, in any cutting | [`check_memory`] |
//! | 3 | every state ends, and progress does not renew it without limit | [`check_deadlines`] |
//! | 4 | strangers are cheap before they are known | [`check_strangers`] |
//! | 5 | no address has more than its share; when all places are taken, the most idle goes | [`check_shares`], [`check_full_port`] |
//! | 6 | a destination that a peer chose passes a policy; a datagram's reply is no larger than its request | [`check_destinations`] |
//! | 7 | layers change on a clean line | [`check_layers`] |
//! | 8 | one meaning in and out | [`check_meaning`] |
//! | 9 | what peers chose is escaped and cut in logs, and secrets never appear there | [`check_logs`] |
//! | 10 | nothing is left after chaos, and an adversary in the folder gains nothing | [`check_leftovers`], [`check_folder`] |
//!
//! [`invariant_tests!`](crate::invariant_tests) makes a test of each. They run on a
//! [`VirtualClock`](super::VirtualClock): in memory, without waiting, the same way each time.
//!
//! ```
//! use lariat::testing::invariants::{Claim, Probe, State, Subject, check_deadlines};
//! use lariat::{Idle, Peer, Port, Protocol, Reactor, Transport};
//! use std::time::Duration;
//!
//! /// Sends back each byte, to peers that are silent for at most a minute.
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.set_idle_timeout(Idle::Read, Some(Duration::from_secs(60)));
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! struct EchoPage;
//!
//! impl Subject for EchoPage {
//!     fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
//!         reactor.listen(endpoint, |_: &Peer| Echo)
//!     }
//!
//!     fn states(&self) -> Vec<State> {
//!         vec![State::new("open", "", Claim::Holds(Duration::from_secs(60)))]
//!     }
//!
//!     fn probe(&self) -> Probe {
//!         Probe::new("hello", "hello")
//!     }
//! }
//!
//! check_deadlines(&EchoPage);
//! ```

mod claims;
mod deadlines;
mod folder;
mod leftovers;
mod logs;
mod meaning;
mod memory;
#[cfg(feature = "tls")]
mod session;
mod strangers;
mod subject;
mod visitor;
mod visits;

pub use deadlines::check_deadlines;
pub use folder::check_folder;
pub use leftovers::check_leftovers;
pub use logs::check_logs;
pub use meaning::{check_layers, check_meaning};
pub use memory::check_memory;
pub use strangers::{check_destinations, check_full_port, check_shares, check_strangers};
pub use subject::{
    Claim, Datagram, Destination, Encode, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
pub use visits::check_visits;

/// Makes a test of each of the ten [invariants](crate::testing::invariants) for a
/// [`Subject`](crate::testing::invariants::Subject), named after it. The second argument is a
/// function that reads how many bytes this thread has allocated and not freed, from the counting
/// allocator that the test binary installs.
///
/// ```text
/// mod echo {
///     lariat::invariant_tests!(super::EchoPage, super::allocated);
/// }
/// ```
#[macro_export]
macro_rules! invariant_tests {
    ($subject:expr, $allocated:expr) => {
        #[test]
        fn a_visit_is_short_whatever_is_pipelined() {
            $crate::testing::invariants::check_visits(&$subject);
        }

        #[test]
        fn memory_is_counted_with_its_overhead() {
            $crate::testing::invariants::check_memory(&$subject, $allocated);
        }

        #[test]
        fn every_state_ends_in_spite_of_progress() {
            $crate::testing::invariants::check_deadlines(&$subject);
        }

        #[test]
        fn strangers_are_cheap_before_they_are_known() {
            $crate::testing::invariants::check_strangers(&$subject, $allocated);
        }

        #[test]
        fn no_address_has_more_than_its_share() {
            $crate::testing::invariants::check_shares(&$subject);
        }

        #[test]
        fn the_most_idle_makes_room_at_a_full_port() {
            $crate::testing::invariants::check_full_port(&$subject);
        }

        #[test]
        fn a_destination_passes_a_policy_and_replies_do_not_grow() {
            $crate::testing::invariants::check_destinations(&$subject);
        }

        #[test]
        fn layers_change_on_a_clean_line() {
            $crate::testing::invariants::check_layers(&$subject);
        }

        #[test]
        fn input_and_output_have_one_meaning() {
            $crate::testing::invariants::check_meaning(&$subject);
        }

        #[test]
        fn logs_are_escaped_and_have_no_secrets() {
            $crate::testing::invariants::check_logs(&$subject);
        }

        #[test]
        fn nothing_is_left_after_chaos() {
            $crate::testing::invariants::check_leftovers(&$subject);
        }

        #[test]
        fn an_adversary_in_the_folder_gains_nothing() {
            $crate::testing::invariants::check_folder(&$subject);
        }
    };
}
