//! Bindings (RFC 3261 §10.3).

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::Credentials;
use sip_core::auth::server::{self, Authenticator, Secret, Verified};
use sip_core::header::{CallId, Contact, MinExpires};
use sip_core::registrar::{
    AddressOfRecord, Binding, Change, Config, Registrar, Rejection, Removal,
};
use sip_core::{ConnectionId, Flow, Host, Limits, Request, Response, StatusCode, Transport};

fn secs(value: u64) -> Duration {
    Duration::from_secs(value)
}

fn aor() -> AddressOfRecord {
    AddressOfRecord::of(&"sip:101@Example.com:5060;transport=tcp".parse().unwrap()).unwrap()
}

fn flow() -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), "192.0.2.9:40000".parse().unwrap())
}

fn register(call_id: &str, cseq: u32, lines: &str) -> Request {
    let text = format!(
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{cseq}\n\
         From: <sip:101@example.com>;tag=1\nTo: <sip:101@example.com>\nCall-ID: {call_id}\n\
         CSeq: {cseq} REGISTER\nMax-Forwards: 70\n{lines}\n"
    );
    Request::parse(text.replace('\n', "\r\n").into(), &Limits::default()).unwrap()
}

fn contacts(response: &Response) -> Vec<String> {
    assert_eq!(response.status, StatusCode::OK);
    response.headers.all::<Contact>().map(|c| c.unwrap().address().unwrap().to_string()).collect()
}

fn reachable(registrar: &Registrar, now: Duration) -> Vec<String> {
    registrar.bindings(now, &aor()).map(|binding| binding.contact.uri.to_string()).collect()
}

#[test]
fn addresses_of_record_are_compared_in_one_form() {
    assert_eq!(aor().as_str(), "101@example.com");
    let same = AddressOfRecord::of(&"sips:%31%301@EXAMPLE.COM".parse().unwrap());
    assert_eq!(same, Some(aor()));
    assert_ne!(AddressOfRecord::new("A", "h"), AddressOfRecord::new("a", "h"));
}

#[test]
fn register_refresh_ask_and_unregister() {
    let mut registrar = Registrar::new(Config::default());
    let contact = "Contact: <sip:101@192.0.2.9:5062>;q=0.5;+sip.instance=\"<urn:x>\"\n";
    let first = register("a", 1, &format!("{contact}Expires: 600\nUser-Agent: Lab\n"));
    let answer = registrar.register(secs(10), &aor(), &first, flow()).unwrap();
    assert_eq!(
        contacts(&answer),
        ["<sip:101@192.0.2.9:5062>;q=0.5;+sip.instance=\"<urn:x>\";expires=600"]
    );
    let binding = registrar.bindings(secs(10), &aor()).next().unwrap();
    assert_eq!((binding.q, binding.flow, binding.expires), (500, flow(), secs(610)));
    assert_eq!(binding.user_agent.as_deref(), Some("Lab"));

    let ask = register("a", 2, "");
    let answer = registrar.register(secs(110), &aor(), &ask, flow()).unwrap();
    assert!(contacts(&answer)[0].ends_with(";expires=500"));

    let again = register("a", 3, "Contact: <sip:101@192.0.2.9:5062>;expires=1000\n");
    let answer = registrar.register(secs(110), &aor(), &again, flow()).unwrap();
    assert_eq!(contacts(&answer), ["<sip:101@192.0.2.9:5062>;expires=1000"]);
    assert_eq!(registrar.len(), 1);

    let gone = register("a", 4, "Contact: <sip:101@192.0.2.9:5062>;expires=0\n");
    let answer = registrar.register(secs(120), &aor(), &gone, flow()).unwrap();
    assert!(contacts(&answer).is_empty());
    assert!(registrar.is_empty());
    assert_eq!(registrar.poll_timeout(), None);

    assert!(matches!(registrar.poll_change(), Some(Change::Registered(b)) if b.q == 500));
    assert!(matches!(registrar.poll_change(), Some(Change::Registered(b)) if b.q == 1000));
    assert!(matches!(
        registrar.poll_change(),
        Some(Change::Removed { reason: Removal::Unregistered, .. })
    ));
    assert_eq!(registrar.poll_change(), None);
}

