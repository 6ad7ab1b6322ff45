//! Memory for libcurl and for this library, on Linux. A transfer asks some fifty
//! times for a few bytes and lets most go at its end, while others have theirs:
//! more than malloc keeps for a thread, and what it does not takes locks. So each
//! thread keeps what it lets go for its next wishes.
//!
//! All is malloc's own memory: any thread may free it, and it may be malloc'ed or
//! freed elsewhere as well.

use super::bindings::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{c_char, c_long, c_void};
use std::ptr::{self, NonNull};

/// The kinds differ in so many bytes, as malloc's own do.
const STEP: usize = 16;
/// Those of the smallest kind: malloc gives no less.
const LEAST: usize = 24;
const KINDS: usize = 128;
/// So many bytes of each kind are kept.
const KEPT: usize = 64 * 1024;

/// What is let go has the next one's address in its first bytes.
type Link = Option<NonNull<c_void>>;

struct Kept {
    first: [Cell<Link>; KINDS],
    counts: [Cell<u16>; KINDS],
    /// There is somebody to free it in the end.
    begun: Cell<bool>,
    /// The thread is at its end.
    ended: Cell<bool>,
}

/// Frees all when the thread ends.
struct End;

thread_local! {
    // Without a destructor, as memory is let go in those of others.
    static KEPT_HERE: Kept = const {
        Kept {
            first: [const { Cell::new(None) }; KINDS],
            counts: [const { Cell::new(0) }; KINDS],
            begun: Cell::new(false),
            ended: Cell::new(false),
        }
    };
    static END: End = const { End };
}

impl Drop for End {
    fn drop(&mut self) {
        KEPT_HERE.with(|kept| {
            kept.ended.set(true);
            for kind in 0..KINDS {
                while let Some(memory) = kept.take(kind) {
                    // SAFETY: malloc's, and nobody else knows it any more.
                    unsafe { libc::free(memory.as_ptr()) };
                }
            }
        });
    }
}

/// How many bytes one of this kind has.
const fn room(kind: usize) -> usize {
    LEAST + STEP * kind
}

/// The smallest kind for so many bytes, if there is one.
fn kind_for(size: usize) -> Option<usize> {
    let kind = size.saturating_sub(LEAST).div_ceil(STEP);
    (kind < KINDS).then_some(kind)
}

impl Kept {
    fn take(&self, kind: usize) -> Link {
        let memory = self.first[kind].get()?;
        // SAFETY: `give` has written it, and nobody else knows this memory.
        self.first[kind].set(unsafe { memory.cast::<Link>().read() });
        self.counts[kind].set(self.counts[kind].get() - 1);
        Some(memory)
    }

    /// `false`: there is enough of it.
    ///
    /// # Safety
    /// Memory of this kind or a larger one, which nobody uses.
    unsafe fn give(&self, kind: usize, memory: NonNull<c_void>) -> bool {
        if !self.begun.replace(true) {
            // What this needs itself comes by here as well.
            let _ = END.try_with(|_| {});
        }
        let count = usize::from(self.counts[kind].get());
        if count * room(kind) >= KEPT || self.ended.get() {
            return false;
        }
        // SAFETY: no kind has less room than a pointer takes.
        unsafe { memory.cast::<Link>().write(self.first[kind].get()) };
        self.first[kind].set(Some(memory));
        self.counts[kind].set(count as u16 + 1);
        true
    }
}

fn take(size: usize) -> Link {
    let kind = kind_for(size)?;
    KEPT_HERE.with(|kept| kept.take(kind))
}

/// What to ask malloc for, so that it is of a kind in full.
fn rounded(size: usize) -> usize {
    kind_for(size).map_or(size, room)
}

unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    match take(size) {
        Some(memory) => memory.as_ptr(),
        // SAFETY: any size may be asked for.
        None => unsafe { libc::malloc(rounded(size)) },
    }
}

unsafe extern "C" fn calloc(count: usize, each: usize) -> *mut c_void {
    let Some(size) = count.checked_mul(each) else {
        return ptr::null_mut();
    };
    match take(size) {
        Some(memory) => {
            // SAFETY: it has that much room, and is nobody else's.
            unsafe { memory.cast::<u8>().write_bytes(0, size) };
            memory.as_ptr()
        }
        // SAFETY: any size may be asked for.
        None => unsafe { libc::calloc(1, rounded(size)) },
    }
}

