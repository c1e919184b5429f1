//! What is played, pressed, heard, recorded and counted.

use std::sync::Arc;

use pbx::media::{Audio, StreamStatistics};

use super::*;
use crate::impair::Network;
use crate::phone::Counters;

/// Three seconds that differ everywhere from themselves a little later: a sweep.
fn sweep() -> Arc<[i16]> {
    let mut phase = 0.0f64;
    (0..24_000)
        .map(|n| {
            phase += std::f64::consts::TAU * (300.0 + f64::from(n) / 20.0) / 8_000.0;
            (phase.sin() * 8_000.0) as i16
        })
        .collect()
}

fn playing() -> Settings {
    let mut settings = settings("alice");
    settings.longest = Some(secs(5));
    settings.script.play = Some(Audio { samples: sweep(), repeat: false });
    settings.script.record = true;
    settings
}

/// Pearson's correlation of `heard` from `offset` on with `played`.
fn correlation(played: &[i16], heard: &[i16], offset: usize) -> f64 {
    let pairs = || {
        let heard = heard.get(offset..).unwrap_or_default();
        played.iter().zip(heard).map(|(a, b)| (f64::from(*a), f64::from(*b)))
    };
    let power = |of: fn((f64, f64)) -> f64| pairs().map(of).map(|x| x * x).sum::<f64>().sqrt();
    pairs().map(|(a, b)| a * b).sum::<f64>() / (power(|p| p.0) * power(|p| p.1)).max(1.0)
}

fn statistics(handset: &Handset) -> StreamStatistics {
    let of = |(_, event): &(Duration, Event)| match event {
        Event::Ended { statistics, .. } => *statistics,
        _ => None,
    };
    handset.events.iter().find_map(of).expect("statistics")
}

#[test]
fn an_echo_is_recorded_where_it_was_heard() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, playing());
    let mut of_bob = settings("bob");
    of_bob.script.echo = true;
    town.phone(2, of_bob);
    town.call(alice, 2);
    town.run_for(secs(10));
    let handset = town.handset(alice);
    let length = handset.recorded.len();
    assert!((40_000..40_160).contains(&length), "as long as the call: {length}");
    // Bob's buffer adds a few frames at most. Of its first delay it gives back what is not needed,
    // which shortens the first second.
    let later = &sweep()[8_000..];
    let best = (8_000..8_640).map(|at| correlation(later, &handset.recorded, at));
    let best = best.fold(0.0, f64::max);
    assert!(best > 0.999, "{best}");
    let rest = handset.recorded.get(24_640..).unwrap_or_default();
    assert!(rest.iter().all(|sample| sample.abs() < 16), "silence after the end");
    assert_eq!(handset.said(|event| *event == Event::Played).len(), 1);
}

#[test]
fn both_sides_record_what_the_other_plays() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, playing());
    let backwards: Arc<[i16]> = sweep().iter().rev().copied().collect();
    let mut of_bob = playing();
    of_bob.user = "bob".to_owned();
    of_bob.codecs = vec![Codec::PCMU];
    of_bob.script.play = Some(Audio { samples: Arc::clone(&backwards), repeat: false });
    let bob = town.phone(2, of_bob);
    town.call(alice, 2);
    town.run_for(secs(10));
    let best = |heard: &[i16], played: &[i16]| {
        (0..240).map(|at| correlation(played, heard, at)).fold(0.0, f64::max)
    };
    assert!(best(&town.handset(alice).recorded, &backwards) > 0.99);
    assert!(best(&town.handset(bob).recorded, &sweep()) > 0.99);
}

#[test]
fn lost_packets_are_gaps_and_nothing_shifts() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, playing());
    let mut of_bob = playing();
    of_bob.user = "bob".to_owned();
    town.phone(2, of_bob);
    town.call(alice, 2);
    town.run_for(ms(1_500));
    town.world.network().set_faults(Faults {
        loss: 50,
        reordering: 50,
        reorder_by: ms(50),
        ..Faults::NONE
    });
    town.run_for(secs(2));
    town.world.network().set_faults(Faults::NONE);
    town.run_for(secs(6));
    let heard = &town.handset(alice).recorded;
    // 1 ms after Bob's answer is back at Bob his first packet is here.
    let score = (0..240).map(|at| correlation(&sweep(), heard, at)).fold(0.0, f64::max);
    assert!(score > 0.9 && score < 0.999, "{score}");
    let figures = statistics(town.handset(alice));
    assert!(figures.packets_lost > 0, "{figures:?}");
    assert!(figures.mos.is_some_and(|mos| mos < 4.3), "{figures:?}");
}

