use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::random::Random;

use super::entry::{Entry, OVERHEAD};
use super::{Flush, FlushOutcome, Sink, WriteQueue, send_file_by_copy};

/// Mostly small, now and then large.
fn any_size(random: &Random) -> usize {
    let bound = [2, 70, 700, 70_000, 300_000][random.index(5).min(random.index(5))];
    random.index(bound)
}

/// What a sink answers next.
enum Answer {
    Take(usize),
    Fail(ErrorKind),
}

/// Keeps what it takes, counts its calls, and follows a script; past its end it takes everything.
#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    taken: Vec<u8>,
    offered: Vec<usize>,
    writes: usize,
    vectored: usize,
    files: usize,
    largest_file: usize,
    before_file: usize,
}

impl Script {
    fn taking(room: usize) -> Self {
        Self { answers: VecDeque::from([Answer::Take(room)]), ..Self::default() }
    }

    fn failing(kind: ErrorKind, times: usize) -> Self {
        Self { answers: (0..times).map(|_| Answer::Fail(kind)).collect(), ..Self::default() }
    }

    fn calls(&self) -> (usize, usize, usize) {
        (self.writes, self.vectored, self.files)
    }

    fn answer(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let offered = slices.iter().map(|slice| slice.len()).sum();
        self.offered.push(offered);
        let mut room = match self.answers.pop_front() {
            None => usize::MAX,
            Some(Answer::Take(room)) => room,
            Some(Answer::Fail(kind)) => return Err(kind.into()),
        };
        let before = self.taken.len();
        for slice in slices {
            let part = slice.len().min(room);
            self.taken.extend_from_slice(&slice[..part]);
            room -= part;
        }
        Ok(self.taken.len() - before)
    }
}

impl Sink for Script {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        assert!(!data.is_empty());
        self.writes += 1;
        self.answer(&[IoSlice::new(data)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        assert!(slices.len() > 1, "a single piece goes by write");
        assert!(slices.iter().all(|slice| !slice.is_empty()));
        self.vectored += 1;
        self.answer(slices)
    }

    fn write_before_file(&mut self, data: &[u8]) -> io::Result<usize> {
        self.before_file += 1;
        self.write(data)
    }

    fn send_file(&mut self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        let writes = self.writes;
        let sent = send_file_by_copy(self, file, offset, count);
        (self.writes, self.files) = (writes, self.files + 1);
        self.largest_file = self.largest_file.max(count);
        sent
    }
}

fn file_of(content: &[u8]) -> File {
    let mut file = File::from(rustix::fs::memfd_create("content", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
    file.write_all(content).unwrap();
    file
}

fn flush(queue: &mut WriteQueue, sink: &mut Script) -> Flush {
    queue.flush(sink, usize::MAX).unwrap()
}

/// Counts its drops.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn chunk(&self, content: impl Into<Vec<u8>>) -> Bytes {
        Bytes::from_owner(Counted(content.into(), Arc::clone(&self.0)))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Memory really kept alive, counted entry by entry.
fn really_kept(queue: &WriteQueue) -> usize {
    let kept = |entry: &Entry| match entry {
        Entry::Block(block) => block.capacity(),
        Entry::Chunk(chunk) => chunk.len(),
        Entry::File(..) => 0,
    };
    queue.entries.iter().map(|entry| kept(entry) + OVERHEAD).sum()
}

#[test]
fn the_queue_and_its_entries_are_small() {
    assert!(size_of::<WriteQueue>() <= 72);
    assert_eq!(OVERHEAD, 40, "documented at footprint()");
}

#[test]
fn whatever_is_pushed_comes_out_exact_and_in_order() {
    let noise = Random::new(0);
    let content: Vec<u8> = (0..40_000).flat_map(|_| noise.next().to_ne_bytes()).collect();
    let file = Arc::new(file_of(&content));
    for seed in 0..200 {
        let random = Random::new(seed);
        let drops = Drops::new();
        let (mut queue, mut model, mut sink) = (WriteQueue::new(), VecDeque::<u8>::new(), Script::default());
        let (mut chunks, mut taken) = (0, 0);
        for _ in 0..200 {
            let size = any_size(&random);
            let start = random.index(content.len() - size);
            let piece = &content[start..start + size];
            match random.index(8) {
                0..=2 => queue.push_slice(piece),
                3 | 4 => {
                    queue.push_chunk(drops.chunk(piece));
                    chunks += 1;
                }
                5 => queue.push_file(Arc::clone(&file), start as u64..(start + size) as u64),
                _ => {
                    for _ in 0..random.index(4) {
                        let room = any_size(&random);
                        let answer = match random.index(5) {
                            0 => Answer::Fail(ErrorKind::WouldBlock),
                            1 => Answer::Fail(ErrorKind::Interrupted),
                            _ if room == 0 => Answer::Fail(ErrorKind::WouldBlock),
                            _ => Answer::Take(room),
                        };
                        sink.answers.push_back(answer);
                    }
                    let budget = any_size(&random) * 4;
                    let dropped = drops.count();
                    let flushed = queue.flush(&mut sink, budget).unwrap();
                    assert_eq!(drops.count(), dropped, "dropped inside flush, seed {seed}");
                    assert_eq!(flushed.written, sink.taken.len() as u64, "seed {seed}");
                    assert!(flushed.written <= budget as u64);
                    assert_eq!(flushed.outcome == FlushOutcome::Drained, queue.is_empty(), "seed {seed}");
                    assert!(model.make_contiguous().starts_with(&sink.taken), "seed {seed}");
                    model.drain(..sink.taken.len());
                    sink.taken.clear();
                    taken += if random.index(2) == 0 { queue.take_spent().len() } else { 0 };
                    continue;
                }
            }
            model.extend(piece);
            assert_eq!(queue.len(), model.len() as u64, "seed {seed}");
            assert_eq!(queue.footprint(), really_kept(&queue), "seed {seed}");
        }
        sink.answers.clear();
        assert_eq!(flush(&mut queue, &mut sink).outcome, FlushOutcome::Drained);
        assert!(model == sink.taken, "seed {seed}");
        taken += queue.take_spent().len();
        assert_eq!((taken, drops.count()), (chunks, chunks), "seed {seed}");
        assert_eq!((queue.len(), queue.footprint()), (0, 0), "seed {seed}");
        assert!(queue.entries.capacity() <= 16, "seed {seed}");
    }
}

#[test]
fn many_small_slices_leave_by_one_write() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    for _ in 0..1000 {
        queue.push_slice(b"0123456789");
    }
    assert!(queue.footprint() <= 16 * 1024 + OVERHEAD);
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 10_000, outcome: FlushOutcome::Drained });
    assert_eq!(sink.calls(), (1, 0, 0));
}

