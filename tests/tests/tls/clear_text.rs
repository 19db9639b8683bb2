//! `start_tls` with bytes that arrived in clear: they are never processed after the handshake, in any framing.

use lariat::tls::{TlsError, TlsErrorKind, TlsLayer};
use lariat::{
    AsyncStream, CloseReason, Failure, Once, Protocol, Reactor, StreamOptions, Successor, Transport, Wrapper, testing,
};
use lariat_protocols::http::{Request, Response, Router, Server, Status};
use lariat_protocols::{LineProtocol, LineReceiver, LineTransport};
use lariat_tests::certificates::TlsPair;
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Ground, Log, World};

const COMMAND: &str = "STARTTLS\r\n";
const INJECTED: &str = "LOGIN mallory\r\n";

/// The way in which a line protocol starts TLS.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum How {
    /// By its own transport, in the callback of the command's line.
    Lines,
    /// By the transport below the framing layer, in the same callback.
    Below,
    /// By the transport below, later, while reading is paused and lines are held.
    Later,
    /// In raw mode, with the rest of the data as leftover.
    Raw,
    /// In raw mode, having given the rest of the data back to line mode.
    GivenBack,
    /// In raw mode, having given a copy of the rest back to line mode.
    CopiedBack,
}

const WAYS: [How; 6] = [How::Lines, How::Below, How::Later, How::Raw, How::GivenBack, How::CopiedBack];

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

/// The side that is attacked.
struct Victim {
    layer: TlsLayer,
    how: How,
    raw: Vec<u8>,
    story: Shared<Vec<String>>,
}

fn end_of(reason: &CloseReason) -> String {
    reason.tls().map_or_else(|| format!("lost: {reason}"), |error| format!("lost: {:?}", error.kind()))
}

impl Victim {
    fn receiver(layer: TlsLayer, how: How, story: &Shared<Vec<String>>) -> LineReceiver<Self> {
        LineReceiver::new(Self { layer, how, raw: Vec::new(), story: story.clone() })
    }

    fn note(&self, what: impl Into<String>) {
        self.story.with(|story| story.push(what.into()));
    }
}

impl LineProtocol for Victim {
    fn connection_made(&mut self, transport: &LineTransport) {
        if matches!(self.how, How::Raw | How::GivenBack | How::CopiedBack) {
            transport.set_raw_mode();
        }
    }

    fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
        if line != b"STARTTLS" {
            return self.note(String::from_utf8_lossy(line));
        }
        let result = match self.how {
            How::Below => Transport::start_tls(transport, self.layer.clone(), b""),
            How::Later => {
                transport.pause_reading();
                let (transport, layer) = (Transport::clone(transport), self.layer.clone());
                transport.reactor().clone().call_later(testing::secs(1), move |_| {
                    let started = transport.start_tls(layer, b"");
                    transport.resume_reading();
                    // A refusal ends the connection immediately.
                    assert_eq!(started.is_ok(), transport.is_open());
                });
                return;
            }
            _ => transport.start_tls(self.layer.clone(), b""),
        };
        if let Err(error) = result {
            assert_eq!(error.tls().map(TlsError::kind), Some(TlsErrorKind::ClearTextPending));
            assert!(!transport.is_open());
        }
    }

    fn raw_data_received(&mut self, transport: &LineTransport, data: &[u8]) {
        let before = self.raw.len();
        self.raw.extend_from_slice(data);
        let Some(end) = self.raw.windows(COMMAND.len()).position(|window| window == COMMAND.as_bytes()) else { return };
        let rest = &data[end + COMMAND.len() - before..];
        self.raw.clear();
        match self.how {
            How::Raw => {
                let _ = transport.start_tls(self.layer.clone(), rest);
                transport.set_line_mode(b"");
            }
            How::GivenBack => {
                transport.set_line_mode(rest);
                let _ = transport.start_tls(self.layer.clone(), b"");
            }
            _ => {
                transport.set_line_mode(rest);
                let _ = transport.start_tls(self.layer.clone(), b"");
            }
        }
    }

    fn handshake_completed(&mut self, transport: &LineTransport) {
        assert!(transport.peer().tls().is_some());
        self.note("handshake completed");
    }

    fn connection_lost(&mut self, _: &LineTransport, reason: CloseReason) {
        self.note(end_of(&reason));
    }
}

/// A connection between a victim and a peer of which the test decides what it sends.
fn connect(world: &mut World, role: Role, victim: impl Protocol) -> Transport {
    let attacker = Log::new();
    match role {
        Role::Server => {
            let port = world.listen(Once::new(victim));
            world.connect(&port, attacker.probe());
        }
        Role::Client => {
            let port = world.listen(Once::new(attacker.probe()));
            world.connect(&port, victim);
        }
    }
    world.until("the connection is made", || attacker.is_made());
    attacker.transport()
}

