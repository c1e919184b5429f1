use crate::kernel::Kernel;

/// Adds streams sample by sample and saturates the sum.
///
/// The sum is exact however many streams there are (up to 65,536), so the order of the streams does not
/// matter. A stream shorter than `out` counts as silent from its end on; without streams `out` is silent.
pub fn mix(streams: &[&[i16]], out: &mut [i16]) {
    Kernel::best().mix(streams, out);
}

const BLOCK: usize = 32;

/// The mix for every machine.
pub(crate) fn add_up(streams: &[&[i16]], out: &mut [i16]) {
    add_up_from(streams, 0, out);
}

/// The mix of what the streams hold from `start` on.
pub(crate) fn add_up_from(streams: &[&[i16]], start: usize, out: &mut [i16]) {
    for (index, block) in out.chunks_mut(BLOCK).enumerate() {
        let at = start + index * BLOCK;
        let mut sums = [0i32; BLOCK];
        for stream in streams {
            let Some(rest) = stream.get(at..) else { continue };
            if let Some(samples) = rest.first_chunk::<BLOCK>() {
                for (sum, sample) in sums.iter_mut().zip(samples) {
                    *sum = sum.wrapping_add(i32::from(*sample));
                }
            } else {
                for (sum, sample) in sums.iter_mut().zip(rest) {
                    *sum = sum.wrapping_add(i32::from(*sample));
                }
            }
        }
        for (sample, sum) in block.iter_mut().zip(sums) {
            *sample = sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_does_not_matter_even_where_a_partial_sum_overflows() {
        let (loud, quiet) = ([i16::MAX; 3], [i16::MIN; 3]);
        let mut out = [1; 3];
        mix(&[&loud, &loud, &quiet, &quiet], &mut out);
        assert_eq!(out, [-2; 3]);
        mix(&[&loud, &quiet, &loud], &mut out);
        assert_eq!(out, [32766; 3]);
    }

    #[test]
    fn short_streams_and_none_are_silence() {
        let mut out = [9; 4];
        mix(&[&[1, 2], &[10], &[]], &mut out);
        assert_eq!(out, [11, 2, 0, 0]);
        mix(&[], &mut out);
        assert_eq!(out, [0; 4]);
    }
}
