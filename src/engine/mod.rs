//! The engine: carries out a plan in virtual time and writes the trace.

pub mod lock;
pub mod store;
