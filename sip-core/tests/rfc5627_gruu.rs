//! GRUUs at the registrar (RFC 5627).

use core::time::Duration;

use sip_core::header::Contact;
use sip_core::registrar::{AddressOfRecord, Config, GruuKey, Registrar};
use sip_core::{Flow, Limits, Request, Response, Uri};

const NOW: Duration = Duration::from_secs(10);
const URN: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

fn aor() -> AddressOfRecord {
    AddressOfRecord::new("callee", "example.com")
}

fn flow(port: u16) -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), ([192, 0, 2, 9], port).into())
}

fn config(key: u8) -> Config {
    let mut config = Config::default();
    config.gruu = Some(GruuKey::new([key; 32]));
    config
}

fn register(registrar: &mut Registrar, call_id: &str, cseq: u32, lines: &str) -> Response {
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{cseq}\n\
         From: <sip:callee@example.com>;tag=1\nTo: <sip:callee@example.com>\n\
         Call-ID: {call_id}\nCSeq: {cseq} REGISTER\nMax-Forwards: 70\n{lines}\n"
    );
    let request = Request::parse(text.replace('\n', "\r\n").into(), &Limits::default()).unwrap();
    let port = 40_000 + u16::try_from(cseq).unwrap();
    registrar.register(NOW, &aor(), &request, flow(port)).unwrap()
}

fn phone(uri: &str) -> String {
    format!("Contact: <{uri}>;+sip.instance=\"<{URN}>\"\nSupported: gruu\n")
}

/// The public and the temporary GRUU in a response.
fn gruus(response: &Response) -> (Option<Uri>, Option<Uri>) {
    let contact = response.headers.require::<Contact>().unwrap();
    let contact = contact.address().unwrap();
    let read = |name| contact.params.text(name).map(|text| Uri::parse(text.as_ref()).unwrap());
    (read("pub-gruu"), read("temp-gruu"))
}

fn reached(registrar: &Registrar, uri: &Uri) -> Option<Vec<String>> {
    let found = registrar.gruu(NOW, uri)?;
    Some(found.iter().map(|binding| binding.contact.uri.to_string()).collect())
}

#[test]
fn a_phone_that_asks_gets_both_and_is_reached_by_either() {
    let mut registrar = Registrar::new(config(1));
    register(&mut registrar, "other", 9, "Contact: <sip:other@192.0.2.8>;q=0.1\n");
    let answer = register(&mut registrar, "a", 1, &phone("sip:callee@192.0.2.9"));
    let (public, temporary) = gruus(&answer);
    let (public, temporary) = (public.unwrap(), temporary.unwrap());
    assert_eq!(public.to_string(), format!("sip:callee@example.com;gr={URN}"));
    let text = temporary.to_string();
    assert!(text.starts_with("sip:tgruu.") && text.ends_with("@example.com;gr"), "{text}");
    assert!(!text.contains("callee"), "it must not tell who is behind it");
    let here = Some(vec!["sip:callee@192.0.2.9".to_owned()]);
    assert_eq!(reached(&registrar, &public), here);
    assert_eq!(reached(&registrar, &temporary), here);

    // Each refresh gives another temporary one; the older stay good.
    let answer = register(&mut registrar, "a", 2, &phone("sip:callee@192.0.2.9"));
    let (again, later) = gruus(&answer);
    assert_eq!(again.unwrap(), public);
    assert_ne!(later.clone().unwrap(), temporary);
    assert_eq!(reached(&registrar, &temporary), here);

    // With another Call-ID the phone has begun anew: what it gave away before ends (§3.2).
    register(&mut registrar, "b", 1, &phone("sip:callee@192.0.2.9"));
    assert_eq!(reached(&registrar, &public), here);
    for old in [temporary, later.unwrap()] {
        assert_eq!(reached(&registrar, &old), Some(Vec::new()));
    }
}

#[test]
fn nobody_is_given_what_it_did_not_ask_for() {
    let mut registrar = Registrar::new(config(1));
    let contact = phone("sip:c@192.0.2.9").replace("Supported: gruu\n", "");
    assert_eq!(gruus(&register(&mut registrar, "a", 1, &contact)), (None, None));
    let plain = "Contact: <sip:d@192.0.2.9>\nSupported: gruu\n";
    let answer = register(&mut registrar, "b", 1, plain);
    let contacts: Vec<_> = answer.headers.all::<Contact>().map(Result::unwrap).collect();
    let gruu = |contact: &Contact| contact.address().unwrap().params.contains("pub-gruu");
    assert_eq!(contacts.iter().filter(|contact| gruu(contact)).count(), 1, "the instance's alone");
    let mut without = Registrar::new(Config::default());
    assert_eq!(gruus(&register(&mut without, "a", 1, &phone("sip:c@192.0.2.9"))), (None, None));
}

#[test]
fn who_is_gone_is_not_found_and_what_is_no_gruu_is_said() {
    let mut registrar = Registrar::new(config(1));
    let answer = register(&mut registrar, "a", 1, &phone("sip:c@192.0.2.9"));
    let (public, temporary) = gruus(&answer);
    register(&mut registrar, "a", 2, &format!("{}Expires: 0\n", phone("sip:c@192.0.2.9")));
    assert!(registrar.is_empty());
    assert_eq!(reached(&registrar, &public.unwrap()), Some(Vec::new()));
    assert_eq!(reached(&registrar, &temporary.unwrap()), Some(Vec::new()));
    for other in ["sip:callee@example.com", "tel:+1", "sip:tgruu.abc@example.com;gr"] {
        assert_eq!(reached(&registrar, &other.parse().unwrap()), None, "{other}");
    }
}

#[test]
fn of_several_flows_the_latest_comes_first() {
    let mut registrar = Registrar::new(config(1));
    let flow = |n: u32| {
        format!(
            "Contact: <sip:c{n}@192.0.2.9>;+sip.instance=\"<{URN}>\";reg-id={n}\n\
             Supported: gruu, outbound\n"
        )
    };
    register(&mut registrar, "a", 1, &flow(1));
    let answer = register(&mut registrar, "b", 2, &flow(2));
    let (public, _) = gruus(&answer);
    let expected = ["sip:c2@192.0.2.9", "sip:c1@192.0.2.9"].map(str::to_owned).to_vec();
    assert_eq!(reached(&registrar, &public.unwrap()), Some(expected));
}

#[test]
fn a_restart_with_the_same_key_keeps_temporary_ones() {
    let mut before = Registrar::new(config(1));
    let (_, temporary) = gruus(&register(&mut before, "a", 1, &phone("sip:c@192.0.2.9")));
    let temporary = temporary.unwrap();
    let (mut after, mut stranger) = (Registrar::new(config(1)), Registrar::new(config(2)));
    for binding in before.all() {
        assert!(after.restore(NOW, binding.clone()) && stranger.restore(NOW, binding.clone()));
    }
    assert_eq!(reached(&after, &temporary).unwrap().len(), 1);
    assert_eq!(reached(&stranger, &temporary), None);
}
