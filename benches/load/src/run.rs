//! Plays a scenario.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::Options;
use crate::agent::Agent;
use crate::callee::Callee;
use crate::caller::Caller;
use crate::flood::Flood;
use crate::media::Media;
use crate::meter::{self, Usage};
use crate::registrant::Registrant;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::target::Target;

const CALLER: usize = 0;
const CALLEE: usize = 1;
const REGISTRANT: usize = 2;

/// What is begun and has not ended so long after the last call is given up: 64*T1 and a little.
const PATIENCE: Duration = Duration::from_secs(35);

/// Memory is looked at so often.
const LOOK: Duration = Duration::from_millis(250);

/// Opens the target, plays once, and closes it.
///
/// # Errors
///
/// The target cannot be reached or started; ports or descriptors run out.
pub(crate) fn once(scenario: Scenario, options: &Options) -> anyhow::Result<Report> {
    let mut target = Target::open(&options.target)?;
    play(scenario, options, &mut target)
}

/// Plays on a target that is open.
///
/// # Errors
///
/// Ports or descriptors run out, or the target's process is gone.
pub(crate) fn play(
    scenario: Scenario,
    options: &Options,
    target: &mut Target,
) -> anyhow::Result<Report> {
    Player::new(scenario, options, target)?.play(target)
}

/// CPU of the server, and packets received from it, so far.
type Relayed = (Duration, u64);

struct Player<'a> {
    scenario: Scenario,
    options: &'a Options,
    poll: mio::Poll,
    caller: Caller,
    callee: Callee,
    registrant: Registrant,
    flood: Option<Flood>,
    media: Option<Media>,
    /// Ports of ours for calls with media that are to begin.
    ports: Vec<u16>,
    start: Instant,
    /// When the calls begin, the last first.
    schedule: Vec<Duration>,
    most_pending: usize,
    /// Answered a second while calls were begun: what comes late helps nobody.
    goodput: f64,
}

