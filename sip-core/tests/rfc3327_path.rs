//! Path (RFC 3327): the proxies between a phone and its registrar, kept with the binding.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::header::{Path, Supported};
use sip_core::registrar::{AddressOfRecord, Binding, Config, Registrar};
use sip_core::registration::{self, Registration};
use sip_core::{Flow, HeaderName, Limits, Request, Response};

const NOW: Duration = Duration::from_secs(10);

fn aor() -> AddressOfRecord {
    AddressOfRecord::new("101", "example.com")
}

fn flow() -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), "192.0.2.9:40000".parse().unwrap())
}

fn register(registrar: &mut Registrar, cseq: u32, lines: &str) -> Response {
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{cseq}\n\
         From: <sip:101@example.com>;tag=1\nTo: <sip:101@example.com>\nCall-ID: a\n\
         CSeq: {cseq} REGISTER\nMax-Forwards: 70\n{lines}\n"
    );
    let request = Request::parse(text.replace('\n', "\r\n").into(), &Limits::default()).unwrap();
    registrar.register(NOW, &aor(), &request, flow()).unwrap()
}

fn path_of(binding: &Binding) -> Vec<String> {
    binding.path.iter().map(|hop| hop.uri.to_string()).collect()
}

fn paths(registrar: &Registrar) -> Vec<Vec<String>> {
    registrar.bindings(NOW, &aor()).map(path_of).collect()
}

fn echoed(answer: &Response) -> Vec<String> {
    answer.headers.all::<Path>().map(|hop| hop.unwrap().uri.to_string()).collect()
}

/// §5.3: the 200 carries what the REGISTER brought, and requests to the contact take it as Route in
/// the order in which it stands.
#[test]
fn path_is_kept_and_echoed() {
    let mut registrar = Registrar::new(Config::default());
    let lines = "Contact: <sip:a@b>\nPath: <sip:p2;lr>, <sip:p1;lr>\nSupported: path\n";
    let answer = register(&mut registrar, 1, lines);
    assert_eq!(echoed(&answer), ["sip:p2;lr", "sip:p1;lr"]);
    assert_eq!(paths(&registrar), [["sip:p2;lr", "sip:p1;lr"]]);
}

/// Each proxy on the way may have written a line of its own; parameters survive.
#[test]
fn several_lines_are_one_path() {
    let mut registrar = Registrar::new(Config::default());
    let lines =
        "Contact: <sip:a@b>\nPath: <sip:k3y@p2:5070;lr;transport=tcp>\nPath: <sip:p1;lr;ob>\n";
    register(&mut registrar, 1, lines);
    assert_eq!(paths(&registrar), [["sip:k3y@p2:5070;lr;transport=tcp", "sip:p1;lr;ob"]]);
}

/// A refresh over another way replaces the path; without Path there is none any more.
#[test]
fn a_refresh_brings_its_own_path() {
    let mut registrar = Registrar::new(Config::default());
    register(&mut registrar, 1, "Contact: <sip:a@b>\nPath: <sip:p1;lr>\n");
    register(&mut registrar, 2, "Contact: <sip:a@b>\nPath: <sip:p9;lr>\n");
    assert_eq!(paths(&registrar), [["sip:p9;lr"]]);
    let answer = register(&mut registrar, 3, "Contact: <sip:a@b>\n");
    assert!(echoed(&answer).is_empty());
    assert_eq!(paths(&registrar), [[""; 0]]);
}

/// The path belongs to the contacts of its REGISTER and not to the others of the same address.
#[test]
fn each_binding_has_its_own_path() {
    let mut registrar = Registrar::new(Config::default());
    register(&mut registrar, 1, "Contact: <sip:a@b>;q=0.9\nPath: <sip:p1;lr>\n");
    register(&mut registrar, 2, "Contact: <sip:c@d>;q=0.5\nPath: <sip:p2;lr>\n");
    register(&mut registrar, 3, "Contact: <sip:e@f>;q=0.1\n");
    let expected = [vec!["sip:p1;lr"], vec!["sip:p2;lr"], vec![]];
    assert_eq!(paths(&registrar), expected);
    // Asking changes nothing.
    register(&mut registrar, 4, "Path: <sip:p3;lr>\n");
    assert_eq!(paths(&registrar), expected);
}

/// It outlives a restart.
#[test]
fn it_is_restored_with_its_binding() {
    let mut before = Registrar::new(Config::default());
    register(&mut before, 1, "Contact: <sip:a@b>\nPath: <sip:p2;lr>, <sip:p1;lr>\n");
    let mut after = Registrar::new(Config::default());
    for binding in before.all().cloned() {
        assert!(after.restore(NOW, binding));
    }
    assert_eq!(paths(&after), [["sip:p2;lr", "sip:p1;lr"]]);
}

/// A path that cannot be read would lead nowhere: nothing is registered.
#[test]
fn a_broken_path_is_refused() {
    let mut registrar = Registrar::new(Config::default());
    let text = "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
        From: <sip:101@example.com>;tag=1\r\nTo: <sip:101@example.com>\r\nCall-ID: a\r\n\
        CSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:a@b>\r\nPath: <sip:p1\r\n\r\n";
    let request = Request::parse(text.into(), &Limits::default()).unwrap();
    let rejection = registrar.register(NOW, &aor(), &request, flow()).unwrap_err();
    assert_eq!(rejection.status().code(), 400);
    assert!(registrar.is_empty());
}

/// §5.1: a phone says that it understands Path, and sends none itself.
#[test]
fn the_phone_announces_it() {
    let aor = "sip:101@example.com".parse().unwrap();
    let config = registration::Config::new(aor, "sip:101@192.0.2.9:5062".parse().unwrap());
    let random = Box::new(ChaCha8Rng::seed_from_u64(1));
    let mut phone = Registration::new(NOW, config, random).unwrap();
    let request = phone.poll_request().unwrap().request;
    assert!(request.headers.require::<Supported>().unwrap().contains("path"));
    assert!(!request.headers.contains(HeaderName::Path));
}
