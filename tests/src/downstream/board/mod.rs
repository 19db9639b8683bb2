//! A board around which people sit: what one says, all hear; and an oracle that takes a second to answer.
//!
//! Lines end in `\r\n`. `say TEXT` is heard by everybody, `ask TEXT` is answered by the oracle, who knows every word backwards. Whoever
//! says nothing for a minute loses the seat.
//!
//! It is right as it stands, and has a [`Flaw`] if asked for one: the mistakes that protocols have most often, for the test kit to find.

mod member;
mod table;

use std::fmt;

use lariat::{Factory, Peer};

pub use member::Member;

use self::table::Table;
use crate::downstream::Shared;

/// A mistake to make.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The end of a line is not seen if its two bytes come apart.
    ForgetsHalfADelimiter,
    /// The timer of somebody who has gone puts out whoever has the seat now.
    TimerOutlivesConnection,
    /// To somebody who has nothing more to ask, the oracle does not answer what was asked before.
    DropsReplyAtHalfClose,
    /// Nobody hears the next word before everybody has heard the last one.
    WaitsForTheSlowest,
}

/// A board, around which every connection gets a seat.
#[derive(Clone)]
pub struct Board {
    table: Shared<Table>,
    flaw: Option<Flaw>,
}

impl Board {
    /// A board with nobody around it.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A board with a mistake in it.
    pub fn with_flaw(flaw: Flaw) -> Self {
        Self::with(Some(flaw))
    }

    fn with(flaw: Option<Flaw>) -> Self {
        Self { table: Shared::new(Table::new(flaw == Some(Flaw::WaitsForTheSlowest))), flaw }
    }

    /// What serves one connection.
    pub fn member(&self) -> Member {
        Member::new(self.table.clone(), self.flaw)
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

impl Factory for Board {
    type Protocol = Member;

    fn build_protocol(&mut self, _: &Peer) -> Option<Member> {
        Some(self.member())
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("flaw", &self.flaw).finish_non_exhaustive()
    }
}
