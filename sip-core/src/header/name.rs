//! Names of headers.

use core::fmt;
use core::hash::{Hash, Hasher};

use bytes::Bytes;

use crate::text::{Token, is_token};

macro_rules! names {
    ($($variant:ident $name:literal $($compact:literal)?;)*) => {
        /// The name of a header. Names are compared without regard to case, and a compact form is
        /// the same name as the long one (RFC 3261 §7.3.1, §7.3.3).
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(
                #[doc = concat!("`", $name, "`", $(", or `", $compact, "`",)? ".")]
                $variant,
            )*
            /// A header that this crate has no name for.
            Other(Token),
        }

        /// The names that this crate knows, one byte each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Known {
            // First, so that lines not yet read are all zero.
            Other,
            $($variant,)*
        }

        impl HeaderName {
            /// The name as it is written, in its long form: `Call-ID`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(HeaderName::$variant => $name,)*
                    HeaderName::Other(name) => name.as_str(),
                }
            }

            /// The compact form, if there is one: `i`.
            pub const fn compact(&self) -> Option<&'static str> {
                match self {
                    $($(HeaderName::$variant => Some($compact),)?)*
                    _ => None,
                }
            }

            pub(crate) const fn known(&self) -> Known {
                match self {
                    $(HeaderName::$variant => Known::$variant,)*
                    HeaderName::Other(_) => Known::Other,
                }
            }
        }

        impl Known {
            /// The name, unless it is another one.
            pub(crate) const fn name(self) -> Option<HeaderName> {
                match self {
                    $(Known::$variant => Some(HeaderName::$variant),)*
                    Known::Other => None,
                }
            }

            /// The same, to be borrowed.
            pub(crate) fn static_name(self) -> Option<&'static HeaderName> {
                match self {
                    $(Known::$variant => {
                        static NAME: HeaderName = HeaderName::$variant;
                        Some(&NAME)
                    })*
                    Known::Other => None,
                }
            }
        }

        /// Every spelling, long and compact.
        const SPELLINGS: &[(&str, Known)] = &[
            $(($name, Known::$variant), $(($compact, Known::$variant),)?)*
        ];
    };
}

names! {
    Accept "Accept";
    AcceptContact "Accept-Contact" "a";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AlertInfo "Alert-Info";
    Allow "Allow";
    AllowEvents "Allow-Events" "u";
    AuthenticationInfo "Authentication-Info";
    Authorization "Authorization";
    CallId "Call-ID" "i";
    CallInfo "Call-Info";
    Contact "Contact" "m";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" "e";
    ContentId "Content-ID";
    ContentLanguage "Content-Language";
    ContentLength "Content-Length" "l";
    ContentType "Content-Type" "c";
    CSeq "CSeq";
    Date "Date";
    Diversion "Diversion";
    ErrorInfo "Error-Info";
    Event "Event" "o";
    Expires "Expires";
    FlowTimer "Flow-Timer";
    From "From" "f";
    Geolocation "Geolocation";
    GeolocationError "Geolocation-Error";
    GeolocationRouting "Geolocation-Routing";
    HistoryInfo "History-Info";
    Identity "Identity" "y";
    IdentityInfo "Identity-Info" "n";
    InReplyTo "In-Reply-To";
    InfoPackage "Info-Package";
    Join "Join";
    MaxForwards "Max-Forwards";
    MimeVersion "MIME-Version";
    MinExpires "Min-Expires";
    MinSe "Min-SE";
    Organization "Organization";
    PAccessNetworkInfo "P-Access-Network-Info";
    PAssertedIdentity "P-Asserted-Identity";
    PAssociatedUri "P-Associated-URI";
    PCalledPartyId "P-Called-Party-ID";
    PEarlyMedia "P-Early-Media";
    PPreferredIdentity "P-Preferred-Identity";
    Path "Path";
    Priority "Priority";
    Privacy "Privacy";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthenticationInfo "Proxy-Authentication-Info";
    ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require";
    RAck "RAck";
    RSeq "RSeq";
    Reason "Reason";
    RecordRoute "Record-Route";
    RecvInfo "Recv-Info";
    ReferSub "Refer-Sub";
    ReferTo "Refer-To" "r";
    ReferredBy "Referred-By" "b";
    RejectContact "Reject-Contact" "j";
    RemotePartyId "Remote-Party-ID";
    Replaces "Replaces";
    ReplyTo "Reply-To";
    RequestDisposition "Request-Disposition" "d";
    Require "Require";
    RetryAfter "Retry-After";
    Route "Route";
    Server "Server";
    ServiceRoute "Service-Route";
    SessionExpires "Session-Expires" "x";
    SipEtag "SIP-ETag";
    SipIfMatch "SIP-If-Match";
    Subject "Subject" "s";
    SubscriptionState "Subscription-State";
    Supported "Supported" "k";
    TargetDialog "Target-Dialog";
    Timestamp "Timestamp";
    To "To" "t";
    Unsupported "Unsupported";
    UserAgent "User-Agent";
    Via "Via" "v";
    Warning "Warning";
    WwwAuthenticate "WWW-Authenticate";
}

