//! Where a REFER points to: a number of this exchange, or another call of the one who refers.

use sip_core::dialog::transfer;
use sip_core::header::Replaces;
use sip_core::{Host, Request, SipUri, StatusCode, Uri};

use super::Exchange;
use super::admission::dialled;
use crate::call::Leg;

/// What Refer-To asks for.
#[derive(Debug)]
pub(super) struct Destination {
    /// What to dial. A URI that names a dialog may be without.
    pub(super) number: Option<String>,
    /// The dialog whose other party is meant (RFC 5589 §7).
    pub(super) replaces: Option<Replaces>,
}

impl Exchange {
    /// Reads the Refer-To of a REFER in the dialog of `leg`.
    ///
    /// # Errors
    ///
    /// 400 for a header that cannot be read, 603 for another method than INVITE, 403 for a place that is not
    /// this exchange: nobody is called elsewhere because a telephone says so. None of these ends the dialog
    /// (RFC 5057 §5.1).
    pub(super) fn destination(
        &self,
        refer: &Request,
        leg: &Leg,
    ) -> Result<Destination, StatusCode> {
        let asked = transfer::referred(refer).map_err(|_| StatusCode::BAD_REQUEST)?;
        let asked = asked.ok_or(StatusCode::DECLINE)?;
        match &asked.uri {
            Uri::Sip(uri) if self.is_here(uri, leg) => {}
            Uri::Tel(_) => {}
            _ => return Err(StatusCode::FORBIDDEN),
        }
        let replaces = asked.headers.typed().map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Destination { number: dialled(&asked.uri), replaces })
    }

    /// Whether a URI means this exchange: by an address, or by the name that the telephone of `leg` has for it.
    fn is_here(&self, uri: &SipUri, leg: &Leg) -> bool {
        if uri.maddr().is_some() {
            return false;
        }
        let listens = || self.settings.listens.iter().map(|(_, address)| *address);
        let ours =
            |port: u16| leg.flow.local.port() == port || listens().any(|at| at.port() == port);
        let address = match uri.host() {
            Host::V4(address) => (*address).into(),
            Host::V6(address) => (*address).into(),
            Host::Name(name) => {
                return name.as_str().eq_ignore_ascii_case(&self.settings.realm)
                    || self.is_known_as(uri.host(), leg);
            }
        };
        let known = address == leg.flow.local.ip()
            || self.settings.external_address == Some(address)
            || listens().any(|at| at.ip() == address);
        known && uri.port().is_none_or(ours)
    }

    fn is_known_as(&self, name: &Host, leg: &Leg) -> bool {
        let dialog = leg.dialog.and_then(|dialog| self.endpoint.dialog(dialog));
        let own = dialog.and_then(|dialog| dialog.remote().uri.as_sip());
        own.is_some_and(|own| own.host() == name)
    }
}