#[test]
fn many_tiny_chunks_leave_by_one_call() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    for _ in 0..1000 {
        queue.push_chunk(Bytes::from_static(b"0123456789"));
        drop(queue.take_spent());
    }
    assert!(queue.footprint() <= 16 * 1024 + 10 + 2 * OVERHEAD);
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 10_000, outcome: FlushOutcome::Drained });
    assert_eq!(sink.calls(), (0, 1, 0));
}

#[test]
fn a_small_chunk_is_copied_only_to_others_that_wait() {
    let mut queue = WriteQueue::new();
    queue.push_chunk(Bytes::from_static(b"alone"));
    assert_eq!((queue.take_spent().len(), queue.footprint()), (0, 5 + OVERHEAD));
    queue.push_chunk(Bytes::from_static(b"second"));
    assert_eq!((queue.take_spent().len(), queue.footprint()), (1, 5 + 512 + 2 * OVERHEAD));
    let mut sink = Script::default();
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(sink.taken, b"alonesecond");
}

#[test]
fn a_chunk_a_slice_and_a_chunk_leave_by_one_vectored_write() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    queue.push_chunk(vec![b'a'; 200].into());
    queue.push_slice(b"between");
    queue.push_chunk(vec![b'b'; 200].into());
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(sink.calls(), (0, 1, 0));
    assert_eq!(sink.taken, [&[b'a'; 200][..], b"between", &[b'b'; 200]].concat());
}

#[test]
fn a_hundred_chunks_take_two_vectored_writes() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    for _ in 0..100 {
        queue.push_chunk(vec![0; 200].into());
    }
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(sink.calls(), (0, 2, 0));
    assert_eq!(sink.offered, [12_800, 7200]);
}

#[test]
fn a_file_between_slices_takes_three_calls() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    queue.push_slice(b"head ");
    queue.push_file(file_of(b"0123456789"), 2..5);
    queue.push_slice(b" tail");
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(sink.calls(), (2, 0, 1));
    assert_eq!(sink.taken, b"head 234 tail");
}

#[test]
fn blocks_grow_to_their_limit_and_return_while_the_queue_is_written() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::taking(128 * 1024));
    queue.push_slice(b"x");
    assert_eq!(queue.footprint(), 512 + OVERHEAD);
    for _ in 0..1023 {
        queue.push_slice(&[b'x'; 1024]);
    }
    queue.push_slice(&[b'x'; 1023]);
    assert_eq!(queue.footprint(), 16 * (64 * 1024 + OVERHEAD));
    assert_eq!(flush(&mut queue, &mut sink).outcome, FlushOutcome::Blocked);
    assert_eq!(queue.footprint(), 14 * (64 * 1024 + OVERHEAD));
}

