//! How a response says what became of a request.

use std::fmt;

/// A status code (RFC 9110, section 15): three digits, from 100 to 999.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $code:literal $reason:literal;)+) => {
        impl Status {
            $($(#[$doc])* pub const $name: Self = Self($code);)+

            /// The words that belong to the code, for people: nothing should look at them. Empty for a code that nobody has registered.
            pub const fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)+
                    _ => "",
                }
            }

            /// The status line of HTTP/1.1, if the code is a known one.
            const fn known_line(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(concat!("HTTP/1.1 ", $code, " ", $reason, "\r\n")),)+
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// 100: go on and send the body.
    CONTINUE = 100 "Continue";
    /// 101: another protocol follows.
    SWITCHING_PROTOCOLS = 101 "Switching Protocols";
    /// 103: fields that the final response is likely to have.
    EARLY_HINTS = 103 "Early Hints";
    /// 200.
    OK = 200 "OK";
    /// 201.
    CREATED = 201 "Created";
    /// 202.
    ACCEPTED = 202 "Accepted";
    /// 204: there is no body, and none may be sent.
    NO_CONTENT = 204 "No Content";
    /// 205.
    RESET_CONTENT = 205 "Reset Content";
    /// 206: parts of what was asked for.
    PARTIAL_CONTENT = 206 "Partial Content";
    /// 300.
    MULTIPLE_CHOICES = 300 "Multiple Choices";
    /// 301.
    MOVED_PERMANENTLY = 301 "Moved Permanently";
    /// 302.
    FOUND = 302 "Found";
    /// 303: look there, with GET.
    SEE_OTHER = 303 "See Other";
    /// 304: what the client has is still right.
    NOT_MODIFIED = 304 "Not Modified";
    /// 307: as 302, with the same method.
    TEMPORARY_REDIRECT = 307 "Temporary Redirect";
    /// 308: as 301, with the same method.
    PERMANENT_REDIRECT = 308 "Permanent Redirect";
    /// 400: it was no request.
    BAD_REQUEST = 400 "Bad Request";
    /// 401: say who you are.
    UNAUTHORIZED = 401 "Unauthorized";
    /// 403.
    FORBIDDEN = 403 "Forbidden";
    /// 404.
    NOT_FOUND = 404 "Not Found";
    /// 405: there is such a thing, but it does not take that method.
    METHOD_NOT_ALLOWED = 405 "Method Not Allowed";
    /// 406.
    NOT_ACCEPTABLE = 406 "Not Acceptable";
    /// 408: the request took too long.
    REQUEST_TIMEOUT = 408 "Request Timeout";
    /// 409.
    CONFLICT = 409 "Conflict";
    /// 410.
    GONE = 410 "Gone";
    /// 411.
    LENGTH_REQUIRED = 411 "Length Required";
    /// 412.
    PRECONDITION_FAILED = 412 "Precondition Failed";
    /// 413: the body is too large.
    CONTENT_TOO_LARGE = 413 "Content Too Large";
    /// 414: the target is too long.
    URI_TOO_LONG = 414 "URI Too Long";
    /// 415.
    UNSUPPORTED_MEDIA_TYPE = 415 "Unsupported Media Type";
    /// 416.
    RANGE_NOT_SATISFIABLE = 416 "Range Not Satisfiable";
    /// 417: the request expects what this server does not do.
    EXPECTATION_FAILED = 417 "Expectation Failed";
    /// 421.
    MISDIRECTED_REQUEST = 421 "Misdirected Request";
    /// 422.
    UNPROCESSABLE_CONTENT = 422 "Unprocessable Content";
    /// 426.
    UPGRADE_REQUIRED = 426 "Upgrade Required";
    /// 428.
    PRECONDITION_REQUIRED = 428 "Precondition Required";
    /// 429.
    TOO_MANY_REQUESTS = 429 "Too Many Requests";
    /// 431: the head is too large.
    REQUEST_HEADER_FIELDS_TOO_LARGE = 431 "Request Header Fields Too Large";
    /// 500: it is not the client's fault.
    INTERNAL_SERVER_ERROR = 500 "Internal Server Error";
    /// 501.
    NOT_IMPLEMENTED = 501 "Not Implemented";
    /// 502.
    BAD_GATEWAY = 502 "Bad Gateway";
    /// 503.
    SERVICE_UNAVAILABLE = 503 "Service Unavailable";
    /// 504.
    GATEWAY_TIMEOUT = 504 "Gateway Timeout";
    /// 505: no such version of HTTP is spoken here.
    HTTP_VERSION_NOT_SUPPORTED = 505 "HTTP Version Not Supported";
}

impl Status {
    /// The status with this code, if it has three digits and does not begin with 0.
    ///
    /// ```
    /// use lariat_protocols::http::Status;
    ///
    /// assert_eq!(Status::from_code(404), Some(Status::NOT_FOUND));
    /// assert_eq!(Status::from_code(99), None);
    /// ```
    pub const fn from_code(code: u16) -> Option<Self> {
        if matches!(code, 100..=999) { Some(Self(code)) } else { None }
    }

    /// The status line of HTTP/1.1, if the code is a known one.
    pub(super) const fn line(self) -> Option<&'static str> {
        self.known_line()
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Does another response to the same request follow? (1xx, but for 101.)
    pub const fn is_informational(self) -> bool {
        self.0 < 200 && self.0 != 101
    }

    /// Did it work? (2xx.)
    pub const fn is_success(self) -> bool {
        matches!(self.0, 200..=299)
    }

    /// Was the request at fault? (4xx.)
    pub const fn is_client_error(self) -> bool {
        matches!(self.0, 400..=499)
    }

    /// Was the server at fault? (5xx.)
    pub const fn is_server_error(self) -> bool {
        matches!(self.0, 500..=599)
    }

    /// Can a response with this status have a body? (RFC 9110, section 6.4.1.)
    pub const fn allows_body(self) -> bool {
        !matches!(self.0, 100..=199 | 204 | 304)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            "" => write!(f, "{}", self.0),
            reason => write!(f, "{} {reason}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({})", self.0)
    }
}
