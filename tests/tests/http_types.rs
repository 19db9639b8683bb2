//! HTTP's requests and responses, in the types of the `http` crate.

use bytes::Bytes;
use http::{HeaderMap, Uri};
use lariat::StreamOptions;
use lariat::testing::{MemoryTransport, VirtualClock};
use lariat_protocols::http::{
    Body, BodyLength, ClientConnection, ConversionError, Fields, InvalidField, Limits, Request, RequestEvent, Response,
    Router, Server, ServerConnection,
};

/// What a request with this head is in the other types.
fn converted(head: &str) -> Result<http::Request<()>, ConversionError> {
    let limits = Limits { head: 1024 * 1024, headers: 100_000, ..Limits::default() };
    let mut connection = ServerConnection::new(limits.into());
    let mut input = head.as_bytes();
    let Ok(Some(RequestEvent::Head(head))) = connection.next(&mut input) else { panic!("there is a head") };
    let of_copy = head.to_owned().head().to_http();
    let converted = head.to_http();
    assert_eq!(format!("{of_copy:?}"), format!("{converted:?}"), "a copy is the same");
    converted
}

fn uri_and_host(head: &str) -> (Uri, Option<String>) {
    let (parts, ()) = converted(head).expect("it can be converted").into_parts();
    let hosts: Vec<_> = parts.headers.get_all("host").iter().collect();
    assert!(hosts.len() < 2, "{hosts:?}");
    (parts.uri, hosts.first().map(|host| host.to_str().expect("it is text").to_owned()))
}

#[test]
fn a_request_keeps_its_method_target_and_version() {
    let request = converted("GET /a%20b//c?d=e&f HTTP/1.1\r\nHost: here:80\r\n\r\n").unwrap();
    assert_eq!((request.method(), request.version()), (&http::Method::GET, http::Version::HTTP_11));
    assert_eq!((request.uri().path(), request.uri().query()), ("/a%20b//c", Some("d=e&f")));
    assert_eq!((request.uri().scheme(), request.uri().authority()), (None, None));
    assert!(request.extensions().is_empty());
    let request = converted("pa-tch //elsewhere/x HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!((request.method().as_str(), request.version()), ("pa-tch", http::Version::HTTP_10));
    assert_eq!((request.uri().path(), request.uri().authority()), ("//elsewhere/x", None), "a path is no host");
    assert!(request.headers().is_empty());
}

#[test]
fn a_request_keeps_all_its_headers_in_their_order() {
    let head =
        "GET / HTTP/1.1\r\nB: 1\r\nHost: h\r\na: \tx\ty \r\nb: 2\r\nEmpty:\r\nC: p, q\r\nb: \u{fc}\r\nB: 1\r\n\r\n";
    let request = converted(head).unwrap();
    let all = |name: &str| request.headers().get_all(name).iter().map(http::HeaderValue::as_bytes).collect::<Vec<_>>();
    assert_eq!(all("b"), [&b"1"[..], b"2", "\u{fc}".as_bytes(), b"1"]);
    assert_eq!((all("a"), all("empty"), all("c")), (vec![&b"x\ty"[..]], vec![&b""[..]], vec![&b"p, q"[..]]));
    assert_eq!(request.headers().len(), 8);
    let names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["b", "host", "a", "empty", "c"]);
}

#[test]
fn the_authority_of_a_whole_uri_is_what_host_says() {
    let (uri, host) = uri_and_host("GET http://there:8080/x?y HTTP/1.1\r\nHost: here\r\n\r\n");
    assert_eq!((uri.to_string().as_str(), host.as_deref()), ("http://there:8080/x?y", Some("there:8080")));
    let (uri, host) = uri_and_host("GET https://[::1]?y HTTP/1.1\r\nhOST: here\r\n\r\n");
    assert_eq!((uri.host(), uri.path(), uri.query()), (Some("[::1]"), "/", Some("y")));
    assert_eq!((uri.scheme_str(), host.as_deref()), (Some("https"), Some("[::1]")));
    let (uri, host) = uri_and_host("GET http://there/ HTTP/1.0\r\n\r\n");
    assert_eq!((uri.host(), host), (Some("there"), None), "nobody has said Host");
}

