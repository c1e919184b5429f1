//! INFO and its packages (RFC 6086), MESSAGE (RFC 3428), and connected identity (RFC 4916): what an
//! endpoint adds to requests that are otherwise its user's.

use core::time::Duration;

use bytes::Bytes;

use super::{ClientId, Endpoint, Error, Noun, within};
use crate::dialog::DialogId;
use crate::header::{ContentType, From, InfoPackage, NameAddr, RecvInfo};
use crate::text::Token;
use crate::{Headers, Method, Request, StatusCode};

impl Endpoint {
    /// Sends INFO with a package that the peer has said it takes (RFC 6086 §4.2.1). An INFO without a
    /// package is sent by [`request_in`](Self::request_in).
    ///
    /// # Errors
    ///
    /// The dialog is gone, the peer does not take the package, or the table is full.
    pub fn info(
        &mut self,
        now: Duration,
        dialog: DialogId,
        package: Token,
        body: (ContentType, Bytes),
    ) -> Result<ClientId, Error> {
        let usage = self.dialogs.get(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        let takes = |known: &Token| known.as_str().eq_ignore_ascii_case(package.as_str());
        if !usage.peer.packages.iter().any(takes) {
            return Err(Error::NotAllowed("the peer does not take this INFO package"));
        }
        let mut request = within(Method::Info);
        request.headers.push(InfoPackage::new(package));
        request.headers.set(body.0);
        request.body = body.1;
        self.request_in(now, dialog, request)
    }

    /// What becomes of a request that only some endpoints take: the status to refuse it with.
    pub(super) fn admit(&self, request: &Request) -> Result<(), StatusCode> {
        match request.method {
            // RFC 3428 §6: who does not announce it does not take it.
            Method::Message if !self.config.allow.contains(&Method::Message) => {
                Err(StatusCode::METHOD_NOT_ALLOWED)
            }
            Method::Info => match request.headers.typed::<InfoPackage>() {
                Ok(Some(InfoPackage { package, .. })) if !self.takes_package(&package) => {
                    Err(StatusCode::BAD_INFO_PACKAGE)
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error.status()),
            },
            _ => Ok(()),
        }
    }

    fn takes_package(&self, package: &Token) -> bool {
        let same = |known: &Token| known.as_str().eq_ignore_ascii_case(package.as_str());
        self.config.info_packages.iter().any(same)
    }

    /// Recv-Info as we write it; a 469 carries it even when it is empty (RFC 6086 §4.2.2).
    pub(super) fn recv_info(&self) -> RecvInfo {
        self.config.info_packages.iter().cloned().collect()
    }

    /// From now on our requests in this dialog carry another From URI and display name, as when a call
    /// was picked up or transferred behind us (RFC 4916 §4.4.1); a re-INVITE or UPDATE tells the peer. The
    /// tag stays.
    ///
    /// # Errors
    ///
    /// The dialog is gone, or `from-change` is not supported on both sides.
    pub fn set_identity(&mut self, dialog: DialogId, identity: NameAddr) -> Result<(), Error> {
        let usage = self.dialogs.get_mut(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        if !self.abilities.from_change || !usage.peer.from_change {
            return Err(Error::NotAllowed("from-change is not supported on both sides"));
        }
        usage.dialog.set_local(identity);
        Ok(())
    }

    /// The peer's From may be another than it was.
    pub(super) fn learn_identity(&mut self, dialog: DialogId, headers: &Headers) {
        if self.abilities.from_change
            && let Ok(From(address)) = headers.require::<From>()
            && let Some(usage) = self.dialogs.get_mut(dialog.0)
        {
            usage.dialog.set_remote(address);
        }
    }
}
