//! When reports are sent: RFC 3550 sections 6.2, 6.3 and A.7, in virtual time.

mod common;

use std::time::Duration;

use common::{ms, rng};
use rtp_core::session::{Membership, Schedule, ScheduleLimits};

/// RTCP of 100 octets, 128 with the headers below: the average from the beginning on.
const SIZE: usize = 100;

fn listeners(members: u32) -> Membership {
    Membership { members, senders: 0, we_sent: false }
}

/// Reports once, as fast as the schedule allows, and says when.
fn report(
    schedule: &mut Schedule,
    membership: Membership,
    seed: &mut impl rand_core::Rng,
) -> Duration {
    loop {
        let now = schedule.next().expect("nothing is due yet");
        if schedule.expire(now, membership, seed) {
            schedule.sent(now, SIZE, membership);
            return now;
        }
    }
}

fn close(duration: Duration, seconds: f64) -> bool {
    (duration.as_secs_f64() - seconds).abs() < 1e-6
}

#[test]
fn the_mean_interval_is_the_rfcs() {
    let mut rng = rng(1);
    let mut schedule = Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng);
    let mean = |schedule: &Schedule, members, senders, we_sent| {
        schedule.deterministic_interval(Membership { members, senders, we_sent })
    };
    // Small groups: the minimum, half of it before the first report.
    assert!(close(mean(&schedule, 1, 0, false), 2.5));
    assert!(close(mean(&schedule, 2, 2, true), 2.5));
    report(&mut schedule, listeners(1), &mut rng);
    assert!(close(mean(&schedule, 1, 0, false), 5.0));
    assert!(close(mean(&schedule, 2, 1, true), 5.0));
    // 1,000 listeners share three quarters of 500 octets a second: 128 * 1000 / 375.
    assert!(close(mean(&schedule, 1_000, 0, false), 128.0 * 1_000.0 / 375.0));
    // One of them sends: it has a quarter to itself; the others are 999.
    assert!(close(mean(&schedule, 1_000, 1, true), 5.0));
    assert!(close(mean(&schedule, 1_000, 1, false), 128.0 * 999.0 / 375.0));
    // 100 senders of 1,000: 128 * 100 / 125.
    assert!(close(mean(&schedule, 1_000, 100, true), 102.4));
    // More than a quarter send: everyone shares everything.
    assert!(close(mean(&schedule, 1_000, 251, true), 256.0));
    assert!(close(mean(&schedule, 1_000, 251, false), 256.0));
}

#[test]
fn the_first_report_comes_within_the_rfcs_bounds() {
    for seed in 0..500 {
        let mut rng = rng(seed);
        let mut schedule = Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng);
        let first = report(&mut schedule, listeners(1), &mut rng).as_secs_f64();
        // 2.5 s times 0.5 to 1.5 over e - 1.5.
        let unit = 2.5 / (std::f64::consts::E - 1.5);
        assert!((0.5 * unit..1.5 * unit).contains(&first), "{first}");
    }
}

#[test]
fn reconsideration_leaves_the_mean_where_it_should_be() {
    // That is what the divisor e - 1.5 is for.
    for members in [1, 2, 1_000] {
        let mut rng = rng(7);
        let mut schedule = Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng);
        let start = report(&mut schedule, listeners(members), &mut rng);
        let reports = 20_000u32;
        let mut end = start;
        for _ in 0..reports {
            end = report(&mut schedule, listeners(members), &mut rng);
        }
        let mean = (end - start) / reports;
        let expected = schedule.deterministic_interval(listeners(members)).as_secs_f64();
        let ratio = mean.as_secs_f64() / expected;
        assert!((0.99..1.01).contains(&ratio), "{members} members: {ratio}");
    }
}

#[test]
fn the_average_size_follows_what_is_heard() {
    let mut rng = rng(1);
    let mut schedule = Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng);
    for _ in 0..200 {
        schedule.received(1_172);
    }
    // 1,172 + 28 octets, 1,000 members, 375 octets a second.
    let mean = schedule.deterministic_interval(listeners(1_000)).as_secs_f64();
    assert!((mean - 3_200.0).abs() < 1.0, "{mean}");
}

