//! A software switch (`--bridge`) and router (`--route`).
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod bridge;
#[cfg(target_os = "linux")]
mod config;
#[cfg(target_os = "linux")]
mod pcap;
#[cfg(target_os = "linux")]
mod router;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("packet-switch needs AF_PACKET, and so Linux");
    std::process::exit(1);
}
