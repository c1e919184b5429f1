//! Two network namespaces joined by two veth pairs, for the time of the measurement.
//!
//! ```text
//!   near: e0 10.9.0.1 ◀── f0 :far, where packets are made
//!         e1 10.9.1.1 ──▶ f1 :far, where they are dropped, being for nobody there
//! ```

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::{io, thread};

pub const NEAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0xa0];
pub const FAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0xb0];
pub const NOBODY: [u8; 6] = [2, 0, 0, 0, 0, 0x99];

pub struct Lab {
    near: String,
    far: String,
}

impl Lab {
    pub fn new() -> Option<Self> {
        let lab = Self {
            near: format!("prn{}", std::process::id()),
            far: format!("prf{}", std::process::id()),
        };
        for space in [&lab.near, &lab.far] {
            if !ip(&format!("netns add {space}")) {
                return None;
            }
            let off = "for c in all default; do echo 1 > /proc/sys/net/ipv6/conf/$c/disable_ipv6; done";
            let _ = Command::new("ip").args(["netns", "exec", space, "sh", "-c", off]).status();
            ip(&format!("-n {space} link set lo up"));
        }
        let Self { near, far } = &lab;
        let made = (0..2).all(|n| {
            ip(&format!("-n {near} link add e{n} type veth peer name f{n} netns {far}"))
                && ip(&format!("-n {near} addr add 10.9.{n}.1/24 dev e{n}"))
                && ip(&format!("-n {near} link set e{n} address 02:00:00:00:00:a{n} up"))
                && ip(&format!("-n {far} link set f{n} address 02:00:00:00:00:b{n} up"))
                && ip(&format!("-n {near} neigh add 10.9.{n}.2 lladdr 02:00:00:00:00:99 dev e{n} nud permanent"))
        });
        made.then_some(lab)
    }

    /// Goes into the near namespace, with this thread and those it starts.
    pub fn enter(&self) -> io::Result<()> {
        enter(&self.near)
    }

    /// A packet socket on f0, in the far namespace.
    pub fn feeder(&self) -> io::Result<OwnedFd> {
        let far = self.far.clone();
        thread::spawn(move || {
            enter(&far)?;
            // SAFETY: no pointers are passed; the descriptor is new.
            let socket = unsafe {
                let fd = libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0);
                if fd < 0 {
                    return Err(io::Error::last_os_error());
                }
                OwnedFd::from_raw_fd(fd)
            };
            // SAFETY: the name ends with a zero, the address is of its family's type.
            let done = unsafe {
                let mut address: libc::sockaddr_ll = std::mem::zeroed();
                address.sll_family = libc::AF_PACKET as u16;
                address.sll_ifindex = libc::if_nametoindex(c"f0".as_ptr()) as i32;
                libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as u32)
            };
            if done < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
        })
        .join()
        .expect("the thread does not panic")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.near));
        ip(&format!("netns del {}", self.far));
    }
}

fn enter(space: &str) -> io::Result<()> {
    let file = File::open(format!("/var/run/netns/{space}"))?;
    // SAFETY: no pointers are passed.
    let done = unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn ip(words: &str) -> bool {
    Command::new("ip").args(words.split(' ')).output().is_ok_and(|output| output.status.success())
}
