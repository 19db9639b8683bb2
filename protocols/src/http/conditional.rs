//! Requests that are to be carried out only if something holds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::entity_tag::EntityTag;
use super::fields::{Headers, trim};

/// What is known of the version of a resource that there is now.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is made by whoever has a resource")]
pub struct Validators<'a> {
    /// Its name.
    pub tag: Option<EntityTag<'a>>,
    /// When it was changed last, to the second (RFC 9110, section 8.8.2).
    pub modified: Option<SystemTime>,
    /// Is that long enough ago for the date to name this version and no other? (RFC 9110, section 8.8.2.2.)
    pub modified_is_strong: bool,
}

impl Validators<'_> {
    /// Has a date become a strong validator? After a second, for it has no finer parts.
    pub fn date_is_strong(modified: SystemTime, now: SystemTime) -> bool {
        now.duration_since(modified).is_ok_and(|age| age >= Duration::from_secs(1))
    }
}

/// What the conditions of a request have come to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is to be carried out.
    Proceed,
    /// What the client has is still right: 304.
    NotModified,
    /// Something does not hold that the client relies on: 412.
    Failed,
}

/// Looks at `If-Match`, `If-Unmodified-Since`, `If-None-Match` and `If-Modified-Since`, in the order of RFC 9110, section 13.2.2.
///
/// `is_read` says whether the method is GET or HEAD; `validators` are those of the version that there is, or `None` if there is none. A
/// condition that is malformed is ignored if it would save work, and fails if it would prevent damage.
///
/// ```
/// use lariat_protocols::http::{EntityTag, Fields, Validators, Verdict, evaluate_conditions};
///
/// let mut request = Fields::new();
/// request.append("If-None-Match", "\"xyzzy\", W/\"r2d2xxxx\"")?;
/// let now = Validators { tag: EntityTag::parse(b"\"r2d2xxxx\""), ..Validators::default() };
/// assert_eq!(evaluate_conditions(request.headers(), true, Some(&now)), Verdict::NotModified);
/// # Ok::<(), lariat_protocols::http::InvalidField>(())
/// ```
pub fn evaluate_conditions(headers: Headers<'_>, is_read: bool, validators: Option<&Validators<'_>>) -> Verdict {
    let tag = validators.and_then(|validators| validators.tag);
    let modified = validators.and_then(|validators| validators.modified).map(whole_seconds);
    if headers.contains("If-Match") {
        let holds = any_matches(headers, "If-Match", validators.is_some(), |listed| {
            tag.is_some_and(|tag| tag.matches_strongly(listed))
        });
        if holds != Some(true) {
            return Verdict::Failed;
        }
    } else if let Some(since) = date(headers, "If-Unmodified-Since")
        && modified.is_none_or(|modified| modified > since)
    {
        return Verdict::Failed;
    }
    if headers.contains("If-None-Match") {
        let matched = any_matches(headers, "If-None-Match", validators.is_some(), |listed| {
            tag.is_some_and(|tag| tag.matches_weakly(listed))
        });
        return match matched {
            Some(false) => Verdict::Proceed,
            Some(true) if is_read => Verdict::NotModified,
            None if is_read => Verdict::Proceed,
            Some(true) | None => Verdict::Failed,
        };
    }
    if is_read
        && let Some(since) = date(headers, "If-Modified-Since")
        && modified.is_some_and(|modified| modified <= since)
    {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Looks at `If-Range` (RFC 9110, section 13.1.5): may parts be sent, because what the client has the other parts of is this very version?
/// They may if there is no such header.
pub fn range_applies(headers: Headers<'_>, validators: &Validators<'_>) -> bool {
    let mut values = headers.get_all("If-Range");
    let Some(value) = values.next() else { return true };
    if values.next().is_some() {
        return false;
    }
    if let Some(listed) = EntityTag::parse(value) {
        return validators.tag.is_some_and(|tag| tag.matches_strongly(&listed));
    }
    let modified = validators.modified.filter(|_| validators.modified_is_strong).map(whole_seconds);
    parse_date(value).is_some_and(|listed| modified == Some(listed))
}

/// Is one of the tags listed in the headers of this name one that `matches`? `*` is any that `exists`. `None` if it is no such list.
fn any_matches(
    headers: Headers<'_>,
    name: &str,
    exists: bool,
    matches: impl Fn(&EntityTag<'_>) -> bool,
) -> Option<bool> {
    let mut found = false;
    let mut values = headers.get_all(name).peekable();
    if values.peek().is_some_and(|value| *value == b"*") {
        values.next();
        return values.next().is_none().then_some(exists);
    }
    for value in values {
        let mut rest = value;
        loop {
            // A list may have empty elements (RFC 9110, section 5.6.1).
            while let Some(after) = rest.strip_prefix(b",") {
                rest = trim(after);
            }
            if rest.is_empty() {
                break;
            }
            let (tag, after) = EntityTag::parse_first(rest)?;
            rest = trim(after);
            if !rest.is_empty() && !rest.starts_with(b",") {
                return None;
            }
            found |= matches(&tag);
        }
    }
    Some(found)
}

/// The date in the only header of this name.
fn date(headers: Headers<'_>, name: &str) -> Option<SystemTime> {
    let mut values = headers.get_all(name);
    let value = values.next()?;
    if values.next().is_some() { None } else { parse_date(value) }
}

fn parse_date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()
}

/// A date as a header can tell it.
fn whole_seconds(time: SystemTime) -> SystemTime {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => UNIX_EPOCH + Duration::from_secs(since.as_secs()),
        // No header can tell it at all.
        Err(_) => UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Fields;

    const MODIFIED: &str = "Sat, 29 Oct 1994 19:43:31 GMT";
    const BEFORE: &str = "Sat, 29 Oct 1994 19:43:30 GMT";
    const AFTER: &str = "Sat, 29 Oct 1994 19:43:32 GMT";

    fn request(lines: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in lines {
            fields.append(name, value).unwrap();
        }
        fields
    }

    fn current() -> Validators<'static> {
        Validators {
            tag: EntityTag::parse(b"\"now\""),
            modified: Some(httpdate::parse_http_date(MODIFIED).unwrap() + Duration::from_millis(900)),
            modified_is_strong: true,
        }
    }

    fn read(lines: &[(&str, &str)]) -> Verdict {
        evaluate_conditions(request(lines).headers(), true, Some(&current()))
    }

    fn change(lines: &[(&str, &str)]) -> Verdict {
        evaluate_conditions(request(lines).headers(), false, Some(&current()))
    }

    #[test]
    fn without_conditions_the_request_is_carried_out() {
        assert_eq!(read(&[]), Verdict::Proceed);
        assert_eq!(evaluate_conditions(Headers::default(), false, None), Verdict::Proceed);
    }

    #[test]
    fn if_match_compares_strongly() {
        for (value, verdict) in [
            ("\"now\"", Verdict::Proceed),
            ("\"other\", \"now\"", Verdict::Proceed),
            (",, \"now\" ,", Verdict::Proceed),
            ("*", Verdict::Proceed),
            ("W/\"now\"", Verdict::Failed),
            ("\"other\"", Verdict::Failed),
            ("\"now\" \"other\"", Verdict::Failed),
            ("now", Verdict::Failed),
            ("", Verdict::Failed),
        ] {
            assert_eq!(change(&[("If-Match", value)]), verdict, "{value}");
            assert_eq!(read(&[("If-Match", value)]), verdict, "{value}");
        }
        let star = request(&[("If-Match", "*")]);
        assert_eq!(evaluate_conditions(star.headers(), false, None), Verdict::Failed);
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (value, read_verdict, change_verdict) in [
            ("\"now\"", Verdict::NotModified, Verdict::Failed),
            ("W/\"now\"", Verdict::NotModified, Verdict::Failed),
            ("\"other\",W/\"now\"", Verdict::NotModified, Verdict::Failed),
            ("*", Verdict::NotModified, Verdict::Failed),
            ("\"other\"", Verdict::Proceed, Verdict::Proceed),
            ("\"no,w\"", Verdict::Proceed, Verdict::Proceed),
            ("now", Verdict::Proceed, Verdict::Failed),
        ] {
            assert_eq!(read(&[("If-None-Match", value)]), read_verdict, "{value}");
            assert_eq!(change(&[("If-None-Match", value)]), change_verdict, "{value}");
        }
        let star = request(&[("If-None-Match", "*")]);
        assert_eq!(evaluate_conditions(star.headers(), false, None), Verdict::Proceed);
    }

    #[test]
    fn a_list_may_be_spread_over_several_headers() {
        assert_eq!(read(&[("If-None-Match", "\"a\""), ("If-None-Match", "\"now\"")]), Verdict::NotModified);
        assert_eq!(read(&[("If-Match", "\"a\""), ("If-Match", "\"now\"")]), Verdict::Proceed);
    }

    #[test]
    fn dates_count_to_the_second() {
        for (date, since, unmodified) in [
            (BEFORE, Verdict::Proceed, Verdict::Failed),
            (MODIFIED, Verdict::NotModified, Verdict::Proceed),
            (AFTER, Verdict::NotModified, Verdict::Proceed),
            // The obsolete forms have to be understood too (RFC 9110, section 5.6.7).
            ("Saturday, 29-Oct-94 19:43:31 GMT", Verdict::NotModified, Verdict::Proceed),
            ("Sat Oct 29 19:43:30 1994", Verdict::Proceed, Verdict::Failed),
            ("tomorrow", Verdict::Proceed, Verdict::Proceed),
        ] {
            assert_eq!(read(&[("If-Modified-Since", date)]), since, "{date}");
            assert_eq!(change(&[("If-Modified-Since", date)]), Verdict::Proceed, "{date}");
            assert_eq!(read(&[("If-Unmodified-Since", date)]), unmodified, "{date}");
        }
    }

    #[test]
    fn tags_take_precedence_over_dates() {
        assert_eq!(read(&[("If-None-Match", "\"other\""), ("If-Modified-Since", AFTER)]), Verdict::Proceed);
        assert_eq!(read(&[("If-None-Match", "\"now\""), ("If-Modified-Since", BEFORE)]), Verdict::NotModified);
        assert_eq!(read(&[("If-Match", "\"now\""), ("If-Unmodified-Since", BEFORE)]), Verdict::Proceed);
        assert_eq!(read(&[("If-Match", "\"other\""), ("If-None-Match", "\"now\"")]), Verdict::Failed);
        assert_eq!(read(&[("If-Match", "\"now\""), ("If-None-Match", "\"now\"")]), Verdict::NotModified);
        assert_eq!(read(&[("If-Unmodified-Since", BEFORE), ("If-None-Match", "\"now\"")]), Verdict::Failed);
    }

    #[test]
    fn parts_are_sent_of_the_very_same_version_alone() {
        let applies =
            |value, validators: &Validators<'_>| range_applies(request(&[("If-Range", value)]).headers(), validators);
        assert!(range_applies(Headers::default(), &Validators::default()));
        assert!(applies("\"now\"", &current()));
        assert!(!applies("W/\"now\"", &current()));
        assert!(!applies("\"other\"", &current()));
        assert!(applies(MODIFIED, &current()));
        assert!(!applies(AFTER, &current()));
        assert!(!applies(MODIFIED, &Validators { modified_is_strong: false, ..current() }));
        assert!(!applies("*", &current()));
        assert!(!applies(MODIFIED, &Validators::default()));
    }

    #[test]
    fn a_date_is_strong_after_a_second() {
        let then = UNIX_EPOCH + Duration::from_secs(1000);
        assert!(!Validators::date_is_strong(then, then));
        assert!(!Validators::date_is_strong(then, then - Duration::from_secs(5)));
        assert!(Validators::date_is_strong(then, then + Duration::from_secs(1)));
    }
}
