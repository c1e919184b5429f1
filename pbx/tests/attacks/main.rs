//! Attacks known from advisories on telephone exchanges, each against a whole exchange in a virtual world.
//!
//! `SECURITY.md` lists which class of attack is tested where.

#[path = "../office/mod.rs"]
mod office;

mod amplification;
mod by_hand;
mod confusion;
mod sources;
