//! packet-ring beside other crates and beside bare system calls.
//!
//! Contenders of a group take turns, and the least of many turns counts: on a machine that does other
//! things as well the least is what the code costs and the rest is what the others cost.
//!
//! `peers-packet-ring [fib] [rings] [sockets]`; without arguments, all.

mod fib;
#[cfg(target_os = "linux")]
mod lab;
mod report;
mod rings;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(target_os = "linux")]
mod uring;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    if wants("fib") {
        fib::run();
    }
    if wants("rings") {
        rings::run();
    }
    if wants("sockets") {
        #[cfg(target_os = "linux")]
        sockets::run();
        #[cfg(not(target_os = "linux"))]
        println!("skipped: the back ends compared are Linux's");
    }
}
