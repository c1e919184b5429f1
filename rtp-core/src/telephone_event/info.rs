//! Digits in the body of a SIP INFO.
//!
//! No RFC says what such bodies hold. `application/dtmf-relay` is Cisco's (lines `Signal=5` and
//! `Duration=160`), `application/dtmf` holds the digit and nothing else; both are read here as they are found,
//! written as they are understood by most.

use alloc::{format, string::String};
use core::time::Duration;

use super::EventCode;

/// The media type of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InfoType {
    /// `application/dtmf-relay`.
    DtmfRelay,
    /// `application/dtmf`.
    Dtmf,
}

impl InfoType {
    /// The type that the value of a Content-Type header names, in either case and with or without
    /// parameters.
    pub fn from_content_type(value: &str) -> Option<InfoType> {
        let name = value.split(';').next().unwrap_or_default().trim();
        [InfoType::DtmfRelay, InfoType::Dtmf]
            .into_iter()
            .find(|known| known.content_type().eq_ignore_ascii_case(name))
    }

    /// The value of the Content-Type header.
    pub const fn content_type(self) -> &'static str {
        match self {
            InfoType::DtmfRelay => "application/dtmf-relay",
            InfoType::Dtmf => "application/dtmf",
        }
    }
}

/// What the body of an INFO says: an event that has happened, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoEvent {
    /// Which.
    pub code: EventCode,
    /// How long it lasted, in whole milliseconds up to [`MAX_DURATION`]. `None`: the body does not say.
    pub duration: Option<Duration>,
}

/// The longest duration that is read; longer ones are taken as this.
pub const MAX_DURATION: Duration = Duration::from_secs(60);
/// Octets of a body that are read; no digit needs more.
const MAX_BODY: usize = 512;

impl InfoEvent {
    /// Reads a body.
    ///
    /// Of `application/dtmf-relay` the lines may stand in any order, with spaces around the equals sign and any
    /// end of line; lines of other names are passed over. A signal is a digit, its number as an event (`10` and
    /// `11` for `*` and `#`, `16` for a hook flash), or `flash`.
    ///
    /// # Errors
    ///
    /// [`InfoError`]: the peer's fault; 400 is to be answered, or 415 where the type is unknown.
    pub fn parse(kind: InfoType, body: &[u8]) -> Result<InfoEvent, InfoError> {
        if body.len() > MAX_BODY {
            return Err(InfoError::TooLong(body.len()));
        }
        let text = core::str::from_utf8(body).map_err(|_| InfoError::NotText)?;
        match kind {
            InfoType::Dtmf => {
                let code = signal(text.trim()).ok_or(InfoError::Signal)?;
                Ok(InfoEvent { code, duration: None })
            }
            InfoType::DtmfRelay => {
                let (mut code, mut duration) = (None, None);
                for line in text.split(['\r', '\n']) {
                    let Some((name, value)) = line.split_once('=') else { continue };
                    let (name, value) = (name.trim(), value.trim());
                    if name.eq_ignore_ascii_case("signal") && code.is_none() {
                        code = Some(signal(value).ok_or(InfoError::Signal)?);
                    } else if name.eq_ignore_ascii_case("duration") && duration.is_none() {
                        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                        if !digits {
                            return Err(InfoError::Duration);
                        }
                        // Only too large a number is left to fail.
                        let milliseconds = value.parse().unwrap_or(u64::MAX);
                        duration = Some(Duration::from_millis(milliseconds).min(MAX_DURATION));
                    }
                }
                Ok(InfoEvent { code: code.ok_or(InfoError::Signal)?, duration })
            }
        }
    }

    /// Writes the body. `application/dtmf` has no place for the duration.
    ///
    /// A duration below a millisecond is written as one; an event that is no digit as its number.
    pub fn to_body(&self, kind: InfoType) -> String {
        let signal = match self.code.digit() {
            Some(digit) => String::from(digit),
            None => format!("{}", self.code.0),
        };
        match (kind, self.duration) {
            (InfoType::Dtmf, _) => signal,
            (InfoType::DtmfRelay, None) => format!("Signal={signal}\r\n"),
            (InfoType::DtmfRelay, Some(duration)) => {
                let milliseconds = duration.min(MAX_DURATION).as_millis().max(1);
                format!("Signal={signal}\r\nDuration={milliseconds}\r\n")
            }
        }
    }
}

fn signal(value: &str) -> Option<EventCode> {
    let mut characters = value.chars();
    if let (Some(digit), None) = (characters.next(), characters.next()) {
        return EventCode::from_digit(digit);
    }
    if value.eq_ignore_ascii_case("flash") {
        return Some(EventCode::FLASH);
    }
    let number = value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok())??;
    (10..=16).contains(&number).then_some(EventCode(number))
}

