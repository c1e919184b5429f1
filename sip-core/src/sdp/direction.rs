//! Which way media flow.

/// `a=sendrecv`, `sendonly`, `recvonly`, `inactive`, seen from whoever wrote it (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways; what is meant when nothing is written.
    #[default]
    SendRecv,
    /// The writer only sends.
    SendOnly,
    /// The writer only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// From two answers.
    pub fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same flow seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// From an attribute's name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"sendrecv" => Some(Self::SendRecv),
            b"sendonly" => Some(Self::SendOnly),
            b"recvonly" => Some(Self::RecvOnly),
            b"inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{self, Inactive, RecvOnly, SendOnly, SendRecv};

    /// RFC 3264 §6.1: what may answer what.
    #[test]
    fn answers_to_each_offer() {
        let answer = |offer: Direction, wish: Direction| offer.reversed().and(wish);
        assert_eq!(answer(SendOnly, SendRecv), RecvOnly);
        assert_eq!(answer(RecvOnly, SendRecv), SendOnly);
        assert_eq!(answer(Inactive, SendRecv), Inactive);
        assert_eq!(answer(SendRecv, SendOnly), SendOnly);
        assert_eq!(answer(SendOnly, SendOnly), Inactive);
        assert_eq!(answer(SendRecv, SendRecv), SendRecv);
    }

    #[test]
    fn names_round_trip() {
        for direction in [SendRecv, SendOnly, RecvOnly, Inactive] {
            assert_eq!(Direction::from_name(direction.as_str().as_bytes()), Some(direction));
            assert_eq!(direction.reversed().reversed(), direction);
        }
    }
}
