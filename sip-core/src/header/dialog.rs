//! Headers that name another dialog: Replaces, Join, Target-Dialog (RFC 3891, 3911, 4538).

use super::cseq::read_call_id;
use super::params::{Params, ParamsRef};
use super::{CallId, HeaderName, TypedHeader};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::text::{Cursor, str};

/// A dialog as another party names it: Call-ID and both tags, from the receiver's side.
fn read(
    value: &[u8],
    (first, second): (&'static str, &'static str),
) -> Result<(CallId, String, String, Params), ValueError> {
    let mut cursor = Cursor::of(value)?;
    cursor.lws();
    let call_id = CallId::copy(read_call_id(&mut cursor)?);
    let (mut one, mut other) = (None, None);
    let params = ParamsRef::read(&mut cursor, |param, _| {
        let slot = if param.name.eq_ignore_ascii_case(first.as_bytes()) {
            &mut one
        } else if param.name.eq_ignore_ascii_case(second.as_bytes()) {
            &mut other
        } else {
            return Ok(());
        };
        if slot.is_some() {
            return Err(ValueErrorKind::Repeated);
        }
        *slot = param.token().map(|tag| str(tag).to_owned());
        if slot.is_none() {
            return Err(ValueErrorKind::Expected("a token as the tag"));
        }
        Ok(())
    })?;
    cursor.end()?;
    let (Some(one), Some(other)) = (one, other) else {
        return Err(cursor.expected("both tags"));
    };
    let mut params = params.to_params();
    params.remove(first);
    params.remove(second);
    Ok((call_id, one, other, params))
}

macro_rules! dialogs {
    ($($(#[$doc:meta])* $name:ident($first:ident $first_text:literal, $second:ident $second_text:literal);)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            /// The Call-ID of the dialog.
            pub call_id: CallId,
            #[doc = concat!("The `", $first_text, "` parameter.")]
            pub $first: String,
            #[doc = concat!("The `", $second_text, "` parameter.")]
            pub $second: String,
            /// The other parameters.
            pub params: Params,
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                read(value, ($first_text, $second_text))
                    .map(|(call_id, $first, $second, params)| $name { call_id, $first, $second, params })
                    .map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.call_id.write(out);
                let tags = format!(
                    concat!(";", $first_text, "={};", $second_text, "={}{}"),
                    self.$first, self.$second, self.params
                );
                out.extend_from_slice(tags.as_bytes());
            }
        }
    )* };
}

dialogs! {
    /// The dialog that this INVITE takes the place of (RFC 3891 §6.1):
    /// `425928@bobster.example.org;to-tag=7743;from-tag=6472`. `to_tag` is the receiver's own.
    ///
    /// Grammar: `callid *( ";" ( "to-tag=" token / "from-tag=" token / "early-only" / generic-param ) ), both tags once`
    ///
    /// Example: `Replaces: 98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff`
    Replaces(to_tag "to-tag", from_tag "from-tag");
    /// The dialog whose conference this INVITE joins (RFC 3911 §7.1). `to_tag` is the receiver's own.
    ///
    /// Grammar: `callid *( ";" ( "to-tag=" token / "from-tag=" token / generic-param ) ), both tags once`
    ///
    /// Example: `Join: 12adf2f34456gs5;to-tag=12345;from-tag=54321`
    Join(to_tag "to-tag", from_tag "from-tag");
    /// The dialog that gives the sender the right to ask (RFC 4538 §7): `local_tag` is the
    /// receiver's own.
    ///
    /// Grammar: `callid *( ";" ( "remote-tag=" token / "local-tag=" token / generic-param ) ), both tags once`
    ///
    /// Example: `Target-Dialog: fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544`
    TargetDialog(local_tag "local-tag", remote_tag "remote-tag");
}

impl Replaces {
    /// Whether only an early dialog may be replaced.
    pub fn early_only(&self) -> bool {
        self.params.contains("early-only")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_dialogs() {
        let value = b"98732@sip.example.com ;from-tag=r33th4x0r\r\n ; to-tag=ff87ff;early-only";
        let replaces = Replaces::parse(value).unwrap();
        assert_eq!((replaces.to_tag.as_str(), replaces.from_tag.as_str()), ("ff87ff", "r33th4x0r"));
        assert!(replaces.early_only());
        let mut out = Vec::new();
        replaces.write(&mut out);
        assert_eq!(out, b"98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r;early-only");
        for value in [
            "",
            "a",
            "a;to-tag=1",
            "a;to-tag=1;from-tag=",
            "a;to-tag=1;from-tag=2;to-tag=3",
            "a b;to-tag=1;from-tag=2",
        ] {
            assert!(Replaces::parse(value.as_bytes()).is_err(), "{value}");
        }
        let target = TargetDialog::parse(b"a;local-tag=1;remote-tag=2").unwrap();
        assert_eq!((target.local_tag.as_str(), target.remote_tag.as_str()), ("1", "2"));
    }
}