impl Known {
    /// Looks a name up, long or compact, in any case.
    pub(crate) fn find(name: &[u8]) -> Known {
        let mut padded = [0; SHORT];
        match padded.get_mut(..name.len()) {
            Some(start) => {
                start.copy_from_slice(name);
                let (low, high) = words(&padded);
                if high == 0 { ONE.find(low) } else { TWO.find(low, high) }
            }
            None => SPELLINGS
                .iter()
                .filter(|(spelling, _)| spelling.len() > SHORT)
                .find(|(spelling, _)| spelling.as_bytes().eq_ignore_ascii_case(name))
                .map_or(Known::Other, |(_, known)| *known),
        }
    }

    /// Reads a name with a colon right behind it at the start of a line, if it is a known one of
    /// less than [`SHORT`] bytes; gives the colon's offset too. Nearly every line starts like this.
    #[inline(always)]
    pub(crate) fn at_start(line: &[u8; SHORT]) -> Option<(Known, usize)> {
        // Marks the colons. What is above the first may be wrong.
        let marks =
            |word: u64| (word ^ repeat(b':')).wrapping_sub(repeat(1)) & !word & repeat(0x80);
        // All bits below the byte that is marked first.
        let below = |marks: u64| (marks ^ marks.wrapping_sub(1)) >> 8;
        let (low, high) = words(line);
        let in_low = marks(low);
        if in_low != 0 {
            let known = ONE.find(low & below(in_low));
            return Some((known, (in_low.trailing_zeros() / 8) as usize));
        }
        let in_high = marks(high);
        if in_high != 0 {
            let high = high & below(in_high);
            let known = if high == 0 { ONE.find(low) } else { TWO.find(low, high) };
            return Some((known, 8 + (in_high.trailing_zeros() / 8) as usize));
        }
        None
    }
}

/// Names of at most so many bytes are compared as two words.
pub(crate) const SHORT: usize = 16;

/// Both halves, the first byte lowest.
#[inline(always)]
const fn words(bytes: &[u8; SHORT]) -> (u64, u64) {
    let both = u128::from_le_bytes(*bytes);
    (both as u64, (both >> 64) as u64)
}

/// The same byte eight times.
const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

const SLOTS: usize = 256;

/// Where the search for a name starts, the same whatever the case.
#[inline(always)]
const fn hash(mixed: u64) -> usize {
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// Spellings of at most `8 * WORDS` bytes and of more than eight less, in lower case, each in the
/// first free slot from its hash on; with them the case bits of their letters. What belongs to one
/// slot lies apart, so that its number is all that finds it.
struct Table<const WORDS: usize> {
    names: [[u64; SLOTS]; WORDS],
    cases: [[u64; SLOTS]; WORDS],
    known: [Known; SLOTS],
}

static ONE: Table<1> = Table::new();
static TWO: Table<2> = Table::new();

impl Table<1> {
    #[inline(always)]
    fn find(&self, name: u64) -> Known {
        let ([names], [cases]) = (&self.names, &self.cases);
        let mut at = hash(name | repeat(0x20));
        // The table is never full, so an empty slot ends the search.
        loop {
            let slot = at % SLOTS;
            if name | cases[slot] == names[slot] || self.known[slot] == Known::Other {
                return self.known[slot];
            }
            at += 1;
        }
    }
}

impl Table<2> {
    #[inline(always)]
    fn find(&self, low: u64, high: u64) -> Known {
        let ([lows, highs], [low_cases, high_cases]) = (&self.names, &self.cases);
        let mut at = hash((low | repeat(0x20)) ^ (high | repeat(0x20)).rotate_left(23));
        loop {
            let slot = at % SLOTS;
            let same =
                low | low_cases[slot] == lows[slot] && high | high_cases[slot] == highs[slot];
            if same || self.known[slot] == Known::Other {
                return self.known[slot];
            }
            at += 1;
        }
    }
}

impl<const WORDS: usize> Table<WORDS> {
    const fn new() -> Table<WORDS> {
        let mut table = Table {
            names: [[0; SLOTS]; WORDS],
            cases: [[0; SLOTS]; WORDS],
            known: [Known::Other; SLOTS],
        };
        let mut next = 0;
        while next < SPELLINGS.len() {
            let (spelling, known) = SPELLINGS[next];
            next += 1;
            if spelling.len().div_ceil(8) != WORDS {
                continue;
            }
            let (name, case) = lower(spelling);
            let (name, case) = (words(&name), words(&case));
            let mut at = match WORDS {
                1 => hash(name.0 | repeat(0x20)),
                _ => hash((name.0 | repeat(0x20)) ^ (name.1 | repeat(0x20)).rotate_left(23)),
            };
            while table.names[0][at % SLOTS] != 0 {
                at += 1;
            }
            let slot = at % SLOTS;
            (table.names[0][slot], table.cases[0][slot]) = (name.0, case.0);
            if WORDS > 1 {
                (table.names[1][slot], table.cases[1][slot]) = (name.1, case.1);
            }
            table.known[slot] = known;
        }
        table
    }
}

/// A spelling in lower case, and the case bits of its letters.
const fn lower(spelling: &str) -> ([u8; SHORT], [u8; SHORT]) {
    let (mut name, mut case) = ([0; SHORT], [0; SHORT]);
    let bytes = spelling.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        name[index] = bytes[index].to_ascii_lowercase();
        if bytes[index].is_ascii_alphabetic() {
            case[index] = 0x20;
        }
        index += 1;
    }
    (name, case)
}

