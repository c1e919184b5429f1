//! Telephone numbers in logs: enough to follow a call, too little to know who was called.

use std::fmt;

use crate::directory::Party;

/// Numbers up to this length are internal ones, which name nobody outside.
const INTERNAL: usize = 4;
/// Digits that stay at the end.
const SHOWN: usize = 2;

/// Prints a number with all but its last two digits hidden; internal numbers as they are. Control
/// characters, which could begin a line of a log, become question marks.
///
/// ```
/// use pbx::redact::Redacted;
///
/// assert_eq!(Redacted("+74955550100").to_string(), "+*********00");
/// assert_eq!(Redacted("101").to_string(), "101");
/// ```
#[derive(Clone, Copy)]
pub struct Redacted<'a>(pub &'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        for (at, letter) in self.0.chars().enumerate() {
            let hidden = length > INTERNAL && at + SHOWN < length && letter.is_alphanumeric();
            let shown = match letter {
                _ if hidden => '*',
                control if control.is_control() => '?',
                plain => plain,
            };
            fmt::Write::write_char(f, shown)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Prints a party with its number redacted.
#[derive(Clone, Copy)]
pub struct RedactedParty<'a>(pub &'a Party);

impl fmt::Display for RedactedParty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Party::Trunk { trunk, number } => {
                write!(f, "{} via trunk {trunk}", Redacted(number))
            }
            other => other.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_breaks_no_line_of_a_log() {
        assert_eq!(Redacted("102\r\nERROR x").to_string(), "***??***** x");
        assert_eq!(Redacted("1\n\u{1b}\0").to_string(), "1???");
        let number = "+74955550123\u{85}\r\n".to_owned();
        let party = Party::Trunk { trunk: "city".into(), number };
        assert_eq!(RedactedParty(&party).to_string(), "+***********??? via trunk city");
    }
}
