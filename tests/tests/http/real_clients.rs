//! Clients that others have written, over real sockets.

use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use lariat::{Reactor, Remote};

use crate::site::server;

/// The site on a port, in a thread.
struct Site {
    port: u16,
    remote: Remote,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    fn start() -> Self {
        let (sender, receiver) = channel();
        let thread = thread::spawn(move || {
            let reactor = Reactor::new().expect("there are descriptors");
            let port = reactor.listen("tcp:0:interface=127.0.0.1", server()).expect("it can listen");
            let number = port.address().tcp().expect("it is TCP").port();
            sender.send((number, reactor.remote().expect("it runs"))).expect("the test waits");
            reactor.run().expect("the loop runs");
        });
        let (port, remote) = receive(&receiver);
        Self { port, remote, thread: Some(thread) }
    }
}

fn receive<T>(receiver: &Receiver<T>) -> T {
    receiver.recv().expect("the server starts")
}

impl Drop for Site {
    fn drop(&mut self) {
        self.remote.call(Reactor::stop).expect("it runs");
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends in good order");
        }
    }
}

/// What a command prints, which has to end well.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program is installed");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} failed: {printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

#[test]
fn curl_gets_posts_and_waits_to_go_on() {
    let site = Site::start();
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", site.port);
    assert_eq!(run("curl", &["-sS", "--max-time", "20", &url("/hello")]), "hello");
    assert_eq!(run("curl", &["-sS", "--max-time", "20", "--http1.0", &url("/hello")]), "hello");
    assert!(run("curl", &["-sS", "--max-time", "20", "--head", &url("/hello")]).contains("Content-Length: 5"));
    let body = "x".repeat(100_000);
    let echoed = run("curl", &["-sS", "--max-time", "20", "-H", "Expect: 100-continue", "-d", &body, &url("/echo")]);
    assert_eq!(echoed, body);
    let chunked = ["-sS", "--max-time", "20", "-H", "Transfer-Encoding: chunked", "-d", "12345", &url("/length")];
    assert_eq!(run("curl", &chunked), "5");
    let both = run("curl", &["-sS", "--max-time", "20", &url("/slow"), &url("/hello"), "-w", "%{num_connects} "]);
    assert_eq!(both, "slow1 hello0 ", "the second request goes over the same connection");
    let refused =
        ["-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: a b", &url("/hello")];
    assert_eq!(run("curl", &refused), "400");
}

const PYTHON: &str = r#"
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
    let site = Site::start();
    assert_eq!(run("python3", &["-c", PYTHON, &site.port.to_string()]), "all is well\n");
}
