//! What the processor and the operating system offer. `core` has no feature detection, so the processor is
//! asked directly, once.

use core::sync::atomic::{AtomicU8, Ordering};

use super::Isa;

/// The best set as a number, 0 before the first look.
static BEST: AtomicU8 = AtomicU8::new(0);

#[inline]
pub(super) fn best() -> Isa {
    // Relaxed is enough: the number says all there is to say, and looking twice finds the same.
    let known = usize::from(BEST.load(Ordering::Relaxed));
    // The sets are numbered from 1 in the order of `ALL`.
    Isa::ALL.get(known.wrapping_sub(1)).copied().unwrap_or_else(look)
}

#[cold]
fn look() -> Isa {
    let best = Isa::ALL.iter().copied().rfind(|isa| has(*isa)).unwrap_or(Isa::Portable);
    BEST.store(best as u8, Ordering::Relaxed);
    best
}

/// Whether the machine can execute a set.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(super) fn has(isa: Isa) -> bool {
    let Some(features) = Features::ask() else { return isa == Isa::Portable || isa == Isa::Sse2 };
    match isa {
        Isa::Portable | Isa::Sse2 => true,
        Isa::Ssse3 => features.ssse3,
        Isa::Avx2 => features.avx2,
        Isa::Avx512 => features.avx512,
        Isa::Avx512Fp16 => features.avx512 && features.fp16,
    }
}

/// Whether the machine can execute a set.
#[cfg(all(target_arch = "aarch64", not(miri)))]
pub(super) fn has(isa: Isa) -> bool {
    match isa {
        Isa::Portable => true,
        // Part of every aarch64 target that is compiled with floating point.
        Isa::Neon => cfg!(target_feature = "neon"),
    }
}

/// Whether the machine can execute a set.
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) fn has(isa: Isa) -> bool {
    isa == Isa::Portable
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
struct Features {
    ssse3: bool,
    avx2: bool,
    /// F, BW, VL, VBMI, VBMI2 and VNNI, which came together.
    avx512: bool,
    fp16: bool,
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
impl Features {
    fn ask() -> Option<Self> {
        use core::arch::x86_64::{__cpuid, __cpuid_count};

        let bit = |register: u32, place: u32| register >> place & 1 == 1;
        let highest = __cpuid(0).eax;
        if highest < 1 {
            return None;
        }
        let basic = __cpuid(1);
        // Wide registers are of use only if the operating system saves them.
        let saved = if bit(basic.ecx, 27) { saved_registers() } else { 0 };
        let ymm = saved & 0b110 == 0b110;
        let zmm = saved & 0b1110_0110 == 0b1110_0110;
        let mut features =
            Self { ssse3: bit(basic.ecx, 9), avx2: false, avx512: false, fp16: false };
        if highest >= 7 {
            let more = __cpuid_count(7, 0);
            features.avx2 = ymm && bit(more.ebx, 5);
            features.avx512 = zmm
                && features.avx2
                && [16, 30, 31].iter().all(|place| bit(more.ebx, *place))
                && [1, 6, 11].iter().all(|place| bit(more.ecx, *place));
            features.fp16 = bit(more.edx, 23);
        }
        Some(features)
    }
}

/// The register sets that the operating system saves (XCR0).
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn saved_registers() -> u64 {
    #[target_feature(enable = "xsave")]
    fn read() -> u64 {
        // SAFETY: register 0 exists wherever the instruction does.
        unsafe { core::arch::x86_64::_xgetbv(0) }
    }
    // SAFETY: called only when the processor reports OSXSAVE, which implies the instruction.
    unsafe { read() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_numbered_from_one() {
        assert!(Isa::ALL.iter().enumerate().all(|(index, isa)| *isa as usize == index + 1));
    }

    #[test]
    fn the_best_is_the_last_available_and_stays_so() {
        let last = Isa::ALL.iter().copied().rfind(|isa| has(*isa));
        assert_eq!(Some(best()), last);
        assert_eq!(Some(best()), last);
    }

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[test]
    fn detection_agrees_with_the_standard_library() {
        assert_eq!(has(Isa::Ssse3), std::is_x86_feature_detected!("ssse3"));
        assert_eq!(has(Isa::Avx2), std::is_x86_feature_detected!("avx2"));
        let avx512 = std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512vl")
            && std::is_x86_feature_detected!("avx512vbmi")
            && std::is_x86_feature_detected!("avx512vbmi2")
            && std::is_x86_feature_detected!("avx512vnni");
        assert_eq!(has(Isa::Avx512), avx512);
        let fp16 = avx512 && std::is_x86_feature_detected!("avx512fp16");
        assert_eq!(has(Isa::Avx512Fp16), fp16);
    }
}