unsafe extern "C" fn free(memory: *mut c_void) {
    let Some(memory) = NonNull::new(memory) else {
        return;
    };
    // SAFETY: libcurl frees what is malloc's, and no more than once.
    unsafe {
        let room = libc::malloc_usable_size(memory.as_ptr());
        let kind = room.checked_sub(LEAST).map(|more| more / STEP);
        give(kind.filter(|kind| *kind < KINDS), memory);
    }
}

/// # Safety
/// Malloc's memory, of this kind or a larger one, which nobody uses.
unsafe fn give(kind: Option<usize>, memory: NonNull<c_void>) {
    // SAFETY: the caller vouches.
    unsafe {
        if !kind.is_some_and(|kind| KEPT_HERE.with(|kept| kept.give(kind, memory))) {
            libc::free(memory.as_ptr());
        }
    }
}

unsafe extern "C" fn realloc(memory: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: libcurl passes what is malloc's, which has as much room as that
    // tells.
    unsafe {
        if memory.is_null() {
            return malloc(size);
        }
        let room = libc::malloc_usable_size(memory);
        if size <= room && kind_for(room).is_some() {
            return memory;
        }
        let Some(larger) = take(size) else {
            return libc::realloc(memory, rounded(size));
        };
        ptr::copy_nonoverlapping(memory.cast::<u8>(), larger.as_ptr().cast(), room.min(size));
        free(memory);
        larger.as_ptr()
    }
}

unsafe extern "C" fn strdup(text: *const c_char) -> *mut c_char {
    // SAFETY: libcurl passes a string with NUL at its end.
    unsafe {
        let size = libc::strlen(text) + 1;
        let copy: *mut c_char = malloc(size).cast();
        if !copy.is_null() {
            ptr::copy_nonoverlapping(text, copy, size);
        }
        copy
    }
}

/// For Rust.
struct Memory;

#[global_allocator]
static MEMORY: Memory = Memory;

/// Malloc's memory is aligned so.
const ALIGNED: usize = 2 * size_of::<usize>();

// SAFETY: malloc's own memory or the system's, as the layout decides.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller vouches for the layout.
        unsafe {
            if layout.align() > ALIGNED {
                return System.alloc(layout);
            }
            malloc(layout.size()).cast()
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches that it was allocated with this layout.
        unsafe {
            if layout.align() > ALIGNED {
                return System.dealloc(memory, layout);
            }
            give(
                kind_for(layout.size()),
                NonNull::new_unchecked(memory.cast()),
            );
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            if layout.align() > ALIGNED {
                return System.alloc_zeroed(layout);
            }
            calloc(1, layout.size()).cast()
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            if layout.align() > ALIGNED {
                return System.realloc(memory, layout, size);
            }
            realloc(memory.cast(), size).cast()
        }
    }
}

/// # Safety
/// Before any other call of libcurl.
pub unsafe fn init(flags: c_long) -> CURLcode {
    // SAFETY: the caller vouches; functions that do what C's do.
    unsafe {
        curl_global_init_mem(
            flags,
            Some(malloc),
            Some(free),
            Some(realloc),
            Some(strdup),
            Some(calloc),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_is_taken_again() {
        for size in 0..=room(KINDS - 1) {
            // SAFETY: freed once each, and not used.
            unsafe {
                let first = malloc(size);
                // Now and then malloc gives more than it was asked for.
                let more = libc::malloc_usable_size(first);
                free(first);
                let second = malloc(more);
                free(second);
                assert!(first == second || kind_for(more).is_none(), "{size} bytes");
            }
        }
    }

    /// Else what was of the smallest kind would come back as another.
    #[test]
    fn the_smallest_kind_is_no_smaller_than_what_malloc_gives() {
        // SAFETY: any size may be asked for.
        let all: Vec<_> = (0..100).map(|_| unsafe { libc::malloc(1) }).collect();
        // SAFETY: malloc's, and freed once each.
        let rooms = all
            .iter()
            .map(|it| unsafe { libc::malloc_usable_size(*it) });
        assert!(room(0) >= rooms.min().expect("some"));
        for memory in all {
            // SAFETY: as above.
            unsafe { libc::free(memory) };
        }
    }
}
