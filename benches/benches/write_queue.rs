//! What a byte costs on its way through the write queue, beside the buffers that others use for this.
//!
//! The sink takes everything and counts it, so that what is measured is the queue and not the kernel. The peers keep their
//! memory from one round to the next; the write queue keeps none, because an idle connection is to own none.
//!
//! `cargo bench -p lariat-benches --bench write_queue`

#![allow(missing_docs, reason = "criterion's macros make public functions without documentation")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lariat::{Sink, WriteQueue};

/// Takes everything and counts it.
#[derive(Default)]
struct Counting {
    bytes: usize,
    calls: usize,
}

impl Sink for Counting {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = black_box(data).len();
        self.bytes += taken;
        self.calls += 1;
        Ok(taken)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let taken = black_box(slices).iter().map(|slice| slice.len()).sum();
        self.bytes += taken;
        self.calls += 1;
        Ok(taken)
    }
}

fn drain(queue: &mut WriteQueue, sink: &mut Counting) {
    let flush = queue.flush(sink, usize::MAX);
    assert!(flush.is_ok_and(|flush| flush.written > 0));
    drop(queue.take_spent());
}

fn drain_bytes(buffer: &mut BytesMut, sink: &mut Counting) {
    while !buffer.is_empty() {
        let Ok(taken) = sink.write(buffer) else { return };
        buffer.advance(taken);
    }
}

fn drain_ring(ring: &mut VecDeque<u8>, sink: &mut Counting) {
    while !ring.is_empty() {
        let (front, _) = ring.as_slices();
        let Ok(taken) = sink.write(front) else { return };
        ring.drain(..taken);
    }
}

/// As many slices as the write queue offers in one call.
fn drain_chunks(chunks: &mut VecDeque<Bytes>, sink: &mut Counting) {
    while !chunks.is_empty() {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = slices.iter_mut().zip(chunks.iter()).map(|(slot, chunk)| *slot = IoSlice::new(chunk)).count();
        let Ok(mut taken) = sink.write_vectored(&slices[..filled]) else { return };
        while let Some(front) = chunks.front_mut() {
            if taken < front.len() {
                front.advance(taken);
                break;
            }
            taken -= front.len();
            chunks.pop_front();
        }
    }
}

/// One message of 64 bytes, written at once: what an echo server does when its socket was full.
fn one_message(criterion: &mut Criterion) {
    let message = [7; 64];
    let mut sink = Counting::default();
    let mut group = criterion.benchmark_group("push 64 bytes and flush");
    group.bench_function("write queue", |bencher| {
        let mut queue = WriteQueue::new();
        bencher.iter(|| {
            queue.push_slice(black_box(&message));
            drain(&mut queue, &mut sink);
        });
    });
    group.bench_function("write queue, new each time", |bencher| {
        bencher.iter(|| {
            let mut queue = Box::new(WriteQueue::new());
            queue.push_slice(black_box(&message));
            drain(&mut queue, &mut sink);
        });
    });
    group.bench_function("BytesMut", |bencher| {
        let mut buffer = BytesMut::new();
        bencher.iter(|| {
            buffer.extend_from_slice(black_box(&message));
            drain_bytes(&mut buffer, &mut sink);
        });
    });
    group.bench_function("VecDeque of bytes", |bencher| {
        let mut ring = VecDeque::new();
        bencher.iter(|| {
            ring.extend(black_box(&message));
            drain_ring(&mut ring, &mut sink);
        });
    });
    group.finish();
}

/// A thousand messages of 64 bytes, and then one flush: pipelined replies.
fn thousand_messages(criterion: &mut Criterion) {
    let message = [7; 64];
    let mut sink = Counting::default();
    let mut group = criterion.benchmark_group("push 1000 times 64 bytes and flush");
    group.throughput(Throughput::Bytes(64_000));
    group.bench_function("write queue", |bencher| {
        let mut queue = WriteQueue::new();
        bencher.iter(|| {
            for _ in 0..1000 {
                queue.push_slice(black_box(&message));
            }
            drain(&mut queue, &mut sink);
        });
    });
    group.bench_function("BytesMut", |bencher| {
        let mut buffer = BytesMut::new();
        bencher.iter(|| {
            for _ in 0..1000 {
                buffer.extend_from_slice(black_box(&message));
            }
            drain_bytes(&mut buffer, &mut sink);
        });
    });
    group.bench_function("VecDeque of bytes", |bencher| {
        let mut ring = VecDeque::new();
        bencher.iter(|| {
            for _ in 0..1000 {
                ring.extend(black_box(&message));
            }
            drain_ring(&mut ring, &mut sink);
        });
    });
    group.finish();
}

/// One chunk to a hundred connections, each with nothing else to write: a chat room.
fn fan_out(criterion: &mut Criterion, size: usize) {
    let chunk = Bytes::from(vec![7; size]);
    let mut sink = Counting::default();
    let mut group = criterion.benchmark_group(format!("one chunk of {size} bytes to 100 queues"));
    group.bench_function("write queue", |bencher| {
        let mut queues: Vec<_> = (0..100).map(|_| WriteQueue::new()).collect();
        bencher.iter(|| {
            for queue in &mut queues {
                queue.push_chunk(black_box(&chunk).clone());
            }
            for queue in &mut queues {
                drain(queue, &mut sink);
            }
        });
    });
    group.bench_function("VecDeque of Bytes", |bencher| {
        let mut queues = vec![VecDeque::new(); 100];
        bencher.iter(|| {
            for queue in &mut queues {
                queue.push_back(black_box(&chunk).clone());
            }
            for queue in &mut queues {
                drain_chunks(queue, &mut sink);
            }
        });
    });
    group.bench_function("BytesMut", |bencher| {
        let mut buffers = vec![BytesMut::new(); 100];
        bencher.iter(|| {
            for buffer in &mut buffers {
                buffer.extend_from_slice(black_box(&chunk));
            }
            for buffer in &mut buffers {
                drain_bytes(buffer, &mut sink);
            }
        });
    });
    group.finish();
}

/// A hundred chunks wait in one queue: a subscriber that was slow for a while.
fn backlog(criterion: &mut Criterion, size: usize) {
    let chunk = Bytes::from(vec![7; size]);
    let mut sink = Counting::default();
    let mut group = criterion.benchmark_group(format!("100 chunks of {size} bytes to one queue"));
    group.bench_function("write queue", |bencher| {
        let mut queue = WriteQueue::new();
        bencher.iter(|| {
            for _ in 0..100 {
                queue.push_chunk(black_box(&chunk).clone());
                drop(queue.take_spent());
            }
            drain(&mut queue, &mut sink);
        });
    });
    group.bench_function("VecDeque of Bytes", |bencher| {
        let mut chunks = VecDeque::new();
        bencher.iter(|| {
            for _ in 0..100 {
                chunks.push_back(black_box(&chunk).clone());
            }
            drain_chunks(&mut chunks, &mut sink);
        });
    });
    group.bench_function("BytesMut", |bencher| {
        let mut buffer = BytesMut::new();
        bencher.iter(|| {
            for _ in 0..100 {
                buffer.extend_from_slice(black_box(&chunk));
            }
            drain_bytes(&mut buffer, &mut sink);
        });
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    one_message(criterion);
    thousand_messages(criterion);
    for size in [32, 1024, 16 * 1024] {
        fan_out(criterion, size);
        backlog(criterion, size);
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
