//! Clients that others have written, over real sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use lariat_protocols::http::{Compressed, Cookie, FormError, FormLimits, Limits, Request, Response, Server, Status};

use crate::served::{Served, curl, run};
use crate::site::{router, server};

#[test]
fn curl_gets_posts_and_waits_to_go_on() {
    let site = Served::start(server);
    assert_eq!(curl(&[&site.url("/hello")]), "hello");
    assert_eq!(curl(&["--http1.0", &site.url("/hello")]), "hello");
    assert!(curl(&["--head", &site.url("/hello")]).contains("Content-Length: 5"));
    let body = "x".repeat(100_000);
    assert_eq!(curl(&["-H", "Expect: 100-continue", "-d", &body, &site.url("/echo")]), body);
    assert_eq!(curl(&["-H", "Transfer-Encoding: chunked", "-d", "12345", &site.url("/length")]), "5");
    let both = curl(&[&site.url("/slow"), &site.url("/hello"), "-w", "%{num_connects} "]);
    assert_eq!(both, "slow1 hello0 ", "the second request goes over the same connection");
    let refused = ["-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: a b", &site.url("/hello")];
    assert_eq!(curl(&refused), "400");
}

const HTTP_CLIENT: &str = r#"
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
for _ in range(3):
    connection.request("GET", "/hello")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"hello"), response.status
connection.request("HEAD", "/hello")
response = connection.getresponse()
assert (response.getheader("Content-Length"), response.read()) == ("5", b""), "head"
connection.request("POST", "/length", body=b"x" * 1000000)
assert connection.getresponse().read() == b"1000000", "length"
connection.request("POST", "/echo", body=(bytes([65 + i]) * 5000 for i in range(20)), encode_chunked=True,
                   headers={"Transfer-Encoding": "chunked"})
assert connection.getresponse().read() == b"".join(bytes([65 + i]) * 5000 for i in range(20)), "echo"
connection.request("GET", "/trailers")
assert connection.getresponse().read() == b"text", "trailers"
connection.request("DELETE", "/hello")
response = connection.getresponse()
assert (response.status, response.getheader("Allow")) == (405, "GET, HEAD, OPTIONS"), "allow"
response.read()
connection.request("GET", "/panic")
response = connection.getresponse()
assert (response.status, response.getheader("Connection")) == (500, "close"), "panic"
print("all is well")
"#;

#[test]
fn pythons_http_client_is_content() {
    let site = Served::start(server);
    assert_eq!(run("python3", &["-c", HTTP_CLIENT, &site.port.to_string()]), "all is well\n");
}

/// The site with what `requests` makes more of than other clients.
fn wide() -> Server {
    let mut router = router();
    router.get("/away", |_: &mut Request<'_>| Response::redirect(Status::FOUND, "/hello"));
    router.get("/come-in", |_: &mut Request<'_>| {
        Response::text("welcome").with_cookie(&Cookie::new("session", "8f3a")?.insecure())
    });
    router.get("/who", |request: &mut Request<'_>| {
        request.head().headers().cookie("session").unwrap_or("nobody").to_owned()
    });
    router.get("/story", Compressed::new(|_: &mut Request<'_>| "a long story. ".repeat(1_000)));
    router.get("/json", |_: &mut Request<'_>| Response::json(&["a", "\u{e9}\n"]));
    router.post("/form", |request: &mut Request<'_>| {
        let form = request.form(FormLimits::uploads());
        async move {
            let form = form.await?;
            let lengths = form.uploads().iter().map(|upload| format!("{} {}", upload.file_name(), upload.length()));
            Ok::<_, FormError>(format!("{} {}", form.get("place").unwrap_or("nowhere"), lengths.collect::<String>()))
        }
    });
    Server::new(router)
}

const REQUESTS: &str = r#"
import requests, sys
site = "http://127.0.0.1:" + sys.argv[1]
session = requests.Session()

def get(path, **options):
    return session.get(site + path, timeout=20, **options)

def post(path, **options):
    return session.post(site + path, timeout=20, **options)

for _ in range(3):
    response = get("/hello")
    assert (response.status_code, response.text, response.encoding) == (200, "hello", "utf-8"), response.headers
response = session.head(site + "/hello", timeout=20)
assert (response.headers["Content-Length"], response.content) == ("5", b""), "head"
assert session.options(site + "/hello", timeout=20).headers["Allow"] == "GET, HEAD, OPTIONS", "options"
assert get("/missing").status_code == 404, "missing"
assert session.delete(site + "/hello", timeout=20).status_code == 405, "delete"
assert post("/length", data=b"x" * 1048576).text == "1048576", "length"
assert post("/length", data=(b"x" * 5000 for _ in range(100))).text == "500000", "chunked"
letters = b"".join(bytes([65 + i]) * 5000 for i in range(20))
with post("/echo", data=letters, stream=True) as response:
    assert response.headers["Transfer-Encoding"] == "chunked", response.headers
    assert b"".join(response.iter_content(777)) == letters, "echo"
response = get("/away")
assert (response.text, [past.status_code for past in response.history]) == ("hello", [302]), "away"
assert get("/who").text == "nobody"
get("/come-in")
assert get("/who").text == "8f3a", session.cookies
response = get("/story")
assert response.headers["Content-Encoding"] == "gzip" and len(response.content) == 14000, response.headers
assert get("/json").json() == ["a", "\u00e9\n"], "json"
assert post("/form", data={"place": "two words & more"}).text == "two words & more ", "urlencoded"
upload = post("/form", data={"place": "here"}, files={"photo": ("a photo.png", b"\x89PNG\r\n--\n" * 10000)})
assert upload.text == "here a photo.png 90000", upload.text
connections = session.get_adapter(site).poolmanager.connection_from_url(site).num_connections
assert connections == 1, connections
assert get("/panic").status_code == 500, "panic"
assert get("/hello").text == "hello", "after the panic"
print("all is well")
"#;

#[test]
fn pythons_requests_is_content() {
    let site = Served::start(wide);
    // Debian's Python, whose package it is: another one that comes first in the path would not have it.
    assert_eq!(run("/usr/bin/python3", &["-c", REQUESTS, &site.port.to_string()]), "all is well\n");
}

/// The uploads of each client, and their length: several times what the buffers of both ends hold.
const UPLOADS: usize = 20;
const UPLOAD: usize = 20_000_000;

/// The site, which takes bodies of 50,000 bytes at the most, and none at `/hello`.
fn strict() -> Server {
    Server::new(router()).with_limits(Limits { body: 50_000, ..Limits::default() })
}

const URLLIB: &str = r#"
import sys, urllib.error, urllib.request
site, uploads, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for _ in range(uploads):
    for path, status in [("/length", 413), ("/hello", 405)]:
        try:
            urllib.request.urlopen(site + path, data=b"x" * length, timeout=20)
        except urllib.error.HTTPError as error:
            assert error.code == status and error.read(), (path, error.code)
        else:
            raise AssertionError("the upload was not refused")
print("all is well")
"#;

const REQUESTS_REFUSED: &str = r#"
import requests, sys
site, uploads, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for _ in range(uploads):
    for path, status in [("/length", 413), ("/hello", 405)]:
        response = requests.post(site + path, data=b"x" * length, timeout=20)
        assert response.status_code == status and response.text, (path, response.status_code)
print("all is well")
"#;

const FETCH: &str = r#"
const [site, uploads, length] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])];
(async () => {
  for (let i = 0; i < uploads; i++) {
    for (const [path, status] of [["/length", 413], ["/hello", 405]]) {
      const response = await fetch(site + path, { method: "POST", body: new Uint8Array(length) });
      if (response.status !== status || !(await response.text())) throw new Error(path + " " + response.status);
    }
  }
  console.log("all is well");
})();
"#;