#[test]
fn many_tiny_slices_make_a_block_grow_few_times() {
    let mut queue = WriteQueue::new();
    let mut sizes: Vec<usize> = (0..4 * 64 * 1024)
        .map(|_| {
            queue.push_slice(b"x");
            queue.footprint()
        })
        .collect();
    sizes.dedup();
    assert_eq!(sizes.len(), 4 * 8, "four blocks from 512 bytes to 64 KiB");
}

#[test]
fn the_entry_table_shrinks_with_the_queue() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    let file = Arc::new(file_of(b"0123456789"));
    for _ in 0..10_000 {
        queue.push_file(Arc::clone(&file), 0..1);
    }
    for left in [5000, 100, 0] {
        let _ = queue.flush(&mut sink, usize::try_from(queue.len()).unwrap() - left).unwrap();
        assert!(queue.entries.capacity() <= 16 + 4 * left, "{} places for {left} entries", queue.entries.capacity());
    }
}

#[test]
fn a_large_slice_is_split_into_blocks() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    queue.push_slice(&vec![b'x'; 200 * 1024]);
    assert_eq!(queue.footprint(), 200 * 1024 + 4 * OVERHEAD);
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(sink.calls(), (0, 1, 0));
}

#[test]
fn a_short_write_ends_the_flush_without_another_call() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::taking(3));
    queue.push_slice(b"abcdef");
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 3, outcome: FlushOutcome::Blocked });
    assert_eq!(sink.calls(), (1, 0, 0));
    queue.push_chunk(vec![b'g'; 200].into());
    sink.answers.push_back(Answer::Take(50));
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 50, outcome: FlushOutcome::Blocked });
    assert_eq!(sink.calls(), (1, 1, 0));
}

#[test]
fn a_full_sink_is_asked_once() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::failing(ErrorKind::WouldBlock, 1));
    queue.push_slice(b"abc");
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 0, outcome: FlushOutcome::Blocked });
    assert_eq!(sink.calls(), (1, 0, 0));
    assert_eq!(queue.len(), 3);
}

#[test]
fn an_interrupted_write_is_repeated_but_not_for_ever() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::failing(ErrorKind::Interrupted, 3));
    queue.push_slice(b"abc");
    assert_eq!(flush(&mut queue, &mut sink).outcome, FlushOutcome::Drained);
    queue.push_slice(b"abc");
    let mut sink = Script::failing(ErrorKind::Interrupted, 1000);
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 0, outcome: FlushOutcome::Budget });
    assert_eq!(sink.calls(), (16, 0, 0));
}

#[test]
fn a_budget_is_used_up_and_not_passed() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    queue.push_slice(b"abcdef");
    queue.push_chunk(vec![b'g'; 200].into());
    queue.push_file(file_of(b"0123456789"), 0..10);
    for budget in [0, 4, 2, 50, 150, 4, 5] {
        let flush = queue.flush(&mut sink, budget).unwrap();
        assert_eq!(flush, Flush { written: budget as u64, outcome: FlushOutcome::Budget });
    }
    assert_eq!(queue.flush(&mut sink, 100).unwrap(), Flush { written: 1, outcome: FlushOutcome::Drained });
}

#[test]
fn a_budget_cuts_a_file_at_whole_pieces() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    for _ in 0..2 {
        queue.push_slice(b"head");
        queue.push_file(file_of(&vec![b'x'; 1 << 20]), 0..1 << 20);
    }
    // As much of the second file as is left would be 65,528 bytes, which are no whole piece.
    let flushed = queue.flush(&mut sink, (1 << 20) + (64 << 10)).unwrap();
    assert_eq!(flushed, Flush { written: (1 << 20) + 8, outcome: FlushOutcome::Budget });
    let flushed = queue.flush(&mut sink, 200_000).unwrap();
    assert_eq!(flushed, Flush { written: 3 * (64 << 10), outcome: FlushOutcome::Budget });
    assert_eq!(queue.flush(&mut sink, usize::MAX).unwrap().outcome, FlushOutcome::Drained);
    assert_eq!((sink.files, sink.taken.len()), (3, 2 * ((1 << 20) + 4)));
}

