//! What the included files take from `std::panic`.

pub use real::panic::{AssertUnwindSafe, UnwindSafe};

/// A panic is the model's failure, so nobody but libcurl's callbacks catches it:
/// those return a value, and nothing may unwind through their callers.
pub fn catch_unwind<R>(act: impl FnOnce() -> R + UnwindSafe) -> real::thread::Result<R> {
    match size_of::<R>() {
        0 => Ok(act()),
        _ => real::panic::catch_unwind(act),
    }
}
