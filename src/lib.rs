//! A deterministic, in-memory testbed of several Microsoft Dataverse instances.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod fault;
pub mod plan;
pub mod scenario;
pub mod trace;
pub mod words;
