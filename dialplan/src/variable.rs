//! Variables in the text of a step: `${EXTEN:1}`.

use alloc::string::String;

/// The longest text that comes of expanding, in bytes.
pub const MAX_EXPANDED: usize = 16 * 1024;
const MAX_DEPTH: usize = 16;

/// Why a text cannot be expanded. The writer of the plan has to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VariableError {
    /// A `${` without its `}`.
    #[error("the variable opened at position {at} is not closed: `}}` is missing")]
    Unclosed {
        /// Byte offset of the `$`.
        at: usize,
    },
    /// Variables within variables, more than sixteen deep.
    #[error("variables within variables, more than {MAX_DEPTH} deep (position {at})")]
    TooDeep {
        /// Byte offset of the innermost `$` looked at.
        at: usize,
    },
    /// The text would be longer than [`MAX_EXPANDED`].
    #[error("the text would be longer than {MAX_EXPANDED} bytes (position {at})")]
    TooLong {
        /// Byte offset of the variable that went over.
        at: usize,
    },
}

/// Puts the values of variables into a text. `value` is asked for each name; an unknown one is empty,
/// as in Asterisk.
///
/// After a colon stands where to begin, counted from the end when negative, and after another how
/// many characters to take, or when negative, how many to leave at the end. A name may hold
/// variables itself.
///
/// ```
/// let value = |name: &str| (name == "EXTEN").then(|| "84951234567".to_string());
/// let expand = |text| dialplan::variable::expand(text, &value);
/// assert_eq!(expand("+7${EXTEN:1}")?, "+74951234567");
/// assert_eq!(expand("${EXTEN:-4}/${EXTEN:1:3}/${EXTEN::-9}")?, "4567/495/84");
/// # Ok::<(), dialplan::variable::VariableError>(())
/// ```
///
/// # Errors
///
/// When a brace is not closed or a bound is passed.
pub fn expand(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, VariableError> {
    let mut expanded = String::new();
    expand_into(text, 0, value, MAX_DEPTH, &mut expanded)?;
    Ok(expanded)
}

fn expand_into(
    text: &str,
    start: usize,
    value: &dyn Fn(&str) -> Option<String>,
    depth: usize,
    expanded: &mut String,
) -> Result<(), VariableError> {
    let mut rest = text;
    while let Some(open) = rest.find("${") {
        let at = start + text.len() - rest.len() + open;
        let (before, after) = rest.split_at(open);
        let depth = depth.checked_sub(1).ok_or(VariableError::TooDeep { at })?;
        expanded.push_str(before);
        let inner = after.get(2..).unwrap_or_default();
        let close = closing(inner).ok_or(VariableError::Unclosed { at })?;
        let (inner, tail) = inner.split_at(close);
        let mut name = String::new();
        expand_into(inner, at + 2, value, depth, &mut name)?;
        let (name, cut) = split_cut(&name);
        let value = value(name).unwrap_or_default();
        expanded.push_str(cut.of(&value));
        if expanded.len() > MAX_EXPANDED {
            return Err(VariableError::TooLong { at });
        }
        rest = tail.get(1..).unwrap_or_default();
    }
    expanded.push_str(rest);
    let at = start + text.len();
    if expanded.len() > MAX_EXPANDED { Err(VariableError::TooLong { at }) } else { Ok(()) }
}

/// Where the brace that is open closes.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Which characters of a value are taken.
#[derive(Clone, Copy, Default)]
struct Cut {
    offset: i64,
    length: Option<i64>,
}

/// Splits `NAME:offset:length`; colons within parentheses belong to the name.
fn split_cut(name: &str) -> (&str, Cut) {
    let after_arguments = name.rfind(')').map_or(0, |at| at + 1);
    let Some(colon) = name.get(after_arguments..).and_then(|rest| rest.find(':')) else {
        return (name, Cut::default());
    };
    let (name, cut) = name.split_at(after_arguments + colon);
    let mut parts = cut.split(':').skip(1).map(|part| part.trim().parse().ok());
    let offset = parts.next().flatten().unwrap_or(0);
    (name, Cut { offset, length: parts.next().flatten() })
}

impl Cut {
    fn of(self, value: &str) -> &str {
        let count = value.chars().count() as i64;
        let clamp = |at: i64| at.clamp(0, count);
        let from = if self.offset < 0 {
            clamp(count.saturating_add(self.offset))
        } else {
            clamp(self.offset)
        };
        let until = match self.length {
            None => count,
            Some(length) if length < 0 => clamp(count.saturating_add(length)),
            Some(length) => clamp(from.saturating_add(length)),
        };
        let byte =
            |at: i64| value.char_indices().nth(at as usize).map_or(value.len(), |(at, _)| at);
        value.get(byte(from)..byte(until.max(from))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn value(name: &str) -> Option<String> {
        match name {
            "EXTEN" => Some("5551212".to_string()),
            "WHICH" => Some("EXTEN".to_string()),
            "CALLERID(num)" => Some("101".to_string()),
            "LONG" => Some("x".repeat(10_000)),
            _ => None,
        }
    }

    #[test]
    fn substrings_as_in_asterisk() {
        for (text, expected) in [
            ("${EXTEN}", "5551212"),
            ("${EXTEN:3}", "1212"),
            ("${EXTEN:-3}", "212"),
            ("${EXTEN:0:3}", "555"),
            ("${EXTEN:-4:2}", "12"),
            ("${EXTEN:1:-2}", "5512"),
            ("${EXTEN:99}", ""),
            ("${EXTEN:-99}", "5551212"),
            ("${${WHICH}:3}", "1212"),
            ("${CALLERID(num):1}", "01"),
            ("a${NOTHING}b", "ab"),
            ("$5 {x}", "$5 {x}"),
        ] {
            assert_eq!(expand(text, &value).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bounds() {
        assert_eq!(expand("ab${EXTEN", &value), Err(VariableError::Unclosed { at: 2 }));
        let deep = ["${".repeat(20), "}".repeat(20)].concat();
        assert_eq!(expand(&deep, &value), Err(VariableError::TooDeep { at: 32 }));
        assert_eq!(expand("${LONG}${LONG}", &value), Err(VariableError::TooLong { at: 7 }));
        assert!(expand(&"${".repeat(1 << 19), &value).is_err());
    }
}
