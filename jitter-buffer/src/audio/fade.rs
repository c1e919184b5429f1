//! Going over from one piece of sound to another.

/// Writes to `new` the way from `old` to `new`: the old fades out while the new fades in.
pub(crate) fn cross(old: &[i16], new: &mut [i16]) {
    let length = old.len().min(new.len()) as i32;
    for (step, (old, new)) in (1..).zip(old.iter().zip(new)) {
        let mixed = i32::from(*old) * (length + 1 - step) + i32::from(*new) * step;
        // Between the two, so it fits.
        *new = (mixed / (length + 1)) as i16;
    }
}

/// Takes a step at the beginning of `samples` out, by an offset that fades over `length` samples, so that
/// they begin where `last` left off.
pub(crate) fn join(last: i16, samples: &mut [i16], length: usize) {
    let Some(first) = samples.first() else { return };
    let offset = i32::from(last) - i32::from(*first);
    let length = length.min(samples.len()) as i32;
    for (step, sample) in (1..=length).zip(samples) {
        let joined = i32::from(*sample) + offset * (length + 1 - step) / (length + 1);
        *sample = joined.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cross_fade_goes_all_the_way() {
        let mut new = [0_i16; 9];
        cross(&[1000; 9], &mut new);
        assert_eq!(new, [900, 800, 700, 600, 500, 400, 300, 200, 100]);
        let mut extreme = [i16::MAX; 3];
        cross(&[i16::MIN; 3], &mut extreme);
        assert!(extreme.is_sorted());
    }

    #[test]
    fn a_joint_has_no_step() {
        let mut samples = [5000_i16; 50];
        join(-5000, &mut samples, 40);
        assert!((samples[0] + 5000).abs() < 300);
        assert!(samples.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 300));
        assert_eq!(samples[40..], [5000; 10]);
        join(0, &mut [], 40);
    }
}
