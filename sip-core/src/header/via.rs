//! Via (RFC 3261 §20.42, RFC 3581, RFC 5923).

use core::net::IpAddr;

use super::params::{Params, ParamsRef};
use super::{HeaderName, HeaderView, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::text::{Cursor, Out, Part, class, is_token, str};
use crate::transport::Transport;
use crate::uri::{Host, HostPort, HostRef, RawHost};

/// One hop that a request has passed (RFC 3261 §20.42): `SIP/2.0/UDP host:port;branch=…`.
///
/// Grammar: `"SIP" "/" "2.0" "/" transport LWS sent-by *( ";" ( "ttl=" … / "maddr=" … / "received=" … / "branch=" token / "rport" [ "=" 1*DIGIT ] / generic-param ) ) *( "," … )`
///
/// Example: `Via: SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7;rport`
///
/// ```
/// use sip_core::header::{TypedHeader, Via};
///
/// let via = Via::parse(b"SIP/2.0/UDP 192.0.2.1:5066;branch=z9hG4bK87a;rport")?;
/// assert_eq!(via.sent_by.port, Some(5066));
/// assert_eq!(via.branch(), Some("z9hG4bK87a"));
/// assert_eq!(via.rport(), Some(None));
/// # Ok::<(), sip_core::HeaderError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Via {
    /// The transport that the request was sent over.
    pub transport: Transport,
    /// Where the sender expects responses.
    pub sent_by: HostPort,
    /// The parameters.
    pub params: Params,
}

/// What every branch starts with that is unique in space and time (§8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

impl Via {
    /// A Via with a branch.
    ///
    /// # Errors
    ///
    /// When `branch` is not a token.
    pub fn new(
        transport: Transport,
        sent_by: impl Into<HostPort>,
        branch: &str,
    ) -> Result<Via, ValueError> {
        let mut via = Via { transport, sent_by: sent_by.into(), params: Params::default() };
        via.set_branch(branch)?;
        Ok(via)
    }

    /// The branch, which names the transaction.
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }

    /// The branch without its cookie, if it has both: only then does it name the transaction
    /// alone (§17.2.3).
    pub fn transaction(&self) -> Option<&str> {
        self.branch().and_then(|branch| transaction(branch.as_bytes())).map(str)
    }

    /// Sets the branch.
    ///
    /// # Errors
    ///
    /// When it is not a token.
    pub fn set_branch(&mut self, branch: &str) -> Result<(), ValueError> {
        if !is_token(branch.as_bytes()) {
            return Err(ValueError::expected("a token as the branch", 0));
        }
        self.params.set_raw("branch", Some(branch))
    }

    /// The address that the request came from, as the next hop saw it. Brackets around an IPv6
    /// address are tolerated (RFC 5118 §4.5). `None` too when it is no address.
    pub fn received(&self) -> Option<IpAddr> {
        received(self.params.as_ref())
    }

    /// Writes the address that the request came from, in place of what a peer may have claimed.
    pub fn set_received(&mut self, address: IpAddr) {
        // The name is a token and the value an address, so nothing can be refused.
        let _ = self.params.set_raw("received", Some(&address.to_string()));
    }

    /// The port that the request came from (RFC 3581): `None` when not asked for, `Some(None)`
    /// when asked for and not filled in, or filled in with nonsense.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.get("rport").map(|port| port.parse().ok())
    }

    /// Asks for the port (`None`) or fills it in.
    pub fn set_rport(&mut self, port: Option<u16>) {
        let text = port.map(|port| port.to_string());
        let _ = self.params.set_raw("rport", text.as_deref());
    }

    /// The `maddr` parameter, if it is there and a host.
    pub fn maddr(&self) -> Option<Host> {
        Host::parse(self.params.get("maddr")?).ok()
    }

    /// The `ttl` parameter, 0 to 255, if it is there and valid.
    pub fn ttl(&self) -> Option<u8> {
        self.params.get("ttl")?.parse().ok()
    }

    /// The port that responses go to when nothing else says (§18.2.2).
    pub fn port_or_default(&self) -> u16 {
        self.sent_by.port.unwrap_or_else(|| self.transport.default_port())
    }
}

impl TypedHeader for Via {
    const NAME: HeaderName = HeaderName::Via;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        ViaRef::read(value).map(|via| via.to_via())
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"SIP/2.0/");
        out.extend_from_slice(self.transport.as_str().as_bytes());
        out.push(b' ');
        // Writing to a Vec cannot fail.
        let _ = self.sent_by.put(&mut Out(out));
        out.extend_from_slice(self.params.as_str().as_bytes());
    }
}

