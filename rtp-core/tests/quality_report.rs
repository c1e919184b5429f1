//! Quality reports of RFC 6035: what is written is read, what others write is read, nonsense is refused.

use proptest::prelude::*;
use rtp_core::quality::metrics::{
    Bursts, Delay, JitterBuffer, Metrics, QualityEstimates, SessionDescription, SignalLevels,
};
use rtp_core::quality::report::{Address, MAX_LEN, Report, ReportError, ReportKind};
use rtp_core::quality::{CodecImpairment, Conditions};

/// As telephones write them: another order, folded lines, fields that nobody knows.
const FOUND: &str = "VQSessionReport: CallTerm\r\n\
    CallID: 3c26700857a87f84@10.4.1.12\r\n\
    LocalID: \"Anna\" <sip:anna@example.org>\r\n\
    RemoteID: <sip:boris@example.net>\r\n\
    OrigID: \"Anna\" <sip:anna@example.org>\r\n\
    LocalAddr: IP=10.10.1.100 PORT=5000 SSRC=1a3b5c7d\r\n\
    LocalMAC: 00:1f:5b:cc:21:0f\r\n\
    RemoteAddr: IP=2001:db8::7 PORT=5002 SSRC=0x2468ABCD\r\n\
    LocalMetrics:\r\n\
    Timestamps: START=2024-10-10T18:23:43Z STOP=2024-10-10T18:26:02Z\r\n\
    SessionDesc: PT=18 PD=G729 SR=8000 FD=20 FO=20 FPP=2 PPS=50\r\n \
      FMTP=\"annexb=no; x=1\" PLC=3 SSUP=on\r\n\
    X-UserAgent: Some Telephone 1.2\r\n\
    JitterBuffer: JBA=3 JBR=2 JBN=40 JBM=80 JBX=120\r\n\
    PacketLoss: NLR=5.0 JDR=2.0\r\n\
    BurstGapLoss: BLD=0 BD=0 GLD=2.0 GD=500 GMIN=16\r\n\
    Delay: RTD=200 ESD=140 SOWD=170 IAJ=2.5 MAJ=10 FOO=1\r\n\
    Signal: SL=-21 NL=-50 RERL=55\r\n\
    QualityEst: RLQ=88 RCQ=85 EXTRI=90 MOSLQ=4.1 MOSCQ=4.0\r\n\tQoEEstAlg=P.564\r\n\
    RemoteMetrics:\r\n\
    PacketLoss: NLR=0.5 JDR=0\r\n\
    DialogID: 3c26700857a87f84@10.4.1.12; to-tag=8472761; from-tag=9123dh311\r\n";

#[test]
fn reports_of_others_are_read() {
    for body in [FOUND.to_owned(), FOUND.replace("\r\n", "\n")] {
        let report = Report::parse(body.as_bytes()).unwrap();
        assert_eq!(report.kind, ReportKind::Session);
        assert_eq!(report.call_id, "3c26700857a87f84@10.4.1.12");
        assert_eq!(report.local_id, "\"Anna\" <sip:anna@example.org>");
        let remote = Address { ip: "2001:db8::7".into(), port: 5_002, ssrc: 0x2468_abcd };
        assert_eq!(report.remote_address, Some(remote));
        assert_eq!(report.local_address.as_ref().unwrap().ssrc, 0x1a3b_5c7d);
        let local = &report.local;
        assert_eq!(local.stop.as_deref(), Some("2024-10-10T18:26:02Z"));
        assert_eq!(local.session.format_parameters.as_deref(), Some("annexb=no; x=1"));
        assert_eq!(local.session.silence_suppression, Some(true));
        assert_eq!((local.network_loss, local.discard), (Some(5.0), Some(2.0)));
        assert_eq!(local.delay.interarrival_jitter, Some(2));
        assert_eq!(local.signal.noise, Some(-50));
        assert_eq!(local.quality.mos_listening, Some(4.1));
        assert_eq!(local.quality.algorithm.as_deref(), Some("P.564"));
        assert_eq!(report.remote.as_ref().unwrap().network_loss, Some(0.5));
        assert!(report.dialog_id.as_deref().unwrap().ends_with("from-tag=9123dh311"));
        assert_eq!(Report::parse(report.to_body().as_bytes()), Ok(report));
    }
}

