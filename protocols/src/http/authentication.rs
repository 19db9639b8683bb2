//! Who sends a request (RFC 7617, RFC 6750).

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use lariat::Failure;
use subtle::ConstantTimeEq;

use super::fields::Headers;
use super::handler::{Answer, Handler, Later, Now};
use super::login_throttle::{Attempt, LoginThrottle};
use super::request::Request;
use super::response::{IntoResponse, Response};
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

/// Returns whether two secrets are the same, in a time that depends on their lengths alone: so nobody learns from the time how much of a guess
/// was right.
///
/// ```
/// use lariat_protocols::http::constant_time_eq;
///
/// assert!(constant_time_eq("open sesame", b"open sesame"));
/// assert!(!constant_time_eq("open sesame", "open simsim"));
/// ```
#[doc(alias = "compare_digest")]
pub fn constant_time_eq(given: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) -> bool {
    given.as_ref().ct_eq(expected.as_ref()).into()
}

/// What a check of credentials gives: the name of the user, or nothing.
pub struct CheckResult(When);

enum When {
    Now(Option<String>),
    Later(Pin<Box<dyn Future<Output = Result<Option<String>, Failure>>>>),
}

/// What can be a [`CheckResult`]: an `Option<String>`; or, for a check that takes its time, a future of that, such as the
/// [`Deferred`](lariat::Deferred) of [`Reactor::defer_to_thread`](lariat::Reactor::defer_to_thread). `Kind` keeps the kinds apart, and is found by the
/// compiler.
pub trait IntoCheckResult<Kind> {
    /// The result that it is.
    fn into_check_result(self) -> CheckResult;
}

impl IntoCheckResult<Now> for Option<String> {
    fn into_check_result(self) -> CheckResult {
        CheckResult(When::Now(self))
    }
}

impl<F: Future<Output = Result<Option<String>, Failure>> + 'static> IntoCheckResult<Later> for F {
    fn into_check_result(self) -> CheckResult {
        CheckResult(When::Later(Box::pin(self)))
    }
}

impl std::fmt::Debug for CheckResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            When::Now(_) => "Now",
            When::Later(_) => "Later",
        })
    }
}

/// Passes requests to a handler if their credentials are right. Others are answered 401, which asks for credentials.
///
/// The check gives the name of the user, or nothing: at once, or later if it takes its time. A password hash belongs in a thread:
///
/// ```
/// use lariat::Reactor;
/// use lariat_protocols::http::{Authenticated, Credentials, Request, Router, constant_time_eq};
///
/// /// Stands for a slow hash of passwords, such as argon2.
/// fn is_password_of(user: &str, password: &str) -> bool {
///     user == "ada" && constant_time_eq(password, "open sesame")
/// }
///
/// fn vault(reactor: &Reactor) -> Router {
///     let reactor = reactor.clone();
///     let secret = |request: &mut Request<'_>| format!("a secret for {}", request.user().unwrap_or_default());
///     let guarded = Authenticated::basic("vault", secret, move |credentials: &Credentials| {
///         let credentials = credentials.clone();
///         reactor.defer_to_thread(move || match credentials {
///             Credentials::Basic { user, password } => is_password_of(&user, &password).then_some(user),
///             _ => None,
///         })
///     });
///     let mut router = Router::new();
///     router.nest("/vault", guarded);
///     router
/// }
/// ```
///
/// While a check runs, the connection waits, and the check is dropped if the client goes. Then the handler gets the request as if it had come
/// just now, but for two things: the limit of its body was settled before, and the user does not stand in the access log. A check that fails,
/// because a database does not answer, is answered 500.
///
/// An address that sends wrong credentials again and again has to wait: see [`LoginThrottle`]. Behind a proxy, all clients have the proxy's
/// address, so set [`with_throttle`](Self::with_throttle) there, or [`without_throttle`](Self::without_throttle).
#[doc(alias = "HTTPAuthSessionWrapper")]
pub struct Authenticated<H, F> {
    handler: Rc<H>,
    check: F,
    challenge: Rc<str>,
    throttle: Option<LoginThrottle>,
}