/// A [`Via`] read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViaRef<'a> {
    value: &'a [u8],
    transport: Transport,
    host: RawHost<'a>,
    port: Option<u16>,
    branch: Part,
    params: Part,
    /// The `rport` that asks for a port, when no `received` and no other `rport` is there.
    asks: Part,
}

impl<'a> ViaRef<'a> {
    /// The transport that the request was sent over.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The host where the sender expects responses.
    pub fn host(&self) -> HostRef<'a> {
        self.host.to_ref()
    }

    /// The port there, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The branch, which names the transaction.
    pub fn branch(&self) -> Option<&'a str> {
        (!self.branch.is_empty()).then(|| str(self.branch.of(self.value)))
    }

    /// All parameters, the branch among them.
    pub fn params(&self) -> ParamsRef<'a> {
        ParamsRef::checked(self.params.of(self.value))
    }

    /// The whole value, as it was written.
    pub(crate) fn as_bytes(&self) -> &'a [u8] {
        self.value
    }

    /// The branch, not yet text; empty when there is none.
    pub(crate) fn branch_bytes(&self) -> &'a [u8] {
        self.branch.of(self.value)
    }

    /// See [`Via::transaction`].
    pub(crate) fn transaction_bytes(&self) -> Option<&'a [u8]> {
        transaction(self.branch_bytes())
    }

    /// What stands before and behind the `;rport` of a sender that asks for its port, when nothing
    /// is filled in yet: so nearly every Via arrives.
    pub(crate) fn around_rport(&self) -> Option<(&'a [u8], &'a [u8])> {
        let before = self.value.get(..self.asks.start())?.strip_suffix(b";")?;
        Some((before, self.value.get(self.asks.end()..)?))
    }

    /// What stands before the parameters, as it was written.
    pub(crate) fn before_params(&self) -> &'a [u8] {
        self.value.get(..self.params.start()).unwrap_or_default()
    }

    /// See [`Via::transaction`].
    pub fn transaction(&self) -> Option<&'a str> {
        self.transaction_bytes().map(str)
    }

    /// See [`Via::received`].
    pub fn received(&self) -> Option<IpAddr> {
        received(self.params())
    }

    /// See [`Via::rport`].
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params().get("rport").map(|port| port.parse().ok())
    }

    /// Copies it.
    pub fn to_via(&self) -> Via {
        Via {
            transport: self.transport,
            sent_by: HostPort { host: self.host().to_host(), port: self.port },
            params: self.params().to_params(),
        }
    }
}

impl<'a> HeaderView<'a> for ViaRef<'a> {
    const NAME: HeaderName = HeaderName::Via;
    const SHAPE: Shape = Shape::List;

    fn read(value: &'a [u8]) -> Result<Self, HeaderError> {
        read(value).map_err(|error| error.of(HeaderName::Via))
    }
}

fn read(value: &[u8]) -> Result<ViaRef<'_>, ValueError> {
    Part::fits(value)?;
    let mut cursor = Cursor::new(value);
    let transport = protocol(&mut cursor)?;
    if !cursor.lws() {
        return Err(cursor.expected("white space before sent-by"));
    }
    let host = RawHost::read(&mut cursor)?;
    let port = port(&mut cursor)?;
    let start = cursor.at();
    let (mut branch, mut asks) = (Part::default(), Part::default());
    let mut filled_in = false;
    ParamsRef::read(&mut cursor, |param, end| {
        if let [b'r' | b'R', ..] = param.name {
            if param.name.eq_ignore_ascii_case(b"rport") {
                filled_in |= param.value.is_some() || !asks.is_empty();
                asks = Part::new(end - param.name.len(), end);
            } else {
                filled_in |= param.name.eq_ignore_ascii_case(b"received");
            }
        } else if param.name.len() == 6 && param.name.eq_ignore_ascii_case(b"branch") {
            if !branch.is_empty() {
                return Err(ValueErrorKind::Repeated);
            }
            let Some(value) = param.value.filter(|value| !value.starts_with(b"\"")) else {
                return Err(ValueErrorKind::Expected("a token as the branch"));
            };
            branch = Part::new(end - value.len(), end);
        }
        Ok(())
    })?;
    let params = Part::new(start, cursor.at());
    cursor.end()?;
    if filled_in {
        asks = Part::default();
    }
    Ok(ViaRef { value, transport, host, port, branch, params, asks })
}

/// Reads `"SIP" SLASH "2.0" SLASH transport`.
#[inline]
fn protocol(cursor: &mut Cursor<'_>) -> Result<Transport, ValueError> {
    // Nearly every Via starts like one of these; the rest costs more.
    match cursor.rest() {
        [b'S', b'I', b'P', b'/', b'2', b'.', b'0', b'/', b'U', b'D', b'P', rest @ ..]
            if rest.first() == Some(&b' ') =>
        {
            cursor.set_rest(rest);
            Ok(Transport::Udp)
        }
        [b'S', b'I', b'P', b'/', b'2', b'.', b'0', b'/', b'T', b'C', b'P', rest @ ..]
            if rest.first() == Some(&b' ') =>
        {
            cursor.set_rest(rest);
            Ok(Transport::Tcp)
        }
        _ => any_protocol(cursor),
    }
}