#[test]
fn a_thousand_who_join_at_once_do_not_flood() {
    let mut rng = rng(3);
    let mut schedules: Vec<Schedule> = (0..1_000)
        .map(|_| Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng))
        .collect();
    let mut heard = vec![false; schedules.len()];
    let mut count = 0;
    let mut sent = Vec::new();
    while let Some((index, now)) = schedules
        .iter()
        .enumerate()
        .filter_map(|(index, schedule)| Some((index, schedule.next()?)))
        .min_by_key(|&(_, next)| next)
        .filter(|&(_, next)| next < Duration::from_secs(1_800))
    {
        // Everyone hears everyone; whoever has not reported yet counts only for itself.
        let known = |index: usize| listeners(count + u32::from(!heard[index]));
        if schedules[index].expire(now, known(index), &mut rng) {
            let membership = known(index);
            schedules[index].sent(now, SIZE, membership);
            if !std::mem::replace(&mut heard[index], true) {
                count += 1;
            }
            sent.push(now);
        }
    }
    // Without reconsideration all of them would report within the first 3.1 s.
    let early = sent.iter().filter(|&&at| at < ms(3_100)).count();
    assert!(early < 250, "{early} reports in 3.1 s");
    // Once everyone is known the rate is what the bandwidth allows: 375 / 128 a second.
    assert_eq!(count, 1_000);
    let late = sent.iter().filter(|&&at| at >= Duration::from_secs(1_200)).count();
    let ratio = late as f64 / 600.0 / (375.0 / 128.0);
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
}

#[test]
fn those_who_stay_report_sooner() {
    let mut rng = rng(5);
    let mut schedule = Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng);
    let now = report(&mut schedule, listeners(1_000), &mut rng);
    while schedule.next().unwrap() < now + Duration::from_secs(100) {
        report(&mut schedule, listeners(1_000), &mut rng);
    }
    // Considered once with 1,000 members, so that this is what the schedule counts with.
    let before = schedule.next().unwrap();
    assert!(!schedule.expire(before - ms(1), listeners(1_000), &mut rng));
    let wait = |schedule: &Schedule, now| schedule.next().unwrap() - now;
    let now = before - Duration::from_secs(80);
    let full = wait(&schedule, now).as_secs_f64();
    // 900 leave: what is left of the wait shrinks to a tenth.
    schedule.members_left(now, 100);
    assert!((wait(&schedule, now).as_secs_f64() - full / 10.0).abs() < 1e-3);
    // More members than were counted with change nothing.
    let next = schedule.next();
    schedule.members_left(now, 200);
    assert_eq!(schedule.next(), next);
}

#[test]
fn a_small_group_is_left_at_once_and_a_large_one_by_turns() {
    let mut rng = rng(9);
    let now = Duration::from_secs(100);
    let mut small = Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng);
    small.leave(now, 49, SIZE, &mut rng);
    assert!(small.is_due());

    let mut schedules: Vec<Schedule> = (0..1_000)
        .map(|_| Schedule::new(ScheduleLimits::default(), ms(0), SIZE, &mut rng))
        .collect();
    for schedule in &mut schedules {
        schedule.leave(now, 1_000, SIZE, &mut rng);
        assert!(!schedule.is_due());
    }
    let mut sent = Vec::new();
    while let Some((index, at)) = schedules
        .iter()
        .enumerate()
        .filter_map(|(index, schedule)| Some((index, schedule.next()?)))
        .min_by_key(|&(_, next)| next)
        .filter(|&(_, next)| next < now + Duration::from_secs(30))
    {
        if schedules[index].expire(at, listeners(1_000), &mut rng) {
            sent.push(at);
            for (other, schedule) in schedules.iter_mut().enumerate() {
                if other != index {
                    schedule.bye_received();
                }
            }
        }
    }
    let early = sent.iter().filter(|&&at| at < now + ms(3_100)).count();
    assert!((1..250).contains(&early), "{early} goodbyes in 3.1 s");
    assert!(sent.len() < 400, "{} goodbyes in 30 s", sent.len());
}

#[test]
fn a_session_without_bandwidth_waits_long_and_panics_never() {
    for bandwidth in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
        let mut rng = rng(1);
        let limits = ScheduleLimits { bandwidth, minimum: Duration::from_secs(5) };
        let schedule = Schedule::new(limits, ms(0), SIZE, &mut rng);
        assert!(schedule.next().unwrap() >= ms(1_000));
    }
}
