//! Reading `extensions.conf`: what a user who comes from Asterisk has.
//!
//! Contexts, extensions with priorities, labels and `same`, includes with times, `[globals]`,
//! templates, `#include` and comments become a [`Plan`] of [`Application`]s. What is
//! not understood is left out and reported with its line; nothing is guessed.
//!
//! ```
//! use dialplan::asterisk::{NoFiles, read};
//!
//! let text = "[internal]\nexten => _1XX,1,Dial(PJSIP/${EXTEN})\n same => n,Hangup()\n";
//! let (plan, notes) = read("extensions.conf", text, &mut NoFiles)?;
//! assert!(notes.is_empty());
//! let step = plan.lookup("internal", "101")?;
//! assert_eq!((&*step.target.name, &*step.target.arguments), ("Dial", "PJSIP/${EXTEN}"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conf;
mod extensions;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::plan::{BuildError, Plan};

pub use extensions::read;

/// The priority under which a `hint` is stored.
pub const HINT: u32 = u32::MAX;

/// An application and its arguments, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The application: `Dial`.
    pub name: Box<str>,
    /// What stands between its parentheses.
    pub arguments: Box<str>,
}

impl Application {
    /// Calls `visit` with each context that this step leads to: `Goto`, `Gosub`, `Macro`, `Dial` of
    /// a `Local` channel and their like.
    pub fn contexts(&self, visit: &mut dyn FnMut(&str)) {
        let name = self.name.to_ascii_lowercase();
        match name.as_str() {
            "goto" | "gosub" | "gotoif" | "gotoiftime" | "gosubif" | "execif" => {
                // Any argument of `context,extension,priority` may be the context.
                for target in self.arguments.split(['?', ':']) {
                    let target = target.split('(').next().unwrap_or_default();
                    let parts: Vec<&str> = target.split([',', '|']).map(str::trim).collect();
                    if let [.., context, _, _] = parts.as_slice() {
                        visit(context);
                    }
                }
            }
            "macro" => {
                let name = self.arguments.split(',').next().unwrap_or_default();
                visit(&alloc::format!("macro-{}", name.trim()));
            }
            "background" | "waitexten" | "read" | "disa" | "page" | "dial" | "queue" => {
                for argument in self.arguments.split([',', '&']) {
                    if let Some((_, context)) = argument.split_once('@') {
                        visit(context.split(['/', ')']).next().unwrap_or_default().trim());
                    }
                }
            }
            _ => {}
        }
    }
}

/// Something in the file that did not become part of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: u32,
    /// What is the matter, in words.
    pub text: Box<str>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// Why a file could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The plan breaks a limit.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Files that include each other, or more of them than is sensible.
    #[error("{file}:{line}: `#include` goes deeper than {limit} files")]
    TooDeep {
        /// The file with the include.
        file: Box<str>,
        /// Its line.
        line: u32,
        /// The bound.
        limit: usize,
    },
    /// More text than is sensible.
    #[error("{file}: more than {limit} bytes of configuration")]
    TooLong {
        /// The file that went over.
        file: Box<str>,
        /// The bound.
        limit: usize,
    },
}

/// Fetches the files that `#include` names.
pub trait Files {
    /// The files that a name or pattern stands for, with their text.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    fn read(&mut self, name: &str) -> Result<Vec<(String, String)>, String>;
}

/// Has no files: every `#include` is reported.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&mut self, _: &str) -> Result<Vec<(String, String)>, String> {
        Err("included files are not read here".into())
    }
}

/// The extensions that Asterisk gives a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `s`: a call without a dialled string starts here.
    Start,
    /// `i`: what was dialled is not valid.
    Invalid,
    /// `t`: nothing more was dialled in time.
    Timeout,
    /// `h`: after the call.
    Hangup,
    /// `o`: the operator, from voice mail by `0`.
    Operator,
    /// `a`: the assistant, from voice mail by `*`.
    Assistant,
    /// `fax`: a fax tone was heard.
    Fax,
}

impl Special {
    /// Its name in the plan.
    pub fn as_str(self) -> &'static str {
        match self {
            Special::Start => "s",
            Special::Invalid => "i",
            Special::Timeout => "t",
            Special::Hangup => "h",
            Special::Operator => "o",
            Special::Assistant => "a",
            Special::Fax => "fax",
        }
    }
}

impl<T> Plan<T> {
    /// What a special extension leads to. As in Asterisk, a pattern such as `_.` takes them too.
    ///
    /// # Errors
    ///
    /// When the context has none.
    pub fn special(
        &self,
        context: &str,
        special: Special,
    ) -> Result<crate::plan::Match<'_, T>, crate::plan::NoMatch> {
        self.lookup(context, special.as_str())
    }
}
