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

/// Doubles the rate from the one given until the server fails, then halves the distance; returns the report of
/// the highest rate that went well.
///
/// # Errors
///
/// As [`run::once`]; or even the first rate fails.
pub(crate) fn peak(scenario: Scenario, options: &Options) -> anyhow::Result<Report> {
    let mut options = options.clone();
    let (mut best, mut worst) = (None::<Report>, f64::INFINITY);
    loop {
        let mut target = Target::open(&options.target)?;
        let report = run::play(scenario, &options, &mut target)?;
        drop(target);
        let good = report.completed * 1_000 >= report.begun * PER_THOUSAND;
        let rate = options.rate;
        eprintln!(
            "{rate:.0}/s: {} of {} completed, p99 {:.1} ms",
            report.completed, report.begun, report.setup_ms.p99
        );
        if good {
            best = Some(report);
        } else {
            worst = rate;
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
    best.ok_or_else(|| anyhow::anyhow!("not one call a second is kept up with"))
}
