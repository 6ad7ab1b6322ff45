//! What libcurl calls in place of others: of libpsl and libidn2, which are
//! autotools projects with tables of their own where two crates know the same
//! better, by the headers in native/include; of poll(); and of its own buffer.

// Nothing here calls AWS-LC, yet its archive must reach the linker.
extern crate aws_lc_sys as _;

mod idn;
#[cfg(unix)]
pub mod poll;
mod psl;
mod room;