fn layers(role: Role) -> (TlsLayer, TlsLayer) {
    let pair = TlsPair::new();
    let (server, client) = (TlsLayer::from(&pair.acceptor), TlsLayer::from(pair.to_server()));
    if role == Role::Server { (server, client) } else { (client, server) }
}

/// Sends `text` in two pieces, then speaks TLS as a good peer does.
fn send_and_start_tls(world: &mut World, attacker: &Transport, text: &str, cut: usize, layer: TlsLayer) {
    let (first, second) = text.split_at(cut);
    if !first.is_empty() {
        attacker.write(first.as_bytes());
        world.settle();
    }
    attacker.write(second.as_bytes());
    // The victim may have ended the connection.
    let _ = attacker.start_tls(layer, b"");
    world.pass(testing::secs(12));
}

#[test]
fn no_line_in_clear_is_delivered_after_the_handshake() {
    let text = format!("{COMMAND}{INJECTED}");
    for (how, role) in WAYS.into_iter().flat_map(|how| [(how, Role::Server), (how, Role::Client)]) {
        for cut in 0..text.len() {
            let mut world = World::new(Ground::SimulatedTcp);
            let (ours, theirs) = layers(role);
            let story = Shared::new(Vec::new());
            let attacker = connect(&mut world, role, Victim::receiver(ours, how, &story));
            send_and_start_tls(&mut world, &attacker, &text, cut, theirs);
            let story = story.with(|story| story.clone());
            // What follows in a piece of its own meets TLS already; a pause keeps it in the kernel until then.
            let expected = if cut == COMMAND.len() { "lost: NotTls" } else { "lost: ClearTextPending" };
            assert_eq!(story, [expected], "{how:?} as {role:?}, cut at {cut}");
        }
    }
}

#[test]
fn lines_go_on_in_tls_after_a_clean_command() {
    for (how, role) in WAYS.into_iter().flat_map(|how| [(how, Role::Server), (how, Role::Client)]) {
        for cut in 0..COMMAND.len() {
            let mut world = World::new(Ground::SimulatedTcp);
            let (ours, theirs) = layers(role);
            let story = Shared::new(Vec::new());
            let attacker = connect(&mut world, role, Victim::receiver(ours, how, &story));
            let (first, second) = COMMAND.split_at(cut);
            attacker.write(first.as_bytes());
            world.settle();
            attacker.write(second.as_bytes());
            if role == Role::Server {
                // A client waits until the server is ready.
                world.settle();
            }
            attacker.start_tls(theirs, b"").expect("the parts of the test fit");
            attacker.write(b"LOGIN alice\r\n");
            world.pass(testing::secs(2));
            let story = story.with(|story| story.clone());
            assert_eq!(story, ["handshake completed", "LOGIN alice"], "{how:?} as {role:?}, cut at {cut}");
        }
    }
}

#[test]
fn a_part_of_a_line_in_clear_ends_the_connection() {
    for role in [Role::Server, Role::Client] {
        let mut world = World::new(Ground::SimulatedTcp);
        let (ours, theirs) = layers(role);
        let story = Shared::new(Vec::new());
        let attacker = connect(&mut world, role, Victim::receiver(ours, How::Lines, &story));
        send_and_start_tls(&mut world, &attacker, "STARTTLS\r\nLOG", 0, theirs);
        assert_eq!(story.with(|story| story.clone()), ["lost: ClearTextPending"]);
    }
}

/// Passes on what it gets, and takes part in nothing.
struct Around<P>(P);

impl<P: Protocol> Wrapper for Around<P> {
    type Inner = P;

    fn inner(&mut self) -> &mut P {
        &mut self.0
    }

    fn rewrap(self, successor: Successor) -> Successor {
        Successor::new(Around(Box::new(self.0).replace(successor).into_protocol()))
    }
}

#[test]
fn wrappers_and_boxes_hide_no_bytes_in_clear() {
    let text = format!("{COMMAND}{INJECTED}");
    for role in [Role::Server, Role::Client] {
        let mut world = World::new(Ground::SimulatedTcp);
        let (ours, theirs) = layers(role);
        let story = Shared::new(Vec::new());
        let victim: Box<dyn Protocol> = Box::new(Around(Victim::receiver(ours, How::Below, &story)));
        let attacker = connect(&mut world, role, victim);
        send_and_start_tls(&mut world, &attacker, &text, 0, theirs);
        assert_eq!(story.with(|story| story.clone()), ["lost: ClearTextPending"]);
    }
}

/// Starts TLS, and then leaves what it was given to a line protocol.
struct Leaving(TlsLayer, Option<LineReceiver<Victim>>);