#[test]
fn kinds_are_told_apart() {
    for (line, kind) in [
        ("VQSessionReport: CallTerm", ReportKind::Session),
        ("VQSessionReport : callterm", ReportKind::Session),
        ("VQSessionReport", ReportKind::Change),
        ("VQIntervalReport", ReportKind::Interval),
        ("VQAlertReport: Type=RLQ Severity=Critical Dir=local", ReportKind::Alert),
    ] {
        let report = Report::parse(format!("{line}\nLocalMetrics:\n").as_bytes()).unwrap();
        assert_eq!(report.kind, kind);
        let written = report.to_body();
        assert_eq!(Report::parse(written.as_bytes()).unwrap().kind, kind);
        assert!(kind != ReportKind::Alert || written.contains("Severity=Critical"));
    }
}

#[test]
fn nonsense_is_refused_by_name() {
    let parse = |body: &str| Report::parse(body.as_bytes()).map(|_| ());
    assert_eq!(parse(""), Err(ReportError::Kind));
    assert_eq!(parse("CallID: 1\n"), Err(ReportError::Kind));
    assert_eq!(parse("VQIntervalReport\nCallID: 1\n"), Err(ReportError::NoMetrics));
    for (line, field) in [
        ("LocalAddr: IP=1.2.3.4 PORT=70000 SSRC=1", "PORT"),
        ("LocalAddr: IP=1.2.3.4 PORT=7 SSRC=xyz", "SSRC"),
        ("PacketLoss: NLR=101", "NLR"),
        ("PacketLoss: JDR=nan", "JDR"),
        ("Delay: RTD=-1", "RTD"),
        ("QualityEst: RLQ=121", "RLQ"),
        ("QualityEst: MOSLQ=9", "MOSLQ"),
        ("SessionDesc: SSUP=maybe", "SSUP"),
        ("SessionDesc: PT=128", "PT"),
    ] {
        let body = format!("VQIntervalReport\nLocalMetrics:\n{line}\n");
        assert_eq!(parse(&body), Err(ReportError::Field { line: 3, field }));
    }
    let long = "VQIntervalReport\n".repeat(MAX_LEN);
    assert_eq!(parse(&long), Err(ReportError::TooLong(long.len())));
    assert_eq!(Report::parse(&[0xff, 0xfe]), Err(ReportError::NotText));
}

#[test]
fn no_text_makes_a_line_of_its_own() {
    let evil = "x\r\nLocalMetrics:\r\nPacketLoss: NLR=100 \"q\" ";
    let report = Report {
        call_id: evil.into(),
        local_group: Some(evil.into()),
        local: Metrics {
            start: Some(evil.into()),
            session: SessionDescription {
                payload_name: Some(evil.into()),
                format_parameters: Some(evil.into()),
                ..Default::default()
            },
            ..Default::default()
        },
        ..Default::default()
    };
    let body = report.to_body();
    assert_eq!(body.matches("\r\nLocalMetrics:").count(), 1, "{body}");
    assert_eq!(Report::parse(body.as_bytes()).unwrap().local.network_loss, None);
}

#[test]
fn the_e_models_figures_go_into_it() {
    let quality = Conditions::new(CodecImpairment::G711).quality();
    let estimates = QualityEstimates::from(quality);
    assert_eq!((estimates.r_conversational, estimates.r_listening), (Some(93), Some(93)));
    let report = Report {
        local: Metrics { quality: estimates, ..Default::default() },
        ..Default::default()
    };
    let line = "QualityEst: RLQ=93 RCQ=93 MOSLQ=4.4 MOSCQ=4.4 QoEEstAlg=G.107\r\n";
    assert!(report.to_body().contains(line), "{}", report.to_body());
}