const HTTP_TINY: &str = r#"
use HTTP::Tiny;
my ($site, $uploads, $length) = @ARGV;
for (1..$uploads) {
    for (["/length", 413], ["/hello", 405]) {
        my ($path, $status) = @$_;
        my $response = HTTP::Tiny->new(timeout => 20)->post($site . $path, { content => "x" x $length });
        die "$path $response->{status} $response->{content}" unless $response->{status} == $status;
    }
}
print "all is well\n";
"#;

#[test]
fn clients_that_send_all_before_they_read_get_a_refusal() {
    let site = Served::start(strict);
    let clients = [
        ("python3", ["-c", URLLIB]),
        ("/usr/bin/python3", ["-c", REQUESTS_REFUSED]),
        ("node", ["-e", FETCH]),
        ("perl", ["-e", HTTP_TINY]),
    ];
    for (program, script) in clients {
        let arguments = [site.url(""), UPLOADS.to_string(), UPLOAD.to_string()];
        let arguments = [&script[..], &arguments.each_ref().map(String::as_str)].concat();
        assert_eq!(run(program, &arguments), "all is well\n", "{program}");
    }
}

#[test]
fn a_client_that_closes_its_writing_side_after_its_request_gets_the_response() {
    let site = Served::start(server);
    let mut client = TcpStream::connect(("127.0.0.1", site.port)).expect("it listens");
    client.set_read_timeout(Some(Duration::from_secs(20))).expect("the time is not zero");
    client.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is open");
    client.shutdown(Shutdown::Write).expect("it is open");
    let mut response = String::new();
    client.read_to_string(&mut response).expect("it is sent, and the connection closes");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\nslow"), "{response}");
}

#[test]
fn wrk_finds_no_fault() {
    let site = Served::start(server);
    for path in ["/hello", "/slow", "/trailers"] {
        let told = run("wrk", &["-t", "1", "-c", "20", "-d", "1s", "--timeout", "20s", &site.url(path)]);
        // Both are printed only if there were any.
        assert!(!told.contains("Socket errors") && !told.contains("Non-2xx"), "{path}: {told}");
        let requests = told.split_once(" requests in ").and_then(|(before, _)| before.split_whitespace().last());
        let requests = requests.and_then(|number| number.parse().ok());
        assert!(requests > Some(20), "{path}: {told}");
    }
    assert!(site.connections() < 200, "{} connections were made", site.connections());
}

#[test]
fn the_kernel_probes_a_silent_client() {
    let served = Served::start(server);
    let client = TcpStream::connect(("127.0.0.1", served.port)).expect("it listens");
    let local = client.local_addr().expect("it is connected").port();
    let ends = format!(" 0100007F:{:04X} 0100007F:{local:04X} 01 ", served.port);
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux tells");
    let line = table.lines().find(|line| line.contains(&ends)).expect("the server's end is there");
    let timer = line.split_whitespace().nth(5).expect("it has a timer");
    assert!(timer.starts_with("02:"), "the keep-alive timer of {line}");
}
