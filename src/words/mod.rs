//! The words that every floor of the house speaks: numbers with a meaning, instants, values and
//! expressions, with what expressions come to. Plain data; no clock, no randomness, no I/O.

pub mod calendar;
mod conversion;
mod delta;
pub mod evaluate;
mod expression;
mod function;
mod ids;
pub mod like;
mod lock_mode;
pub mod own_names;
mod time;
mod value;
mod visible;

pub use delta::{Delta, DeltaPage, DeltaToken};
pub use expression::{BinaryOperator, Expression, Function, UnaryOperator};
pub use ids::{
    ActorId, ColumnId, InstanceId, LaneId, MessageId, OutageId, PlugInId, ProgramId, RequestId,
    RowId, TableId, TransactionId,
};
pub use lock_mode::LockMode;
pub use time::{SimInstant, format_duration};
pub use value::{ColumnType, Name, Record, Value};
pub use visible::{is_obeyed, visible};