#[test]
fn connect_and_a_whole_server_have_their_own_uris() {
    let (uri, host) = uri_and_host("CONNECT there:443 HTTP/1.1\r\nHost: here\r\n\r\n");
    assert_eq!((uri.to_string().as_str(), host.as_deref()), ("there:443", Some("there:443")));
    assert_eq!((uri.scheme(), uri.port_u16()), (None, Some(443)));
    let (uri, host) = uri_and_host("OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n");
    assert_eq!((uri.to_string().as_str(), host.as_deref()), ("*", Some("here")));
}

#[test]
fn every_letter_of_a_method_and_a_name_can_be_converted() {
    for byte in (b'!'..=b'~').map(char::from).filter(|byte| byte.is_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*byte))
    {
        let request = converted(&format!("{byte}X / HTTP/1.1\r\nHost: h\r\n{byte}: {byte}\r\n\r\n"));
        let request = request.unwrap_or_else(|error| panic!("{byte}: {error}"));
        assert_eq!((request.method().as_str(), request.headers().len()), (&*format!("{byte}X"), 2));
    }
}

#[test]
fn every_letter_of_a_target_can_be_converted_that_a_uri_may_have() {
    let refused = |before: &str| -> String {
        let letters = (b'!'..=b'~').map(char::from).filter(|byte| !"#?".contains(*byte));
        let is_refused = |byte: &char| {
            let target = format!("{before}{byte}");
            match converted(&format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")) {
                Ok(request) => {
                    assert_eq!(request.uri().to_string(), target);
                    false
                }
                Err(error) => {
                    assert_eq!(error, ConversionError::Target);
                    true
                }
            }
        };
        letters.filter(is_refused).collect()
    };
    // Browsers send none of them, and RFC 3986 has none.
    assert_eq!(refused("/"), "<>`");
    assert_eq!(refused("/?"), "\"<>");
}

#[test]
fn what_these_types_cannot_have_is_an_error_that_says_so() {
    let head = |target: &str, header: &str| format!("GET {target} HTTP/1.1\r\nHost: h\r\n{header}: x\r\n\r\n");
    assert_eq!(converted(&head("http://a%20b/", "a")).unwrap_err(), ConversionError::Target);
    assert_eq!(converted(&head(&"/".repeat(70_000), "a")).unwrap_err(), ConversionError::Target);
    let long = "a".repeat(70_000);
    let error = converted(&head("/", &long)).unwrap_err();
    assert_eq!(error, ConversionError::HeaderName(long));
    assert!(error.to_string().len() < 200, "{error}");
    let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "a:\r\n".repeat(50_000));
    assert_eq!(converted(&many).unwrap_err(), ConversionError::TooManyHeaders);
}

#[test]
fn a_response_keeps_its_status_headers_and_body() {
    let made = http::Response::builder().status(207).header("X", "1").header("Y", "2").header("x", "3");
    let response = Response::try_from(made.body("text").unwrap()).unwrap();
    assert_eq!((response.status().code(), response.body().as_bytes()), (207, Some(&b"text"[..])));
    let headers = response.fields().headers();
    assert_eq!(headers.get_all("X").collect::<Vec<_>>(), [b"1", b"3"]);
    assert_eq!((headers.len(), headers.get("y")), (3, Some(&b"2"[..])));
}

#[test]
fn every_kind_of_body_is_taken_over() {
    fn body(body: impl Into<Body>) -> Vec<u8> {
        let response = Response::try_from(http::Response::new(body)).expect("it can be converted");
        response.body().as_bytes().expect("it is all there").to_vec()
    }
    assert_eq!(body(()), b"");
    assert_eq!(body("a"), b"a");
    assert_eq!(body(String::from("b")), b"b");
    assert_eq!(body(vec![0, 255]), [0, 255]);
    assert_eq!(body(Bytes::from_static(b"c")), b"c");
    assert_eq!(body(Body::from("d")), b"d");
}

