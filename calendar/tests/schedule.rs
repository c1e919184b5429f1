//! What decides a day's hours, layer by layer.

use calendar::{
    Calendar, GotoIfTime, Lang, Schedule,
    production::{DayKind, Special, YearStatus, russia},
    schedule::{
        BuildError, Builder, Change, Exception, Hours, OnCalendar, Override, Recurring, Season,
        SeasonRange, Week, WithoutData,
    },
    zone,
};
use jiff::{
    Timestamp,
    civil::{Date, date},
};

fn hours(text: &str) -> Hours {
    text.parse().unwrap()
}

fn week() -> Week {
    Week::new().with("mon-fri", "09:00-18:00").unwrap().with("sat", "10:00-14:00").unwrap()
}

fn office() -> Builder {
    Schedule::builder(zone("Europe/Moscow").unwrap()).week(week())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| format!("{text}+03:00").parse().unwrap())
}

fn on(schedule: &Schedule, date: Date) -> String {
    schedule.hours_on(date).0.to_string()
}

#[test]
fn the_production_calendar_closes_and_opens() {
    let office = office().calendar(OnCalendar::new(russia(), WithoutData::Closed)).build().unwrap();
    // A moved day off, a holiday, a weekend before and after.
    assert_eq!(on(&office, date(2026, 1, 9)), "closed");
    assert_eq!(on(&office, date(2026, 1, 10)), "10:00-14:00");
    assert_eq!(on(&office, date(2026, 3, 8)), "closed");
    assert_eq!(on(&office, date(2026, 1, 12)), "09:00-18:00");
    // A working Saturday has the hours of the Monday that it gives its rest to, less an hour.
    assert_eq!(on(&office, date(2025, 11, 1)), "09:00-17:00");
    assert_eq!(on(&office, date(2026, 4, 30)), "09:00-17:00");
    assert_eq!(office.next_change(at("2025-12-30T18:00")), Some(at("2026-01-10T10:00")));
    let text = |t: &str, lang| office.state_at(at(t)).why.text(lang).to_string();
    assert_eq!(
        text("2026-01-09T12:00", Lang::En),
        "closed: 2026-01-09 is a day off moved from Saturday 3 January"
    );
    assert_eq!(
        text("2026-01-09T12:00", Lang::Ru),
        "закрыто: 2026-01-09 — выходной, перенесённый с субботы 3 января"
    );
    assert_eq!(
        text("2025-11-01T12:00", Lang::En),
        "open: 2025-11-01 is a short working Saturday, its day off moved to Monday 3 November, hours \
         09:00-17:00"
    );
    assert_eq!(
        text("2025-11-01T17:30", Lang::Ru),
        "закрыто: 2025-11-01 — сокращённый рабочий выходной, суббота, выходной перенесён на \
         понедельник 3 ноября, вне часов работы 09:00-17:00"
    );
    assert_eq!(text("2026-05-09T12:00", Lang::Ru), "закрыто: 2026-05-09 — праздник: День Победы");
}

#[test]
fn years_without_data_are_as_declared_and_say_so() {
    let with = |without| office().calendar(OnCalendar::new(russia(), without)).build().unwrap();
    let new_year = at("2030-01-01T12:00");
    let weekly = with(WithoutData::Weekly);
    let state = weekly.state_at(new_year);
    assert!(state.open);
    assert_eq!(
        state.why.to_string(),
        "open: no calendar for 2030, as declared for such years, Tuesday hours 09:00-18:00"
    );
    assert!(!with(WithoutData::Closed).state_at(new_year).open);
    assert!(with(WithoutData::Open).state_at(at("2030-01-01T03:00")).open);
}

#[test]
fn hours_of_days_off_and_working_weekends_can_be_given() {
    let mut on_calendar = OnCalendar::new(russia(), WithoutData::Closed);
    on_calendar.day_off = hours("12:00-15:00");
    on_calendar.working_weekend = Some(hours("08:00-12:00"));
    on_calendar.short_by = 1_800;
    let office = office().calendar(on_calendar).build().unwrap();
    assert_eq!(on(&office, date(2026, 1, 1)), "12:00-15:00");
    assert_eq!(on(&office, date(2025, 11, 1)), "08:00-11:30");
    assert_eq!(on(&office, date(2024, 4, 27)), "08:00-12:00");
    assert_eq!(on(&office, date(2026, 4, 30)), "09:00-17:30");
}

#[test]
fn an_own_calendar_adds_and_removes() {
    let own = russia()
        .extend("ACME")
        .special(Special::new(date(2026, 11, 20), DayKind::Holiday).named("Founders' day"))
        .remove(date(2026, 11, 4))
        .build()
        .unwrap();
    assert!(own.is_working(date(2026, 11, 4)).unwrap());
    assert!(!own.is_working(date(2026, 11, 20)).unwrap());
    assert!(!own.is_working(date(2026, 1, 9)).unwrap());
    let office = office().calendar(OnCalendar::new(own, WithoutData::Closed)).build().unwrap();
    assert_eq!(
        office.state_at(at("2026-11-20T12:00")).why.to_string(),
        "closed: 2026-11-20 is a holiday: Founders' day"
    );
}