#[test]
fn bindings_expire() {
    let mut registrar = Registrar::new(Config::default());
    for (n, seconds) in [(1, 100), (2, 200)] {
        let contact = format!("Contact: <sip:{n}@192.0.2.9>;expires={seconds}\n");
        let request = register("a", n, &contact);
        registrar.register(secs(0), &aor(), &request, flow()).unwrap();
    }
    assert_eq!(reachable(&registrar, secs(99)).len(), 2);
    // Not even before the timer has run is an expired binding used.
    assert_eq!(reachable(&registrar, secs(100)), ["sip:2@192.0.2.9"]);
    while let Some(next) = registrar.poll_timeout() {
        registrar.handle_timeout(next);
    }
    assert!(registrar.is_empty());
    let removed: Vec<Duration> = core::iter::from_fn(|| registrar.poll_change())
        .filter_map(|change| match change {
            Change::Removed { binding, reason: Removal::Expired } => Some(binding.expires),
            _ => None,
        })
        .collect();
    assert_eq!(removed, [secs(100), secs(200)]);
}

#[test]
fn durations_are_bounded() {
    let mut registrar = Registrar::new(Config::default());
    let brief = register("a", 1, "Contact: <sip:a@b>;expires=59\n");
    let rejection = registrar.register(secs(0), &aor(), &brief, flow()).unwrap_err();
    assert_eq!(rejection, Rejection::TooBrief { min: 60 });
    let response = rejection.response(&brief);
    assert_eq!(response.status.code(), 423);
    assert_eq!(response.headers.require::<MinExpires>().unwrap(), MinExpires(60));

    for (cseq, lines, seconds) in [
        (2, "Contact: <sip:a@b>\nExpires: 999999\n", 7200),
        (3, "Contact: <sip:a@b>\n", 3600),
        (4, "Contact: <sip:a@b>;expires=nonsense\n", 3600),
        (5, "Contact: <sip:a@b>;expires=99999999999999999999\n", 7200),
        (6, "Contact: <sip:a@b>;expires=120\nExpires: 300\n", 120),
    ] {
        let request = register("a", cseq, lines);
        let answer = registrar.register(secs(0), &aor(), &request, flow()).unwrap();
        assert_eq!(contacts(&answer), [format!("<sip:a@b>;expires={seconds}")], "{lines}");
    }
}

#[test]
fn the_star_removes_everything() {
    let mut registrar = Registrar::new(Config::default());
    for (call, contact) in [("a", "sip:1@b"), ("b", "sip:2@b"), ("c", "sip:3@b")] {
        let request = register(call, 1, &format!("Contact: <{contact}>\n"));
        registrar.register(secs(0), &aor(), &request, flow()).unwrap();
    }
    for lines in
        ["Contact: *\n", "Contact: *\nExpires: 60\n", "Contact: *, <sip:1@b>\nExpires: 0\n"]
    {
        let request = register("d", 1, lines);
        let rejection = registrar.register(secs(0), &aor(), &request, flow()).unwrap_err();
        assert_eq!(rejection, Rejection::Wildcard, "{lines}");
        assert_eq!(rejection.status(), StatusCode::BAD_REQUEST);
    }
    let old = register("a", 1, "Contact: *\nExpires: 0\n");
    let rejection = registrar.register(secs(0), &aor(), &old, flow()).unwrap_err();
    assert_eq!((rejection, registrar.len()), (Rejection::OutOfOrder, 3));
    let all = register("d", 1, "Contact: *\nExpires: 0\n");
    let answer = registrar.register(secs(0), &aor(), &all, flow()).unwrap();
    assert!(contacts(&answer).is_empty() && registrar.is_empty());
}