#[test]
fn bytes_that_are_no_text_stay_what_they_are_in_a_header() {
    let value = http::HeaderValue::from_bytes(b"\xff\tx").unwrap();
    let made = http::Response::builder().header("X", value).body(()).unwrap();
    let response = Response::try_from(made).unwrap();
    assert_eq!(response.fields().headers().get("X"), Some(&b"\xff\tx"[..]));
}

#[test]
fn a_content_length_has_to_be_right() {
    fn length(said: &str, body: impl Into<Body>) -> Result<Option<u64>, ConversionError> {
        let made = http::Response::builder().header("Content-Length", said).body(body).expect("it is a response");
        let response = Response::try_from(made)?;
        assert!(response.fields().is_empty(), "the server says it");
        Ok(response.body().length())
    }
    assert_eq!(length("4", "text"), Ok(Some(4)));
    for wrong in ["5", "+4", "", " 4", "4, 4", "18446744073709551616", "vier"] {
        assert_eq!(length(wrong, "text"), Err(ConversionError::Length), "{wrong}");
    }
    assert_eq!(length("7", Body::writer(drop)), Ok(Some(7)), "it is announced");
    assert_eq!(length("8", Body::writer(drop).with_length(7)), Err(ConversionError::Length));
}

#[test]
fn headers_of_the_connection_and_informational_statuses_are_refused() {
    for name in ["connection", "keep-alive", "te", "trailer", "transfer-encoding"] {
        let made = http::Response::builder().header(name, "chunked").body(()).unwrap();
        let error = Response::try_from(made).unwrap_err();
        assert_eq!(error, ConversionError::Field { name: name.to_owned(), reason: InvalidField::Framing });
        assert!(error.to_string().starts_with(name), "{error}");
    }
    for code in [100, 101, 103, 199] {
        let made = http::Response::builder().status(code).body(()).unwrap();
        assert_eq!(Response::try_from(made).unwrap_err(), ConversionError::Status(code));
    }
    let highest = http::Response::builder().status(999).body(()).unwrap();
    assert_eq!(Response::try_from(highest).unwrap().status().code(), 999);
}

/// What `/` of a server with this handler answers.
fn served<K>(handler: impl lariat_protocols::http::Handler<K>, fields: &[(&str, &str)]) -> String {
    let mut asked = Fields::new();
    for (name, value) in fields {
        asked.append(name, value).expect("it can be sent");
    }
    let mut input = Vec::new();
    let mut client = ClientConnection::new(Limits::default().into());
    client.request("GET", "/", "here", &asked, BodyLength::None, &mut input).expect("it can be sent");
    let mut wire = MemoryTransport::serve(&VirtualClock::new(), Server::new(handler), StreamOptions::default());
    wire.feed(&input);
    String::from_utf8(wire.take_written()).expect("it is text")
}

#[test]
fn a_handler_may_be_written_for_the_other_types() {
    fn pure(request: &http::Request<()>) -> http::Response<String> {
        let names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
        http::Response::new(format!("{} {names:?}", request.uri()))
    }
    let mut router = Router::new();
    router.get("/", |request: &mut Request<'_>| request.head().to_http().map(|request| pure(&request)));
    let answer = served(router, &[("X-Y", "z")]);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n/ [\"host\", \"x-y\"]"), "{answer}");
}

#[test]
fn a_response_that_cannot_be_sent_is_500_and_a_request_that_cannot_be_had_400() {
    let wrong = |_: &mut Request<'_>| {
        let mut response = http::Response::new("text");
        let mut headers = HeaderMap::new();
        headers.insert("Connection", http::HeaderValue::from_static("close"));
        *response.headers_mut() = headers;
        response
    };
    let answer = served(wrong, &[]);
    assert!(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n") && !answer.ends_with("text"), "{answer}");
    let refused = |_: &mut Request<'_>| ConversionError::Target;
    assert!(served(refused, &[]).starts_with("HTTP/1.1 400 Bad Request\r\n"));
}
