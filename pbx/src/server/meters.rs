//! What a server has counted, for the `metrics` facade (feature `metrics`).

use metrics::{counter, describe_counter, describe_gauge, gauge};

use super::control::State;

impl State {
    /// Sets every meter: for an exporter that is about to be read.
    pub fn publish(&self) {
        for (name, about, value) in self.counters() {
            describe_counter!(name, about);
            counter!(name).absolute(value);
        }
        for (name, about, value) in self.gauges() {
            describe_gauge!(name, about);
            gauge!(name).set(value);
        }
    }

    #[rustfmt::skip]
    fn counters(&self) -> [(&'static str, &'static str, u64); 32] {
        let Self { front, endpoint, tally, store, .. } = self;
        [
            ("pbx_messages_received_total", "SIP messages that arrived", front.received),
            ("pbx_messages_passed_total", "of these, handled by the exchange", front.passed),
            ("pbx_messages_banned_total", "of these, dropped as from banned sources and scanners", front.banned),
            ("pbx_messages_limited_total", "of these, dropped as too many of one source", front.limited_silently),
            ("pbx_requests_limited_total", "requests answered 503 as too many of one source", front.limited),
            ("pbx_messages_overflowed_total", "of these, not handled as too many waited", front.overflowed),
            ("pbx_calls_shed_total", "new calls answered 503 as there was too much to do", front.calls_shed),
            ("pbx_registrations_shed_total", "registrations answered 503 as there was too much to do", front.registrations_shed),
            ("pbx_others_shed_total", "other requests answered 503 as there was too much to do", front.others_shed),
            ("pbx_overloads_total", "times that overload began", front.overloads),
            ("pbx_bans_total", "bans begun", front.bans),
            ("pbx_refusals_acknowledged_total", "ACKs for refusals", front.acks),
            ("pbx_calls_started_total", "calls let in", tally.calls_started),
            ("pbx_calls_answered_total", "calls answered by somebody or a service", tally.calls_answered),
            ("pbx_calls_ended_total", "calls ended", tally.calls_ended),
            ("pbx_registered_total", "registrations made and refreshed", tally.registered),
            ("pbx_unregistered_total", "registrations removed and run out", tally.unregistered),
            ("pbx_credentials_refused_total", "requests with wrong credentials", tally.refused),
            ("pbx_sip_malformed_total", "malformed messages", endpoint.malformed),
            ("pbx_sip_full_total", "requests refused as a table was full", endpoint.refused),
            ("pbx_sip_stray_responses_total", "responses that belong to nothing", endpoint.stray_responses),
            ("pbx_sip_stray_acks_total", "ACKs that belong to nothing", endpoint.stray_acks),
            ("pbx_sip_unknown_dialogs_total", "requests for dialogs that are not there", endpoint.unknown_dialogs),
            ("pbx_sip_messages_dropped_total", "messages of ours dropped as too many waited to be sent", endpoint.dropped),
            ("pbx_datagrams_dropped_total", "messages of ours that the system did not take", self.datagrams_dropped),
            ("pbx_store_written_total", "sequence number of the last write", store.written),
            ("pbx_store_durable_total", "sequence number of the last durable write", store.durable),
            ("pbx_store_lost_total", "writes given up", store.lost),
            ("pbx_store_refused_total", "times that the store refused a group of writes", store.refused),
            ("pbx_events_dropped_total", "events that nobody read in time", self.events_dropped),
            ("pbx_capture_lost_total", "messages that the capture server did not get", self.capture_lost),
            ("pbx_out_of_ports_total", "times that the system had no port or descriptor to give", self.out_of_ports),
        ]
    }

    #[rustfmt::skip]
    fn gauges(&self) -> [(&'static str, &'static str, f64); 10] {
        let Self { occupancy, .. } = self;
        [
            ("pbx_calls", "calls under way", occupancy.calls as f64),
            ("pbx_legs", "legs under way", occupancy.legs as f64),
            ("pbx_sip_transactions", "SIP transactions", occupancy.transactions as f64),
            ("pbx_sip_dialogs", "SIP dialogs", occupancy.dialogs as f64),
            ("pbx_sip_connections", "connections of SIP", self.connections as f64),
            ("pbx_ports_leased", "media ports in use", occupancy.ports_leased as f64),
            ("pbx_ports_free", "media ports bound and free", self.ports_free as f64),
            ("pbx_messages_waiting", "messages that wait for their turn", self.waiting as f64),
            ("pbx_overloaded", "1 while new calls are being refused", f64::from(u8::from(self.overloaded))),
            ("pbx_banned_sources", "sources not listened to", self.bans as f64),
        ]
    }
}
