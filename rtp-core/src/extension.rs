//! Writes the elements of a header extension (RFC 8285); [`Extension::elements`] reads them.
//!
//! ```
//! use rtp_core::extension::{ElementForm, ExtensionWriter};
//! use rtp_core::{Header, Packet, PayloadType, Ssrc};
//!
//! let mut room = [0; 16];
//! let mut writer = ExtensionWriter::new(ElementForm::OneByte, &mut room);
//! writer.push(1, &[0x80 | 30])?; // an audio level (RFC 6464), where SDP says `extmap:1`
//! let header = Header {
//!     extension: Some(writer.finish()),
//!     ..Header::new(PayloadType::PCMA, 1, 160, Ssrc(7))
//! };
//! let mut packet = [0; 20];
//! header.write(&mut packet)?;
//! let extension = Packet::parse(&packet)?.extension().unwrap();
//! assert_eq!(extension.elements().next().map(|element| element.data), Some(&[0x9e][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::packet::Extension;

/// How elements are headed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementForm {
    /// Identifiers 1 to 14, 1 to 16 octets of data (section 4.2).
    OneByte,
    /// Identifiers 1 to 255, up to 255 octets of data (section 4.3), under the profile 0x1000 and
    /// these four bits of the application's own.
    TwoByte {
        /// 0 to 15; higher bits are cut.
        application: u8,
    },
}

/// Puts elements one behind the other into a buffer of the caller's.
#[derive(Debug)]
pub struct ExtensionWriter<'b> {
    form: ElementForm,
    buf: &'b mut [u8],
    len: usize,
}

impl<'b> ExtensionWriter<'b> {
    /// A writer that has written nothing; all whole words of `buf` may be used.
    pub fn new(form: ElementForm, buf: &'b mut [u8]) -> ExtensionWriter<'b> {
        let whole = buf.len() / 4 * 4;
        let (buf, _) = buf.split_at_mut(whole);
        ExtensionWriter { form, buf, len: 0 }
    }

    /// Appends an element.
    ///
    /// # Errors
    ///
    /// [`ExtensionError`]: the caller's misuse; nothing is appended.
    pub fn push(&mut self, id: u8, data: &[u8]) -> Result<(), ExtensionError> {
        let len = data.len();
        let mut head = [0; 2];
        let head = match self.form {
            ElementForm::OneByte if !(1..=14).contains(&id) => return Err(ExtensionError::Id(id)),
            ElementForm::OneByte if !(1..=16).contains(&len) => {
                return Err(ExtensionError::Length(len));
            }
            ElementForm::OneByte => {
                head[0] = id << 4 | (len - 1) as u8;
                &head[..1]
            }
            ElementForm::TwoByte { .. } if id == 0 => return Err(ExtensionError::Id(id)),
            ElementForm::TwoByte { .. } => {
                head = [id, u8::try_from(len).map_err(|_| ExtensionError::Length(len))?];
                &head[..]
            }
        };
        let end = self.len + head.len() + len;
        let place = self.buf.get_mut(self.len..end).ok_or(ExtensionError::BufferTooSmall)?;
        let (front, back) = place.split_at_mut(head.len());
        front.copy_from_slice(head);
        back.copy_from_slice(data);
        self.len = end;
        Ok(())
    }

    /// Ends the list with zeros up to a whole word: the extension for a
    /// [`Header`](crate::Header).
    pub fn finish(self) -> Extension<'b> {
        let profile = match self.form {
            ElementForm::OneByte => Extension::ONE_BYTE,
            ElementForm::TwoByte { application } => 0x1000 | u16::from(application & 0x0f),
        };
        let (data, _) = self.buf.split_at_mut(self.len.next_multiple_of(4).min(self.buf.len()));
        if let Some(padding) = data.get_mut(self.len..) {
            padding.fill(0);
        }
        Extension { profile, data }
    }
}

/// Why an element was not appended. Always the caller's misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// Not an identifier of this form.
    #[error("header extension element {0} is not an identifier of this form")]
    Id(u8),
    /// Data that this form has no length for.
    #[error("{0} octets do not fit into a header extension element of this form")]
    Length(usize),
    /// No room for the element.
    #[error("header extension element does not fit into the buffer")]
    BufferTooSmall,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Element;
    use alloc::vec::Vec;

    #[test]
    fn forms_have_their_limits() {
        let mut buf = [0; 600];
        let mut one = ExtensionWriter::new(ElementForm::OneByte, &mut buf);
        assert_eq!(one.push(0, &[1]), Err(ExtensionError::Id(0)));
        assert_eq!(one.push(15, &[1]), Err(ExtensionError::Id(15)));
        assert_eq!(one.push(1, &[]), Err(ExtensionError::Length(0)));
        assert_eq!(one.push(1, &[0; 17]), Err(ExtensionError::Length(17)));
        one.push(14, &[7; 16]).unwrap();
        let extension = one.finish();
        assert_eq!((extension.profile, extension.data.len()), (0xbede, 20));
        assert!(extension.elements().eq([Element { id: 14, data: &[7; 16] }]));

        let mut two = ExtensionWriter::new(ElementForm::TwoByte { application: 0xf5 }, &mut buf);
        assert_eq!(two.push(0, &[1]), Err(ExtensionError::Id(0)));
        assert_eq!(two.push(1, &[0; 256]), Err(ExtensionError::Length(256)));
        two.push(255, &[]).unwrap();
        two.push(15, &[3; 255]).unwrap();
        let extension = two.finish();
        assert_eq!((extension.profile, extension.data.len()), (0x1005, 260));
        let found: Vec<_> = extension.elements().map(|e| (e.id, e.data.len())).collect();
        assert_eq!(found, [(255, 0), (15, 255)]);
    }

    #[test]
    fn only_whole_words_are_used() {
        for len in 0..12 {
            let mut buf = [0xff; 12];
            let mut writer = ExtensionWriter::new(ElementForm::OneByte, &mut buf[..len]);
            let fits = writer.push(1, &[1, 2, 3, 4]).is_ok();
            assert_eq!(fits, len >= 8, "{len}");
            let extension = writer.finish();
            assert!(extension.data.len().is_multiple_of(4));
            assert_eq!(extension.elements().count(), usize::from(fits));
        }
    }
}