#[test]
fn a_budget_that_is_just_enough_drains() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    queue.push_slice(b"abcdef");
    assert_eq!(queue.flush(&mut sink, 6).unwrap().outcome, FlushOutcome::Drained);
    assert_eq!(queue.flush(&mut sink, 0).unwrap().outcome, FlushOutcome::Drained);
}

#[test]
fn a_sink_that_takes_nothing_and_does_not_say_why_is_an_error() {
    let mut queue = WriteQueue::new();
    queue.push_slice(b"abc");
    assert_eq!(queue.flush(&mut Script::taking(0), 10).unwrap_err().kind(), ErrorKind::WriteZero);
    assert_eq!(queue.len(), 3);
    let mut queue = WriteQueue::new();
    queue.push_file(file_of(b"abc"), 0..3);
    assert_eq!(queue.flush(&mut Script::taking(0), 10).unwrap_err().kind(), ErrorKind::WriteZero);
}

#[test]
fn a_sink_that_claims_too_much_is_an_error() {
    struct Liar;
    impl Sink for Liar {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            Ok(data.len() + 1)
        }
        fn write_vectored(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
            Ok(usize::MAX)
        }
    }
    let mut queue = WriteQueue::new();
    queue.push_slice(b"abc");
    assert_eq!(queue.flush(&mut Liar, 100).unwrap_err().kind(), ErrorKind::Other);
    assert_eq!(queue.len(), 3);
}

#[test]
fn an_error_keeps_what_is_not_written() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    sink.answers.extend([Answer::Take(usize::MAX), Answer::Fail(ErrorKind::BrokenPipe)]);
    queue.push_slice(b"abc");
    queue.push_file(file_of(b"0123456789"), 0..10);
    assert_eq!(queue.flush(&mut sink, usize::MAX).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(queue.len(), 10);
}

#[test]
fn a_file_that_ends_before_its_range_is_an_error_that_says_so() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    queue.push_file(file_of(b"0123456789"), 4..20);
    let error = queue.flush(&mut sink, usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("ended at byte 10, before the end of the queued range at 20"), "{error}");
    assert_eq!(sink.taken, b"456789");
    assert_eq!(queue.len(), 10);
}

#[test]
fn a_part_of_a_file_is_followed_by_one_call_more() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::taking(4));
    sink.answers.push_back(Answer::Fail(ErrorKind::WouldBlock));
    queue.push_file(file_of(b"0123456789"), 0..10);
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 4, outcome: FlushOutcome::Blocked });
    assert_eq!(sink.calls(), (0, 0, 2));
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(sink.taken, b"0123456789");
}

#[test]
fn copying_a_file_loses_nothing_to_short_writes() {
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(200_000).collect();
    let file = file_of(&content);
    let mut sink = Script::default();
    sink.answers.extend([Answer::Take(65_536), Answer::Take(10), Answer::Fail(ErrorKind::WouldBlock)]);
    assert_eq!(send_file_by_copy(&mut sink, &file, 0, 200_000).unwrap(), 65_546);
    let blocked = send_file_by_copy(&mut sink, &file, 65_546, 134_454).unwrap_err();
    assert_eq!(blocked.kind(), ErrorKind::WouldBlock);
    assert_eq!(send_file_by_copy(&mut sink, &file, 65_546, 134_454).unwrap(), 134_454);
    assert!(sink.taken == content);
    assert_eq!(send_file_by_copy(&mut sink, &file, 200_000, 10).unwrap(), 0);
    assert_eq!(send_file_by_copy(&mut sink, &file, 0, 0).unwrap(), 0);
}

#[test]
fn huge_ranges_do_not_overflow() {
    let mut queue = WriteQueue::new();
    let file = Arc::new(file_of(b"0123456789"));
    queue.push_file(Arc::clone(&file), 5..u64::MAX);
    assert_eq!(queue.len(), u64::MAX - 5);
    queue.push_file(Arc::clone(&file), 0..u64::MAX);
    queue.push_slice(b"more");
    queue.push_chunk(vec![0; 100].into());
    assert_eq!(queue.len(), u64::MAX);
    let mut sink = Script::default();
    assert_eq!(queue.flush(&mut sink, usize::MAX).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(sink.taken, b"56789");
    assert_eq!(sink.largest_file, 0x7fff_f000, "what the kernel accepts");
    assert_eq!(queue.len(), u64::MAX - 5);
    let mut queue = WriteQueue::new();
    queue.push_file(file, u64::MAX - 2..u64::MAX);
    assert_eq!(queue.flush(&mut sink, usize::MAX).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn pushing_nothing_changes_nothing() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::default());
    let drops = Drops::new();
    queue.push_slice(b"");
    queue.push_file(file_of(b"abc"), 2..2);
    queue.push_file(file_of(b"abc"), Range { start: 3, end: 1 });
    queue.push_chunk(drops.chunk([]));
    assert_eq!((queue.len(), queue.is_empty()), (0, true));
    assert_eq!(drops.count(), 0, "dropped inside push_chunk");
    assert_eq!(queue.take_spent().len(), 1);
    assert_eq!((drops.count(), queue.footprint()), (1, 0));
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 0, outcome: FlushOutcome::Drained });
    assert_eq!(sink.calls(), (0, 0, 0));
}