impl<'a> Player<'a> {
    fn new(scenario: Scenario, options: &'a Options, target: &Target) -> anyhow::Result<Self> {
        let poll = mio::Poll::new()?;
        let socket = |socket: &Option<std::net::UdpSocket>| {
            socket.as_ref().context("no socket").and_then(|socket| Ok(socket.try_clone()?))
        };
        let seed = options.seed;
        let agent =
            |socket, token| Agent::on(socket, target.address, &poll, token, seed ^ token as u64);
        let caller = agent(socket(&target.caller)?, CALLER)?;
        let callee = agent(socket(&target.callee)?, CALLEE)?;
        let registrant = Agent::new(target.address, &poll, REGISTRANT, seed ^ REGISTRANT as u64)?;
        let number = if scenario.is_bridged() { &target.bridged } else { &target.answered };
        let usual = if scenario.has_media() { options.seconds } else { 0.0 };
        let hold = Duration::from_secs_f64(options.hold.unwrap_or(usual));
        let (mut media, mut ports, mut far_ports) = (None, Vec::new(), Vec::new());
        if scenario.has_media() {
            let at_once = options.calls;
            let started = Media::start(2 * at_once, None)
                .context("too many calls with media for the descriptors of this process")?;
            ports = started.1;
            far_ports = ports.split_off(at_once);
            media = Some(started.0);
        }
        Ok(Self {
            scenario,
            options,
            caller: Caller::new(caller, number, hold),
            callee: Callee::new(callee, far_ports),
            registrant: Registrant::new(registrant, target.accounts.clone(), seed),
            flood: None,
            media,
            ports,
            start: Instant::now(),
            schedule: schedule(scenario, options),
            most_pending: 0,
            goodput: 0.0,
            poll,
        })
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn play(mut self, target: &Target) -> anyhow::Result<Report> {
        let usage = || target.pid.map_or(Ok(Usage::default()), meter::usage);
        let before = usage()?;
        self.start = Instant::now();
        if self.scenario == Scenario::Flood {
            let Options { hostile, seed, .. } = *self.options;
            self.flood = Some(Flood::new(target.address, hostile, self.now(), seed)?);
        }
        let bar = bar(self.schedule.len() as u64, self.options.quiet);
        let (mut looked, mut most_memory, mut last_begun) =
            (Duration::ZERO, before.memory, Duration::ZERO);
        let mut first_memory = None;
        let mut steady = None;
        let mut events = mio::Events::with_capacity(64);
        loop {
            let now = self.now();
            if self.begin(now) {
                last_begun = now;
                let answered = self.caller.tally.answered + self.registrant.tally.answered;
                self.goodput = answered as f64 / now.as_secs_f64();
            }
            self.caller.work(now);
            self.callee.work(now);
            self.registrant.work(now);
            self.exchange_media();
            if let Some(flood) = &mut self.flood {
                flood.work(now);
            }
            let pending = self.caller.pending() + self.registrant.pending();
            self.most_pending = self.most_pending.max(pending);
            if now >= looked + LOOK {
                looked = now;
                let usage = usage()?;
                most_memory = most_memory.max(usage.memory);
                if now.as_secs_f64() > self.options.seconds / 3.0 {
                    first_memory.get_or_insert(usage.memory);
                }
                if self.is_steady(pending) {
                    let cpu = target.pid.map_or(Ok(usage.cpu), meter::running)?;
                    let now = (cpu, self.media.as_ref().map_or(0, |media| media.counts().1));
                    steady.get_or_insert((now, now)).1 = now;
                }
                bar.set_position(self.caller.tally.begun + self.registrant.tally.begun);
            }
            if self.schedule.is_empty() {
                if pending == 0 {
                    break;
                }
                if now > last_begun + self.caller_hold() + PATIENCE {
                    self.caller.end_all(now);
                    break;
                }
            }
            self.wait(&mut events)?;
        }
        bar.finish_and_clear();
        let after = usage()?;
        Ok(self.report(target, [before, after], most_memory, first_memory, steady))
    }

    /// Whether all calls with media talk, so that the server does nothing but relay.
    fn is_steady(&self, pending: usize) -> bool {
        self.scenario == Scenario::Media
            && self.schedule.is_empty()
            && pending == self.options.calls
            && self.caller.tally.answered == self.caller.tally.begun
    }

    fn caller_hold(&self) -> Duration {
        Duration::from_secs_f64(self.options.hold.unwrap_or(self.options.seconds))
    }

    /// Begins what is due; whether anything was.
    fn begin(&mut self, now: Duration) -> bool {
        let mut begun = false;
        while self.schedule.last().is_some_and(|next| *next <= now) {
            if self.scenario.has_calls() {
                let port = self.ports.pop();
                if port.is_none() && self.scenario.has_media() {
                    // Every port is in use: the call waits for one.
                    break;
                }
                self.caller.begin(now, port);
            }
            if self.scenario.has_registrations() {
                self.registrant.begin(now);
            }
            self.schedule.pop();
            begun = true;
        }
        begun
    }

    fn exchange_media(&mut self) {
        let Some(media) = &self.media else { return };
        for (port, to) in self.caller.answered.drain(..).chain(self.callee.answered.drain(..)) {
            media.speak(port, to);
        }
        for port in self.caller.released.drain(..) {
            media.be_silent(port);
            self.ports.push(port);
        }
    }

    fn wait(&mut self, events: &mut mio::Events) -> anyhow::Result<()> {
        let due = [
            self.schedule.last().copied(),
            self.caller.due(),
            self.flood.as_ref().map(Flood::due),
            self.caller.agent.endpoint.poll_timeout(),
            self.callee.agent.endpoint.poll_timeout(),
            self.registrant.agent.endpoint.poll_timeout(),
        ];
        let next = due.into_iter().flatten().min().unwrap_or(Duration::MAX);
        let rest = next.saturating_sub(self.now()).min(LOOK);
        match self.poll.poll(events, Some(rest)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn report(
        &self,
        target: &Target,
        [before, after]: [Usage; 2],
        most_memory: u64,
        third: Option<u64>,
        steady: Option<(Relayed, Relayed)>,
    ) -> Report {
        let seconds = self.now().as_secs_f64();
        let (calls, registrations) = (self.caller.tally, self.registrant.tally);
        let begun = calls.begun + registrations.begun;
        let measured = target.pid.is_some();
        let cpu = (after.cpu - before.cpu).as_secs_f64();
        let (sent, received) = self.media.as_ref().map_or((0, 0), Media::counts);
        let setup =
            if self.scenario.has_calls() { &self.caller.setup } else { &self.registrant.setup };
        let flooded = self.flood.as_ref().map(|flood| flood.bytes);
        Report {
            scenario: self.scenario,
            seed: self.options.seed,
            offered_rate: self.options.rate,
            begun,
            answered: calls.answered + registrations.answered,
            completed: calls.completed + registrations.completed,
            shed: calls.shed + registrations.shed,
            failed: calls.failed + registrations.failed + self.caller.pending() as u64,
            retransmissions: self.caller.retransmissions() + self.registrant.retransmissions(),
            goodput: self.goodput,
            seconds,
            setup_ms: setup.percentiles(),
            cpu_seconds: measured.then_some(cpu),
            cpu_seconds_per_1000: (measured && begun > 0).then(|| cpu * 1_000.0 / begun as f64),
            memory_idle: measured.then_some(before.memory),
            memory_most: measured.then_some(most_memory),
            memory_after_a_third: third.filter(|_| measured),
            memory_end: measured.then_some(after.memory),
            bytes_per_call: (measured && self.most_pending > 0)
                .then(|| most_memory.saturating_sub(before.memory) / self.most_pending as u64),
            most_at_once: self.most_pending,
            rtp_sent: sent,
            rtp_received: received,
            cpu_us_per_packet: match steady {
                Some(((from, first), (to, last))) if measured && last > first => {
                    Some((to - from).as_secs_f64() * 1e6 / (last - first) as f64)
                }
                _ => (measured && received > 0).then(|| cpu * 1e6 / received as f64),
            },
            amplification: flooded
                .filter(|(sent, _)| *sent > 0)
                .map(|(sent, back)| back as f64 / sent as f64),
            ready_ms: target.ready.map(|time| time.as_secs_f64() * 1e3),
            confinement: target.confinement(),
        }
    }
}

/// When calls begin, the last first: at random times of the rate, as people call.
fn schedule(scenario: Scenario, options: &Options) -> Vec<Duration> {
    let mut random = ChaCha20Rng::seed_from_u64(options.seed);
    let count = match scenario {
        Scenario::Media => options.calls,
        _ => (options.rate * options.seconds) as usize,
    };
    let span = match scenario {
        Scenario::Media => options.calls as f64 / options.rate,
        _ => options.seconds,
    };
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            Duration::from_secs_f64(span * (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64)
        })
        .collect();
    times.sort_unstable_by(|one, other| other.cmp(one));
    times
}

fn bar(length: u64, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} begun, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn calls_begin_within_their_time_and_as_the_seed_says() {
        let options = |seed: &str| {
            Line::parse_from(["load", "--rate", "50", "--seconds", "2", "--seed", seed]).options
        };
        let times = schedule(Scenario::Answered, &options("7"));
        assert_eq!(times.len(), 100);
        assert!(times.is_sorted_by(|one, next| one >= next));
        assert!(times[0] < Duration::from_secs(2));
        assert_eq!(times, schedule(Scenario::Answered, &options("7")));
        assert_ne!(times, schedule(Scenario::Answered, &options("8")));
        assert_eq!(schedule(Scenario::Media, &options("7")).len(), 50);
    }
}
