//! RTP, RTCP, telephone events and media quality figures, sans-IO.
#![forbid(unsafe_code)]
