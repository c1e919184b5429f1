/// What to play next, from [`JitterBuffer::pull`](crate::JitterBuffer::pull).
///
/// A frame lasts as long as the audio in it; concealment and silence last
/// [`JitterBuffer::step`](crate::JitterBuffer::step).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Playout<T> {
    /// Play this frame.
    Frame(T),
    /// Play this frame, made longer or shorter without changing its pitch, so that the delay grows or
    /// shrinks; then tell [`JitterBuffer::stretched`](crate::JitterBuffer::stretched) by how much. To
    /// play it as it is is no mistake.
    Stretch {
        /// The frame.
        frame: T,
        /// The most timestamp units to add or, when negative, to leave out. The nearest sum of pitch
        /// periods below is what is wanted.
        units: i32,
    },
    /// A frame is missing: lost, late, or not here yet. Conceal it.
    Conceal,
    /// The sender is silent (DTX), or nothing has come for so long that concealing makes no sense.
    /// Play silence or comfort noise.
    Silence,
    /// Nothing is due: no packet has come yet, the first ones still wait out their delay, or what was
    /// pulled before lasts until the next tick.
    NotReady,
}

impl<T> Playout<T> {
    /// The frame, if it is one.
    pub fn frame(self) -> Option<T> {
        match self {
            Self::Frame(frame) | Self::Stretch { frame, .. } => Some(frame),
            _ => None,
        }
    }
}
