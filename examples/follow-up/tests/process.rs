//! The process in virtual time.

mod kit;

use std::collections::BTreeMap;

use follow_up::{
    config::Config,
    lead::{Event, EventKind, Phase},
    timetable,
};
use jiff::{Timestamp, ToSpan};
use kit::{MailServer, at, config, engine, lead, run_until};

/// Letters over the New Year holidays of 2026/27, by a printed calendar: 31 December 2026 and 1 to
/// 10 January 2027 are off.
const NEW_YEAR: [&str; 6] = [
    "2026-12-29T10:00",
    "2027-01-12T10:00",
    "2027-01-15T10:00",
    "2027-01-20T10:00",
    "2027-01-25T10:00",
    "2027-01-28T10:00",
];

/// When each letter of a lead went out.
fn sent(engine: &mut follow_up::engine::Engine, id: i64) -> Vec<Timestamp> {
    let history = engine.store().history(id).unwrap();
    let letters = history
        .iter()
        .filter(|entry| entry.what.starts_with("letter") && entry.what.ends_with(" sent"));
    letters.map(|entry| entry.at).collect()
}

#[test]
fn six_letters_over_the_new_year_holidays_and_no_more_in_a_year() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start();
    let path = config(folder.path(), Some(server.address), "");
    let mut engine = engine(&path);
    let start = at("2026-12-24T10:00");
    let rules = engine.rules().clone();
    let id = rules.add(engine.store(), &lead(), start).unwrap();

    let config = Config::load(&path).unwrap();
    let planned = timetable::letters(&config, &config.waits().unwrap(), None, start).unwrap();
    assert_eq!(planned.iter().map(|(_, at)| *at).collect::<Vec<_>>(), NEW_YEAR.map(at));

    run_until(&mut engine, start + 8760.hours());
    assert_eq!(sent(&mut engine, id), NEW_YEAR.map(at));
    let stands = engine.store().lead(id).unwrap().unwrap();
    assert_eq!(stands.phase, Phase::Ended { reason: "all letters sent".into() });

    let mails = server.mails();
    assert_eq!(mails.len(), 12);
    for (index, pair) in mails.chunks(2).enumerate() {
        assert_eq!(pair[0].to, "Ivan@Customer.example");
        assert_eq!(pair[1].to, "anna@example.com");
        assert!(pair[0].header("From").contains("Anna Petrova"), "{:?}", pair[0]);
        assert!(pair[0].header("Subject").starts_with("Ten telephones"));
        assert!(pair[0].text.contains("Ten telephones"));
        assert!(pair[0].text.contains("Anna Petrova, Sales"));
        assert!(pair[1].header("Subject").starts_with(&format!("Letter {} to Ivan", index + 1)));
    }
    // Each of the six is another letter.
    let subjects: std::collections::BTreeSet<&str> =
        mails.iter().step_by(2).map(|mail| mail.header("Subject")).collect();
    assert_eq!(subjects.len(), 6);
}

#[test]
fn a_virtual_year_of_leads() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&config(folder.path(), None, ""));
    let rules = engine.rules().clone();
    let mut start = at("2025-12-01T09:00");
    let mut ids = Vec::new();
    // A lead every week; every third calls two weeks later.
    for week in 0..52 {
        run_until(&mut engine, start);
        let mut lead = lead();
        lead.phone = format!("+7 916 000-{week:04}");
        ids.push((rules.add(engine.store(), &lead, start).unwrap(), start));
        if week >= 2 && week % 3 == 2 {
            let from = format!("8916000{:04}", week - 2);
            let call = Event { kind: EventKind::Call, from };
            let ended = rules.take_event(engine.store(), &call, start).unwrap();
            assert_eq!(ended, [ids[week - 2].0]);
        }
        start += (7 * 24).hours();
    }
    run_until(&mut engine, start + 8760.hours());
    let calendar = calendar::production::russia();
    for (week, (id, added)) in ids.iter().enumerate() {
        let sent = sent(&mut engine, *id);
        let called = week % 3 == 0 && week + 2 < 52;
        if called {
            assert!(sent.len() < 6, "lead {week} got {} letters", sent.len());
            assert!(sent.iter().all(|at| *at < *added + (14 * 24).hours()));
        } else {
            assert_eq!(sent.len(), 6, "lead {week}");
        }
        // Three working days between one and the next, at the same time of day.
        let mut before = *added;
        for at in sent {
            let civil = |t: Timestamp| t.to_zoned(rules.waits.zone().clone()).datetime();
            // The day on which it begins is not counted, whether worked or not.
            let after = |t: Timestamp| civil(t).date().tomorrow().unwrap();
            let days = calendar.working_days_between(after(before), after(at)).unwrap();
            assert_eq!(days, 3, "lead {week}, {before} to {at}");
            assert!(calendar.is_working(civil(at).date()).unwrap());
            assert_eq!(civil(at).time(), civil(*added).time());
            before = at;
        }
    }
}

