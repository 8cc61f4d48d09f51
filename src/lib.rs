//! A deterministic, in-memory testbed of several Microsoft Dataverse instances.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod assumptions;
pub mod check;
pub mod engine;
pub mod fault;
pub mod host;
pub mod plan;
pub mod report;
pub mod run;
pub mod scenario;
pub mod testing;
pub mod trace;
pub mod words;

pub use engine::plug_in;
