//! The highest rate that a server keeps up with.

use crate::Options;
use crate::report::Report;
use crate::run;
use crate::scenario::Scenario;
use crate::target::Target;

/// A rate counts as kept up with when so many of a thousand complete.
const PER_THOUSAND: u64 = 995;

/// Rates are told apart to this part of them.
const PRECISION: f64 = 0.05;

/// Doubles the rate from the one given until the server fails, then halves the distance; then looks for the
/// highest rate below that is borne for `sustained` seconds. A server keeps what it has to know of a call for
/// 32 s over UDP (RFC 3261 §17.2.2, RFC 6026 §8.4), which costs it the more the fuller its tables are: a short
/// run says nothing of that. Returns the report of the last run that went well.
///
/// # Errors
///
/// As [`run::once`]; or even the first rate fails.
pub(crate) fn peak(
    scenario: Scenario,
    options: &Options,
    sustained: f64,
) -> anyhow::Result<Report> {
    let mut options = options.clone();
    let (mut best, mut worst) = (None::<Report>, f64::INFINITY);
    loop {
        let (report, good) = bears(scenario, &options)?;
        if good {
            best = Some(report);
        } else {
            worst = options.rate;
        }
        let low = best.as_ref().map_or(0.0, |best| best.offered_rate);
        if worst.is_infinite() {
            options.rate = low * 2.0;
        } else if worst - low <= PRECISION * worst || worst < 1.0 {
            break;
        } else {
            options.rate = low.midpoint(worst);
        }
    }
    let best = best.ok_or_else(|| anyhow::anyhow!("not one call a second is kept up with"))?;
    if sustained <= options.seconds {
        return Ok(best);
    }
    (options.rate, options.seconds) = (best.offered_rate, sustained);
    loop {
        let (report, good) = bears(scenario, &options)?;
        if good {
            return Ok(report);
        }
        options.rate *= 1.0 - PRECISION;
        anyhow::ensure!(options.rate >= 1.0, "no rate is borne for {sustained} s");
    }
}

/// Plays once with a server of its own, and says whether it kept up.
fn bears(scenario: Scenario, options: &Options) -> anyhow::Result<(Report, bool)> {
    let mut target = Target::open(&options.target)?;
    let report = run::play(scenario, options, &mut target)?;
    eprintln!(
        "{:.0}/s for {:.0} s: {} of {} completed, p99 {:.1} ms",
        options.rate, options.seconds, report.completed, report.begun, report.setup_ms.p99
    );
    let good = report.completed * 1_000 >= report.begun * PER_THOUSAND;
    Ok((report, good))
}