#[test]
fn exceptions_replace_add_and_cut() {
    let office = office()
        .calendar(OnCalendar::new(russia(), WithoutData::Closed))
        .exception(
            Exception::on(date(2026, 1, 9), Change::Replace(hours("10:00-15:00"))).named("Sale"),
        )
        .exception(Exception::on(date(2026, 11, 20), Change::Add(hours("20:00-22:00"))))
        .exception(Exception::on(date(2026, 11, 20), Change::Cut(hours("12:00-13:00"))))
        .exception(Exception::between(
            date(2026, 7, 1),
            date(2026, 7, 14),
            Change::Replace(Hours::CLOSED),
        ))
        .build()
        .unwrap();
    assert_eq!(
        office.state_at(at("2026-01-09T12:00")).why.to_string(),
        "open: exception for 2026-01-09: Sale, hours 10:00-15:00"
    );
    assert_eq!(on(&office, date(2026, 11, 20)), "09:00-12:00, 13:00-18:00, 20:00-22:00");
    assert_eq!(on(&office, date(2026, 7, 1)), "closed");
    assert_eq!(on(&office, date(2026, 7, 14)), "closed");
    assert_eq!(on(&office, date(2026, 7, 15)), "09:00-18:00");
}

#[test]
fn a_cut_reaches_the_night_that_began_the_day_before() {
    let bar = Schedule::builder(zone("Europe/Moscow").unwrap())
        .week(Week::every_day(hours("18:00-04:00")))
        .exception(Exception::on(date(2026, 11, 21), Change::Cut(hours("01:00-02:00"))))
        .build()
        .unwrap();
    let mut t = at("2026-11-20T12:00");
    let changes: Vec<Timestamp> = std::iter::from_fn(|| {
        t = bar.next_change(t)?;
        Some(t)
    })
    .take(5)
    .collect();
    let expected = [
        "2026-11-20T18:00",
        "2026-11-21T01:00",
        "2026-11-21T02:00",
        "2026-11-21T04:00",
        "2026-11-21T18:00",
    ];
    assert_eq!(changes, expected.map(at));
    assert_eq!(on(&bar, date(2026, 11, 21)), "18:00-04:00");
    // Closing the day after leaves the night that began before.
    let bar = Schedule::builder(zone("Europe/Moscow").unwrap())
        .week(Week::every_day(hours("18:00-04:00")))
        .exception(Exception::on(date(2026, 11, 21), Change::Replace(Hours::CLOSED)))
        .build()
        .unwrap();
    assert!(bar.state_at(at("2026-11-21T03:00")).open);
    assert!(!bar.state_at(at("2026-11-21T20:00")).open);
}

#[test]
fn contradictory_exceptions_are_refused() {
    let closed = Exception::on(date(2026, 11, 20), Change::Replace(Hours::CLOSED));
    let open = Exception::between(
        date(2026, 11, 19),
        date(2026, 11, 21),
        Change::Replace(hours("10:00-12:00")),
    );
    let error = office().exception(closed.clone()).exception(open).build().unwrap_err();
    assert_eq!(error, BuildError::Contradiction { date: date(2026, 11, 20), first: 0, second: 1 });
    // The same twice is no contradiction.
    assert!(office().exception(closed.clone()).exception(closed).build().is_ok());
    let add = Exception::on(date(2026, 11, 20), Change::Add(hours("18:00-20:00")));
    let cut = Exception::on(date(2026, 11, 20), Change::Cut(hours("19:00-21:00")));
    assert!(matches!(
        office().exception(add).exception(cut).build(),
        Err(BuildError::Contradiction { .. })
    ));
    let backwards =
        Exception::between(date(2026, 11, 21), date(2026, 11, 20), Change::Replace(Hours::CLOSED));
    assert!(matches!(office().exception(backwards).build(), Err(BuildError::Backwards { .. })));
}

#[test]
fn seasons_replace_the_week() {
    let season = |first: &str, last: &str| Season {
        name: "Summer".into(),
        range: SeasonRange::Yearly(first.parse().unwrap(), last.parse().unwrap()),
        week: Week::new().with("mon-fri", "08:00-16:00").unwrap(),
    };
    let office = office().season(season("06-01", "08-31")).build().unwrap();
    assert_eq!(on(&office, date(2026, 5, 29)), "09:00-18:00");
    assert_eq!(on(&office, date(2026, 6, 1)), "08:00-16:00");
    assert_eq!(on(&office, date(2026, 8, 31)), "08:00-16:00");
    assert_eq!(
        office.state_at(at("2026-06-01T09:00")).why.to_string(),
        "open: Monday hours 08:00-16:00 in the season Summer"
    );
    let error = Schedule::builder(zone("UTC").unwrap())
        .season(season("06-01", "08-31"))
        .season(season("08-31", "09-30"))
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("both claim 08-31"), "{error}");
}

