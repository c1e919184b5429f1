//! Memory goes back to the system when it is not needed any more.
//!
//! glibc's allocator would keep it: after many calls at once a process stays as large as it was.
//!
//! | what keeps a free page | what is done |
//! |---|---|
//! | a page above it that is in use | [`give_back`], when a busy time is over |
//! | small freed blocks that a thread has at hand, seven of each of 64 sizes | two of each of 8 sizes, which costs hardly any time; [`give_back`] exchanges them for others, which lie beside what is in use |
//! | a heap for each thread | one for all |
//!
//! Other allocators were measured. jemalloc needs none of this, but more than a C compiler to be built;
//! mimalloc takes 10 MiB more at rest and gives less back.

/// Makes the allocator's settings those of this program: glibc reads them once, before `main`, from the
/// environment, so the program is begun anew in its own place. It changes nothing where they are set
/// already, by us or by who started us, and does without where that is not to be had: a program with more
/// rights than who starts it never sees the settings, so it is begun anew once and no more.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn set_up() {
    use std::os::unix::process::CommandExt as _;
    const SETTINGS: &str = "GLIBC_TUNABLES";
    const BEGUN_ANEW: &str = "OFFICE_PBX_BEGUN_ANEW";
    if [SETTINGS, BEGUN_ANEW].iter().all(|name| std::env::var_os(name).is_none())
        && let Ok(program) = std::env::current_exe()
    {
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_else(|| program.clone().into());
        let mut anew = std::process::Command::new(program);
        anew.arg0(name).args(arguments);
        let chosen = format!(
            "glibc.malloc.tcache_count={AT_HAND}:glibc.malloc.tcache_max={LARGEST_AT_HAND}:glibc.malloc.arena_max=1"
        );
        // It returns only if it fails, and then all is as it was.
        let _ = anew.env(SETTINGS, chosen).env(BEGUN_ANEW, "1").exec();
    }
}

/// So many freed blocks of each size a thread has at hand, up to this size in bytes.
const AT_HAND: usize = 2;
const LARGEST_AT_HAND: usize = 136;

/// Gives back what is free: after the start, since the text of the configuration was many times what is
/// kept of it, and on each thread when a busy time is over. It takes some milliseconds then.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the declaration of a function of the C library")]
pub fn give_back() {
    // SAFETY: as glibc declares it (malloc.h). It takes any number, may be called from any thread at any
    // time, and touches nothing but memory that is free.
    unsafe extern "C" {
        safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    malloc_trim(0);
    exchange_blocks();
    malloc_trim(0);
}

/// The blocks at hand lie where the last ones were freed, each in a page that may hold nothing else. Now that
/// all others are joined to what is free around them, new ones are cut where the least is left over.
fn exchange_blocks() {
    for size in (24..=LARGEST_AT_HAND).step_by(16) {
        let block = || Vec::<u8>::with_capacity(size);
        let old: [_; AT_HAND] = std::array::from_fn(|_| block());
        let new: [_; AT_HAND] = std::array::from_fn(|_| block());
        // The first to be freed are kept.
        drop(std::hint::black_box(new));
        drop(std::hint::black_box(old));
    }
}

/// Other systems have other allocators.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn set_up() {}

/// Other systems have other allocators.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