impl Protocol for Leaving {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        if let Some(rest) = data.strip_prefix(COMMAND.as_bytes())
            && let Some(successor) = self.1.take()
        {
            transport.start_tls(self.0.clone(), b"").expect("the parts of the test fit");
            transport.switch_to(successor, rest);
        }
    }
}

#[test]
fn a_successor_inherits_no_bytes_in_clear() {
    for role in [Role::Server, Role::Client] {
        for (text, expected) in
            [(format!("{COMMAND}{INJECTED}"), "lost: ClearTextPending"), (COMMAND.to_owned(), "handshake completed")]
        {
            let mut world = World::new(Ground::SimulatedTcp);
            let (ours, theirs) = layers(role);
            let story = Shared::new(Vec::new());
            let successor = Victim::receiver(ours.clone(), How::Lines, &story);
            let attacker = connect(&mut world, role, Leaving(ours, Some(successor)));
            attacker.write(text.as_bytes());
            if role == Role::Server {
                world.settle();
            }
            let _ = attacker.start_tls(theirs, b"");
            world.pass(testing::secs(2));
            assert_eq!(story.with(|story| story.clone()), [expected]);
        }
    }
}

/// Starts TLS as soon as the connection is its own.
struct AtOnce(TlsLayer, Shared<Vec<String>>);

impl Protocol for AtOnce {
    fn connection_made(&mut self, transport: &Transport) {
        let _ = transport.start_tls(self.0.clone(), b"");
    }

    fn handshake_completed(&mut self, _: &Transport) {
        self.1.with(|story| story.push("handshake completed".to_owned()));
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.1.with(|story| story.push(String::from_utf8_lossy(data).into_owned()));
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.1.with(|story| story.push(end_of(&reason)));
    }
}

#[test]
fn an_http_upgrade_to_tls_takes_nothing_along_in_clear() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n";
    for injected in ["", "L", INJECTED] {
        let (ours, theirs) = layers(Role::Server);
        let story = Shared::new(Vec::new());
        let told = story.clone();
        let mut router = Router::new();
        router.get("/", move |request: &mut Request<'_>| match request.head().upgrade() {
            Some("TLS/1.2") => Response::upgrade("TLS/1.2", AtOnce(ours.clone(), told.clone())),
            _ => Ok(Response::error(Status::UPGRADE_REQUIRED)),
        });
        let mut world = World::new(Ground::SimulatedTcp);
        let port = world.listen(Server::new(router));
        let client = Log::new();
        let upgrading = client.probe().data(move |transport, _| {
            let _ = transport.start_tls(theirs.clone(), b"");
            transport.write(b"secret");
        });
        world.connect(&port, upgrading);
        world.until("the connection is made", || client.is_made());
        client.transport().write(format!("{head}{injected}").as_bytes());
        world.pass(testing::secs(2));
        let story = story.with(|story| story.clone());
        let clean = vec!["handshake completed".to_owned(), "secret".to_owned()];
        assert_eq!(story, if injected.is_empty() { clean } else { vec!["lost: ClearTextPending".to_owned()] });
    }
}

#[test]
fn a_raw_protocol_that_passes_its_leftover_is_refused() {
    for role in [Role::Server, Role::Client] {
        let mut world = World::new(Ground::SimulatedTcp);
        let (ours, theirs) = layers(role);
        let log = Log::new();
        let story = Shared::new(Vec::new());
        let (told, ended) = (story.clone(), story.clone());
        let victim = log
            .probe()
            .data(move |transport, data| {
                let rest = data.strip_prefix(COMMAND.as_bytes()).unwrap_or_default();
                let error = transport.start_tls(ours.clone(), rest).unwrap_err();
                told.with(|story| story.push(format!("{:?}", error.tls().map(TlsError::kind))));
            })
            .lost(move |reason| ended.with(|story| story.push(end_of(reason))));
        let attacker = connect(&mut world, role, victim);
        send_and_start_tls(&mut world, &attacker, &format!("{COMMAND}{INJECTED}"), 0, theirs);
        assert_eq!(story.with(|story| story.clone()), ["Some(ClearTextPending)", "lost: ClearTextPending"]);
    }
}

/// The way in which `async` code starts TLS.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum AsyncHow {
    Stream,
    Transport,
}

/// Reads the command byte by byte, starts TLS and reads on. Gives what came of it.
async fn upgrade(mut stream: AsyncStream, layer: TlsLayer, how: AsyncHow) -> Result<String, Failure> {
    let mut command = Vec::new();
    let mut byte = [0];
    while !command.ends_with(b"\r\n") {
        if stream.read(&mut byte).await? == 0 {
            return Ok("ended".to_owned());
        }
        command.extend_from_slice(&byte);
    }
    match how {
        AsyncHow::Stream => stream.start_tls(layer).await?,
        AsyncHow::Transport => stream.transport().start_tls(layer, b"")?,
    }
    let mut seen = [0; 64];
    let count = stream.read(&mut seen).await?;
    let tls = if stream.transport().peer().tls().is_some() { "in TLS" } else { "in clear" };
    Ok(format!("{tls}: {}", String::from_utf8_lossy(&seen[..count])))
}

