//! Opening hours, working days and arithmetic in working time.
#![forbid(unsafe_code)]
