//! Where calls go, all in one: emergencies, blocks, spending, routes.
#![cfg(feature = "toml")]

use std::time::Duration;

use dialplan::number::NumberError;
use dialplan::plan::NoMatch;
use dialplan::rate::Micros;
use dialplan::route::{Ledger, Refusal, Usage};
use dialplan::{Call, Decision, Dialplan, Rejection};
use jiff::civil::date;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

const PLAN: &str = r#"
tariff = "sale.csv"
[context.internal.extensions]
"100" = "reception"
"_1XX" = "user"
"_9." = { external = "${EXTEN:1}" }
"_8." = { external = "${EXTEN}" }
[trunk.city]
capacity = 1
[route.world]
prefixes = ["7", "4"]
trunks = ["city"]
[emergency]
trunks = ["city"]
[caller-id]
company = "+74951230000"
forwarding = "caller"
[block]
prefixes = { "44" = "dear", "7" = "all of it" }
allow = ["7495"]
[[spending]]
window = 3600
amount = "10"
"#;

fn plan() -> Dialplan {
    let mut fetch = |_: &str| Ok(b"prefix,rate_per_min\n7,2\n".to_vec());
    let plan = Dialplan::from_toml("plan.toml", PLAN, &mut fetch).unwrap();
    assert_eq!(plan.check(), []);
    plan
}

struct Office {
    plan: Dialplan,
    usage: Usage,
    ledger: Ledger,
}

impl Office {
    fn new() -> Office {
        Office { plan: plan(), usage: Usage::default(), ledger: Ledger::default() }
    }

    fn decide(&mut self, dialled: &str) -> Decision<'_> {
        let call = Call {
            device: "101",
            forwarded_from: "+33123456789".parse().ok(),
            at: Some(date(2026, 3, 2).at(10, 0, 0, 0)),
            now: Duration::from_secs(100),
            ..Call::new("internal", dialled)
        };
        let mut random = ChaCha8Rng::seed_from_u64(0);
        self.plan.decide(&call, &mut self.usage, &self.ledger, &mut random)
    }

    fn rejection(&mut self, dialled: &str) -> Rejection {
        match self.decide(dialled) {
            Decision::Nowhere(rejection) => rejection,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn within_and_out() {
    let mut office = Office::new();
    assert!(matches!(office.decide("100"), Decision::Local("reception")));
    let Decision::Out(out) = office.decide("984951234567") else { panic!("it goes out") };
    assert_eq!(out.number, "+74951234567".parse().ok());
    assert_eq!(out.selection.attempts[0].number, "+74951234567");
    assert_eq!(out.caller_id.number, "+33123456789".parse().ok());
    assert_eq!(out.per_minute, "2".parse().ok());
}

#[test]
fn reasons_to_refuse() {
    let mut office = Office::new();
    assert_eq!(office.rejection("7"), Rejection::NoMatch(NoMatch::NoExtension));
    assert_eq!(office.rejection("95"), Rejection::Number(NumberError::NoRule { count: 1 }));
    assert!(matches!(
        office.rejection("8104420794601"),
        Rejection::Refused(Refusal::Blocked { .. })
    ));
    assert!(matches!(office.rejection("88121234567"), Rejection::Refused(Refusal::Blocked { .. })));
    assert_eq!(office.rejection("81033123456789"), Rejection::NoRoute);
    let (city, _) = office.plan.router.trunk("city").unwrap();
    office.usage.begin(city);
    assert_eq!(office.rejection("84951234567"), Rejection::NoTrunk);
}

#[test]
fn spending_ends_calls_but_never_emergencies() {
    let mut office = Office::new();
    let spent = Micros::new(9_000_000);
    office.plan.guard.spend(&mut office.ledger, "101", spent, Duration::from_secs(50));
    assert!(matches!(office.rejection("84951234567"), Rejection::Refused(Refusal::Spent { .. })));
    let (city, _) = office.plan.router.trunk("city").unwrap();
    office.usage.begin(city);
    for dialled in ["112", "9112", "urn:service:sos"] {
        let Decision::Out(out) = office.decide(dialled) else { panic!("{dialled} is stopped") };
        assert!(out.selection.is_emergency);
        assert_eq!(out.selection.attempts[0].number, "112");
    }
}