#[test]
fn calls_letters_and_other_statuses_end_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(&config(folder.path(), None, ""));
    let rules = engine.rules().clone();
    let start = at("2026-11-16T10:00");
    let id = rules.add(engine.store(), &lead(), start).unwrap();
    run_until(&mut engine, at("2026-11-20T00:00"));
    let stranger = Event { kind: EventKind::Call, from: "+7 916 765-43-21".into() };
    assert!(
        rules.take_event(engine.store(), &stranger, at("2026-11-20T09:00")).unwrap().is_empty()
    );
    let hidden = Event { kind: EventKind::Call, from: "anonymous".into() };
    assert!(rules.take_event(engine.store(), &hidden, at("2026-11-20T09:00")).unwrap().is_empty());
    let mail = Event { kind: EventKind::Letter, from: "ivan@customer.EXAMPLE".into() };
    assert_eq!(rules.take_event(engine.store(), &mail, at("2026-11-20T09:30")).unwrap(), [id]);
    run_until(&mut engine, at("2027-03-01T00:00"));
    assert_eq!(sent(&mut engine, id).len(), 1);
    let stands = engine.store().lead(id).unwrap().unwrap();
    assert_eq!(stands.data.status, "answered");
    assert_eq!(stands.phase, Phase::Ended { reason: "status answered".into() });
    // Pressing again, it begins anew.
    rules.set_status(engine.store(), id, "pressing", at("2027-03-01T10:00")).unwrap();
    run_until(&mut engine, at("2027-03-05T00:00"));
    let stands = engine.store().lead(id).unwrap().unwrap();
    assert_eq!((stands.run, stands.sent), (2, 1));
    rules.set_status(engine.store(), id, "lost", at("2027-03-05T00:00")).unwrap();
    assert_eq!(engine.wake().unwrap(), None);
}

/// Between any two steps the process may be killed: nothing but the database and the mail server
/// remembers. Each step is tried with a restart before it, and the call that comes in between too.
#[test]
fn a_restart_between_any_two_steps_loses_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start();
    let path = config(folder.path(), Some(server.address), "");
    let start = at("2026-12-24T10:00");
    let id = {
        let mut engine = engine(&path);
        let rules = engine.rules().clone();
        rules.add(engine.store(), &lead(), start).unwrap()
    };
    let mut restarts = 0;
    loop {
        let mut engine = engine(&path);
        restarts += 1;
        let Some(wake) = engine.wake().unwrap() else { break };
        assert!(engine.step(wake).unwrap());
    }
    // Three steps a letter.
    assert_eq!(restarts, 6 * 3 + 1);
    assert_eq!(sent(&mut engine(&path), id), NEW_YEAR.map(at));
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for mail in server.mails() {
        *times.entry(mail.header("Message-ID").to_string()).or_default() += 1;
    }
    assert_eq!(times.len(), 12);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

