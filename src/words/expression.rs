//! Expressions: what stands after `=` in a scenario, and every literal and `$binding`.
//!
//! The syntax is the small common part of CEL, C# and Power Fx (`a.b`, `==`, `&&`, `? :`,
//! `string(n)`). They are our own and not an embedded language for three reasons: a name is
//! checked, with its place and a suggestion, before anything runs; numbers are exact; and the
//! engine must see into a predicate to decide which index it can use.

use serde::{Deserialize, Serialize};

use crate::words::{Name, Value};

/// One expression, with every name resolved to what it means.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expression {
    /// A fixed value.
    Literal(Value),
    /// The value bound to this name: by `as:`, `let:`, `for each:`, `with:`; also the plug-in's
    /// own `target` and `before`.
    Binding(Name),
    /// This column of the row that the statement is looking at: of an update's row as it stands
    /// when it is written (so `=next + 1` is atomic), or of each row that a `where` examines.
    Column(Name),
    /// The name of the row that the statement is looking at; its GUID as text when it has none.
    RowName,
    /// A member of a row: a column, an expanded lookup, `id` or `row version`.
    Member(Box<Expression>, Name),
    /// An element of a list, from 0.
    Index(Box<Expression>, Box<Expression>),
    /// An operator before its operand.
    Unary(UnaryOperator, Box<Expression>),
    /// An operator between its operands. `And`, `Or` leave the second out when the first decides.
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// `condition ? yes : no`.
    Conditional(Box<Expression>, Box<Expression>, Box<Expression>),
    /// A call of a built-in function.
    Call(Function, Vec<Expression>),
    /// `[a, b, c]`.
    List(Vec<Expression>),
}

/// The operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnaryOperator {
    /// `!a`
    Not,
    /// `-a`
    Negate,
}

/// The operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryOperator {
    /// `a || b`
    Or,
    /// `a && b`
    And,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessOrEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterOrEqual,
    /// `a in [b, c]`
    In,
    /// `a + b`: numbers, or texts joined
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`: whole numbers divide to a whole number, toward zero
    Divide,
    /// `a % b`
    Remainder,
}

/// The built-in functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// `string(x)`: the value as text.
    String,
    /// `whole(x)`: a number or numeral as a whole number, toward zero.
    Whole,
    /// `decimal(x)`: a number or numeral as a decimal number.
    Decimal,
    /// `size(x)`: the length of a list, or of a text in characters.
    Size,
    /// `min(a, b, …)`
    Min,
    /// `max(a, b, …)`
    Max,
    /// `now()`: the calendar moment of the world's virtual clock.
    Now,
    /// `sort(list)`: the list in ascending order.
    Sort,
    /// `like(text, pattern)`: whether the text is of SQL's pattern, as `like(name, 'Con%')`.
    Like,
    /// `minute(n)`: when the minute began that is `n` after that of `now()`, before it with a
    /// negative `n`.
    Minute,
    /// `hour(n)`: the same of hours.
    Hour,
    /// `day(n)`: the same of days, which begin at midnight, UTC: today with `day(0)`.
    Day,
    /// `week(n)`: the same of weeks, which begin on a Sunday.
    Week,
    /// `month(n)`: the same of months.
    Month,
    /// `year(n)`: the same of years.
    Year,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 15] = [
        Self::String,
        Self::Whole,
        Self::Decimal,
        Self::Size,
        Self::Min,
        Self::Max,
        Self::Now,
        Self::Sort,
        Self::Like,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Year,
    ];

    /// What expressions call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Whole => "whole",
            Self::Decimal => "decimal",
            Self::Size => "size",
            Self::Min => "min",
            Self::Max => "max",
            Self::Now => "now",
            Self::Sort => "sort",
            Self::Like => "like",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How many arguments it takes: the least and the most.
    pub const fn arguments(self) -> (usize, usize) {
        match self {
            Self::Now => (0, 0),
            Self::Min | Self::Max => (1, usize::MAX),
            Self::Like => (2, 2),
            _ => (1, 1),
        }
    }

    /// Whether its value depends on the time.
    pub const fn asks_for_the_time(self) -> bool {
        matches!(
            self,
            Self::Now
                | Self::Minute
                | Self::Hour
                | Self::Day
                | Self::Week
                | Self::Month
                | Self::Year
        )
    }
}
