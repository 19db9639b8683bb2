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
        let text = httpdate::fmt_http_date(time);
        if let Some(place) = self.line.get_mut(6..6 + text.len()) {
            place.copy_from_slice(text.as_bytes());
        }
        let into_second = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        self.until = now + Duration::from_nanos(1_000_000_000 - u64::from(into_second.min(999_999_999)));
    }
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
}
