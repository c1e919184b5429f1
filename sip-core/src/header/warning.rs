//! Warning (RFC 3261 §20.43).

use super::{HeaderName, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::text::{Cursor, class, str, unquote, write_quoted};

/// More on why a request failed (RFC 3261 §20.43): `301 isi.edu "Incompatible network address type 'E.164'"`.
///
/// Grammar: `warn-code SP warn-agent SP quoted-string *( "," … )`
///
/// Example: `Warning: 307 isi.edu "Session parameter 'foo' not understood"`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Warning {
    code: u16,
    agent: Box<str>,
    /// The words for people.
    pub text: String,
}

impl Warning {
    /// A warning. The code is 100 to 999, of which 399 means anything at all; the agent is a host,
    /// with or without port, or a pseudonym.
    ///
    /// # Errors
    ///
    /// When code or agent is not that.
    pub fn new(code: u16, agent: &str, text: impl Into<String>) -> Result<Warning, ValueError> {
        if !(100..=999).contains(&code) {
            return Err(ValueError::new(ValueErrorKind::Range, 0));
        }
        if agent.is_empty() || !crate::text::all(agent.as_bytes(), class::VALUE) {
            return Err(ValueError::expected("a host or a token as the agent", 0));
        }
        Ok(Warning { code, agent: agent.into(), text: text.into() })
    }

    /// The code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Who warns.
    pub fn agent(&self) -> &str {
        &self.agent
    }
}

impl TypedHeader for Warning {
    const NAME: HeaderName = HeaderName::Warning;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let read = || -> Result<Warning, ValueError> {
            let mut cursor = Cursor::of(value)?;
            cursor.lws();
            let at = cursor.at();
            let code = cursor.number(999)?;
            if cursor.at() - at != 3 {
                return Err(ValueError::new(ValueErrorKind::Range, at));
            }
            cursor.lws();
            let at = cursor.at();
            let agent = str(cursor.run(class::VALUE));
            cursor.lws();
            let text = unquote(str(cursor.quoted()?));
            cursor.end()?;
            Warning::new(u16::try_from(code).unwrap_or(0), agent, text)
                .map_err(|error| error.shifted(at))
        };
        read().map_err(|error| error.of(HeaderName::Warning))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{} {} ", self.code, self.agent).as_bytes());
        write_quoted(&self.text, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings() {
        let warning =
            Warning::parse(b"370 [2001:db8::1]:5060 \"Insufficient \\\"bandwidth\\\"\"").unwrap();
        assert_eq!((warning.code(), warning.agent()), (370, "[2001:db8::1]:5060"));
        assert_eq!(warning.text, "Insufficient \"bandwidth\"");
        let mut out = Vec::new();
        warning.write(&mut out);
        assert_eq!(Warning::parse(&out), Ok(warning));
        for value in
            ["", "1812 overture \"In Progress\"", "99 a \"b\"", "399 a b", "399 \"b\"", "399 a \"b"]
        {
            assert!(Warning::parse(value.as_bytes()).is_err(), "{value}");
        }
    }
}