async fn async_pair(reactor: &Reactor, role: Role) -> Result<(AsyncStream, AsyncStream), Failure> {
    let mut listener = reactor.listen_stream("tcp:7000:interface=127.0.0.1")?;
    let client = reactor.connect_stream("tcp:127.0.0.1:7000").await?;
    let server = listener.accept().await?;
    Ok(if role == Role::Server { (server, client) } else { (client, server) })
}

#[test]
fn an_async_stream_reads_nothing_in_clear_after_the_handshake() {
    let text = format!("{COMMAND}{INJECTED}");
    let roles = [Role::Server, Role::Client];
    for (how, role) in [AsyncHow::Stream, AsyncHow::Transport].into_iter().flat_map(|how| roles.map(|role| (how, role)))
    {
        for cut in 0..text.len() {
            let mut reactor = testing::simulated();
            let handle = Reactor::clone(&reactor);
            let (first, second) = text.split_at(cut);
            let (first, second) = (first.to_owned(), second.to_owned());
            let outcome = reactor.block_on(async move {
                let (ours, theirs) = layers(role);
                let (victim, mut attacker) = async_pair(&handle, role).await?;
                let attack = handle.clone().spawn(async move {
                    attacker.write_all(first.as_bytes()).await?;
                    handle.sleep(testing::secs(1)).await?;
                    attacker.write_all(second.as_bytes()).await?;
                    attacker.start_tls(theirs).await?;
                    handle.sleep(testing::secs(20)).await
                });
                let outcome = upgrade(victim, ours, how).await;
                drop(attack);
                outcome
            });
            let error = outcome.expect("the loop goes on").expect_err("nothing is read");
            let error = error.to_string();
            let expected = if cut == COMMAND.len() { "does not speak TLS" } else { "bytes arrived in clear" };
            assert!(error.contains(expected), "{how:?} as {role:?}, cut at {cut}: {error}");
        }
    }
}

#[test]
fn an_async_stream_goes_on_in_tls_after_a_clean_command() {
    for role in [Role::Server, Role::Client] {
        for how in [AsyncHow::Stream, AsyncHow::Transport] {
            let mut reactor = testing::simulated();
            let handle = Reactor::clone(&reactor);
            let outcome = reactor.block_on(async move {
                let (ours, theirs) = layers(role);
                let (victim, mut attacker) = async_pair(&handle, role).await?;
                let peer = handle.clone().spawn(async move {
                    attacker.write_all(COMMAND.as_bytes()).await?;
                    if role == Role::Server {
                        handle.sleep(testing::secs(1)).await?;
                    }
                    attacker.start_tls(theirs).await?;
                    attacker.write_all(b"LOGIN alice").await?;
                    handle.sleep(testing::secs(5)).await
                });
                let outcome = upgrade(victim, ours, how).await;
                drop(peer);
                outcome
            });
            assert_eq!(outcome.expect("the loop goes on").expect("it is read"), "in TLS: LOGIN alice");
        }
    }
}

#[test]
fn a_handshake_that_fails_is_an_error_of_start_tls() {
    let mut reactor = testing::simulated();
    let handle = Reactor::clone(&reactor);
    let outcome = reactor.block_on(async move {
        let (ours, _) = layers(Role::Server);
        let (mut victim, mut attacker) = async_pair(&handle, Role::Server).await?;
        attacker.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
        let silent = victim.start_tls(ours).await;
        Ok::<_, Failure>(silent)
    });
    let error = outcome.expect("the loop goes on").expect("the test goes on").expect_err("it is refused");
    assert!(error.to_string().contains("plain HTTP"), "{error}");
}

#[test]
fn a_socket_that_is_adopted_with_tls_holds_nothing() {
    let mut world = World::new(Ground::RealUnix);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("the parts of the test fit");
    let pair = TlsPair::new();
    let (story, client) = (Shared::new(Vec::new()), Log::new());
    let victim = Victim::receiver(TlsLayer::from(&pair.acceptor), How::Lines, &story);
    world
        .reactor
        .adopt_stream(ours.into(), StreamOptions::default().tls(&pair.acceptor), victim)
        .expect("the parts of the test fit");
    world
        .reactor
        .adopt_stream(theirs.into(), StreamOptions::default().tls(pair.to_server()), client.probe())
        .expect("the parts of the test fit");
    world.until("the handshake is done", || client.has("handshake completed"));
    client.transport().write(b"hello\r\n");
    world.until("the line is there", || story.with(|story| story.len() == 2));
    assert_eq!(story.with(|story| story.clone()), ["handshake completed", "hello"]);
}
