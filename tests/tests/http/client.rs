//! The client's side of a connection, without input and output.

use lariat::testing::check_splits;
use lariat_protocols::http::{BodyLength, ClientConnection, Fields, HttpError, InvalidRequest, Limits, ResponseEvent};

/// What a client hears when it has asked with `method` and gets `pieces`, and then the end of the stream.
fn heard(method: &str, pieces: &[&[u8]]) -> Vec<String> {
    let mut client = ClientConnection::new(Limits::default().into());
    let mut out = Vec::new();
    client.request(method, "/x", "a", &Fields::new(), BodyLength::None, &mut out).expect("it can be sent");
    let (mut heard, mut body) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        loop {
            match client.next(&mut input) {
                Ok(Some(ResponseEvent::Data(data))) => body.extend_from_slice(data),
                Ok(Some(ResponseEvent::Informational(head))) => heard.push(format!("informed {}", head.status())),
                Ok(Some(ResponseEvent::Head(head))) => {
                    heard.push(format!("head {} {} {:?}", head.version(), head.status(), head.body_length()));
                }
                Ok(Some(ResponseEvent::Switched(head))) => heard.push(format!("switched {}", head.status())),
                Ok(Some(ResponseEvent::End(trailers))) => heard.push(format!("end {trailers:?}")),
                Ok(None) => break,
                Err(error) => {
                    heard.push(format!("error {error:?}"));
                    break;
                }
            }
        }
    }
    heard.push(format!("body {} idle {}", String::from_utf8_lossy(&body), client.is_idle()));
    match client.end_of_input() {
        Ok(true) => heard.push("ended by the stream".to_owned()),
        Ok(false) => {}
        Err(error) => heard.push(format!("error {error:?}")),
    }
    heard
}

#[test]
fn responses_are_the_same_however_they_are_cut() {
    for (method, input, expected) in [
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "head HTTP/1.1 200 OK Known(5)|end {}|body hello idle true",
        ),
        ("GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "head HTTP/1.1 200 OK None|end {}|body  idle true"),
        (
            "GET",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
            "informed 100 Continue|informed 103 Early Hints|head HTTP/1.1 204 No Content None|end {}|body  idle true",
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
            "head HTTP/1.1 200 OK Chunked|end {\"X\": \"y\"}|body hello idle true",
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
            "head HTTP/1.1 200 OK UntilClose|body hello idle false|ended by the stream",
        ),
        (
            "GET",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "head HTTP/1.0 200 OK Known(2)|end {}|body hi idle false",
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "head HTTP/1.1 200 OK None|end {}|body  idle true"),
        (
            "GET",
            "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
            "head HTTP/1.1 304 Not Modified None|end {}|body  idle true",
        ),
        ("GET", "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\nrest", "switched 101 Switching Protocols|body  idle false"),
        ("CONNECT", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nrest", "switched 200 OK|body  idle false"),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            "head HTTP/1.1 200 OK Known(5)|body hell idle false|error UnexpectedEnd",
        ),
        ("GET", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n", "error BareLineFeed|body  idle false"),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "error LengthAndTransferEncoding|body  idle false",
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "error DuplicateLength|body  idle false",
        ),
        ("GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "error ObsoleteFolding|body  idle false"),
        ("GET", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "error SpaceBeforeColon|body  idle false"),
        ("GET", "HTTP/1.1 099 No\r\n\r\n", "error MalformedStartLine|body  idle false"),
        ("GET", "HTTP/2.0 200 OK\r\n\r\n", "error UnsupportedVersion|body  idle false"),
        ("GET", "ICY 200 OK\r\n\r\n", "error MalformedStartLine|body  idle false"),
        ("GET", "", "body  idle false|error UnexpectedEnd"),
    ] {
        let whole = heard(method, &[input.as_bytes()]);
        assert_eq!(whole.join("|"), expected, "{input}");
        if input.len() > 1 {
            check_splits(input, |pieces| heard(method, pieces));
        }
    }
}

#[test]
fn a_request_that_would_be_another_is_not_sent() {
    let mut client = ClientConnection::new(Limits::default().into());
    let mut out = Vec::new();
    let none = BodyLength::None;
    assert_eq!(client.request("GET", "/ x", "a", &Fields::new(), none, &mut out), Err(InvalidRequest::Target));
    assert_eq!(client.request("G T", "/", "a", &Fields::new(), none, &mut out), Err(InvalidRequest::Method));
    assert_eq!(
        client.request("GET", "/", "a", &Fields::new(), BodyLength::UntilClose, &mut out),
        Err(InvalidRequest::EndlessBody)
    );
    assert!(out.is_empty());
    assert!(client.request("POST", "/", "a", &Fields::new(), none, &mut out).is_ok());
    assert_eq!(out, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.request("GET", "/", "a", &Fields::new(), none, &mut out), Err(InvalidRequest::NotIdle));
}

#[test]
fn a_response_that_nobody_asked_for_is_not_looked_at() {
    let mut client = ClientConnection::new(Limits::default().into());
    let mut input = &b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..];
    assert!(client.next(&mut input).is_ok_and(|event| event.is_none()));
    assert_eq!(input.len(), 38);
    assert_eq!(client.end_of_input(), Ok::<_, HttpError>(false));
}

#[test]
fn informational_responses_without_end_are_an_error() {
    let mut client = ClientConnection::new(Limits::default().into());
    let mut out = Vec::new();
    client.request("GET", "/", "a", &Fields::new(), BodyLength::None, &mut out).expect("it is idle");
    for number in 1..=33 {
        let next = client.next(&mut &b"HTTP/1.1 103 Early Hints\r\n\r\n"[..]);
        match next {
            Ok(Some(ResponseEvent::Informational(_))) => assert!(number <= 32),
            next => assert!(number == 33 && matches!(next, Err(HttpError::TooManyInformational)), "{number}: {next:?}"),
        }
    }
}
