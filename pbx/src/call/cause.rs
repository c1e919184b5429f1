//! Why a call ended: ITU-T Q.850 causes and their SIP status codes (RFC 3398 §7.2.4.1 and §8.2.6.1).

use core::fmt;

/// Why a call or a leg ended.
///
/// Kept as the Q.850 cause value, which trunks, billing and `Reason` headers (RFC 3326) share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cause(u8);

impl Cause {
    /// 1: nobody has this number.
    pub const UNALLOCATED_NUMBER: Self = Self(1);
    /// 16: somebody hung up.
    pub const NORMAL_CLEARING: Self = Self(16);
    /// 17: the called party is busy.
    pub const USER_BUSY: Self = Self(17);
    /// 18: the called party's equipment did not react.
    pub const NO_USER_RESPONDING: Self = Self(18);
    /// 19: it rang, and nobody answered.
    pub const NO_ANSWER: Self = Self(19);
    /// 20: the called party is not registered.
    pub const SUBSCRIBER_ABSENT: Self = Self(20);
    /// 21: the called party or a rule refused the call.
    pub const CALL_REJECTED: Self = Self(21);
    /// 22: the number has moved.
    pub const NUMBER_CHANGED: Self = Self(22);
    /// 27: the destination cannot be reached.
    pub const DESTINATION_OUT_OF_ORDER: Self = Self(27);
    /// 28: the number is not complete or not well formed.
    pub const INVALID_NUMBER_FORMAT: Self = Self(28);
    /// 31: ended for no reason of its own.
    pub const NORMAL_UNSPECIFIED: Self = Self(31);
    /// 34: no channel is free.
    pub const NO_CIRCUIT_AVAILABLE: Self = Self(34);
    /// 38: the network is out of order; also used when media stopped.
    pub const NETWORK_OUT_OF_ORDER: Self = Self(38);
    /// 41: a passing failure.
    pub const TEMPORARY_FAILURE: Self = Self(41);
    /// 42: too many calls.
    pub const SWITCH_CONGESTION: Self = Self(42);
    /// 57: the caller may not do this.
    pub const BEARER_NOT_AUTHORIZED: Self = Self(57);
    /// 79: asked for something that is not there.
    pub const NOT_IMPLEMENTED: Self = Self(79);
    /// 88: no codec in common.
    pub const INCOMPATIBLE_DESTINATION: Self = Self(88);
    /// 102: a timer ran out.
    pub const RECOVERY_ON_TIMER_EXPIRY: Self = Self(102);
    /// 111: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(111);
    /// 127: anything else.
    pub const INTERWORKING: Self = Self(127);

    /// A cause by its Q.850 value, 1 to 127.
    pub const fn from_value(value: u8) -> Option<Self> {
        if value >= 1 && value <= 127 { Some(Self(value)) } else { None }
    }

    /// The Q.850 value, 1 to 127.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The cause of a leg that was refused with SIP status `code` (RFC 3398 §8.2.6.1).
    pub const fn from_status(code: u16) -> Self {
        match code {
            401 | 402 | 403 | 407 | 603 => Self::CALL_REJECTED,
            404 | 485 | 604 => Self::UNALLOCATED_NUMBER,
            405 => Self(63),
            406 | 415 | 501 => Self::NOT_IMPLEMENTED,
            408 | 504 => Self::RECOVERY_ON_TIMER_EXPIRY,
            410 => Self::NUMBER_CHANGED,
            413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => Self::INTERWORKING,
            480 => Self::NO_USER_RESPONDING,
            481 | 500 | 503 => Self::TEMPORARY_FAILURE,
            482 | 483 => Self(25),
            484 => Self::INVALID_NUMBER_FORMAT,
            486 | 600 => Self::USER_BUSY,
            487 => Self::NORMAL_CLEARING,
            488 | 606 => Self::INCOMPATIBLE_DESTINATION,
            502 => Self::NETWORK_OUT_OF_ORDER,
            _ => Self::NORMAL_UNSPECIFIED,
        }
    }

    /// The SIP status that tells a caller of this cause (RFC 3398 §7.2.4.1).
    pub const fn status(self) -> u16 {
        match self.0 {
            1..=3 => 404,
            17 => 486,
            18 => 408,
            19 | 20 => 480,
            21 => 403,
            22 => 410,
            26 => 404,
            27 => 502,
            28 => 484,
            29 => 501,
            31 => 480,
            34 | 38 | 41 | 42 | 47 | 58 => 503,
            55 | 57 => 403,
            65 | 70 | 79 => 501,
            87 => 403,
            88 => 488,
            102 => 504,
            16 => 487,
            _ => 500,
        }
    }

    /// The words of Q.850.
    pub const fn text(self) -> &'static str {
        match self.0 {
            1 => "unallocated number",
            16 => "normal call clearing",
            17 => "user busy",
            18 => "no user responding",
            19 => "no answer from user",
            20 => "subscriber absent",
            21 => "call rejected",
            22 => "number changed",
            25 => "exchange routing error",
            27 => "destination out of order",
            28 => "invalid number format",
            31 => "normal, unspecified",
            34 => "no circuit available",
            38 => "network out of order",
            41 => "temporary failure",
            42 => "switching equipment congestion",
            57 => "bearer capability not authorized",
            63 => "service or option not available",
            79 => "service or option not implemented",
            88 => "incompatible destination",
            102 => "recovery on timer expiry",
            111 => "protocol error",
            _ => "interworking, unspecified",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_hears_survives_the_way_through() {
        for (status, cause) in [
            (404, Cause::UNALLOCATED_NUMBER),
            (486, Cause::USER_BUSY),
            (488, Cause::INCOMPATIBLE_DESTINATION),
            (484, Cause::INVALID_NUMBER_FORMAT),
            (410, Cause::NUMBER_CHANGED),
            (503, Cause::TEMPORARY_FAILURE),
        ] {
            assert_eq!(Cause::from_status(status), cause);
            assert_eq!(cause.status(), status);
        }
    }

    #[test]
    fn every_cause_has_a_final_failure_status() {
        for value in 1..=127 {
            let status = Cause::from_value(value).unwrap().status();
            assert!((400..700).contains(&status), "{value} gave {status}");
        }
        assert_eq!(Cause::from_value(0), None);
        assert_eq!(Cause::from_value(128), None);
    }
}
