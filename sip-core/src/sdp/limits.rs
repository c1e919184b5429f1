//! What a body may cost.

/// How far a description may stray from the grammar of RFC 8866.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// Takes what telephones send: lines of one level in another order, a missing `s=`, `t=` or `c=`,
    /// repeated spaces, attribute names that are no tokens, an `m=` line without formats.
    #[default]
    Lenient,
    /// The grammar as it stands, with LF accepted for CRLF, as §5 asks, and an empty `s=`.
    Strict,
}

/// Bounds on a description. Every bound has an error that names it.
///
/// The defaults let the largest offers of browsers and conference bridges pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body. Default 65,536.
    pub bytes: usize,
    /// Bytes of a line without its end. Default 8,192.
    pub line_bytes: usize,
    /// Lines of the body. Default 2,000.
    pub lines: usize,
    /// `m=` lines. Default 32.
    pub media: usize,
    /// Attributes of the session or of one medium. Default 512.
    pub attributes: usize,
    /// Formats of one `m=` line. Default 128, which is every payload type.
    pub formats: usize,
    /// How strictly the grammar is read. Default [`Strictness::Lenient`].
    pub strictness: Strictness,
}

impl Limits {
    /// The default bounds with [`Strictness::Strict`].
    pub fn strict() -> Self {
        Self { strictness: Strictness::Strict, ..Self::default() }
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strictness == Strictness::Strict
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 65_536,
            line_bytes: 8_192,
            lines: 2_000,
            media: 32,
            attributes: 512,
            formats: 128,
            strictness: Strictness::Lenient,
        }
    }
}
