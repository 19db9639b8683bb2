//! What Date says.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::fields::Headers;

/// The Date header's line, made anew once a second if anybody asks for it, and not otherwise.
#[derive(Debug)]
pub(super) struct DateLine {
    line: [u8; LENGTH],
    /// When it is right no more.
    until: Instant,
}

/// Of `Date: Sun, 06 Nov 1994 08:49:37 GMT` with its line end.
const LENGTH: usize = 37;

impl DateLine {
    pub(super) fn new(now: Instant) -> Self {
        Self { line: *b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", until: now }
    }

    /// The line at `now`. `clock` tells the time of day, if it is needed.
    #[inline]
    pub(super) fn at(&mut self, now: Instant, clock: impl FnOnce() -> SystemTime) -> Headers<'_> {
        if now >= self.until {
            self.make(now, clock());
        }
        Headers::checked(&self.line)
    }

    #[cold]
    fn make(&mut self, now: Instant, time: SystemTime) {
        let text = date_text(time);
        if let Some(place) = self.line.get_mut(6..6 + text.len()) {
            place.copy_from_slice(text.as_bytes());
        }
        let into_second = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        self.until = now + Duration::from_nanos(1_000_000_000 - u64::from(into_second.min(999_999_999)));
    }
}

/// The last second that a header can tell: the year has four digits (RFC 9110, section 5.6.7).
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

/// A time as headers tell it; if that is nothing that one could tell, the nearest that is.
pub(super) fn date_text(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    httpdate::fmt_http_date(UNIX_EPOCH + since.min(Duration::from_secs(LAST_SECOND)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_asked_once_a_second() {
        let start = Instant::now();
        let mut line = DateLine::new(start);
        let time = UNIX_EPOCH + Duration::from_millis(784_111_777_400);
        let first = line.at(start, || time).as_bytes().to_vec();
        assert_eq!(first, b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        line.at(start + Duration::from_millis(599), || panic!("it is not over yet"));
        let next = line.at(start + Duration::from_millis(600), || time + Duration::from_millis(600));
        assert_eq!(next.as_bytes(), b"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    }

    #[test]
    fn a_time_that_no_header_can_tell_is_told_as_the_nearest_that_one_can() {
        let second = Duration::from_secs(1);
        assert_eq!(date_text(UNIX_EPOCH - second), "Thu, 01 Jan 1970 00:00:00 GMT");
        let last = UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
        assert_eq!(date_text(last), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(date_text(last + second), date_text(last));
    }
}