#[test]
fn an_older_register_changes_nothing_at_all() {
    let mut registrar = Registrar::new(Config::default());
    let later = register("a", 5, "Contact: <sip:1@b>\n");
    registrar.register(secs(0), &aor(), &later, flow()).unwrap();
    for cseq in [4, 5] {
        let earlier = register("a", cseq, "Contact: <sip:new@b>, <sip:1@b>;expires=0\n");
        let rejection = registrar.register(secs(0), &aor(), &earlier, flow()).unwrap_err();
        assert_eq!(rejection, Rejection::OutOfOrder);
        assert_eq!(reachable(&registrar, secs(0)), ["sip:1@b"]);
    }
    // A phone that has restarted has another Call-ID and starts counting anew.
    let restarted = register("b", 1, "Contact: <sip:1@b>;expires=100\n");
    registrar.register(secs(0), &aor(), &restarted, flow()).unwrap();
    assert_eq!(registrar.len(), 1);
}

#[test]
fn the_preferred_contact_comes_first_and_of_equals_the_last() {
    let mut registrar = Registrar::new(Config::default());
    for (n, q) in [(1, ";q=0.3"), (2, ";q=0.9"), (3, ";q=0.3"), (4, "")] {
        let request = register("a", n, &format!("Contact: <sip:{n}@b>{q}\n"));
        registrar.register(secs(0), &aor(), &request, flow()).unwrap();
    }
    assert_eq!(reachable(&registrar, secs(1)), ["sip:4@b", "sip:2@b", "sip:3@b", "sip:1@b"]);
}

#[test]
fn a_refresh_extends_the_binding_and_makes_it_the_first_of_its_equals() {
    let mut registrar = Registrar::new(Config::default());
    let mut cseq = 0;
    let mut register_one = |registrar: &mut Registrar, now, call_id, host: u8, seconds| {
        cseq += 1;
        let contact = format!("Contact: <sip:a@192.0.2.{host}>;expires={seconds}\n");
        registrar.register(secs(now), &aor(), &register(call_id, cseq, &contact), flow()).unwrap();
    };
    for host in [1, 2, 3] {
        register_one(&mut registrar, 0, "a", host, 100);
    }
    register_one(&mut registrar, 50, "a", 1, 100);
    assert_eq!(reachable(&registrar, secs(50)), [1, 3, 2].map(|n| format!("sip:a@192.0.2.{n}")));
    register_one(&mut registrar, 60, "another", 2, 100);
    assert_eq!(reachable(&registrar, secs(60)), [2, 1, 3].map(|n| format!("sip:a@192.0.2.{n}")));
    let kept: Vec<_> = registrar
        .bindings(secs(60), &aor())
        .map(|binding| (binding.call_id.to_string(), binding.cseq, binding.expires))
        .collect();
    let expected = [("another", 5, 160), ("a", 4, 150), ("a", 3, 100)];
    assert_eq!(kept, expected.map(|(id, cseq, end)| (id.to_owned(), cseq, secs(end))));
    let before: Vec<Binding> = registrar.all().cloned().collect();
    registrar.shrink();
    registrar.compact();
    assert!(registrar.all().eq(&before));
    assert!(
        registrar
            .all()
            .all(|binding| binding.aor.as_str().as_ptr() != before[0].aor.as_str().as_ptr())
    );
    registrar.handle_timeout(secs(100));
    assert_eq!(registrar.len(), 2);
    registrar.handle_timeout(secs(150));
    registrar.handle_timeout(secs(160));
    assert_eq!((registrar.len(), registrar.poll_timeout()), (0, None));
}

#[test]
fn contacts_are_equal_by_the_rules_of_uris() {
    let mut registrar = Registrar::new(Config::default());
    for (n, uri) in
        [(1, "sip:a@H:5060"), (2, "sip:a@h:5060"), (3, "sip:%61@h:5060"), (4, "sip:a@h")]
    {
        let request = register("a", n, &format!("Contact: <{uri}>\n"));
        registrar.register(secs(0), &aor(), &request, flow()).unwrap();
    }
    assert_eq!(reachable(&registrar, secs(1)), ["sip:a@h", "sip:%61@h:5060"]);
}

