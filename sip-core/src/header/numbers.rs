//! Headers that are one number (RFC 3261 §20.14, §20.19, §20.22, §20.23; RFC 3262, RFC 5626).

use super::{HeaderName, TypedHeader};
use crate::error::{HeaderError, ValueError};
use crate::text::{Cursor, write_number};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($number:ident);)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $number);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                number(value, u64::from($number::MAX))
                    .map(|number| $name($number::try_from(number).unwrap_or($number::MAX)))
                    .map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                write_number(out, self.0.into());
            }
        }
    )* };
}

numbers! {
    /// How many more hops a request may take, 0 to 255 (RFC 3261 §20.22). Usually starts at 70.
    ///
    /// Grammar: `1*DIGIT`
    ///
    /// Example: `Max-Forwards: 70`
    MaxForwards(u8);
    /// How long something is valid, in seconds (RFC 3261 §20.19).
    ///
    /// Grammar: `delta-seconds`
    ///
    /// Example: `Expires: 3600`
    Expires(u32);
    /// The shortest time, in seconds, that a registrar or notifier agrees to (RFC 3261 §20.23).
    ///
    /// Grammar: `delta-seconds`
    ///
    /// Example: `Min-Expires: 60`
    MinExpires(u32);
    /// The bytes of the body (RFC 3261 §20.14). Writing a message sets it.
    ///
    /// Grammar: `1*DIGIT`
    ///
    /// Example: `Content-Length: 349`
    ContentLength(u32);
    /// The number of a reliable provisional response (RFC 3262 §7.1).
    ///
    /// Grammar: `1*DIGIT`
    ///
    /// Example: `RSeq: 988789`
    RSeq(u32);
    /// How long, in seconds, the server waits for a keep-alive (RFC 5626 §10).
    ///
    /// Grammar: `1*DIGIT`
    ///
    /// Example: `Flow-Timer: 120`
    FlowTimer(u32);
}

fn number(value: &[u8], max: u64) -> Result<u64, ValueError> {
    let mut cursor = Cursor::new(value);
    cursor.lws();
    let number = cursor.number(max)?;
    cursor.end()?;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(MaxForwards::parse(b"0068"), Ok(MaxForwards(68)));
        assert_eq!(Expires::parse(b"4294967295"), Ok(Expires(u32::MAX)));
        for value in
            ["", "-1", "+0", "1 2", "five", "4294967296", "36893488147419103232", "0x1", "1.0"]
        {
            assert!(Expires::parse(value.as_bytes()).is_err(), "{value}");
        }
        assert!(MaxForwards::parse(b"256").is_err());
    }
}
