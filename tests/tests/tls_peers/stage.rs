//! Where others' programs meet ours.

use std::fs;
use std::process::ExitStatus;
use std::sync::mpsc::channel;
use std::thread;

use lariat::tls::{ClientOptions, Connector, ServerOptions};
use lariat::{Address, ConnectOptions, Error, ListenOptions, Once, Peer, Protocol, Transport};
use lariat_tests::certificates::{Issued, SERVER, Wish, authority};
use lariat_tests::child::Child;
use lariat_tests::faults::Records;
use lariat_tests::harness::{Ground, Log, Scratch, World, outcome};

/// A loop on which we serve or connect while programs run beside it, and a folder for their files.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) records: Records,
    scratch: Scratch,
}

/// What came of a program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    /// What it wrote to its standard output and its standard error.
    pub(crate) said: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn has(&self, words: &str) {
        assert!(self.said.contains(words), "{words:?} is not in: {}", self.said);
    }
}

/// A certificate as programs like it.
pub(crate) fn wish(names: &[&str]) -> Wish {
    Wish::server(names).for_others()
}

/// The server's certificate.
pub(crate) fn server() -> Issued {
    authority().issue(&wish(&[SERVER]))
}

/// What serves by these options with [`server`]'s certificate.
pub(crate) fn options() -> ServerOptions {
    ServerOptions::new(server().identity())
}

/// What connects by these options and trusts [`authority`].
pub(crate) fn connector(set: impl FnOnce(ClientOptions) -> ClientOptions) -> Connector {
    set(ClientOptions::new().trust(authority().trust())).build().expect("the options fit")
}

/// Answers one line, or one HTTP request, with what is known of the connection, and closes.
struct Clerk(Vec<u8>);

impl Protocol for Clerk {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.0.extend_from_slice(data);
        if self.0.starts_with(b"GET ") {
            if self.0.ends_with(b"\r\n\r\n") {
                let facts = facts(&transport.peer());
                let length = facts.len();
                transport.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{facts}").as_bytes());
                transport.close();
            }
        } else if self.0.ends_with(b"\n") {
            transport.write(facts(&transport.peer()).as_bytes());
            transport.close();
        }
    }
}

fn facts(peer: &Peer) -> String {
    let Some(tls) = peer.tls() else { return "no TLS\n".to_owned() };
    let alpn = tls.alpn.map_or("none".to_owned(), |alpn| String::from_utf8_lossy(&alpn).into_owned());
    let name = tls.server_name.unwrap_or("none".to_owned());
    let client = tls.peer_certificate.and_then(|client| client.common_name()).unwrap_or("nobody".to_owned());
    format!("served {} alpn={alpn} name={name} client={client} resumed={}\n", tls.version, tls.resumed)
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self { world: World::new(Ground::RealTcp), records: Records::begin(), scratch: Scratch::new() };
        stage.write("ca.pem", &authority().pem());
        stage
    }

    /// Writes a file, and tells where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.scratch.path(name), text).expect("the folder is writable");
        self.path(name)
    }

    /// Writes a certificate with its chain, and its key.
    pub(crate) fn write_issued(&self, name: &str, issued: &Issued) {
        self.write(&format!("{name}.pem"), &issued.chain);
        self.write(&format!("{name}-key.pem"), &issued.key);
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.scratch.path(name).to_str().expect("the temporary directory has a name in UTF-8").to_owned()
    }

    /// Serves by these options, and tells at which port.
    pub(crate) fn serve(&self, options: ServerOptions) -> u16 {
        let acceptor = options.build().expect("the options fit");
        let options = ListenOptions::default().tls(&acceptor);
        let port = self.world.reactor.listen_at(&self.world.address(), options, |_: &Peer| Clerk(Vec::new()));
        port.expect("the address is free").address().port().expect("it is TCP")
    }

    /// Runs a program to its end. Of the words of its command, `@name` stands for a file's path.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &str, input: &str) -> Run {
        let mut child = self.start(command);
        if !input.is_empty() {
            child.tell(input);
        }
        self.end(child)
    }

    pub(crate) fn start(&self, command: &str) -> Child {
        let named = |word: &str| word.strip_prefix('@').map_or(word.to_owned(), |name| self.path(name));
        let words: Vec<String> = command.split_whitespace().map(named).collect();
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        Child::start(&words[0], &arguments)
    }

    /// Waits for a program's end while the loop goes on.
    #[track_caller]
    pub(crate) fn end(&mut self, child: Child) -> Run {
        let (sender, receiver) = channel();
        let remote = self.world.reactor.remote().expect("the loop runs");
        thread::spawn(move || {
            // The test waits for both.
            let _ = sender.send(child.end());
            let _ = remote.call(|_| ());
        });
        let mut ended = None;
        self.world.until("the program has ended", || {
            ended = receiver.try_recv().ok();
            ended.is_some()
        });
        let ended = ended.expect("it was waited for");
        Run { status: ended.status, said: format!("{}\n{}", ended.output.join("\n"), ended.log) }
    }

    /// Starts openssl as a server that sends lines back from their ends, and tells at which port.
    pub(crate) fn start_s_server(&self, arguments: &str) -> (Child, u16) {
        let mut server = self.start(&format!("openssl s_server -accept 127.0.0.1:0 -rev {arguments}"));
        loop {
            let line = server.line();
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
                return (server, port.expect("it tells its port"));
            }
        }
    }

    /// Connects to a server by its name, and waits until that has succeeded or failed. Should TLS be why the connection ends, the log
    /// tells of the error.
    #[track_caller]
    pub(crate) fn connect(&mut self, connector: &Connector, name: &str, port: u16) -> (Log, Result<(), Error>) {
        let log = Log::new();
        let options = ConnectOptions::default().tls(connector.to(name).expect("it is a name"));
        let address = Address::Tcp(([127, 0, 0, 1], port).into());
        let noted = log.clone();
        let probe = log.probe().lost(move |reason| {
            if let Some(error) = reason.tls() {
                noted.note(format!("{:?}: {error}", error.kind()));
            }
        });
        let told = outcome(self.world.reactor.connect_at(&address, options, Once::new(probe)));
        let mut outcome = None;
        self.world.until("the attempt has come to its end", || {
            outcome = told.take();
            outcome.is_some()
        });
        (log, outcome.expect("it was waited for"))
    }

    /// Says a line to a server that sends it back from its end, closes, and waits for the end.
    #[track_caller]
    pub(crate) fn converse(&mut self, log: &Log) {
        log.transport().write(b"lariat\n");
        self.world.until("the answer is there", || log.received() == b"tairal\n");
        log.transport().close();
        self.world.until_lost(&[log]);
        assert_eq!(log.lost().as_deref(), Some("Done"));
    }
}
