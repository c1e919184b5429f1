//! REGISTER: who can be reached where, kept over restarts.

use std::time::Duration;

use sip_core::endpoint::ServerId;
use sip_core::header::ToRef;
use sip_core::registrar::{AddressOfRecord, Change};
use sip_core::{Flow, Request, StatusCode, Uri};

use super::admission::names;
use super::keeping::Keeping;
use super::{Event, Exchange};
use crate::store::{StoredBinding, Write};

impl Exchange {
    pub(super) fn on_register(
        &mut self,
        now: Duration,
        id: ServerId,
        request: &Request,
        flow: Flow,
    ) {
        let Some(username) = self.authenticate(now, id, request, &flow) else { return };
        // The address of record must be the one whose password was given (RFC 3261 §10.3 step 4).
        let to = request.headers.typed::<ToRef<'_>>().ok().flatten();
        if !to.is_some_and(|to| names(to.uri(), &username)) {
            return self.reply(now, id, request, StatusCode::FORBIDDEN);
        }
        let response = match self.registrar.register(now, &self.address(&username), request, flow) {
            Ok(response) => response,
            Err(rejection) => rejection.response(request),
        };
        let _ = self.endpoint.respond(now, id, response);
    }

    /// Where an extension can be rung, the preferred contact first.
    pub(super) fn contacts(&self, now: Duration, extension: &str) -> Vec<(Uri, Flow)> {
        self.registrar
            .bindings(now, &self.address(extension))
            .map(|binding| (binding.contact.uri.clone(), binding.flow))
            .collect()
    }

    /// Passes what changed in the registrar to the store and to listeners.
    pub(super) fn keep_registrations(&mut self, now: Duration) {
        while let Some(change) = self.registrar.poll_change() {
            match change {
                Change::Registered(binding) => {
                    let Some(extension) = self.extension_of(&binding.aor) else { continue };
                    let contact = binding.contact.uri.to_text();
                    if self.keeping.note(now, &binding, &contact) {
                        let until = self.wall_clock(binding.expires);
                        let stored = StoredBinding::new(&extension, &binding, until);
                        self.store.push_back(Write::Bind(stored));
                    }
                    self.events.push_back(Event::Registered {
                        extension,
                        contact,
                        expires: binding.expires.saturating_sub(now),
                    });
                }
                Change::Removed { binding, .. } => {
                    self.keeping.forget(&binding);
                    let Some(extension) = self.extension_of(&binding.aor) else { continue };
                    let contact = binding.contact.uri.to_text();
                    self.store.push_back(Write::Unbind {
                        extension: extension.clone(),
                        contact: contact.clone(),
                    });
                    self.events.push_back(Event::Unregistered { extension, contact });
                }
            }
        }
    }

    /// Writes the refreshes that have waited long enough.
    pub(super) fn keep_refreshed(&mut self, now: Duration) {
        while let Some(due) = self.keeping.due(now) {
            let Some(binding) =
                self.registrar.bindings(now, &due.0).find(|binding| Keeping::is(&due, binding))
            else {
                continue;
            };
            if let Some(extension) = self.extension_of(&binding.aor)
                && self.keeping.note(now, binding, &binding.contact.uri.to_text())
            {
                let until = self.wall_clock(binding.expires);
                self.store.push_back(Write::Bind(StoredBinding::new(&extension, binding, until)));
            }
        }
    }

    pub(super) fn restore(&mut self, now: Duration, stored: &StoredBinding) {
        let left = stored.until.duration_since(self.wall_clock(now));
        let Ok(left) = Duration::try_from(left) else { return };
        if left.is_zero() || self.directory.extension(&stored.extension).is_none() {
            return;
        }
        if stored.is_bound_to_connection() {
            // That connection ended with the process that held it (RFC 5626 §4.3): the telephone
            // has to register again, and until then nobody waits for it in vain.
            let (extension, contact) = (stored.extension.clone(), stored.contact.clone());
            self.store.push_back(Write::Unbind {
                extension: extension.clone(),
                contact: contact.clone(),
            });
            self.events.push_back(Event::Unregistered { extension, contact });
            return;
        }
        if let Some(binding) = stored.binding(self.address(&stored.extension), now + left) {
            self.keeping.restored(now, &binding);
            self.registrar.restore(now, binding);
        }
    }

    fn address(&self, extension: &str) -> AddressOfRecord {
        AddressOfRecord::new(extension, &self.settings.realm)
    }

    fn extension_of(&self, address: &AddressOfRecord) -> Option<String> {
        address.as_str().rsplit_once('@').map(|(user, _)| user.to_owned())
    }
}