/// The kind of handler that an [`Authenticated`] is, of a handler of kind `Kind` and a check whose result is of kind `Checked`.
#[derive(Debug)]
pub struct Guarding<Kind, Checked>(PhantomData<(Kind, Checked)>);

impl<H, F> Authenticated<H, F> {
    /// Asks for a name and a password for the part of the site named `realm`. `check` gives the name of the user, or nothing. Passwords are best
    /// kept as slow hashes, and compared by [`constant_time_eq`].
    pub fn basic<Kind, Checked, V>(realm: &str, handler: H, check: F) -> Self
    where
        H: Handler<Kind>,
        F: Fn(&Credentials) -> V + 'static,
        V: IntoCheckResult<Checked>,
    {
        Self::new(handler, check, &format!("Basic realm=\"{}\", charset=\"UTF-8\"", quoted(realm)))
    }

    /// Asks for a token for the part of the site named `realm`. `check` gives the name of the user, or nothing.
    pub fn bearer<Kind, Checked, V>(realm: &str, handler: H, check: F) -> Self
    where
        H: Handler<Kind>,
        F: Fn(&Credentials) -> V + 'static,
        V: IntoCheckResult<Checked>,
    {
        Self::new(handler, check, &format!("Bearer realm=\"{}\"", quoted(realm)))
    }

    fn new(handler: H, check: F, challenge: &str) -> Self {
        Self { handler: Rc::new(handler), check, challenge: challenge.into(), throttle: Some(LoginThrottle::default()) }
    }

    /// Sets how addresses wait that send wrong credentials. Default: the [default](LoginThrottle::default), by the address of the connection.
    #[must_use]
    pub fn with_throttle(mut self, throttle: LoginThrottle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Lets everyone try as often as they like.
    #[must_use]
    pub fn without_throttle(mut self) -> Self {
        self.throttle = None;
        self
    }

    /// Begins the check of a request, unless its address has to wait.
    fn begin(&self, request: &Request<'_>) -> Result<Attempt, Duration> {
        let Some(throttle) = &self.throttle else { return Ok(Attempt::free()) };
        let address = request.peer().address().tcp().map(|address| address.ip());
        throttle.begin(address, request.reactor().now())
    }
}

/// What can stand between quotes.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn unauthorized(challenge: &str) -> Response {
    Response::error(Status::UNAUTHORIZED).with_header("WWW-Authenticate", challenge).into_response()
}

/// The response to an address that has to wait.
fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Response::error(Status::TOO_MANY_REQUESTS).with_header("Retry-After", seconds.to_string()).into_response()
}

impl<Kind, Checked, H, F, V> Handler<Guarding<Kind, Checked>> for Authenticated<H, F>
where
    Kind: 'static,
    Checked: 'static,
    H: Handler<Kind>,
    F: Fn(&Credentials) -> V + 'static,
    V: IntoCheckResult<Checked>,
{
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let Some(credentials) = Credentials::from_headers(&request.head().headers()) else {
            return Answer::now(unauthorized(&self.challenge));
        };
        let attempt = match self.begin(request) {
            Ok(attempt) => attempt,
            Err(wait) => return Answer::now(too_many(wait)),
        };
        match (self.check)(&credentials).into_check_result().0 {
            When::Now(user) => {
                attempt.end(user.is_some(), request.reactor().now());
                match user {
                    Some(user) => {
                        request.set_user(&user);
                        self.handler.handle(request)
                    }
                    None => Answer::now(unauthorized(&self.challenge)),
                }
            }
            When::Later(checked) => {
                let (handler, challenge, mut request) = (self.handler.clone(), self.challenge.clone(), request.take());
                Answer::later(async move {
                    let user = checked.await?;
                    attempt.end(user.is_some(), request.reactor().now());
                    match user {
                        Some(user) => {
                            request.set_user(&user);
                            Ok::<_, Failure>(request.hand_to(&*handler).await)
                        }
                        None => Ok(unauthorized(&challenge)),
                    }
                })
            }
        }
    }
}

impl<H, F> std::fmt::Debug for Authenticated<H, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticated").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}
