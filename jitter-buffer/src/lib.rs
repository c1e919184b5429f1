//! A playout buffer for real-time media, generic over the payload.
#![forbid(unsafe_code)]
