//! How two verdicts differ.

use std::fmt;

use lariat_protocols::http::{
    HttpError, Limits, OwnedRequestHead, RequestEvent, ResponseLength, ServerConnection, Status,
};

use super::verdict::{Answer, Verdict};

/// How our verdict stands to the peer's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The same requests were taken, and then both refused, or both did not.
    Same,
    /// The same requests were taken, and the two differ only in what they say at the end.
    OtherEnd(&'static str),
    /// Ours takes fewer requests than the peer: it refuses one, or closes before it, for this reason.
    Stricter(String),
    /// Ours takes more requests than the peer, which does not take one for a reason that has nothing to do with where requests end.
    Allowed(&'static str),
    /// The two disagree about where a request ends, or ours takes what it should not.
    Wrong(String),
}

impl Class {
    /// Whether nothing can be smuggled past one of the two.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        !matches!(self, Class::Wrong(_))
    }

    /// How `ours` stands to `theirs`, after both were sent `input`.
    #[must_use]
    pub fn of(input: &[u8], ours: &Verdict, theirs: &Verdict) -> Self {
        let (our_requests, their_requests) = (kinds(ours), kinds(theirs));
        let (requests, end) = understood(input);
        if requests.len() != our_requests.len() {
            return Class::Wrong(format!(
                "the server takes other requests than its parser, which finds {}",
                requests.len()
            ));
        }
        if our_requests == their_requests {
            return match (ours.refused(), theirs.refused()) {
                (Some(_), None) => {
                    Class::OtherEnd("the same requests; then ours says what is wrong, and the peer only closes")
                }
                (None, Some(_)) => {
                    Class::OtherEnd("the same requests; then the peer says what is wrong, and ours only closes")
                }
                _ => Class::Same,
            };
        }
        if let Some(more) = their_requests.strip_prefix(&our_requests[..]) {
            return match end {
                // Whether there is a body in front of the next request is what it is all about.
                End::Error(HttpError::UnexpectedEnd) if more == [false] && ends_there(theirs) => {
                    Class::OtherEnd("the same requests; the peer answers one that has no end")
                }
                End::Error(HttpError::UnexpectedEnd) => Class::Wrong("ours waits for a body's end".to_owned()),
                End::Error(error) => Class::Stricter(error.to_string()),
                End::Closed => {
                    Class::Stricter("the connection closes after a request that does not ask for more".to_owned())
                }
                End::Input => Class::Wrong("ours leaves a request out".to_owned()),
            };
        }
        if !our_requests.starts_with(&their_requests) {
            return Class::Wrong("the two take different requests".to_owned());
        }
        let refused = their_requests.len();
        let before = refused.checked_sub(1).map(|before| &requests[before]);
        allowed(before, &requests[refused], theirs.refused().is_some())
            .map_or(Class::Wrong("ours takes what the peer refuses".to_owned()), Class::Allowed)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Class::Same => out.write_str("same"),
            Class::OtherEnd(how) => write!(out, "other end: {how}"),
            Class::Stricter(why) => write!(out, "stricter: {why}"),
            Class::Allowed(why) => write!(out, "allowed: {why}"),
            Class::Wrong(why) => write!(out, "WRONG: {why}"),
        }
    }
}

/// Whether each of the requests taken was the sentinel.
fn kinds(verdict: &Verdict) -> Vec<bool> {
    verdict.taken().iter().map(|answer| *answer == Answer::Sentinel).collect()
}

/// Whether nothing was answered after the last request that was taken.
fn ends_there(verdict: &Verdict) -> bool {
    verdict.refused().is_none()
}

/// Why ours may take `request`, after `before`, although the peer does not.
fn allowed(before: Option<&OwnedRequestHead>, request: &OwnedRequestHead, peer_refuses: bool) -> Option<&'static str> {
    if let Some(before) = before.map(OwnedRequestHead::head) {
        let mut connection = before.headers().get_all("connection");
        if !peer_refuses
            && connection.any(|options| options.to_ascii_lowercase().windows(5).any(|part| part == b"close"))
        {
            return Some("nginx closes the connection whenever Connection has the letters of close in it");
        }
        if !peer_refuses && ["CONNECT", "TRACE"].contains(&before.method()) {
            return Some("nginx closes the connection after a CONNECT or TRACE that it does not allow");
        }
    }
    let request = request.head();
    let headers = request.headers();
    if !request.method().bytes().all(|byte| byte.is_ascii_uppercase() || b"_-".contains(&byte)) {
        return Some(
            "nginx takes no method with anything but capital letters in it; any token is one (RFC 9110, section 9.1)",
        );
    }
    if !is_plain(request.path()) {
        return Some("nginx takes no path that can be no file's: above the root, with a NUL, or a percent sign alone");
    }
    if headers.as_bytes().split(|byte| *byte == b'\n').any(has_tab_around_value) {
        return Some(
            "nginx takes a tab for a part of a header's value; it is whitespace around it (RFC 9110, section 5.5)",
        );
    }
    if headers.get("host") == Some(b"") {
        return Some("nginx takes no empty Host; it is one (RFC 9110, section 7.2)");
    }
    if request.path() == "*" {
        return Some("nginx takes no asterisk for a target; that of OPTIONS may be one (RFC 9112, section 3.2.4)");
    }
    if request
        .host()
        .is_some_and(|host| host.contains("..") || host.bytes().any(|byte| b"!$&'()*+,;=~%_".contains(&byte)))
    {
        return Some("nginx takes no such host; it may be one (RFC 3986, section 3.2.2)");
    }
    if request.method() == "CONNECT" {
        return Some("nginx takes no authority for a target; that of CONNECT is one (RFC 9112, section 3.2.3)");
    }
    if headers.get_all("expect").count() > 1 {
        return Some("nginx takes no second Expect; it is a list (RFC 9110, section 10.1.1)");
    }
    None
}

