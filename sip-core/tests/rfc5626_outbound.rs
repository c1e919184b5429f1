//! Flows and instances at the registrar (RFC 5626 §6 and §7).

use core::time::Duration;

use sip_core::header::{FlowTimer, Require};
use sip_core::registrar::{AddressOfRecord, Change, Config, Registrar, Rejection, Removal};
use sip_core::{ConnectionId, Flow, Limits, Request, Response, Transport};

const NOW: Duration = Duration::from_secs(10);
const INSTANCE: &str = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"";

fn aor() -> AddressOfRecord {
    AddressOfRecord::new("101", "example.com")
}

fn flow(index: u32) -> Flow {
    Flow {
        transport: Transport::Tcp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.9:40000".parse().unwrap(),
        connection: Some(ConnectionId { index, generation: 0 }),
    }
}

fn register(call_id: &str, cseq: u32, lines: &str) -> Request {
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK{cseq}\n\
         From: <sip:101@example.com>;tag=1\nTo: <sip:101@example.com>\nCall-ID: {call_id}\n\
         CSeq: {cseq} REGISTER\nMax-Forwards: 70\n{lines}\n"
    );
    Request::parse(text.replace('\n', "\r\n").into(), &Limits::default()).unwrap()
}

fn apply(registrar: &mut Registrar, index: u32, call_id: &str, lines: &str) -> Response {
    let request = register(call_id, index, lines);
    registrar.register(NOW, &aor(), &request, flow(index)).unwrap()
}

fn with_flow(uri: &str, reg_id: u32) -> String {
    format!("Contact: <{uri}>;{INSTANCE};reg-id={reg_id}\nSupported: path, outbound\n")
}

fn connections(registrar: &Registrar) -> Vec<Vec<u32>> {
    let index = |flow: Flow| flow.connection.unwrap().index;
    let targets = registrar.targets(NOW, &aor());
    targets.iter().map(|t| t.iter().map(|binding| index(binding.flow)).collect()).collect()
}

#[test]
fn an_instance_has_a_binding_for_each_flow_and_is_one_target() {
    let mut config = Config::default();
    config.flow_timer = Some(120);
    let mut registrar = Registrar::new(config);
    let answer = apply(&mut registrar, 1, "a", &with_flow("sip:101@192.0.2.9;ob", 1));
    assert!(answer.headers.require::<Require>().unwrap().contains("outbound"));
    assert_eq!(answer.headers.require::<FlowTimer>().unwrap(), FlowTimer(120));
    // The same contact over another flow is another binding.
    apply(&mut registrar, 2, "b", &with_flow("sip:101@192.0.2.9;ob", 2));
    apply(&mut registrar, 3, "c", "Contact: <sip:101@192.0.2.77>\n");
    assert_eq!(connections(&registrar), [vec![3], vec![2, 1]]);
    // The same flow with another contact takes the old one's place.
    apply(&mut registrar, 4, "a", &with_flow("sip:101@192.0.2.10", 1));
    assert_eq!(registrar.len(), 3);
    assert_eq!(connections(&registrar), [vec![4, 2], vec![3]]);
    let binding = registrar.bindings(NOW, &aor()).next().unwrap();
    assert_eq!(binding.reg_id(), Some(1));
    assert_eq!(binding.instance().unwrap(), "urn:uuid:00000000-0000-1000-8000-000A95A0E128");

    // A flow that fails leaves the other one.
    registrar.flow_failed(&flow(4));
    assert_eq!(connections(&registrar), [vec![3], vec![2]]);
    let second = registrar.targets(NOW, &aor())[1][0].clone();
    assert!(registrar.binding_failed(&second) && !registrar.binding_failed(&second));
    assert_eq!(connections(&registrar), [vec![3]]);
    let failed = core::iter::from_fn(|| registrar.poll_change())
        .filter(|change| matches!(change, Change::Removed { reason: Removal::FlowFailed, .. }));
    assert_eq!(failed.count(), 2);
}

#[test]
fn without_the_option_tag_or_the_instance_reg_id_means_nothing() {
    let mut registrar = Registrar::new(Config::default());
    for (n, lines) in [
        (1, format!("Contact: <sip:a@b>;{INSTANCE};reg-id=1\n")),
        (2, "Contact: <sip:a@b>;reg-id=1\nSupported: outbound\n".to_owned()),
        (3, format!("Contact: <sip:a@b>;{INSTANCE};reg-id=0\nSupported: outbound\n")),
        (4, format!("Contact: <sip:a@b>;{INSTANCE};reg-id=x\nSupported: outbound\n")),
    ] {
        let answer = apply(&mut registrar, n, "a", &lines);
        assert!(!answer.headers.contains(sip_core::HeaderName::Require), "{lines}");
        assert_eq!(registrar.len(), 1, "{lines}");
        assert_eq!(registrar.bindings(NOW, &aor()).next().unwrap().reg_id(), None);
    }
}

#[test]
fn two_flows_in_one_register_are_refused_and_ended_together() {
    let mut registrar = Registrar::new(Config::default());
    let both = |expires: u32| {
        format!(
            "Contact: <sip:a@b>;{INSTANCE};reg-id=1, <sip:a@b>;{INSTANCE};reg-id=2\n\
             Supported: outbound\nExpires: {expires}\n"
        )
    };
    let rejection = registrar.register(NOW, &aor(), &register("a", 1, &both(600)), flow(1));
    assert_eq!(rejection.unwrap_err().status().code(), 400);
    for n in [1, 2] {
        apply(&mut registrar, n, &n.to_string(), &with_flow("sip:a@b", n));
    }
    assert_eq!(registrar.len(), 2);
    apply(&mut registrar, 9, "a", &both(0));
    assert!(registrar.is_empty());
}

#[test]
fn the_first_hop_has_to_keep_flows() {
    let mut registrar = Registrar::new(Config::default());
    let lines = with_flow("sip:a@b", 1);
    let second = "Via: SIP/2.0/TCP edge.example.com;branch=z9hG4bKedge\n";
    for path in ["", "Path: <sip:edge.example.com;lr>\n", "Path: <sip:x;lr;ob>, <sip:y;lr>\n"] {
        let request = register("a", 1, &format!("{second}{path}{lines}"));
        let rejection = registrar.register(NOW, &aor(), &request, flow(1)).unwrap_err();
        assert_eq!(rejection, Rejection::FirstHop, "{path}");
        assert_eq!(rejection.status().code(), 439);
    }
    let path = "Path: <sip:inner;lr>, <sip:edge.example.com;lr;ob>\n";
    apply(&mut registrar, 1, "a", &format!("{second}{path}{lines}"));
    assert_eq!(registrar.len(), 1);
    // Who does not ask for outbound is no concern of it.
    apply(&mut registrar, 2, "b", &format!("{second}Contact: <sip:c@d>\n"));
    assert_eq!(registrar.len(), 2);
}

#[test]
fn old_numbers_of_a_flow_are_out_of_order_even_with_a_new_contact() {
    let mut registrar = Registrar::new(Config::default());
    apply(&mut registrar, 5, "a", &with_flow("sip:a@b", 1));
    let old = register("a", 4, &with_flow("sip:new@b", 1));
    let rejection = registrar.register(NOW, &aor(), &old, flow(4)).unwrap_err();
    assert_eq!(rejection, Rejection::OutOfOrder);
}
