//! Which trunks a number goes over, and when it does not.

use std::time::Duration;

use dialplan::number::{Digits, Number, Profile, Template};
use dialplan::rate::Tariff;
use dialplan::route::{
    Choice, Emergency, Failure, Policy, Route, RouteRequest, Router, RouterError, Selection, Trunk,
    Usage, Why,
};
use jiff::civil::date;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

fn digits(text: &str) -> Digits {
    text.parse().unwrap()
}

fn route(name: &str, prefixes: &[&str], policy: Policy, choices: Vec<Choice>) -> Route {
    let prefixes = prefixes.iter().map(|prefix| digits(prefix)).collect();
    Route { name: name.into(), prefixes, policy, choices }
}

fn trunks() -> Vec<Trunk> {
    let mut city = Trunk::new("city");
    city.number = Template::parse("{dial}").unwrap();
    city.capacity = Some(2);
    let mut night = Trunk::new("night");
    night.schedule = Some("night".into());
    let mut world = Trunk::new("world");
    world.failover.statuses = vec![404, 503];
    world.failover.timeout = Duration::from_secs(12);
    world.tariff = Some(Tariff::from_csv(b"prefix,rate_per_min\n7,2\n7495,0.5\n44,3\n").unwrap());
    vec![city, night, world]
}

struct Asked<'a> {
    router: &'a Router,
    usage: Usage,
    random: ChaCha8Rng,
}

impl<'a> Asked<'a> {
    fn new(router: &'a Router) -> Asked<'a> {
        Asked { router, usage: Usage::default(), random: ChaCha8Rng::seed_from_u64(3) }
    }

    fn select(&mut self, number: &str) -> Selection<'a> {
        let number: Number = number.parse().unwrap();
        let schedules = |name: &str| (name == "night").then_some(false);
        let at = Some(date(2026, 3, 2).at(12, 0, 0, 0));
        let request =
            RouteRequest { number, profile: &Profile::russia(), schedules: &schedules, at };
        self.router.select(&request, &mut self.usage, &mut self.random)
    }
}

fn names(selection: &Selection<'_>) -> Vec<String> {
    selection.attempts.iter().map(|attempt| attempt.name.to_owned()).collect()
}

#[test]
fn the_longest_prefix_then_priority_then_cost() {
    let cheap = Choice { cost: Some("1".parse().unwrap()), ..Choice::new("city") };
    let last = Choice { priority: 2, ..Choice::new("city") };
    let routes = vec![
        route("russia", &["7"], Policy::LeastCost, vec![Choice::new("world"), cheap]),
        route("moscow", &["7495", "7499"], Policy::LeastCost, vec![last, Choice::new("world")]),
    ];
    let router = Router::new(trunks(), routes, Emergency::default()).unwrap();
    let mut asked = Asked::new(&router);
    assert_eq!(names(&asked.select("+78121234567")), ["city", "world"], "1 is less than 2");
    let moscow = asked.select("+74951234567");
    assert_eq!(
        (moscow.route, names(&moscow)),
        (Some("moscow"), vec!["world".into(), "city".into()])
    );
    assert_eq!(moscow.attempts[0].cost, Some("0.5".parse().unwrap()));
    assert_eq!(moscow.attempts[0].number, "+74951234567");
    assert_eq!(moscow.attempts[1].number, "84951234567");
    assert!(asked.select("+4930123456").route.is_none());
}

#[test]
fn trunks_that_cannot_carry_the_call_are_left_out() {
    let other = Choice { prefix: Some(digits("7812")), ..Choice::new("world") };
    let unknown = Choice { schedule: Some("easter".into()), ..Choice::new("world") };
    let choices = vec![
        Choice::new("city"),
        Choice::new("night"),
        Choice::new("gone"),
        other,
        unknown,
        Choice::new("world"),
    ];
    let routes = vec![route("all", &[""], Policy::InOrder, choices)];
    let router = Router::new(trunks(), routes, Emergency::default()).unwrap();
    let mut asked = Asked::new(&router);
    let (city, _) = router.trunk("city").unwrap();
    asked.usage.begin(city);
    assert_eq!(names(&asked.select("+74951234567"))[0], "city", "one line is free");
    asked.usage.begin(city);
    let selection = asked.select("+74951234567");
    assert_eq!(names(&selection), ["world"]);
    let whys: Vec<Why> = selection.skipped.into_iter().map(|skipped| skipped.why).collect();
    assert_eq!(
        whys,
        [
            Why::Full(2),
            Why::Closed("night".into()),
            Why::NoSuchTrunk,
            Why::OtherPrefix,
            Why::UnknownSchedule("easter".into())
        ]
    );
    asked.usage.end(city);
    assert_eq!(names(&asked.select("+78121234567")), ["city", "world", "world"]);
}

#[test]
fn failover_on_the_statuses_of_the_trunk_and_on_silence() {
    let routes =
        vec![route("all", &[""], Policy::InOrder, vec![Choice::new("world"), Choice::new("city")])];
    let router = Router::new(trunks(), routes, Emergency::default()).unwrap();
    let selection = Asked::new(&router).select("+74951234567");
    assert_eq!(selection.attempts[0].timeout(), Duration::from_secs(12));
    assert_eq!(
        selection.after(0, Failure::Status(404)).map(|(at, next)| (at, next.name)),
        Some((1, "city"))
    );
    assert!(selection.after(0, Failure::Timeout).is_some());
    assert!(selection.after(0, Failure::Status(486)).is_none(), "busy goes back to the caller");
    assert!(selection.after(1, Failure::Status(503)).is_none(), "there is no third");
}

#[test]
fn emergency_calls_use_whatever_there_is() {
    let emergency = Emergency { trunks: vec!["night".into()], urn_number: digits("112") };
    let router = Router::new(trunks(), Vec::new(), emergency).unwrap();
    let (city, _) = router.trunk("city").unwrap();
    let mut usage = Usage::default();
    let profile = Profile::russia();
    let select = |dialled: &str, usage: &Usage| router.select_emergency(dialled, &profile, usage);
    let selection = select("112", &usage).unwrap();
    assert_eq!(names(&selection), ["night", "city", "world"], "closed or not");
    assert_eq!(selection.attempts[0].number, "112");
    assert!(selection.after(0, Failure::Status(486)).is_some(), "every failure leads on");
    usage.begin(city);
    usage.begin(city);
    assert_eq!(names(&select("01", &usage).unwrap()), ["night", "world", "city"], "full ones last");
    let urn = select("urn:service:sos.police", &usage).unwrap();
    assert_eq!(urn.attempts[0].number, "112");
    assert!(select("84951234567", &usage).is_none());
}

#[test]
fn names_and_prefixes_are_there_once() {
    let twice = vec![Trunk::new("a"), Trunk::new("a")];
    let error = Router::new(twice, Vec::new(), Emergency::default()).unwrap_err();
    assert_eq!(error, RouterError::TwoTrunks { name: "a".into() });
    let routes = vec![
        route("a", &["7"], Policy::InOrder, Vec::new()),
        route("b", &["7"], Policy::InOrder, Vec::new()),
    ];
    assert!(matches!(
        Router::new(trunks(), routes, Emergency::default()),
        Err(RouterError::Prefix(_))
    ));
}