#[test]
fn a_hostile_owner_cannot_fill_the_table() {
    let config = {
        let mut config = Config::default();
        config.bindings_each = 3;
        config.bindings = 5;
        config
    };
    let mut registrar = Registrar::new(config);
    let many = |n: u32| -> String { (0..n).map(|n| format!("Contact: <sip:{n}@b>\n")).collect() };
    let request = register("a", 1, &many(4));
    let rejection = registrar.register(secs(0), &aor(), &request, flow()).unwrap_err();
    assert_eq!(rejection, Rejection::TooManyBindings);
    registrar.register(secs(0), &aor(), &register("a", 2, &many(3)), flow()).unwrap();
    // Removing one thing three times makes room for one, not three.
    let trick = "Contact: <sip:0@b>;expires=0, <sip:0@b>;expires=0, <sip:0@b>;expires=0\n\
                 Contact: <sip:x@b>, <sip:y@b>, <sip:z@b>\n";
    let rejection = registrar.register(secs(0), &aor(), &register("a", 3, trick), flow());
    assert_eq!(rejection.unwrap_err(), Rejection::TooManyBindings);
    let other = AddressOfRecord::new("102", "example.com");
    let rejection = registrar.register(secs(0), &other, &register("b", 1, &many(3)), flow());
    assert_eq!(rejection.unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(registrar.len(), 3);
}

#[test]
fn a_restart_restores_what_has_not_expired() {
    let mut before = Registrar::new(Config::default());
    let request = register("a", 7, "Contact: <sip:a@b>;expires=100, <sip:c@d>;expires=500\n");
    before.register(secs(0), &aor(), &request, flow()).unwrap();
    let kept: Vec<Binding> = before.all().cloned().collect();

    let mut after = Registrar::new(Config::default());
    let restored: Vec<bool> =
        kept.into_iter().map(|binding| after.restore(secs(200), binding)).collect();
    assert_eq!(restored.iter().filter(|restored| **restored).count(), 1);
    assert_eq!(reachable(&after, secs(200)), ["sip:c@d"]);
    assert_eq!(after.poll_change(), None);
    // The order of numbers survives too.
    let late = register("a", 7, "Contact: <sip:c@d>;expires=0\n");
    assert!(after.register(secs(200), &aor(), &late, flow()).is_err());
    let call_id = &after.all().next().unwrap().call_id;
    assert_eq!(*call_id, CallId::new("a").unwrap());
}

#[test]
fn a_lost_connection_takes_its_bindings_along() {
    let mut registrar = Registrar::new(Config::default());
    let stream = |index| Flow {
        transport: Transport::Tcp,
        connection: Some(ConnectionId { index, generation: 0 }),
        ..flow()
    };
    for n in [1, 2] {
        let request = register("a", n, &format!("Contact: <sip:{n}@b>\n"));
        registrar.register(secs(0), &aor(), &request, stream(n)).unwrap();
    }
    registrar.flow_failed(&stream(1));
    assert_eq!(reachable(&registrar, secs(0)), ["sip:2@b"]);
}

fn verified(username: &str) -> Verified {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut server = Authenticator::new("x", [1; 32], server::Config::default());
    let mut request = register("a", 1, "");
    let challenge = server.challenge(secs(10), &request, false, &mut random);
    Credentials::new(username, "p").authorize(&mut request, &challenge, &mut random).unwrap();
    server.verify(secs(10), &request, &|_| Some(Secret::Password("p".to_owned()))).unwrap()
}

#[test]
fn an_address_of_record_must_match_the_credential() {
    let mut registrar = Registrar::new(Config::default());
    let ours = |host: &Host| host.name() == Some("example.com");
    let request = register("a", 1, "Contact: <sip:a@b>\n");
    for (user, expected) in [
        ("102", Err(Rejection::NotYours)),
        ("101@other.net", Err(Rejection::NotYours)),
        ("", Err(Rejection::NotYours)),
        ("101", Ok(1)),
    ] {
        let outcome = registrar.register_as(secs(10), &verified(user), &ours, &request, flow());
        let outcome = outcome.map(|answer| answer.headers.all::<Contact>().count());
        assert_eq!(outcome, expected, "{user}");
    }
    assert_eq!(Rejection::NotYours.status().code(), 403);
    let again = register("a", 2, "Contact: <sip:a@b>\n");
    assert!(
        registrar
            .register_as(secs(10), &verified("101@example.com"), &ours, &again, flow())
            .is_ok()
    );
    let abroad = registrar.register_as(secs(10), &verified("101"), &|_| false, &again, flow());
    assert_eq!(abroad.unwrap_err().status().code(), 404);
}
