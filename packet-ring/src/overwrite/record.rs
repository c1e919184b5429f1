/// What an overwriting ring can hold: a value that is made of `N` machine words.
///
/// [`from_words`](Self::from_words) may be called with words of two different records mixed; what it makes
/// of them is thrown away. So it must not panic or have effects, whatever it is given.
pub trait Record<const N: usize>: Copy {
    /// The words to store.
    fn into_words(self) -> [usize; N];
    /// The value of stored words.
    fn from_words(words: [usize; N]) -> Self;
}

impl<const N: usize> Record<N> for [usize; N] {
    #[inline]
    fn into_words(self) -> [usize; N] {
        self
    }

    #[inline]
    fn from_words(words: [usize; N]) -> Self {
        words
    }
}

macro_rules! one_word {
    ($($number:ty),*) => {$(
        impl Record<1> for $number {
            #[inline]
            fn into_words(self) -> [usize; 1] {
                [self as usize]
            }

            #[inline]
            fn from_words([word]: [usize; 1]) -> Self {
                word as $number
            }
        }
    )*};
}

one_word!(u8, u16, usize, i8, i16, isize);
#[cfg(any(target_pointer_width = "32", target_pointer_width = "64"))]
one_word!(u32, i32);
#[cfg(target_pointer_width = "64")]
one_word!(u64, i64);

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Debug;

    fn survives<T: Record<N> + PartialEq + Debug, const N: usize>(value: T) {
        assert_eq!(T::from_words(value.into_words()), value);
    }

    #[test]
    fn values_survive_their_words() {
        for value in [i16::MIN, -1, 0, 1, i16::MAX] {
            survives(value);
            survives(value as u16);
            survives(isize::from(value));
            survives(i64::from(value) << 40);
        }
        survives([1, usize::MAX, 3]);
    }
}
