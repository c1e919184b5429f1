//! Keys to press in a call.

use std::str::FromStr;
use std::time::Duration;

/// How long a `,` waits.
const PAUSE: Duration = Duration::from_secs(1);

/// Keys to press, such as `12#`, with `,` for a pause of one second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialString(Vec<Step>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Key(char),
    Pause,
}

/// One key and when to press it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Counted from the answer.
    pub at: Duration,
    /// `0`-`9`, `*`, `#`, `A`-`D`.
    pub key: char,
}

/// A character that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no key: 0-9, *, #, A-D, and ',' for a pause of one second")]
pub struct NotAKey {
    found: char,
}

impl DialString {
    /// When to press each key: the first one `delay` after the answer, each further one `length` (for
    /// the key before) and `gap` later.
    pub fn presses(&self, delay: Duration, length: Duration, gap: Duration) -> Vec<Press> {
        let mut at = delay;
        let mut presses = Vec::new();
        for step in &self.0 {
            match step {
                Step::Key(key) => {
                    presses.push(Press { at, key: *key });
                    at += length + gap;
                }
                Step::Pause => at += PAUSE,
            }
        }
        presses
    }
}

impl FromStr for DialString {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let step = |found: char| match found.to_ascii_uppercase() {
            key @ ('0'..='9' | '*' | '#' | 'A'..='D') => Ok(Step::Key(key)),
            ',' => Ok(Step::Pause),
            _ => Err(NotAKey { found }),
        };
        text.chars().map(step).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn keys_follow_each_other_with_a_gap_and_pauses() {
        let keys: DialString = "1d,#".parse().unwrap();
        let presses = keys.presses(ms(500), ms(100), ms(60));
        let expected = [(500, '1'), (660, 'D'), (1_820, '#')];
        assert_eq!(presses, expected.map(|(at, key)| Press { at: ms(at), key }));
    }

    #[test]
    fn what_is_no_key_is_named() {
        let error = "12x".parse::<DialString>().unwrap_err();
        assert!(error.to_string().contains("'x'"), "{error}");
        assert_eq!("".parse::<DialString>(), Ok(DialString::default()));
    }
}
