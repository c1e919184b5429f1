//! The order of SRV records (RFC 2782).

use rand_core::Rng;

use super::question::Srv;

/// Sorts by priority, and within one priority draws by weight: each place goes to a record with
/// the probability that its weight has among those left.
pub(super) fn order(mut records: Vec<Srv>, random: &mut dyn Rng) -> Vec<Srv> {
    // Those of weight zero in front, so that they have a small chance beside others.
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let end = records.iter().position(|r| r.priority != priority).unwrap_or(records.len());
        let mut group: Vec<Srv> = records.drain(..end).collect();
        while !group.is_empty() {
            let total: u64 = group.iter().map(|record| u64::from(record.weight)).sum();
            // At most 65,535 records of 65,535 each: the bias of a remainder of 64 bits is nothing.
            let drawn = random.next_u64() % (total + 1);
            let mut sum = 0;
            let at = group.iter().position(|record| {
                sum += u64::from(record.weight);
                sum >= drawn
            });
            ordered.push(group.remove(at.unwrap_or(0)));
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv { priority, weight, port: 5060, target: target.to_owned() }
    }

    #[test]
    fn priorities_come_first_and_weights_decide_the_shares() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let records =
            vec![srv(20, 0, "last"), srv(10, 60, "a"), srv(10, 30, "b"), srv(10, 10, "c")];
        let mut first = std::collections::HashMap::new();
        for _ in 0..10_000 {
            let ordered = order(records.clone(), &mut random);
            assert_eq!(ordered.len(), 4);
            assert_eq!(ordered[3].target, "last");
            *first.entry(ordered[0].target.clone()).or_insert(0) += 1;
        }
        assert!((5800..6200).contains(&first["a"]), "{first:?}");
        assert!((2800..3200).contains(&first["b"]), "{first:?}");
        assert!((800..1200).contains(&first["c"]), "{first:?}");
    }

    #[test]
    fn weight_zero_is_drawn_seldom_and_alone_at_random_not_at_all_lost() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let records = vec![srv(1, 99, "much"), srv(1, 0, "none")];
        let seldom =
            (0..10_000).filter(|_| order(records.clone(), &mut random)[0].target == "none").count();
        assert!((50..200).contains(&seldom), "{seldom}");
        assert!(order(Vec::new(), &mut random).is_empty());
    }
}
