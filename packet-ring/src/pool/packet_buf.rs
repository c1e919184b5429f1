use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::AtomicUsize;

use bytes::Bytes;
use thiserror::Error;

use super::free_slots::FreeSlots;
use super::packet_pool::Shared;

/// An owned slot of a [`PacketPool`](super::PacketPool), holding one packet. It derefs to the packet's
/// bytes and returns its slot when dropped, on whatever thread that happens.
///
/// Lengths never make it panic: what does not fit is refused with [`NoRoom`].
pub struct PacketBuf {
    /// Counted there: it lives as long as this handle.
    shared: NonNull<Shared>,
    slot: u32,
    /// Invariant: `start + len <= slot_size`.
    start: u32,
    len: u32,
}

// SAFETY: `Shared` is `Send` and `Sync`, and the slot belongs to this handle alone.
unsafe impl Send for PacketBuf {}
// SAFETY: as above; `&PacketBuf` only reads the slot.
unsafe impl Sync for PacketBuf {}

/// The packet does not fit the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{wanted} bytes wanted where the slot has room for {room}")]
pub struct NoRoom {
    /// Bytes asked for.
    pub wanted: usize,
    /// Bytes there were.
    pub room: usize,
}

impl PacketBuf {
    /// Wraps a slot of `shared`, empty, with the configured headroom.
    ///
    /// # Safety
    ///
    /// The slot has been claimed from `shared.free`, no other handle was made of this claim, and one of
    /// `shared`'s references is given to this handle.
    #[inline]
    pub(super) unsafe fn own(shared: NonNull<Shared>, slot: usize) -> Self {
        let mut packet = Self { shared, slot: slot as u32, start: 0, len: 0 };
        packet.clear();
        packet
    }

    /// Returns the slots of many buffers, neighbours by one operation on what the threads share.
    #[inline]
    pub(super) fn give_back(mut buffers: impl Iterator<Item = Self>) {
        let Some(first) = buffers.next() else { return };
        let mut first = ManuallyDrop::new(first);
        let (mut word, mut bits) = first.place();
        // References to `shared` that are ours to release.
        let (mut shared, mut held) = (first.shared, 1);
        // When `buffers` panics, what is held is leaked.
        for packet in buffers {
            let packet = ManuallyDrop::new(packet);
            let (next, bit) = packet.place();
            if packet.shared != shared || next != word {
                first.shared().free.release_of(word, bits);
                (word, bits) = (next, 0);
            }
            if packet.shared != shared {
                // SAFETY: as many handles of it were taken apart, and its last slot was returned.
                unsafe { Shared::release(shared, held) };
                (shared, held) = (packet.shared, 0);
            }
            bits |= bit;
            held += 1;
            first = packet;
        }
        first.shared().free.release_of(word, bits);
        // SAFETY: as above.
        unsafe { Shared::release(shared, held) };
    }

    #[inline]
    fn shared(&self) -> &Shared {
        // SAFETY: it lives until all who are counted have let go, and this handle is counted.
        unsafe { self.shared.as_ref() }
    }

    #[inline]
    fn place(&self) -> (usize, usize) {
        FreeSlots::<AtomicUsize>::place(self.slot as usize)
    }

    /// Bytes in the packet.
    #[inline]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether the packet has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes free before the packet: how much [`prepend`](Self::prepend) can give.
    #[inline]
    pub fn headroom(&self) -> usize {
        self.start as usize
    }

    /// Bytes free after the packet: the length of [`spare_mut`](Self::spare_mut).
    #[inline]
    pub fn tailroom(&self) -> usize {
        self.capacity() - self.len()
    }

