//! Dial strings, Asterisk-style patterns and the plan that says where a call goes.
#![forbid(unsafe_code)]
