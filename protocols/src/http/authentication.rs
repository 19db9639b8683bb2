//! Who sends a request (RFC 7617, RFC 6750).

use super::fields::Headers;
use super::handler::{Answer, Handler};
use super::request::Request;
use super::response::Response;
use super::status::Status;

/// What a client says of itself in Authorization.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// A name and a password.
    Basic {
        /// The name, which has no colon.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Bearer(String),
}

/// Secrets do not belong into a log.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Basic { user, .. } => f.debug_struct("Basic").field("user", user).finish_non_exhaustive(),
            Self::Bearer(_) => f.write_str("Bearer(..)"),
        }
    }
}

impl Credentials {
    /// What Authorization says, if it is there, once, and well-formed.
    ///
    /// ```
    /// use lariat_protocols::http::{Credentials, Fields};
    ///
    /// let mut fields = Fields::new();
    /// fields.append("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")?;
    /// let credentials = Credentials::from_headers(&fields.headers());
    /// let expected = Credentials::Basic { user: "Aladdin".into(), password: "open sesame".into() };
    /// assert_eq!(credentials, Some(expected));
    /// # Ok::<(), lariat_protocols::http::InvalidField>(())
    /// ```
    pub fn from_headers(headers: &Headers<'_>) -> Option<Self> {
        let mut all = headers.get_all("Authorization");
        let (Some(value), None) = (all.next(), all.next()) else { return None };
        let (scheme, rest) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        let rest = rest.trim_start_matches(' ');
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = String::from_utf8(base64(rest)?).ok()?;
            let (user, password) = decoded.split_once(':')?;
            Some(Self::Basic { user: user.to_owned(), password: password.to_owned() })
        } else if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            Some(Self::Bearer(rest.to_owned()))
        } else {
            None
        }
    }
}

/// The bytes that stand in base 64, padded (RFC 4648, section 4).
fn base64(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for (place, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && place + 1 < groups.len()) {
            return None;
        }
        let mut bits = 0_u32;
        for byte in &group[..4 - padding] {
            bits = bits << 6 | digit(*byte)?;
        }
        bits <<= 6 * padding;
        let [_, three @ ..] = bits.to_be_bytes();
        let (kept, dropped) = three.split_at(3 - padding);
        if dropped.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Lets through to a handler only who is known; others are asked to say who they are.
///
/// ```
/// use lariat_protocols::http::{Authenticated, Credentials, Request, Router};
///
/// let secret = |request: &mut Request<'_>| format!("a secret for {}", request.user().unwrap_or_default());
/// let guarded = Authenticated::basic("vault", secret, |credentials: &Credentials| match credentials {
///     Credentials::Basic { user, password } if password == "open sesame" => Some(user.clone()),
///     _ => None,
/// });
/// let mut router = Router::new();
/// router.nest("/vault", guarded);
/// ```
#[doc(alias = "HTTPAuthSessionWrapper")]
pub struct Authenticated<H, F> {
    handler: H,
    check: F,
    challenge: String,
}

/// The kind of handler that an [`Authenticated`] of a handler of kind `Kind` is.
#[derive(Debug)]
pub struct Guarding<Kind>(std::marker::PhantomData<Kind>);

impl<H, F: Fn(&Credentials) -> Option<String> + 'static> Authenticated<H, F> {
    /// Asks for a name and a password, for what is called `realm`. `check` gives the name of who is known: see
    /// [`Request::user`](super::Request::user). Passwords are best compared in constant time, by their hashes.
    pub fn basic<Kind>(realm: &str, handler: H, check: F) -> Self
    where
        H: Handler<Kind>,
    {
        Self { handler, check, challenge: format!("Basic realm=\"{}\", charset=\"UTF-8\"", quoted(realm)) }
    }

    /// Asks for a token, for what is called `realm`.
    pub fn bearer<Kind>(realm: &str, handler: H, check: F) -> Self
    where
        H: Handler<Kind>,
    {
        Self { handler, check, challenge: format!("Bearer realm=\"{}\"", quoted(realm)) }
    }
}

/// What can stand between quotes.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.chars().filter(|letter| !letter.is_control()).collect()
}

impl<Kind: 'static, H, F> Handler<Guarding<Kind>> for Authenticated<H, F>
where
    H: Handler<Kind>,
    F: Fn(&Credentials) -> Option<String> + 'static,
{
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let credentials = Credentials::from_headers(&request.head().headers());
        match credentials.and_then(|credentials| (self.check)(&credentials)) {
            Some(user) => {
                request.set_user(&user);
                self.handler.handle(request)
            }
            None => Answer::now(Response::error(Status::UNAUTHORIZED).with_header("WWW-Authenticate", &self.challenge)),
        }
    }
}

impl<H, F> std::fmt::Debug for Authenticated<H, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticated").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}
