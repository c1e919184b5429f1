//! Application-defined packets (RFC 3550 section 6.7).

use crate::Ssrc;

/// APP: something between two applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct App<'a> {
    /// Chosen by the application, 0 to 31.
    pub subtype: u8,
    /// Who sends it.
    pub ssrc: Ssrc,
    /// Whose names the subtypes are: four ASCII characters.
    pub name: [u8; 4],
    /// The application's data, whole words.
    pub data: &'a [u8],
}

impl<'a> App<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Option<App<'a>> {
        let (ssrc, rest) = body.split_first_chunk::<4>()?;
        let (name, data) = rest.split_first_chunk::<4>()?;
        Some(App { subtype: count, ssrc: Ssrc(u32::from_be_bytes(*ssrc)), name: *name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_data_are_separate() {
        let app = App::read(5, b"\0\0\0\x01TEST\x01\x02\x03\x04").unwrap();
        assert_eq!((app.subtype, app.ssrc, &app.name), (5, Ssrc(1), b"TEST"));
        assert_eq!(app.data, [1, 2, 3, 4]);
        assert!(App::read(0, b"\0\0\0\x01TES").is_none());
    }
}