    /// The longest packet that fits without using the headroom.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.shared().config.slot_size - self.headroom()
    }

    /// The bytes after the packet, to receive into; then say how many came with
    /// [`set_len`](Self::set_len).
    ///
    /// They hold whatever the slot's earlier packets left there, zeros at first.
    #[inline]
    pub fn spare_mut(&mut self) -> &mut [u8] {
        let (start, len) = (self.headroom() + self.len(), self.tailroom());
        // SAFETY: by the invariant the range ends at `slot_size`; exclusivity as in `deref_mut`.
        unsafe { slice::from_raw_parts_mut(self.address(start), len) }
    }

    /// Sets the packet's length, front kept. Bytes that come in are those of
    /// [`spare_mut`](Self::spare_mut): call this with what was written there, or an earlier packet's
    /// bytes become part of this one.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when `len` is above [`capacity`](Self::capacity); nothing changes.
    #[inline]
    pub fn set_len(&mut self, len: usize) -> Result<(), NoRoom> {
        let room = self.capacity();
        if len > room {
            return Err(NoRoom { wanted: len, room });
        }
        self.len = len as u32;
        Ok(())
    }

    /// Appends a copy of `bytes`.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when they are more than [`tailroom`](Self::tailroom); nothing changes.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        let room = self.tailroom();
        let Some(spare) = self.spare_mut().get_mut(..bytes.len()) else {
            return Err(NoRoom { wanted: bytes.len(), room });
        };
        spare.copy_from_slice(bytes);
        self.len += bytes.len() as u32;
        Ok(())
    }

    /// Grows the packet at its front by `count` bytes of headroom and returns them to be written: they
    /// hold what was there before.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when `count` is above [`headroom`](Self::headroom); nothing changes.
    #[inline]
    pub fn prepend(&mut self, count: usize) -> Result<&mut [u8], NoRoom> {
        let room = self.headroom();
        if count > room {
            return Err(NoRoom { wanted: count, room });
        }
        self.start -= count as u32;
        self.len += count as u32;
        Ok(&mut self[..count])
    }

    /// Removes up to `count` bytes from the front; they become headroom.
    #[inline]
    pub fn trim_front(&mut self, count: usize) {
        let count = count.min(self.len()) as u32;
        self.start += count;
        self.len -= count;
    }

    /// Shortens the packet to at most `len` bytes.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = len.min(self.len()) as u32;
    }

    /// Makes the packet empty, with the configured headroom, as it was when taken.
    #[inline]
    pub fn clear(&mut self) {
        // Nothing is cut: `SlotMemory::new` refuses more than 32 bits of slots or slot size.
        self.start = self.shared().config.headroom as u32;
        self.len = 0;
    }

    /// Turns the packet into [`Bytes`] without copying it. The slot returns to its pool when the last
    /// clone or slice of the `Bytes` is dropped.
    ///
    /// The bytes do not move; `Bytes` itself allocates its small reference count.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    #[inline]
    fn address(&self, offset: usize) -> *mut u8 {
        // SAFETY: the slot came from this pool's `FreeSlots`, which knows no others, and callers pass
        // offsets up to `start + len`, at most the slot size by the invariant.
        unsafe { self.shared().memory.address(self.slot as usize, offset).as_ptr() }
    }
}

impl Deref for PacketBuf {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the memory is initialised (zeroed at the start, then only written), lies inside the
        // slot by the invariant, and lives as long as `shared`. The slot is claimed by this handle
        // alone, so the only other way to it is a `&mut` of this handle, which the borrow excludes.
        unsafe { slice::from_raw_parts(self.address(self.headroom()), self.len()) }
    }
}