#[test]
fn rules_change_regular_hours_and_holidays_win() {
    let rule = |text: &str| text.parse().unwrap();
    let inventory = Recurring::new(
        rule("FREQ=MONTHLY;BYDAY=-1FR"),
        date(2020, 1, 1),
        Change::Replace(hours("09:00-12:00")),
    )
    .named("Inventory");
    let open_days = Recurring::new(
        rule("FREQ=WEEKLY;BYDAY=WE"),
        date(2020, 1, 1),
        Change::Add(hours("18:00-20:00")),
    );
    let office = office()
        .calendar(OnCalendar::new(russia(), WithoutData::Closed))
        .recurring(inventory)
        .recurring(open_days)
        .build()
        .unwrap();
    assert_eq!(on(&office, date(2026, 11, 27)), "09:00-12:00");
    assert_eq!(on(&office, date(2026, 11, 18)), "09:00-20:00");
    // 4 November 2026 is a Wednesday and a holiday.
    assert_eq!(on(&office, date(2026, 11, 4)), "closed");
    assert_eq!(
        office.state_at(at("2026-11-27T15:00")).why.to_string(),
        "closed: recurring hours of 2026-11-27: Inventory, outside hours 09:00-12:00"
    );
}

#[test]
fn an_override_wins_until_it_ends() {
    let mut office = office().build().unwrap();
    let three = at("2026-11-20T15:00");
    office.set_manual(Some(Override::CLOSED.until(three).named("Fire drill")));
    let state = office.state_at(at("2026-11-20T12:00"));
    assert!(!state.open);
    assert_eq!(state.why.to_string(), "closed by hand until 15:00: Fire drill");
    assert_eq!(state.why.text(Lang::Ru).to_string(), "закрыто вручную до 15:00: Fire drill");
    assert_eq!(office.next_change(at("2026-11-20T12:00")), Some(three));
    assert!(office.state_at(three).open);
    // Ending while it would be closed anyway, the hours decide when it opens.
    office.set_manual(Some(Override::CLOSED.until(at("2026-11-20T20:00"))));
    assert_eq!(office.next_change(at("2026-11-20T12:00")), Some(at("2026-11-21T10:00")));
    // One that is to come.
    let override_ = Override::CLOSED.from(at("2026-11-20T13:00")).until(three);
    office.set_manual(Some(override_));
    assert_eq!(office.next_change(at("2026-11-20T12:00")), Some(at("2026-11-20T13:00")));
    office.set_manual(Some(Override::OPEN));
    assert_eq!(office.next_change(at("2026-11-20T12:00")), None);
    assert_eq!(office.state_at(three).why.to_string(), "open by hand until closed by hand");
    office.set_manual(None);
    assert!(!office.state_at(at("2026-11-20T22:00")).open);
}

#[test]
fn asterisk_conditions_can_give_the_hours() {
    let conditions = ["09:00-18:00,mon-fri,*,*", "22:00-01:00,sat,*,dec"];
    let shop = Schedule::builder(zone("Europe/Moscow").unwrap())
        .gotoiftime(conditions.map(GotoIfTime::new))
        .build()
        .unwrap();
    assert!(shop.state_at(at("2026-11-20T18:00:59")).open);
    assert!(!shop.state_at(at("2026-11-20T18:01:00")).open);
    assert_eq!(on(&shop, date(2026, 12, 5)), "00:00-01:01, 22:00-24:00");
    assert_eq!(on(&shop, date(2026, 11, 21)), "closed");
    assert_eq!(
        shop.state_at(at("2026-11-20T10:00")).why.to_string(),
        "open: Friday hours 09:00-18:01 by the time conditions"
    );
    let other = GotoIfTime::new("*,*,*,*,Asia/Tokyo");
    let error = office().gotoiftime([other]).build().unwrap_err();
    assert!(matches!(error, BuildError::OtherZone { .. }));
    let broken = GotoIfTime::new("25:00-26:00");
    assert!(matches!(office().gotoiftime([broken]).build(), Err(BuildError::Condition { .. })));
}

#[test]
fn too_many_special_days_are_refused_not_stored() {
    let mut builder = office();
    for _ in 0..5 {
        builder = builder.exception(Exception::between(
            date(1970, 1, 1),
            date(2099, 12, 31),
            Change::Replace(Hours::CLOSED),
        ));
    }
    assert_eq!(builder.build().unwrap_err(), BuildError::TooManyDays);
    let far = Exception::on(date(2100, 1, 1), Change::Replace(Hours::CLOSED));
    assert_eq!(office().exception(far).build().unwrap_err(), BuildError::OutOfRange { number: 0 });
}

#[test]
fn a_calendar_whose_weekend_is_friday_works() {
    use jiff::civil::Weekday;
    let calendar = Calendar::builder("XX")
        .weekend(calendar::production::Weekend::new([Weekday::Friday, Weekday::Saturday]))
        .year(2026, YearStatus::Official)
        .special(Special::new(date(2026, 11, 22), DayKind::Holiday))
        .build()
        .unwrap();
    assert!(!calendar.is_working(date(2026, 11, 20)).unwrap());
    assert!(calendar.is_working(date(2026, 11, 29)).unwrap());
    assert_eq!(calendar.next_working_day(date(2026, 11, 19)), Ok(date(2026, 11, 23)));
}
