use core::fmt;
use std::boxed::Box;
use std::io;
use std::string::{String, ToString};
use std::vec::Vec;

use super::{Backend, IoConfig, StdIo, UdpIo};

/// Which back end was taken, and why not the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The back end taken.
    pub chosen: Backend,
    /// All that were looked at, in that order.
    pub findings: Vec<(Backend, Finding)>,
}

/// What became of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Taken, for this reason.
    Chosen(String),
    /// Tried, and refused by the system.
    Unavailable(String),
    /// Not of use for UDP sockets.
    Unfit,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (backend, finding)) in self.findings.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            match finding {
                Finding::Chosen(why) => write!(f, "{backend} chosen: {why}")?,
                Finding::Unavailable(why) => write!(f, "{backend} not available: {why}")?,
                Finding::Unfit => write!(f, "{backend} carries frames, not datagrams")?,
            }
        }
        Ok(())
    }
}

/// Opens the best back end for UDP that works here: each of the order is really tried, with a packet to
/// itself where the kernel might lack something. No privileges are needed.
///
/// # Errors
///
/// When an order was given and none of it works. Without one, the standard library's is always there.
pub fn open(config: &IoConfig) -> io::Result<(Box<dyn UdpIo>, Report)> {
    const MANY: usize = 32;
    let (order, why) = if !config.order.is_empty() {
        (config.order.clone(), "the configuration's order".to_string())
    } else if config.expected_sockets >= MANY && calls_are_costly() {
        let why = std::format!("{} sockets share its costly system calls", config.expected_sockets);
        (std::vec![Backend::IoUring, Backend::Mmsg, Backend::Std], why)
    } else {
        let why = "system calls are cheaper than what io_uring does for each packet".to_string();
        (std::vec![Backend::Mmsg, Backend::IoUring, Backend::Std], why)
    };
    let mut findings = Vec::new();
    for backend in order {
        match try_one(backend, config) {
            Some(Ok(io)) => {
                let why = match findings.len() {
                    0 => why,
                    _ => "the next best".to_string(),
                };
                findings.push((backend, Finding::Chosen(why)));
                return Ok((io, Report { chosen: backend, findings }));
            }
            Some(Err(error)) => findings.push((backend, Finding::Unavailable(error.to_string()))),
            None => findings.push((backend, Finding::Unfit)),
        }
    }
    let report = Report { chosen: Backend::Std, findings };
    Err(io::Error::new(io::ErrorKind::Unsupported, report.to_string()))
}

/// Whether each system call changes page tables, as the kernel says of itself.
fn calls_are_costly() -> bool {
    std::fs::read_to_string("/sys/devices/system/cpu/vulnerabilities/meltdown")
        .is_ok_and(|state| state.contains("PTI"))
}

fn try_one(backend: Backend, config: &IoConfig) -> Option<io::Result<Box<dyn UdpIo>>> {
    match backend {
        Backend::Std => Some(Ok(Box::new(StdIo::new(config.clone())))),
        #[cfg(target_os = "linux")]
        Backend::Mmsg => {
            Some(super::MmsgIo::new(config.clone()).map(|io| Box::new(io) as Box<dyn UdpIo>))
        }
        #[cfg(target_os = "linux")]
        Backend::IoUring => {
            Some(super::UringIo::probed(config.clone()).map(|io| Box::new(io) as Box<dyn UdpIo>))
        }
        #[cfg(not(target_os = "linux"))]
        Backend::Mmsg | Backend::IoUring => {
            Some(Err(io::Error::new(io::ErrorKind::Unsupported, "only on Linux")))
        }
        Backend::AfPacket => None,
    }
}
