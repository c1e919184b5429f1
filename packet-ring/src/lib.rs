//! Packet buffer pools and single-producer single-consumer rings: handles move, packets do not.