/// Why a body holds no event. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InfoError {
    /// More octets than any digit needs.
    #[error("INFO body of {0} octets is too long for a digit")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("INFO body is not text")]
    NotText,
    /// No signal, or one that is on no telephone.
    #[error("INFO body names no digit")]
    Signal,
    /// The duration is no number.
    #[error("INFO body has a duration that is not a number of milliseconds")]
    Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn relay(body: &str) -> Result<(u8, Option<u64>), InfoError> {
        InfoEvent::parse(InfoType::DtmfRelay, body.as_bytes())
            .map(|event| (event.code.0, event.duration.map(|duration| duration.as_millis() as u64)))
    }

    fn dtmf(body: &str) -> Result<u8, InfoError> {
        InfoEvent::parse(InfoType::Dtmf, body.as_bytes()).map(|event| event.code.0)
    }

    #[test]
    fn bodies_as_they_are_found() {
        for (body, expected) in [
            ("Signal=5\r\nDuration=160\r\n", (5, Some(160))),
            ("Signal= 5\r\nDuration= 160\r\n", (5, Some(160))),
            ("Signal=*\nDuration=250", (10, Some(250))),
            ("duration = 100\r\n\r\nSIGNAL = #\r\n", (11, Some(100))),
            ("Signal=10\rDuration=1\r", (10, Some(1))),
            ("Signal=11", (11, None)),
            ("Signal=d\r\nVolume=3\r\nno such line\r\n", (15, None)),
            ("Signal=16\r\n", (16, None)),
            ("Signal=Flash\r\n", (16, None)),
            ("Signal=1\r\nSignal=2\r\n", (1, None)),
            ("Signal=1\r\nDuration=99999999999999999999\r\n", (1, Some(60_000))),
        ] {
            assert_eq!(relay(body), Ok(expected), "{body:?}");
        }
        for (body, expected) in [("0", 0), ("9\r\n", 9), (" A ", 12), ("#", 11), ("10", 10)] {
            assert_eq!(dtmf(body), Ok(expected), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_digit_is_refused() {
        for body in [
            "",
            "Duration=100",
            "Signal=",
            "Signal=E",
            "Signal=12345",
            "Signal=-1",
            "5",
            "Signal=9\u{e9}",
        ] {
            assert_eq!(relay(body), Err(InfoError::Signal), "{body:?}");
        }
        for body in ["Signal=1\nDuration=", "Signal=1\nDuration=-5", "Signal=1\nDuration=1.5"] {
            assert_eq!(relay(body), Err(InfoError::Duration), "{body:?}");
        }
        for body in ["", "17", "123", "x", "Signal=5", "\u{664}"] {
            assert_eq!(dtmf(body), Err(InfoError::Signal), "{body:?}");
        }
        assert_eq!(InfoEvent::parse(InfoType::Dtmf, &[0xff]), Err(InfoError::NotText));
        let long = alloc::vec![b' '; 600];
        assert_eq!(InfoEvent::parse(InfoType::Dtmf, &long), Err(InfoError::TooLong(600)));
    }

    #[test]
    fn types_are_known_by_their_header() {
        use InfoType::{Dtmf, DtmfRelay};
        for (value, kind) in [
            ("application/dtmf-relay", Some(DtmfRelay)),
            ("Application/DTMF-Relay; charset=utf-8", Some(DtmfRelay)),
            (" application/dtmf ", Some(Dtmf)),
            ("application/sdp", None),
            ("", None),
        ] {
            assert_eq!(InfoType::from_content_type(value), kind, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_again_gives_the_same(
            code in 0u8..=16,
            duration in proptest::option::of(1u64..60_000),
        ) {
            let event =
                InfoEvent { code: EventCode(code), duration: duration.map(Duration::from_millis) };
            for kind in [InfoType::Dtmf, InfoType::DtmfRelay] {
                let read = InfoEvent::parse(kind, event.to_body(kind).as_bytes()).unwrap();
                prop_assert_eq!(read.code, event.code);
                if kind == InfoType::DtmfRelay {
                    prop_assert_eq!(read, event);
                }
            }
        }

        #[test]
        fn no_body_does_harm(body: Vec<u8>) {
            for kind in [InfoType::Dtmf, InfoType::DtmfRelay] {
                if let Ok(event) = InfoEvent::parse(kind, &body) {
                    prop_assert!(event.code.0 <= 16);
                }
            }
        }
    }
}
