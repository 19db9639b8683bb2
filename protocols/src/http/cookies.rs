//! What a server has a browser remember (RFC 6265).

use std::fmt;
use std::time::Duration;

use super::fields::{Headers, InvalidField};
use super::grammar::is_token;
use super::response::Response;

/// A cookie that is to be set. It is sent over TLS alone, kept from scripts and from requests of other sites (`Secure`, `HttpOnly`,
/// `SameSite=Lax`) and is for the whole site (`Path=/`), unless it is said otherwise.
///
/// ```
/// use lariat_protocols::http::{Cookie, Response};
/// use std::time::Duration;
///
/// let cookie = Cookie::new("session", "8f3a")?.with_max_age(Duration::from_secs(3600));
/// let response = Response::text("welcome").with_cookie(&cookie)?;
/// let set = response.fields().headers().get_str("set-cookie");
/// assert_eq!(set, Some("session=8f3a; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"));
/// # Ok::<(), lariat_protocols::http::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    name: String,
    value: String,
    path: String,
    max_age: Option<Duration>,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
}

/// To which requests that another site makes a browser adds a cookie.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// To none.
    Strict,
    /// To those by which somebody comes to this site.
    Lax,
    /// To all; such a cookie has to be a secure one.
    None,
}

/// Browsers accept a cookie of such a name only from this host, over TLS, for all paths.
const HOST_PREFIX: &str = "__Host-";

/// Browsers accept a cookie of such a name only over TLS.
const SECURE_PREFIX: &str = "__Secure-";

/// Whether a name begins with a prefix, in any case, as browsers compare them.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl Cookie {
    /// A cookie with that name, which is a token, and value, which has no spaces, quotes, commas, semicolons or backslashes.
    ///
    /// # Errors
    ///
    /// When the name or the value is none.
    pub fn new(name: &str, value: &str) -> Result<Self, InvalidField> {
        if !is_token(name.as_bytes()) {
            return Err(InvalidField::Name);
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)) {
            return Err(InvalidField::Value);
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
            path: "/".to_owned(),
            max_age: None,
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
        })
    }

    /// A cookie that only this host, over TLS, can set: the name `__Host-` and `name` (RFC 6265bis, section 4.1.3.2). A page of another host of the same
    /// domain, or somebody on the way of a request without TLS, cannot replace it. For sessions, and tokens against forged requests.
    ///
    /// ```
    /// use lariat_protocols::http::Cookie;
    ///
    /// let cookie = Cookie::host("session", "8f3a")?;
    /// assert_eq!(cookie.to_string(), "__Host-session=8f3a; Path=/; Secure; HttpOnly; SameSite=Lax");
    /// # Ok::<(), lariat_protocols::http::InvalidField>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the name or the value cannot be those of a cookie.
    pub fn host(name: &str, value: &str) -> Result<Self, InvalidField> {
        Self::new(&format!("{HOST_PREFIX}{name}"), value)
    }

    /// Whether the name has a prefix with which browsers accept the cookie only if it is secure.
    fn must_be_secure(&self) -> bool {
        has_prefix(&self.name, HOST_PREFIX) || has_prefix(&self.name, SECURE_PREFIX)
    }

    /// A cookie that has a browser forget the one of that name.
    ///
    /// # Errors
    ///
    /// When the name is none.
    pub fn forget(name: &str) -> Result<Self, InvalidField> {
        Ok(Self::new(name, "")?.with_max_age(Duration::ZERO))
    }

    /// Sets for which paths it is: that one and those below.
    ///
    /// # Errors
    ///
    /// When it cannot be a path, or the cookie's name begins with `__Host-`, so that its path is `/`.
    pub fn with_path(mut self, path: &str) -> Result<Self, InvalidField> {
        if !path.starts_with('/') || !path.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';') {
            return Err(InvalidField::Value);
        }
        if has_prefix(&self.name, HOST_PREFIX) && path != "/" {
            return Err(InvalidField::Value);
        }
        path.clone_into(&mut self.path);
        Ok(self)
    }

    /// Sets how long it is remembered, in whole seconds. Otherwise it is forgotten when the browser ends.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Sends it over connections without TLS too. A cookie whose name begins with `__Host-` or `__Secure-` stays secure: browsers would not
    /// accept it otherwise.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.secure = false;
        self
    }

    /// Lets scripts see it.
    #[must_use]
    pub fn visible_to_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Sets to which requests of other sites it is added.
    #[must_use]
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }
}

/// As it stands in Set-Cookie.
impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}; Path={}", self.name, self.value, self.path)?;
        if let Some(age) = self.max_age {
            write!(f, "; Max-Age={}", age.as_secs())?;
        }
        let secure = self.secure || self.must_be_secure();
        for (is_set, attribute) in [(secure, "; Secure"), (self.http_only, "; HttpOnly")] {
            if is_set {
                f.write_str(attribute)?;
            }
        }
        write!(f, "; SameSite={:?}", self.same_site)
    }
}

impl Response {
    /// Has the browser remember a cookie, besides those that are set already.
    ///
    /// # Errors
    ///
    /// Never, as a cookie is checked when it is made; the type says so because a header is set.
    #[doc(alias = "addCookie")]
    pub fn with_cookie(mut self, cookie: &Cookie) -> Result<Self, InvalidField> {
        self.fields.append("Set-Cookie", cookie.to_string())?;
        Ok(self)
    }
}

impl<'a> Headers<'a> {
    /// The value of the first cookie of this name, as a request brings it, without quotes around it.
    ///
    /// ```
    /// use lariat_protocols::http::Fields;
    ///
    /// let mut fields = Fields::new();
    /// fields.append("Cookie", "a=1; session=8f3a")?;
    /// assert_eq!(fields.headers().cookie("session"), Some("8f3a"));
    /// # Ok::<(), lariat_protocols::http::InvalidField>(())
    /// ```
    #[doc(alias = "getCookie")]
    pub fn cookie(&self, name: &str) -> Option<&'a str> {
        let pairs = self.get_all("Cookie").filter_map(|header| std::str::from_utf8(header).ok());
        let mut pairs = pairs.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(found, _)| *found == name)?;
        Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
    }
}
