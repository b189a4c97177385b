//! Decodes a response where there is no operating system.

#![no_std]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    panic::PanicInfo,
    ptr, slice,
    sync::atomic::{AtomicUsize, Ordering},
};

use mobivate_response::{Retry, SendOutcome};

/// 0: accepted; 1: the same request may pass later; 2: it must first be fixed; 3: unknown; 4: never
/// send to this recipient.
///
/// # Safety
///
/// `body` points to `length` bytes that nobody writes to meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mobivate_decode(status: u16, body: *const u8, length: usize) -> u8 {
    // SAFETY: the caller vouches for it.
    let body = unsafe { slice::from_raw_parts(body, length) };
    match SendOutcome::decode(status, body) {
        SendOutcome::Success(_) => 0,
        SendOutcome::Failure(failure) => match failure.retry() {
            Retry::Later => 1,
            Retry::AfterFix => 2,
            Retry::MayDuplicate => 3,
            Retry::Never => 4,
        },
    }
}

/// The proof: std has one too, and the build fails on two of them.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

#[global_allocator]
static HEAP: Bump = Bump { memory: UnsafeCell::new([0; SIZE]), taken: AtomicUsize::new(0) };

const SIZE: usize = 1 << 16;

/// Hands out its memory once, from front to back: enough for a proof, too little for a device.
struct Bump {
    memory: UnsafeCell<[u8; SIZE]>,
    taken: AtomicUsize,
}

// SAFETY: `taken` gives every byte to one caller alone.
unsafe impl Sync for Bump {}

// SAFETY: every block lies within the memory, is aligned, and is handed out once.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let memory = self.memory.get().cast::<u8>();
        // Room to align the block, wherever it begins.
        let size = layout.size().saturating_add(layout.align());
        let take = |taken: usize| taken.checked_add(size).filter(|end| *end <= SIZE);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let Ok(taken) = taken else { return ptr::null_mut() };
        // SAFETY: `size` more bytes lie within the memory, and aligning takes fewer than `align`.
        unsafe {
            let start = memory.add(taken);
            start.add(start.align_offset(layout.align()))
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