impl HeaderName {
    /// The known name that this is, even if it was made as a name of one's own.
    #[inline]
    pub(crate) fn resolve(&self) -> Known {
        match self {
            HeaderName::Other(name) => Known::find(name.as_str().as_bytes()),
            known => known.known(),
        }
    }

    /// A name of your own, known when the program is written.
    ///
    /// # Panics
    ///
    /// When `name` is not a token; in a constant this is a compile error.
    pub const fn from_static(name: &'static str) -> HeaderName {
        HeaderName::Other(Token::from_static(name))
    }

    /// Reads a name, long or compact, in any case. `None` unless it is a token.
    pub fn parse(name: impl AsRef<[u8]>) -> Option<HeaderName> {
        let name = name.as_ref();
        if !is_token(name) {
            return None;
        }
        match Known::find(name).name() {
            Some(known) => Some(known),
            None => Token::new(Bytes::copy_from_slice(name)).map(HeaderName::Other),
        }
    }
}

impl PartialEq for HeaderName {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (HeaderName::Other(_), _) | (_, HeaderName::Other(_)) => {
                self.as_str().eq_ignore_ascii_case(other.as_str())
            }
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.as_str().bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_found() {
        for (spelling, known) in SPELLINGS {
            let upper = spelling.to_ascii_uppercase();
            for name in [*spelling, &upper, &spelling.to_ascii_lowercase()] {
                assert_eq!(Known::find(name.as_bytes()), *known, "{name}");
                let line = format!("{name}: 0123456789abcdef");
                let short = (name.len() < SHORT).then_some((*known, name.len()));
                assert_eq!(
                    Known::at_start(line.as_bytes().first_chunk().unwrap()),
                    short,
                    "{line}"
                );
            }
            for other in
                [format!("{spelling}x"), format!("{spelling} "), spelling.replace('-', "\r")]
            {
                if other != *spelling && !SPELLINGS.iter().any(|(name, _)| *name == other) {
                    assert_eq!(Known::find(other.as_bytes()), Known::Other, "{other}");
                }
            }
        }
        assert_eq!(Known::find(b""), Known::Other);
        assert_eq!(Known::find(b"\0\0"), Known::Other);
    }

    #[test]
    fn no_byte_but_a_colon_ends_a_name() {
        for (spelling, known) in SPELLINGS.iter().filter(|(name, _)| name.len() < SHORT) {
            for byte in 0..=u8::MAX {
                let mut line = spelling.as_bytes().to_vec();
                line.push(byte);
                line.extend_from_slice(b" 0123456789abcdef");
                let found = Known::at_start(line.first_chunk().unwrap());
                let found = found.filter(|(known, _)| *known != Known::Other);
                let end = (byte == b':').then_some((*known, spelling.len()));
                assert_eq!(found, end, "{}", line.escape_ascii());
            }
        }
    }

    #[test]
    fn names_ignore_case_and_length() {
        assert_eq!(HeaderName::parse("cALL-id"), Some(HeaderName::CallId));
        assert_eq!(HeaderName::parse("I"), Some(HeaderName::CallId));
        assert_eq!(HeaderName::CallId.compact(), Some("i"));
        assert_eq!(HeaderName::parse("x-FOO"), Some(HeaderName::from_static("X-Foo")));
        assert_eq!(HeaderName::from_static("via"), HeaderName::Via);
        assert_eq!(HeaderName::parse("C%6Fntact").unwrap().as_str(), "C%6Fntact");
        assert_eq!(HeaderName::parse("To\u{1}"), None);
        assert_eq!(HeaderName::parse(""), None);
    }
}
