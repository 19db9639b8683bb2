//! Content that is compressed on its way.

use std::io::Read;

use lariat_protocols::http::{Body, BodyWriter, Compressed, Request, Response, Router};

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
    let server = lariat_protocols::http::Server::new(Compressed::new(router));
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
    let part = client.get_with("/a.txt", &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-299")]);
    assert_eq!((part.status, part.header("Content-Encoding"), part.body.len()), (206, None, 300));
    let part = client.get_with("/a.txt", &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-299"), ("If-Range", &tag)]);
    assert_eq!(part.status, 200);
    // What is compressed beforehand is not compressed again.
    assert_eq!(client.get_with("/b.css", &accept("gzip")).text(), "GZ");
}

#[test]
fn head_says_what_get_would() {
    let site = Site::new().with("a.txt", "x".repeat(1_000));
    let answer = Client::of(Compressed::new(site.files())).ask("HEAD", "/a.txt", &accept("br"));
    assert_eq!((answer.status, answer.header("Content-Encoding")), (200, Some("br")));
    assert_eq!((answer.header("Content-Length"), answer.body.len()), (None, 0));
}
