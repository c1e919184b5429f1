//! Digits that come in SIP INFO, as telephones and gateways send them that know nothing better.

use std::time::Duration;

use rtp_core::telephone_event::{InfoEvent, InfoType};
use sip_core::endpoint::ServerId;
use sip_core::header::ContentType;
use sip_core::{Request, StatusCode};

use super::{Event, Exchange};
use crate::call::{Hearing, LegId};
use crate::media::Command;

/// How long a digit lasts whose body does not say.
const USUAL: Duration = Duration::from_millis(160);

impl Exchange {
    /// An INFO within a call. Its digit is told as one that came with the media, and the other leg gets it as
    /// that leg can take it.
    pub(super) fn on_info(
        &mut self,
        now: Duration,
        id: ServerId,
        leg_id: LegId,
        request: &Request,
    ) {
        if request.body.is_empty() {
            // Some ask by it whether the call still stands.
            return self.reply(now, id, request, StatusCode::OK);
        }
        let kind = request.headers.typed::<ContentType>().ok().flatten();
        let kind = kind.and_then(|kind| InfoType::from_content_type(&kind.to_string()));
        let Some(kind) = kind else {
            return self.reply(now, id, request, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        };
        let Ok(event) = InfoEvent::parse(kind, &request.body) else {
            return self.reply(now, id, request, StatusCode::BAD_REQUEST);
        };
        self.reply(now, id, request, StatusCode::OK);
        // A hook flash is no digit, and there is nothing here yet that it could ask for.
        let Some(digit) = event.code.digit() else { return };
        let duration = event.duration.unwrap_or(USUAL);
        let Some(leg) = self.legs.get(&leg_id).filter(|leg| leg.talks()) else { return };
        let (call, by) = (leg.call, leg.party.clone());
        if let Hearing::Leg(other) = leg.hearing
            && let Some(other) = self.legs.get(&other).filter(|leg| leg.open && !leg.closing)
            && let Some(port) = other.port
        {
            self.media.push_back(Command::SendDigit { port: port.id, digit, duration });
        }
        self.emit(Event::Digit { call, by, digit, duration });
    }
}
