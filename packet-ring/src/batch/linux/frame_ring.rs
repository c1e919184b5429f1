//! The memory of a TPACKET_V3 receive ring, shared with the kernel, and the only place that reads it.
//!
//! The kernel fills blocks with frames and hands each over by setting a bit in its status word; it is
//! handed back by clearing it.

use std::io;
use std::os::fd::RawFd;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A ring mapped from a packet socket.
pub(super) struct FrameRing {
    base: NonNull<u8>,
    block_size: usize,
    blocks: usize,
    /// The block being read.
    block: usize,
    /// Frames of it left, and where the next one is. Zero: the block is the kernel's, or not looked at.
    left: u32,
    offset: usize,
}

// SAFETY: the mapping belongs to this value and is not bound to a thread.
unsafe impl Send for FrameRing {}

/// A frame in the ring.
pub(super) struct Frame<'a> {
    /// The frame, as far as it was captured.
    pub(super) bytes: &'a [u8],
    /// Bytes before the frame, where the kernel puts what offloads left to do.
    pub(super) before: &'a [u8],
    /// Its whole length.
    pub(super) len: usize,
    pub(super) received: Duration,
    /// The tag that the kernel took out of it: control information and ether type.
    pub(super) tag: Option<(u16, u16)>,
}

impl FrameRing {
    /// Asks the socket for a ring and maps it. `block_size` is a multiple of the page size; the kernel
    /// hands over a block that is not full after `latency`, in whole milliseconds.
    pub(super) fn new(
        fd: RawFd,
        block_size: usize,
        blocks: usize,
        latency: Duration,
    ) -> io::Result<Self> {
        const FRAME: usize = 2048;
        let request = libc::tpacket_req3 {
            tp_block_size: block_size as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: FRAME as u32,
            tp_frame_nr: (block_size / FRAME * blocks) as u32,
            tp_retire_blk_tov: (latency.as_millis() as u32).max(1),
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        // SAFETY: the option's value is this structure, and its length is told.
        let done = unsafe {
            libc::setsockopt(
                fd,
                libc::SOL_PACKET,
                libc::PACKET_RX_RING,
                (&raw const request).cast(),
                size_of_val(&request) as u32,
            )
        };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new mapping of the socket's ring, of the length just asked for.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                block_size * blocks,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, block_size, blocks, block: 0, left: 0, offset: 0 })
    }

    /// Whether a frame can be had without waiting.
    pub(super) fn has_frame(&self) -> bool {
        self.left > 0 || self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// Shows the next frame to `take`, which says whether it took it; if not it is shown again. Returns
    /// whether a frame was taken.
    pub(super) fn next(&mut self, take: impl FnOnce(Frame<'_>) -> bool) -> bool {
        if self.left == 0 && !self.open() {
            return false;
        }
        let block = self.block_bytes();
        let Some((frame, next)) = parse(block, self.offset) else {
            // Not what the kernel writes; give the block back rather than read on.
            self.close();
            return false;
        };
        if !take(frame) {
            return false;
        }
        self.left -= 1;
        self.offset += next;
        if self.left == 0 {
            self.close();
        }
        true
    }

    /// Looks whether the kernel has handed the next block over.
    fn open(&mut self) -> bool {
        if self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return false;
        }
        let block = self.block_bytes();
        let word = |at: usize| read_u32(block, at);
        let (Some(count), Some(first)) = (word(COUNT), word(FIRST)) else { return false };
        self.left = count;
        self.offset = first as usize;
        if count == 0 {
            self.close();
        }
        count > 0
    }

    /// Hands the block back.
    fn close(&mut self) {
        self.left = 0;
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.block = (self.block + 1) % self.blocks;
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: the block lies inside the mapping, its status is an aligned word in it, and both sides
        // access it atomically.
        unsafe {
            AtomicU32::from_ptr(
                self.base.add(self.block * self.block_size + STATUS).as_ptr().cast(),
            )
        }
    }

    fn block_bytes(&self) -> &[u8] {
        // SAFETY: the block lies inside the mapping. The kernel has handed it over, as its status said, and
        // does not write to it until `close`, which takes `&mut self` and so ends this borrow.
        unsafe {
            slice::from_raw_parts(
                self.base.add(self.block * self.block_size).as_ptr(),
                self.block_size,
            )
        }
    }
}

impl Drop for FrameRing {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and no slice of it is borrowed.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.block_size * self.blocks) };
    }
}

// Places in `struct tpacket_block_desc`: version, offset to private, then `struct tpacket_hdr_v1`.
const STATUS: usize = 8;
const COUNT: usize = 12;
const FIRST: usize = 16;

/// Reads a `struct tpacket3_hdr` and the frame behind it. Returns where the next one is from here.
fn parse(block: &[u8], at: usize) -> Option<(Frame<'_>, usize)> {
    let header = block.get(at..)?;
    let word = |place: usize| read_u32(header, place);
    let next = word(0)? as usize;
    let received = Duration::new(word(4)?.into(), word(8)?.min(999_999_999));
    let (captured, len, status) = (word(12)? as usize, word(16)? as usize, word(20)?);
    let start = usize::from(u16::from_ne_bytes(*header.get(24..)?.first_chunk()?));
    let tag = (status & libc::TP_STATUS_VLAN_VALID != 0).then(|| {
        let control = word(32).unwrap_or(0) as u16;
        let kind = match word(36) {
            Some(kind) if status & libc::TP_STATUS_VLAN_TPID_VALID != 0 => kind as u16,
            _ => libc::ETH_P_8021Q as u16,
        };
        (control, kind)
    });
    let bytes = header.get(start..start + captured)?;
    let before = header.get(..start)?;
    Some((Frame { bytes, before, len, received, tag }, next))
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The layouts read by hand are those that the C library declares.
    #[test]
    fn places_in_the_headers() {
        use std::mem::offset_of;
        let v1 = offset_of!(libc::tpacket_block_desc, hdr);
        assert_eq!(v1 + offset_of!(libc::tpacket_hdr_v1, block_status), STATUS);
        assert_eq!(v1 + offset_of!(libc::tpacket_hdr_v1, num_pkts), COUNT);
        assert_eq!(v1 + offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt), FIRST);
        assert_eq!(offset_of!(libc::tpacket3_hdr, tp_snaplen), 12);
        assert_eq!(offset_of!(libc::tpacket3_hdr, tp_status), 20);
        assert_eq!(offset_of!(libc::tpacket3_hdr, tp_mac), 24);
        let variant = offset_of!(libc::tpacket3_hdr, hv1);
        assert_eq!(variant + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tci), 32);
        assert_eq!(variant + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tpid), 36);
    }

    proptest! {
        #[test]
        fn no_block_makes_it_read_outside(block: Vec<u8>, at in 0_usize..300) {
            if let Some((frame, _)) = parse(&block, at) {
                prop_assert!(frame.bytes.len() <= block.len());
            }
        }
    }
}