impl DerefMut for PacketBuf {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` excludes every other borrow of the slot.
        unsafe { slice::from_raw_parts_mut(self.address(self.headroom()), self.len()) }
    }
}

impl AsRef<[u8]> for PacketBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for PacketBuf {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl From<PacketBuf> for Bytes {
    fn from(packet: PacketBuf) -> Self {
        packet.freeze()
    }
}

impl Drop for PacketBuf {
    #[inline]
    fn drop(&mut self) {
        self.shared().free.release(self.slot as usize);
        // SAFETY: this handle is counted once, and gone after this.
        unsafe { Shared::release(self.shared, 1) }
    }
}

/// Shows where the packet lies, not its bytes: they may be somebody's conversation.
impl fmt::Debug for PacketBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketBuf")
            .field("slot", &self.slot)
            .field("headroom", &self.headroom())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{PacketPool, PoolConfig};
    use alloc::format;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const SLOT: usize = 100;
    const HEAD: usize = 20;

    fn buffer() -> PacketBuf {
        let config = PoolConfig { slots: 1, slot_size: SLOT, headroom: HEAD };
        PacketPool::new(config).unwrap().take().unwrap()
    }

    #[test]
    fn receive_into_the_spare_bytes() {
        let mut packet = buffer();
        assert_eq!(packet.spare_mut().len(), SLOT - HEAD);
        packet.spare_mut()[..3].copy_from_slice(b"abc");
        packet.set_len(3).unwrap();
        assert_eq!(&packet[..], b"abc");
        assert_eq!(packet.set_len(81), Err(NoRoom { wanted: 81, room: 80 }));
        assert_eq!(packet.extend_from_slice(&[0; 78]), Err(NoRoom { wanted: 78, room: 77 }));
        assert_eq!(packet.prepend(21), Err(NoRoom { wanted: 21, room: 20 }));
        assert_eq!(&packet[..], b"abc");
    }

    #[test]
    fn a_handle_is_small_and_shows_no_payload() {
        assert_eq!(size_of::<Option<PacketBuf>>(), size_of::<usize>() + 3 * size_of::<u32>() + 4);
        let mut packet = buffer();
        packet.extend_from_slice(b"secret").unwrap();
        assert_eq!(format!("{packet:?}"), "PacketBuf { slot: 0, headroom: 20, len: 6, .. }");
    }

    #[test]
    fn freezing_copies_nothing() {
        let mut packet = buffer();
        packet.extend_from_slice(b"abc").unwrap();
        let at = packet.as_ptr();
        let bytes = Bytes::from(packet);
        assert_eq!((bytes.as_ptr(), &bytes[..]), (at, &b"abc"[..]));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Extend(Vec<u8>),
        Prepend(Vec<u8>),
        TrimFront(usize),
        Truncate(usize),
        Clear,
        Overwrite(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40);
        prop_oneof![
            bytes().prop_map(Step::Extend),
            bytes().prop_map(Step::Prepend),
            (0_usize..50).prop_map(Step::TrimFront),
            (0_usize..90).prop_map(Step::Truncate),
            Just(Step::Clear),
            any::<u8>().prop_map(Step::Overwrite),
        ]
    }

    proptest! {
        /// The safe twin: a `Vec` and the number of bytes before it.
        #[test]
        fn behaves_as_a_vec_with_headroom(steps in prop::collection::vec(step(), 0..60)) {
            let mut packet = buffer();
            let (mut head, mut twin) = (HEAD, Vec::new());
            for step in steps {
                match step {
                    Step::Extend(bytes) => {
                        let fits = head + twin.len() + bytes.len() <= SLOT;
                        prop_assert_eq!(packet.extend_from_slice(&bytes).is_ok(), fits);
                        if fits { twin.extend(bytes); }
                    }
                    Step::Prepend(bytes) => {
                        let fits = bytes.len() <= head;
                        match packet.prepend(bytes.len()) {
                            Ok(front) => { prop_assert!(fits); front.copy_from_slice(&bytes); }
                            Err(_) => prop_assert!(!fits),
                        }
                        if fits {
                            head -= bytes.len();
                            twin.splice(0..0, bytes);
                        }
                    }
                    Step::TrimFront(count) => {
                        packet.trim_front(count);
                        let count = count.min(twin.len());
                        head += count;
                        twin.drain(..count);
                    }
                    Step::Truncate(len) => { packet.truncate(len); twin.truncate(len); }
                    Step::Clear => { packet.clear(); head = HEAD; twin.clear(); }
                    Step::Overwrite(byte) => { packet.fill(byte); twin.fill(byte); }
                }
                prop_assert_eq!(&packet[..], &twin[..]);
                prop_assert_eq!(packet.headroom(), head);
                prop_assert_eq!(packet.tailroom(), SLOT - head - twin.len());
                prop_assert_eq!(packet.spare_mut().len(), packet.tailroom());
            }
        }
    }
}