fn any_protocol(cursor: &mut Cursor<'_>) -> Result<Transport, ValueError> {
    const SLASH: &str = "/ in the protocol";
    let start = cursor.at();
    if !cursor.token("SIP/2.0")?.eq_ignore_ascii_case(b"SIP") {
        return Err(ValueError::expected("SIP/2.0", start));
    }
    if !cursor.separator(b'/') {
        return Err(cursor.expected(SLASH));
    }
    let at = cursor.at();
    if cursor.token("2.0")? != b"2.0" {
        return Err(ValueError::new(ValueErrorKind::Version, at));
    }
    if !cursor.separator(b'/') {
        return Err(cursor.expected(SLASH));
    }
    let at = cursor.at();
    let name = str(cursor.run(class::TOKEN));
    Transport::parse(name).ok_or(ValueError::expected("a transport", at))
}

/// Reads `[ COLON port ]`, white space around the colon allowed.
#[inline]
fn port(cursor: &mut Cursor<'_>) -> Result<Option<u16>, ValueError> {
    if !cursor.separator(b':') {
        return Ok(None);
    }
    let at = cursor.at();
    let number = cursor.number(u64::from(u16::MAX))?;
    u16::try_from(number).map(Some).map_err(|_| ValueError::new(ValueErrorKind::Range, at))
}

fn transaction(branch: &[u8]) -> Option<&[u8]> {
    let (cookie, rest) = branch.split_at_checked(MAGIC_COOKIE.len())?;
    (cookie.eq_ignore_ascii_case(MAGIC_COOKIE.as_bytes()) && !rest.is_empty()).then_some(rest)
}

fn received(params: ParamsRef<'_>) -> Option<IpAddr> {
    let text = params.get("received")?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_everywhere() {
        let via =
            Via::parse(b"SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5061;branch=390skdjuw").unwrap();
        assert_eq!(via.transport, Transport::Udp);
        assert_eq!(via.sent_by.to_string(), "192.0.2.2:5061");
        assert_eq!(via.branch(), Some("390skdjuw"));
        assert_eq!(via.transaction(), None);
    }

    #[test]
    fn branches_in_base64() {
        let via = Via::parse(b"SIP/2.0/UDP h;branch=z9hG4bKD+ta2mJ+C/VV=;rport").unwrap();
        assert_eq!(via.transaction(), Some("D+ta2mJ+C/VV="));
        let mut out = Vec::new();
        via.write(&mut out);
        assert_eq!(out, b"SIP/2.0/UDP h;branch=z9hG4bKD+ta2mJ+C/VV=;rport");
        // We write no such thing.
        assert!(Via::parse(b"SIP/2.0/UDP h").unwrap().set_branch("z9hG4bK=").is_err());
    }

    #[test]
    fn response_parameters() {
        let mut via = Via::parse(
            b"SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];rport;branch=z9hG4bKas3",
        )
        .unwrap();
        assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()));
        assert_eq!(via.rport(), Some(None));
        assert_eq!(via.transaction(), Some("as3"));
        via.set_received([192, 0, 2, 7].into());
        via.set_rport(Some(9));
        let mut out = Vec::new();
        via.write(&mut out);
        assert_eq!(
            out,
            b"SIP/2.0/UDP [2001:db8::9:1];received=192.0.2.7;rport=9;branch=z9hG4bKas3"
        );
    }

    #[test]
    fn vias_that_are_none() {
        for value in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDP h;branch==x",
            "SIP/2.0/UDP h;x=y=",
            "SIP/2.0/UDP ;branch=x",
            "SIP/2.0 h",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP h;",
            "SIP/2.0/UDP h;;",
            "SIP/2.0/UDP ;;;branch=",
            "SIP/2.0/UDP h;branch=",
            "SIP/2.0/UDP h;branch",
            "SIP/2.0/UDP h;branch=\"x\"",
            "SIP/2.0/UDP h;branch=a;branch=b",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0/UDP 2001:db8::1",
            "SIP/2.0/UDP h x",
        ] {
            assert!(Via::parse(value.as_bytes()).is_err(), "{value:?}");
        }
        let error = Via::parse(b"SIP/7.0/UDP h").unwrap_err();
        assert_eq!((error.kind, error.offset), (ValueErrorKind::Version, 4));
    }
}
