//! Content that is compressed on its way.

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use lariat::{Failure, WriteStatus};
use lariat_protocols::http::{Body, BodyProducer, BodyWriter, Compressed, Fields, Request, Response, Router, Server};

use crate::site::{Answer, Client, Site, TAG};

fn story() -> String {
    (0..2_000).map(|line| format!("line {line} of a story\n")).collect()
}

fn decode(answer: &Answer) -> String {
    let mut content = String::new();
    let read = match answer.header("Content-Encoding") {
        None => return answer.text().to_owned(),
        Some("gzip") => flate2::read::GzDecoder::new(&*answer.body).read_to_string(&mut content),
        Some("br") => brotli::Decompressor::new(&*answer.body, 4096).read_to_string(&mut content),
        Some("zstd") => {
            zstd::stream::read::Decoder::new(&*answer.body).and_then(|mut body| body.read_to_string(&mut content))
        }
        Some(other) => panic!("{other}"),
    };
    read.expect("it was compressed well");
    content
}

fn accept(coding: &'static str) -> [(&'static str, &'static str); 1] {
    [("Accept-Encoding", coding)]
}

#[test]
fn every_kind_of_body_is_compressed_in_every_coding() {
    let site = Site::new().with("story.txt", story());
    let mut router = Router::new();
    router.get("/text", |_: &mut Request<'_>| story());
    router.get("/written", |_: &mut Request<'_>| {
        Response::text(Body::writer(|mut writer: BodyWriter| {
            for line in story().split_inclusive('\n') {
                writer.write(line);
            }
            writer.finish();
        }))
    });
    router.get("/announced", |_: &mut Request<'_>| {
        let body = Body::writer(|mut writer: BodyWriter| {
            writer.write_chunk(story());
            writer.finish();
        });
        Response::text(body.with_length(story().len() as u64))
    });
    router.nest("/files", site.files());
    let mut client = Client::of(Compressed::new(router));
    for path in ["/text", "/written", "/announced", "/files/story.txt"] {
        for coding in ["gzip", "br", "zstd"] {
            let answer = client.get_with(path, &accept(coding));
            assert_eq!(answer.header("Content-Encoding"), Some(coding), "{path}");
            assert_eq!(answer.header("Vary"), Some("Accept-Encoding"));
            assert!(decode(&answer) == story(), "{path}, {coding}");
            assert!(answer.body.len() < story().len() / 2 || path == "/written");
        }
        let plain = client.get(path);
        assert_eq!(plain.header("Vary"), Some("Accept-Encoding"));
        assert!(plain.text() == story());
    }
    assert!(client.is_open());
}

#[test]
fn what_is_written_in_small_pieces_arrives_at_once() {
    let mut router = Router::new();
    router.get("/events", |_: &mut Request<'_>| {
        let body = Body::writer(|mut writer: BodyWriter| {
            writer.write("data: one\n\n");
            // It is kept open.
            std::mem::forget(writer);
        });
        Response::new(lariat_protocols::http::Status::OK)
            .with_content_type("text/event-stream")
            .map(|events| events.with_body(body))
    });
    let server = Server::new(Compressed::new(router));
    let mut wire = lariat::testing::MemoryTransport::serve(
        &lariat::testing::VirtualClock::new(),
        server,
        lariat::StreamOptions::default(),
    );
    wire.feed(b"GET /events HTTP/1.1\r\nHost: here\r\nAccept-Encoding: gzip\r\n\r\n");
    let written = wire.take_written();
    let head = written.windows(4).position(|four| four == b"\r\n\r\n").expect("the head has come") + 4;
    let size = written[head..].windows(2).position(|two| two == b"\r\n").expect("a chunk has come") + 2;
    let mut event = [0; 11];
    let mut decoder = flate2::read::GzDecoder::new(&written[head + size..]);
    decoder.read_exact(&mut event).expect("all of it has come");
    assert_eq!(&event, b"data: one\n\n");
}

#[test]
fn what_would_not_get_smaller_is_left_alone() {
    let site =
        Site::new().with("a.png", [0; 5_000]).with("short.txt", "x".repeat(255)).with("long.txt", "x".repeat(256));
    let mut client = Client::of(Compressed::new(site.files()));
    for path in ["/a.png", "/short.txt"] {
        let answer = client.get_with(path, &accept("gzip, br, zstd"));
        assert_eq!((answer.header("Content-Encoding"), answer.header("Vary")), (None, None), "{path}");
    }
    assert_eq!(client.get_with("/long.txt", &accept("gzip")).header("Content-Encoding"), Some("gzip"));
}