#[test]
fn keys_are_pressed_in_time_and_heard_once_each() {
    let mut town = Town::new(Faults::NONE);
    let mut of_alice = playing();
    of_alice.script.presses =
        "12#".parse::<crate::dial_string::DialString>().unwrap().presses(secs(1), ms(100), ms(100));
    let alice = town.phone(1, of_alice);
    let bob = town.phone(2, settings("bob"));
    town.call(alice, 2);
    town.run_for(secs(10));
    let answered = 1_002;
    let at = |key: char| {
        let of =
            |(at, event): &(Duration, Event)| (*event == Event::Pressed { key }).then_some(*at);
        town.handset(alice).events.iter().find_map(of).expect("pressed")
    };
    for (key, after) in [('1', 1_000), ('2', 1_200), ('#', 1_400)] {
        assert_eq!(at(key), ms(answered + after), "{key}");
    }
    let heard: Vec<_> = town.handset(bob).said(|event| matches!(event, Event::Digit { .. }));
    let expected = ['1', '2', '#'].map(|key| Event::Digit { key, duration: ms(100) });
    assert_eq!(heard, expected.iter().collect::<Vec<_>>());
}

#[test]
fn packets_are_counted_each_second_and_in_the_end() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, Settings { longest: Some(ms(4_500)), ..settings("alice") });
    town.phone(2, settings("bob"));
    town.call(alice, 2);
    town.run_for(secs(10));
    let ticks: Vec<_> = town
        .handset(alice)
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Tick { elapsed, counters: Counters { sent, received } } => {
                Some((elapsed.as_secs(), *sent, *received))
            }
            _ => None,
        })
        .collect();
    assert_eq!(ticks.len(), 4);
    for (n, (second, sent, received)) in (1..).zip(ticks) {
        assert_eq!(second, n);
        assert!((50 * n..=50 * n + 1).contains(&sent), "{sent} sent in {n} s");
        assert!((50 * n - 1..=50 * n + 1).contains(&received), "{received} received in {n} s");
    }
    let figures = statistics(town.handset(alice));
    assert_eq!((figures.packets_lost, figures.packets_refused), (0, 0));
    assert!((224..=227).contains(&figures.packets_sent), "{figures:?}");
    assert!(figures.jitter < ms(1) && figures.mos.is_some_and(|mos| mos > 4.3), "{figures:?}");
}

#[test]
fn a_peer_that_says_nothing_at_all_is_noticed() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, settings("alice"));
    town.scripted(2, 1, testkit::Answering::After(secs(1)));
    town.call(alice, 2);
    town.run_for(secs(30));
    let silences = town.handset(alice).said(|event| matches!(event, Event::Silence { .. })).len();
    assert_eq!(silences, 1);
}

/// What Alice records of her own echo when it comes through such a network.
fn recorded(network: Network, listen: bool) -> Vec<i16> {
    let mut town = Town::new(Faults::NONE);
    let mut of_alice = playing();
    of_alice.script.listen = listen;
    of_alice.script.impair = Some(network);
    let alice = town.phone(1, of_alice);
    let mut of_bob = settings("bob");
    of_bob.script.echo = true;
    town.phone(2, of_bob);
    town.call(alice, 2);
    town.run_for(secs(10));
    town.handset(alice).recorded.clone()
}

/// How many of the frames in which something was said are silent.
fn silent(heard: &[i16]) -> usize {
    let said = heard.get(4_000..22_000).unwrap_or_default();
    said.chunks(160).filter(|frame| frame.iter().all(|sample| sample.abs() < 16)).count()
}

#[test]
fn a_bad_network_is_listened_to_without_gaps() {
    for network in [Network::Jitter, Network::Loss, Network::Wifi, Network::Bufferbloat] {
        let heard = recorded(network, true);
        assert!((40_000..40_400).contains(&heard.len()), "{network:?}: {}", heard.len());
        assert!(silent(&heard) <= 2, "{network:?}: {}", silent(&heard));
    }
    let (placed, heard) = (recorded(Network::Loss, false), recorded(Network::Loss, true));
    assert!(silent(&placed) > silent(&heard), "what is lost is missing there");
}
