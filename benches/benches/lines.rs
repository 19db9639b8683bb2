//! Cutting a stream into lines: `LineDecoder` beside tokio-util's `LinesCodec`, which gives each line as a `String`, and its
//! `AnyDelimiterCodec`, which gives bytes. All get the same pieces, as a loop would read them.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use lariat_protocols::{Delimiter, LineDecoder, LineEvent};
use tokio_util::codec::{AnyDelimiterCodec, Decoder, LinesCodec};

/// About a megabyte of lines, each of `length` bytes and a CRLF.
fn text(length: usize) -> Vec<u8> {
    let line = [&b"x".repeat(length)[..], b"\r\n"].concat();
    line.repeat((1 << 20) / line.len())
}

fn decode(decoder: &mut LineDecoder, text: &[u8], piece: usize) -> usize {
    let mut bytes = 0;
    for mut input in text.chunks(piece) {
        while let Some(event) = decoder.next(&mut input) {
            if let LineEvent::Line(line) = black_box(event) {
                bytes += line.len();
            }
        }
    }
    bytes
}

fn decode_theirs<D: Decoder>(codec: &mut D, text: &[u8], piece: usize, length: impl Fn(&D::Item) -> usize) -> usize {
    let mut buffer = BytesMut::new();
    let mut bytes = 0;
    for input in text.chunks(piece) {
        buffer.extend_from_slice(input);
        while let Ok(Some(line)) = codec.decode(&mut buffer) {
            bytes += length(&black_box(line));
        }
    }
    bytes
}

fn contest(group: &mut BenchmarkGroup<'_, WallTime>, length: usize, piece: usize) {
    let text = text(length);
    let name = |who: &str| format!("{who}/lines of {length}, pieces of {piece}");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(name("LineDecoder, CRLF"), |bencher| {
        bencher.iter(|| decode(&mut LineDecoder::new(), &text, piece));
    });
    group.bench_function(name("LineDecoder, LF or CRLF"), |bencher| {
        bencher.iter(|| decode(&mut LineDecoder::new().with_delimiter(Delimiter::LfOrCrLf), &text, piece));
    });
    group.bench_function(name("LinesCodec"), |bencher| {
        bencher.iter(|| decode_theirs(&mut LinesCodec::new_with_max_length(16_384), &text, piece, String::len));
    });
    group.bench_function(name("AnyDelimiterCodec"), |bencher| {
        let codec = || AnyDelimiterCodec::new_with_max_length(b"\n".to_vec(), b"\r\n".to_vec(), 16_384);
        bencher.iter(|| decode_theirs(&mut codec(), &text, piece, bytes::Bytes::len));
    });
}

fn lines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lines");
    for (length, piece) in [(30, 65_536), (30, 1_448), (1_000, 65_536), (10_000, 1_448)] {
        contest(&mut group, length, piece);
    }
    group.finish();
}

criterion_group!(benches, lines);
criterion_main!(benches);