#[test]
fn what_may_not_be_changed_is_left_alone() {
    let mut router = Router::new();
    router.get("/fixed", |_: &mut Request<'_>| {
        Response::text(story()).with_header("Cache-Control", "public, No-Transform")
    });
    router.get("/encoded", |_: &mut Request<'_>| Response::text(story()).with_header("Content-Encoding", "x-own"));
    router.get("/varies", |_: &mut Request<'_>| Response::text(story()).with_header("Vary", "accept-encoding, Accept"));
    let mut client = Client::of(Compressed::new(router));
    for path in ["/fixed", "/encoded"] {
        assert!(client.get_with(path, &accept("gzip")).text() == story(), "{path}");
    }
    let answer = client.get_with("/varies", &accept("gzip"));
    assert_eq!(
        (answer.header("Vary"), answer.header("Content-Encoding")),
        (Some("accept-encoding, Accept"), Some("gzip"))
    );
}

#[test]
fn a_compressed_file_has_a_weak_tag_and_no_ranges() {
    let site = Site::new().with("a.txt", "x".repeat(1_000)).with("b.css", "y".repeat(1_000)).with("b.css.gz", "GZ");
    let mut client = Client::of(Compressed::new(site.files().with_precompressed(true)));
    let answer = client.get_with("/a.txt", &accept("gzip"));
    let tag = format!("W/\"{TAG}-3e8\"");
    assert_eq!((answer.header("ETag"), answer.header("Accept-Ranges")), (Some(&*tag), None));
    assert_eq!(client.get_with("/a.txt", &[("Accept-Encoding", "gzip"), ("If-None-Match", &tag)]).status, 304);
    let strong = format!("\"{TAG}-3e8\"");
    for condition in [&[][..], &[("If-Range", &*tag)], &[("If-Range", &*strong)]] {
        let range = [("Accept-Encoding", "gzip"), ("Range", "bytes=0-299")];
        let whole = client.get_with("/a.txt", &[&range[..], condition].concat());
        assert_eq!((whole.status, whole.header("Content-Encoding")), (200, Some("gzip")), "{condition:?}");
        let part = client.get_with("/a.txt", &[&range[1..], condition].concat());
        let is_part = condition != [("If-Range", &*tag)];
        assert_eq!((part.status, part.header("Content-Encoding")), (if is_part { 206 } else { 200 }, None));
        assert_eq!((part.header("ETag"), part.header("Vary")), (Some(&*strong), Some("Accept-Encoding")));
    }
    // What is compressed beforehand is not compressed again.
    assert_eq!(client.get_with("/b.css", &accept("gzip")).text(), "GZ");
}

#[test]
fn a_304_has_the_tag_that_the_200_would_have() {
    let site = Site::new().with("a.txt", "x".repeat(1_000)).with("b.png", [0; 1_000]).with("c.txt", "short");
    let mut client = Client::of(Compressed::new(site.files()));
    for (path, accepted) in [("/a.txt", "gzip"), ("/a.txt", "identity"), ("/b.png", "gzip"), ("/c.txt", "gzip")] {
        let accept = ("Accept-Encoding", accepted);
        let whole = client.get_with(path, &[accept]);
        let tag = whole.header("ETag").expect("a file has a tag");
        for listed in [tag, "*", tag.trim_start_matches("W/")] {
            let unchanged = client.get_with(path, &[accept, ("If-None-Match", listed)]);
            assert_eq!(unchanged.status, 304, "{path}, {accepted}, {listed}");
            assert_eq!(unchanged.header("ETag"), Some(tag), "{path}, {accepted}");
            assert_eq!(unchanged.header("Vary"), whole.header("Vary"), "{path}, {accepted}");
        }
        // A weak tag never matches strongly (RFC 9110, section 8.8.3.2).
        let strong = tag.trim_start_matches("W/");
        let status = if tag == strong { 200 } else { 412 };
        assert_eq!(client.get_with(path, &[accept, ("If-Match", strong)]).status, status, "{path}, {accepted}");
    }
}

#[test]
fn a_handler_can_ask_whether_its_response_will_be_compressed() {
    let mut router = Router::new();
    router.get("/{length}", |request: &mut Request<'_>| {
        let length = request.path_parameter("length").and_then(|length| length.parse().ok());
        let plain = Fields::new();
        let png = request.will_be_compressed("image/png", length, plain.headers());
        format!("{} {png}", request.will_be_compressed("text/plain", length, plain.headers()))
    });
    let mut client = Client::of(Compressed::new(router));
    for (path, accepted, answer) in
        [("/256", "gzip", "true false"), ("/255", "gzip", "false false"), ("/256", "identity", "false false")]
    {
        assert_eq!(client.get_with(path, &accept(accepted)).text(), answer, "{path} {accepted}");
    }
}

