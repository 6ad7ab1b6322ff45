//! What libcurl calls in place of libraries that would not fit in here: libpsl
//! and libidn2 are autotools projects with tables of their own, and two crates
//! know the same better. The headers in native/include name the functions.

// Nothing here calls AWS-LC, yet its archive must reach the linker.
extern crate aws_lc_sys as _;

mod idn;
mod psl;
