//! Several designs side by side: what one gains over another and what that costs, both pictures
//! on one axis, the figures, and how much the outcome depends on who comes when.

mod figures;
mod interest;
mod sweep;
mod trade;

pub use sweep::{Meeting, Sweep};

pub(in crate::report) use figures::{Figures, telling};
pub(in crate::report) use interest::of_interest;
pub(in crate::report) use sweep::{signed, told, windows};
pub(in crate::report) use trade::{Trade, trade};
