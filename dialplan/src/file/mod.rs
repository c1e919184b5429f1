//! Plans written in TOML.
//!
//! ```toml
//! start = ["internal"]                 # where calls begin; lets a check find unreachable contexts
//! schedules = ["office-hours"]         # the schedules that the exchange knows
//!
//! [profile]
//! country = "russia"                   # or a table of rules, see below
//! area = "495"
//!
//! [context.internal]
//! include = ["services", { context = "city", when = "office-hours" }]
//! [context.internal.extensions]
//! "100" = "reception"                  # something within
//! "_1XX" = "user"
//! "_1XX/_55X" = "operator"             # only for callers that fit the second pattern
//! "_9." = { external = "${EXTEN:1}" }  # out to the public network
//!
//! [trunk.city]
//! number = "{dial}"                    # how it wants numbers; "+{e164}" when nothing is said
//! capacity = 30
//! schedule = "office-hours"
//! failover = [408, 503]                # SIP answers after which the next trunk is tried
//! timeout = 8                          # seconds
//! tariff = "city.csv"                  # what it costs
//!
//! [route.russia]
//! prefixes = ["7"]
//! policy = "least-cost"                # in-order, least-cost, weighted, percentage, round-robin
//! trunks = ["city", { trunk = "spare", priority = 2, weight = 3, cost = "1.5", prefix = "7495" }]
//!
//! [emergency]
//! trunks = ["city"]
//! urn-number = "112"
//!
//! [caller-id]
//! company = "+74951230000"
//! forwarding = "own"                   # or "caller"
//! devices = { "101" = "+74951230101" }
//! directions = { "7812" = "+78121230000" }
//!
//! [block]
//! prefixes = { "88" = "satellite" }
//! allow = ["8816"]
//!
//! [[spending]]
//! window = 3600                        # seconds
//! amount = "100.00"                    # an account
//!
//! tariff = "sale.csv"                  # at the top of the file: what calls are charged with
//! ```
//!
//! A country that is not built in is a table: `country = "49"`, `name`, `international-prefix`,
//! `trunk-prefix`, `national-lengths = [6, 11]`, `national-first`, `bare-national`,
//! `bare-country-code`, `area`, `local-length`, `emergency = ["112"]`,
//! `short = [{ starts = "1", length = 3 }]`. The same keys change the built-in one.

mod lines;
mod reader;
mod shape;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use self::lines::Lines;
use self::reader::Reader;
use self::shape::PlanData;
use crate::dialplan::{Dialplan, Places};
use crate::finding::Finding;
use crate::plan::BuildError;

/// The longest file that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// Why a file is not a plan. The writer of the plan has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read as TOML, or a key is missing, unknown or of the wrong kind.
    #[error("{file}:{line}: {message}")]
    Syntax {
        /// The file.
        file: Box<str>,
        /// The line, from 1.
        line: u32,
        /// What is wrong.
        message: Box<str>,
    },
    /// It is longer than [`MAX_BYTES`].
    #[error("{file}: {length} bytes are too many; at most {MAX_BYTES} are read")]
    TooLong {
        /// The file.
        file: Box<str>,
        /// Its length, in bytes.
        length: usize,
    },
    /// The contexts break a limit.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl Dialplan {
    /// Reads a plan. `file` is what messages call it; `fetch` gets the files that it names.
    ///
    /// Values that cannot be used, such as a pattern with an open set, are left out and told by
    /// [`Dialplan::check`]; so is a prefix that is there twice.
    ///
    /// # Errors
    ///
    /// When it is not TOML of the right form, or breaks a limit.
    pub fn from_toml(
        file: &str,
        text: &str,
        fetch: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Dialplan, FileError> {
        if text.len() > MAX_BYTES {
            return Err(FileError::TooLong { file: file.into(), length: text.len() });
        }
        let lines = Lines::new(text);
        let data: PlanData = toml::from_str(text).map_err(|error| FileError::Syntax {
            file: file.into(),
            line: error.span().map_or(1, |span| lines.of(span.start)),
            message: error.message().into(),
        })?;
        let mut reader =
            Reader { file, lines, fetch, faults: Vec::new(), places: Places::default() };
        reader.dialplan(data)
    }

    /// Faults met while reading, which [`Dialplan::check`] tells too.
    pub fn faults(&self) -> &[Finding] {
        &self.faults
    }
}
