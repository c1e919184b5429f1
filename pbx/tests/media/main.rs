//! The media machine as two telephones see it: packets in, packets out, in virtual time.

mod bench;

mod digits;
mod echo;
mod paths;
mod recording;
mod relay;
mod strangers;
mod streams;