/// Killed in the middle of a step, after the letter went out and before the database knew: a file
/// is not written twice, and mail repeats under the same Message-ID.
#[test]
fn a_kill_between_sending_and_noting_shows_no_letter_twice() {
    for smtp in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let server = MailServer::start();
        let path = config(folder.path(), smtp.then_some(server.address), "");
        let database = folder.path().join("follow-up.sqlite");
        let saved = folder.path().join("saved.sqlite");
        let mut engine_ = engine(&path);
        let rules = engine_.rules().clone();
        let id = rules.add(engine_.store(), &lead(), at("2026-11-16T10:00")).unwrap();
        let due = engine_.wake().unwrap().unwrap();
        assert!(engine_.step(due).unwrap());
        drop(engine_);
        std::fs::copy(&database, &saved).unwrap();
        assert!(engine(&path).step(due).unwrap());
        // The database as it was before the letter was noted.
        for tail in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("follow-up.sqlite{tail}")));
        }
        std::fs::copy(&saved, &database).unwrap();
        let mut engine_ = engine(&path);
        while engine_.step(due).unwrap() {}
        assert_eq!(sent(&mut engine_, id).len(), 1);
        let mut ids: Vec<String> = if smtp {
            server.mails().iter().map(|mail| mail.header("Message-ID").to_string()).collect()
        } else {
            let files = std::fs::read_dir(folder.path().join("outbox")).unwrap();
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
        };
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), 2, "one letter and one notice: {ids:?}");
        assert_eq!(all, if smtp { 3 } else { 2 });
    }
}

#[test]
fn a_mail_server_that_is_down_is_tried_again_with_back_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start();
    let mut engine = engine(&config(folder.path(), Some(server.address), ""));
    let rules = engine.rules().clone();
    let id = rules.add(engine.store(), &lead(), at("2026-11-16T10:00")).unwrap();
    server.be_busy(4);
    run_until(&mut engine, at("2026-11-20T00:00"));
    let history = engine.store().history(id).unwrap();
    let tries: Vec<i64> = history
        .iter()
        .filter(|entry| entry.what.contains("not sent, next try") && entry.what.contains("421"))
        .map(|entry| entry.at.duration_since(at("2026-11-19T10:00")).as_mins())
        .collect();
    // A minute, then two, four and eight.
    assert_eq!(tries, [0, 1, 3, 7]);
    assert_eq!(sent(&mut engine, id), [at("2026-11-19T10:15")]);
    assert_eq!(server.mails().len(), 2);
    // The next letter is three working days after this one went out.
    assert_eq!(engine.wake().unwrap(), Some(at("2026-11-24T10:15")));
}

#[test]
fn a_letter_that_is_refused_for_good_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start();
    let mut engine = engine(&config(folder.path(), Some(server.address), ""));
    let rules = engine.rules().clone();
    let id = rules.add(engine.store(), &lead(), at("2026-11-16T10:00")).unwrap();
    server.refuse();
    run_until(&mut engine, at("2027-11-20T00:00"));
    let Phase::Ended { reason } = engine.store().lead(id).unwrap().unwrap().phase else {
        panic!("still running");
    };
    assert!(reason.starts_with("letter 1 was refused") && reason.contains("550"), "{reason}");
    assert!(server.mails().is_empty());
}

#[test]
fn what_became_due_on_a_day_off_waits_for_a_working_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), None, "");
    let mut engine = engine(&path);
    let rules = engine.rules().clone();
    let id = rules.add(engine.store(), &lead(), at("2026-11-16T10:00")).unwrap();
    // Down from before Thursday to Saturday.
    while engine.step(at("2026-11-21T12:00")).unwrap() {}
    assert_eq!(engine.wake().unwrap(), Some(at("2026-11-23T12:00")));
    run_until(&mut engine, at("2026-11-24T00:00"));
    assert_eq!(sent(&mut engine, id), [at("2026-11-23T12:00")]);
}

#[test]
fn a_year_without_data_ends_the_process_or_goes_by_the_weekend() {
    for (more, letters) in [("", 0), ("weekends_without_data = true", 6)] {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = engine(&config(folder.path(), None, more));
        let rules = engine.rules().clone();
        let mut lead = lead();
        lead.status = "new".into();
        let start = at("2027-12-29T10:00");
        let id = rules.add(engine.store(), &lead, start).unwrap();
        let pressed = rules.set_status(engine.store(), id, "pressing", start);
        assert_eq!(pressed.is_ok(), letters > 0, "{pressed:?}");
        if let Err(error) = pressed {
            assert!(error.to_string().contains("2028"), "{error}");
        }
        run_until(&mut engine, at("2029-01-01T00:00"));
        assert_eq!(sent(&mut engine, id).len(), letters);
    }
}
