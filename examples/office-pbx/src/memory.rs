//! Freed memory goes back to the system.
//!
//! The allocator of glibc keeps pages that were freed below any page in use: after many calls at once
//! a process stays as large as it was. `malloc_trim` gives all of them back. It is called when a busy
//! time is over and takes a few milliseconds then.
//!
//! Other allocators were measured. jemalloc does this by itself, but needs more than a C compiler to be
//! built; mimalloc takes 10 MiB more at rest and gives less back.

/// Gives back what is free.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the one declaration of a function of the C library")]
pub fn give_back() {
    // SAFETY: as glibc declares it (malloc.h). It takes any number, may be called from any thread at any
    // time, and touches nothing but memory that is free.
    unsafe extern "C" {
        safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    // Only after the first time there are gaps for the cache that a page in use keeps anyway.
    for _ in 0..2 {
        renew_cache();
        malloc_trim(0);
    }
}

/// Other systems have no such call, and most of their allocators no need of it.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

/// Exchanges what this thread keeps of small blocks, up to seven of each size: each lies where it once
/// was needed, and its page cannot be given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn renew_cache() {
    const KEPT: usize = 7;
    for size in (24..=1_032).step_by(16) {
        // Those that are kept come first, and go last: then there is no place for them any more.
        let mut blocks: Vec<Box<[u8]>> = Vec::with_capacity(2 * KEPT);
        blocks.resize_with(2 * KEPT, || vec![0; size].into_boxed_slice());
        let others = std::hint::black_box(&mut blocks).split_off(KEPT);
        drop(others);
    }
}