#[test]
fn a_file_is_compressed_by_threads_in_steps() {
    let large: String = (0..30_000).map(|line| format!("line {line} of a long story\n")).collect();
    let site = Site::new().with("large.txt", &large).with("small.txt", "x".repeat(1_000));
    let mut router = Router::new();
    let text = large.clone();
    router.get("/text", move |_: &mut Request<'_>| text.clone());
    let text = large.clone();
    router.get("/written", move |_: &mut Request<'_>| {
        let text = text.clone();
        Response::text(Body::writer(move |mut writer: BodyWriter| {
            // Small pieces after a large one keep their place.
            writer.write_chunk(text[..500_000].to_owned());
            writer.write(&text.as_bytes()[500_000..500_003]);
            writer.write_chunk(text[500_003..].to_owned());
            writer.finish();
        }))
    });
    router.get("/produced", {
        let text = large.clone();
        move |_: &mut Request<'_>| Response::text(Body::producer(Producer { text: text.clone(), sent: 0 }))
    });
    router.nest("/files", site.files());
    let mut client = Client::of(Compressed::new(router));
    for path in ["/text", "/written", "/produced", "/files/large.txt"] {
        let before = client.thread_jobs();
        for coding in ["gzip", "br", "zstd"] {
            let answer = client.get_with(path, &accept(coding));
            assert!(decode(&answer) == large, "{path}, {coding}");
            assert!(answer.body.len() < large.len() / 3, "{path}, {coding}: {}", answer.body.len());
        }
        let steps = client.thread_jobs() - before;
        assert!(steps >= 3 * large.len() / 65_536, "{path}: {steps} steps");
    }
    assert!(client.is_open());
}

/// Writes a text in pieces of an odd size, and now and then nothing.
struct Producer {
    text: String,
    sent: usize,
}

impl BodyProducer for Producer {
    fn produce(&mut self, body: &mut BodyWriter) {
        let end = (self.sent + 77_777).min(self.text.len());
        body.write(&self.text[self.sent..end]);
        self.sent = end;
        if end == self.text.len() {
            body.finish();
        }
    }
}

#[test]
fn a_writer_waits_while_threads_compress() {
    let mut router = Router::new();
    let most = Rc::new(Cell::new(0));
    let seen = most.clone();
    router.get("/", move |_: &mut Request<'_>| {
        let seen = seen.clone();
        Response::text(Body::written_by(async move |body: &mut BodyWriter| {
            let mut at_once = 0;
            for _ in 0..40 {
                body.ready().await;
                let status = body.write([b'x'; 32 * 1024]);
                at_once = if status == WriteStatus::Paused { 0 } else { at_once + 1 };
                seen.set(seen.get().max(at_once));
            }
            Ok::<_, Failure>(())
        }))
    });
    let answer = Client::of(Compressed::new(router)).get_with("/", &accept("zstd"));
    assert_eq!(decode(&answer).len(), 40 * 32 * 1024);
    assert_eq!(most.get(), 1, "64 KiB wait at the most");
}

#[test]
fn past_the_most_compressors_responses_are_sent_as_they_are() {
    let mut router = Router::new();
    let open: Rc<Cell<Vec<BodyWriter>>> = Rc::default();
    let held = open.clone();
    router.get("/events", move |_: &mut Request<'_>| {
        let held = held.clone();
        Response::text(Body::writer(move |writer: BodyWriter| {
            let mut writers = held.take();
            writers.push(writer);
            held.set(writers);
        }))
    });
    let site = Site::new().with("a.txt", "x".repeat(1_000));
    router.nest("/files", site.files());
    let server = Server::new(Compressed::new(router).with_max_compressors(2));
    let mut streams: Vec<_> = (0..3).map(|_| Client::of_server(server.clone())).collect();
    let codings: Vec<_> = streams
        .iter_mut()
        .map(|client| client.begin("/events", &accept("gzip")).header("Content-Encoding").map(str::to_owned))
        .collect();
    assert_eq!(codings, [Some("gzip".into()), Some("gzip".into()), None]);
    let mut client = Client::of_server(server);
    let plain = client.get_with("/files/a.txt", &accept("gzip"));
    assert_eq!((plain.header("Content-Encoding"), plain.header("Vary")), (None, Some("Accept-Encoding")));
    assert!(plain.header("ETag").is_some_and(|tag| !tag.starts_with("W/")));
    for mut writer in open.take() {
        writer.finish();
    }
    assert_eq!(client.get_with("/files/a.txt", &accept("gzip")).header("Content-Encoding"), Some("gzip"));
}

#[test]
fn head_says_what_get_would() {
    let site = Site::new().with("a.txt", "x".repeat(1_000));
    let answer = Client::of(Compressed::new(site.files())).ask("HEAD", "/a.txt", &accept("br"));
    assert_eq!((answer.status, answer.header("Content-Encoding")), (200, Some("br")));
    assert_eq!((answer.header("Content-Length"), answer.body.len()), (None, 0));
}
