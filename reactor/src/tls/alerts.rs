//! Alerts in clear that rustls neither sends nor acts on during a handshake.

use rustls::{AlertDescription, Error};

/// The type of a record that has an alert in it, and its length with the header (RFC 8446, sections 5.1 and 6).
const ALERT: u8 = 21;
const HEADER: u32 = 5;
const CLOSE_NOTIFY: u8 = 0;

/// A fatal alert as a record in clear.
pub(super) fn fatal(description: AlertDescription) -> [u8; 7] {
    [ALERT, 3, 3, 0, 2, 2, u8::from(description)]
}

/// The alert for an error of a handshake that rustls has sent none for. An alert is not answered by another.
pub(super) fn for_error(error: &Error) -> Option<[u8; 7]> {
    let description = match error {
        Error::AlertReceived(_) => return None,
        Error::InvalidMessage(error) => AlertDescription::from(*error),
        Error::PeerMisbehaved(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            AlertDescription::UnexpectedMessage
        }
        Error::PeerIncompatible(_) => AlertDescription::HandshakeFailure,
        _ => AlertDescription::InternalError,
    };
    Some(fatal(description))
}

/// The records of a handshake, as far as they were searched for a `close_notify` in clear.
///
/// rustls takes such an alert for a warning and waits for more (its peer may be an attacker's), but the peer sends nothing after it
/// (RFC 8446, section 6.1). An attacker who can insert it can also reset the connection.
#[derive(Debug, Default)]
pub(super) struct SearchedRecords {
    /// Bytes at the front of the input that are complete records which were searched. rustls changes no others.
    searched: u32,
}

impl SearchedRecords {
    /// Searches the complete records of `input` that are new. Returns whether one is a `close_notify` in clear. An encrypted alert
    /// is longer than two bytes.
    pub(super) fn find_close_notify(&mut self, input: &[u8]) -> bool {
        while let Some([kind, _, _, high, low, rest @ ..]) = input.get(self.searched as usize..) {
            let length = u16::from_be_bytes([*high, *low]);
            let Some(body) = rest.get(..usize::from(length)) else { return false };
            if *kind == ALERT && matches!(body, [_, CLOSE_NOTIFY]) {
                return true;
            }
            self.searched += HEADER + u32::from(length);
        }
        false
    }

    /// So many bytes at the front of the input are used up.
    pub(super) fn discard(&mut self, used: usize) {
        self.searched = self.searched.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_notify_is_found_once_it_is_complete() {
        let input = [22, 3, 1, 0, 2, 21, 0, 21, 3, 1, 0, 2, 1, 0];
        for end in 0..=input.len() {
            assert_eq!(SearchedRecords::default().find_close_notify(&input[..end]), end == input.len());
        }
        let mut records = SearchedRecords::default();
        assert!(!records.find_close_notify(&input[..9]));
        records.discard(7);
        assert!(records.find_close_notify(&input[7..]));
    }

    #[test]
    fn other_alerts_and_encrypted_ones_are_not_taken_for_it() {
        let mut records = SearchedRecords::default();
        assert!(!records.find_close_notify(&[21, 3, 3, 0, 2, 1, 90, 21, 3, 3, 0, 3, 1, 0, 0, 23, 3, 3, 0, 2, 1, 0]));
        assert_eq!(for_error(&Error::AlertReceived(AlertDescription::UserCanceled)), None);
    }
}