#[test]
fn no_chunk_is_dropped_before_it_is_taken_out() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::taking(1450));
    let drops = Drops::new();
    for size in [10, 200, 1000, 20, 500] {
        queue.push_slice(&[b'-'; 100]);
        queue.push_chunk(drops.chunk(vec![b'x'; size]));
    }
    assert_eq!(queue.footprint(), really_kept(&queue));
    assert_eq!(flush(&mut queue, &mut sink).outcome, FlushOutcome::Blocked);
    assert_eq!(drops.count(), 0);
    let spent = queue.take_spent();
    assert_eq!((spent.len(), drops.count()), (3, 0), "two copied and one written");
    drop(spent);
    assert_eq!(drops.count(), 3);
    assert_eq!(queue.footprint(), really_kept(&queue));
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(drops.count(), 3);
    drop(queue.take_spent());
    assert_eq!((drops.count(), queue.footprint()), (5, 0));
    assert!(queue.take_spent().is_empty());
}

#[test]
fn taking_everything_leaves_an_empty_queue_and_drops_nothing() {
    let (mut queue, mut sink) = (WriteQueue::new(), Script::taking(150));
    let drops = Drops::new();
    for _ in 0..3 {
        queue.push_chunk(drops.chunk(vec![b'x'; 100]));
    }
    let _ = flush(&mut queue, &mut sink);
    let all = queue.take_all();
    assert_eq!((queue.len(), queue.footprint(), queue.is_empty()), (0, 0, true));
    assert_eq!((all.len(), drops.count()), (150, 0));
    drop(all);
    assert_eq!(drops.count(), 3);
    queue.push_slice(b"again");
    let _ = flush(&mut queue, &mut sink);
    assert_eq!(sink.taken[150..], *b"again");
}

#[test]
fn ten_million_tiny_chunks_cannot_hide() {
    let mut queue = WriteQueue::new();
    for _ in 0..10_000 {
        queue.push_chunk(Bytes::from_static(b"x"));
    }
    assert!(queue.footprint() >= 10_000 * (1 + OVERHEAD), "copied, but not yet taken out");
    drop(queue.take_spent());
    assert!(queue.footprint() < 20_000);
    assert!(queue.entries.capacity() <= 16, "the entry table shrinks");
}

#[test]
fn a_queue_can_move_to_another_thread() {
    fn moves<T: Send>(_: &T) {}
    moves(&WriteQueue::new());
}

#[test]
fn a_sink_is_told_that_a_file_follows_if_it_follows_in_the_same_flush() {
    let queued = || {
        let mut queue = WriteQueue::new();
        queue.push_slice(b"head");
        queue.push_file(file_of(b"0123456789"), 0..10);
        queue
    };
    let mut sink = Script::default();
    assert_eq!(flush(&mut queued(), &mut sink), Flush { written: 14, outcome: FlushOutcome::Drained });
    assert_eq!((sink.before_file, sink.calls()), (1, (1, 0, 1)));
    assert_eq!(sink.taken, b"head0123456789");
    // Nothing may be kept back for a file that has to wait.
    let (mut queue, mut sink) = (queued(), Script::default());
    assert_eq!(queue.flush(&mut sink, 4).unwrap(), Flush { written: 4, outcome: FlushOutcome::Budget });
    assert_eq!(sink.before_file, 0);
    assert_eq!(flush(&mut queue, &mut sink), Flush { written: 10, outcome: FlushOutcome::Drained });
    assert_eq!((sink.before_file, sink.taken), (0, b"head0123456789".to_vec()));
}

#[test]
fn a_long_file_has_packets_of_its_own() {
    for (length, before_file) in [(64 * 1024, 1), (64 * 1024 + 1, 0)] {
        let mut queue = WriteQueue::new();
        queue.push_slice(b"head");
        queue.push_file(file_of(&vec![b'x'; length]), 0..length as u64);
        let mut sink = Script::default();
        assert_eq!(flush(&mut queue, &mut sink).written, 4 + length as u64);
        assert_eq!(sink.before_file, before_file, "{length}");
    }
}