/// Can it be the path of a file?
fn is_plain(path: &str) -> bool {
    let escapes_are_whole = path.split('%').skip(1).all(|rest| {
        let digits = rest.get(..2).unwrap_or_default();
        digits != "00" && digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let mut depth = 0_i32;
    let mut stays_below = true;
    for name in path.split('/').filter(|name| !["", "."].contains(name)) {
        depth += if name == ".." { -1 } else { 1 };
        stays_below &= depth >= 0;
    }
    escapes_are_whole && stays_below
}

fn has_tab_around_value(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let value = line.iter().position(|byte| *byte == b':').map_or(&[][..], |colon| &line[colon + 1..]);
    let around = value.len() - value.trim_ascii().len();
    around > 0 && {
        let start = value.trim_ascii_start();
        let (before, after) = (&value[..value.len() - start.len()], &start[start.trim_ascii_end().len()..]);
        before.contains(&b'\t') || after.contains(&b'\t')
    }
}

/// How an input ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an error.
    Error(HttpError),
    /// With a request after which the connection closes.
    Closed,
    /// With the input's own end, between two requests.
    Input,
}

/// The whole requests that the parser finds in `input`, and what comes after them.
#[must_use]
pub fn understood(mut input: &[u8]) -> (Vec<OwnedRequestHead>, End) {
    let mut connection = ServerConnection::new(Limits::default().into());
    let (mut requests, mut in_hand) = (Vec::new(), None);
    loop {
        match connection.next(&mut input) {
            Ok(Some(RequestEvent::Head(head))) => {
                in_hand = Some(head.to_owned());
                continue;
            }
            Ok(Some(_)) => continue,
            Ok(None) => {}
            Err(error) => return (requests, End::Error(error)),
        }
        if connection.is_idle() || connection.is_receiving() {
            return (requests, connection.end_of_input().err().map_or(End::Input, End::Error));
        }
        requests.extend(in_hand.take());
        let goes_on = connection.keeps_alive();
        connection.respond(Status::METHOD_NOT_ALLOWED, &[], ResponseLength::Known(0), &mut Vec::new());
        connection.finish();
        if !goes_on {
            return (requests, End::Closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /sentinel HTTP/1.1\r\nHost: a\r\n\r\n";

    fn class(input: &[u8], ours: &[Answer], theirs: &[Answer]) -> Class {
        Class::of(input, &Verdict(ours.to_vec()), &Verdict(theirs.to_vec()))
    }

    #[test]
    fn who_takes_the_same_requests_agrees() {
        let taken = [Answer::Taken(200), Answer::Sentinel];
        assert_eq!(class(GET, &taken, &taken), Class::Same);
    }

    #[test]
    fn what_only_ours_takes_needs_a_reason() {
        let taken = [Answer::Taken(200), Answer::Sentinel];
        assert!(!class(GET, &taken, &[Answer::Refused(400)]).is_fine());
        let put = GET.to_vec().escape_ascii().to_string().replace("GET /a", "put /a").replace("\\r\\n", "\r\n");
        assert!(matches!(class(put.as_bytes(), &taken, &[Answer::Refused(400)]), Class::Allowed(_)));
    }

    #[test]
    fn a_request_that_ours_takes_for_a_body_is_wrong() {
        let input =
            b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nGET /sentinel HTTP/1.1\r\nHost: a\r\n\r\n";
        assert!(!class(input, &[Answer::Refused(400)], &[Answer::Taken(200), Answer::Sentinel]).is_fine());
        assert!(class(input, &[Answer::Refused(400)], &[Answer::Taken(200)]).is_fine());
    }

    #[test]
    fn paths_that_are_no_files_are_told() {
        assert!(["/", "/a/../b", "/%41", "*", ""].iter().all(|path| is_plain(path)));
        assert!(!["/..", "/%", "/%0", "/%zz", "/a%00"].iter().any(|path| is_plain(path)));
    }

    #[test]
    fn tabs_around_a_value_are_told() {
        assert!(has_tab_around_value(b"A:\tb\r") && has_tab_around_value(b"A: b\t\r"));
        assert!(!has_tab_around_value(b"A: b\tc \r") && !has_tab_around_value(b"GET / HTTP/1.1\r"));
    }
}
