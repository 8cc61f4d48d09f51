//! The primitives under the protocols of this folder. The models in `tests/models` put loom's in
//! their place.

pub use std::sync::Mutex;