fn metrics() -> impl Strategy<Value = Metrics> {
    use proptest::option::of;
    let percent = || of((0u16..=1_000).prop_map(|tenths| f32::from(tenths) / 10.0));
    let jitter_buffer = (of(0u8..=3), of(0u8..=15), of(any::<u16>()), of(any::<u16>())).prop_map(
        |(adaptive, rate, nominal, max)| JitterBuffer {
            adaptive,
            rate,
            nominal,
            max,
            absolute_max: max,
        },
    );
    let bursts = (percent(), of(any::<u16>()), percent(), of(0u8..=127)).prop_map(
        |(burst_density, burst_duration, gap_density, gap_min)| Bursts {
            burst_density,
            burst_duration,
            gap_density,
            gap_duration: burst_duration,
            gap_min,
        },
    );
    let delay = (of(any::<u16>()), of(any::<u16>()), of(any::<u16>())).prop_map(
        |(round_trip, end_system, jitter)| Delay {
            round_trip,
            end_system,
            one_way: None,
            symmetric_one_way: round_trip,
            interarrival_jitter: jitter,
            mean_absolute_jitter: jitter,
        },
    );
    let session =
        (of(0u8..=127), of("[A-Za-z0-9.]{1,10}"), of("[a-z=0-9;, ]{0,20}"), of(any::<bool>()))
            .prop_map(|(payload_type, payload_name, format_parameters, silence_suppression)| {
                SessionDescription {
                    payload_type,
                    payload_name,
                    sample_rate: Some(8_000),
                    format_parameters,
                    silence_suppression,
                    ..Default::default()
                }
            });
    let signal = (of(-127i8..=127), of(-127i8..=127), of(0i8..=127)).prop_map(
        |(signal, noise, echo_return_loss)| SignalLevels { signal, noise, echo_return_loss },
    );
    let quality = (of(0u8..=120), of(0u8..=49), of("[A-Z][A-Za-z0-9.]{0,8}")).prop_map(
        |(r, mos, algorithm)| QualityEstimates {
            r_listening: r,
            r_conversational: r,
            r_external: None,
            mos_listening: mos.map(|tenths| f32::from(tenths) / 10.0),
            mos_conversational: None,
            algorithm,
        },
    );
    (jitter_buffer, bursts, delay, session, signal, quality, percent(), percent()).prop_map(
        |(jitter_buffer, bursts, delay, session, signal, quality, network_loss, discard)| Metrics {
            start: Some("2026-01-02T03:04:05Z".into()),
            stop: None,
            session,
            jitter_buffer,
            network_loss,
            discard,
            bursts,
            delay,
            signal,
            quality,
        },
    )
}

proptest! {
    #[test]
    fn writing_and_reading_again_gives_the_same(
        local in metrics(),
        remote in proptest::option::of(metrics()),
        call_id in "[a-z0-9@.]{1,20}",
        port: u16,
        ssrc: u32,
    ) {
        let report = Report {
            call_id,
            local_id: "<sip:a@example.org>".into(),
            local_address: Some(Address { ip: "192.0.2.1".into(), port, ssrc }),
            local,
            remote,
            dialog_id: Some("x;to-tag=1".into()),
            ..Default::default()
        };
        let read = Report::parse(report.to_body().as_bytes());
        prop_assert_eq!(read, Ok(report));
    }

    #[test]
    fn no_body_does_harm(body: Vec<u8>) {
        let mut with_head = b"VQIntervalReport\nLocalMetrics:\nDelay: ".to_vec();
        with_head.extend(&body);
        for body in [body, with_head] {
            if let Ok(report) = Report::parse(&body) {
                let again = Report::parse(report.to_body().as_bytes());
                prop_assert!(again.is_ok(), "{again:?}");
            }
        }
    }
}

#[test]
fn a_text_of_nothing_printable_is_no_field() {
    let local = Metrics { start: Some("\u{1}\u{2}".into()), ..Metrics::default() };
    let report = Report { local, ..Report::parse(FOUND.as_bytes()).unwrap() };
    let body = report.to_body();
    assert!(!body.contains("START"), "{body}");
    assert_eq!(Report::parse(body.as_bytes()).unwrap().local.start, None);
}
