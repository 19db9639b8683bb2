//! An allocator that counts what each thread holds, so that tests run side by side.
#![expect(unsafe_code, reason = "an allocator is an unsafe trait; this one hands every call on to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counted.
pub(crate) struct Counting;

/// The bytes that this thread has allocated and not freed. What another thread frees counts as
/// freed there.
pub(crate) fn allocated() -> usize {
    HELD.with(Cell::get)
}

fn add(bytes: usize) {
    // A thread that ends has dropped its counter.
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(bytes)));
}

fn remove(bytes: usize) {
    let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(bytes)));
}

// SAFETY: every call is handed on as it is to the system's allocator, which keeps the contract.
// Counting neither allocates nor panics: the counter is a constant-initialised `Cell` without a
// destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        remove(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        remove(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
