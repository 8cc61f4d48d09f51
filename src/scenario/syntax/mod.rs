//! The text of expressions and templates, as trees whose names are not resolved yet.
//!
//! ```text
//! =counter.next + 1        an expression
//! $customer.full name      the same for a binding and its members; names may have spaces
//! Ticket {n} of {2 * n}    a template: text with expressions in braces; `{{` is a brace
//! ```
//!
//! Any other text is text. Every piece knows where it stands in its scalar, so an error points
//! into the text and not just at it.

mod lexer;
mod parser;

use std::ops::Range;

use crate::words::{BinaryOperator, Function, Name, UnaryOperator, Value};

pub use parser::{expression, template};

/// One expression as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Syntax {
    /// Its place in the scalar's text, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub form: SyntaxForm,
    /// How deep it is nested, at least 1.
    pub height: usize,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum SyntaxForm {
    /// A fixed value.
    Literal(Value),
    /// A name: of a binding, a parameter or a column.
    Name(Name),
    /// `$name`: a name of a binding or parameter, not of a column.
    Binding(Name),
    /// `a.b`, with the place of `b`.
    Member(Box<Syntax>, Name, Range<usize>),
    /// `a[b]`
    Index(Box<Syntax>, Box<Syntax>),
    /// `!a`, `-a`
    Unary(UnaryOperator, Box<Syntax>),
    /// `a + b` …
    Binary(BinaryOperator, Box<Syntax>, Box<Syntax>),
    /// `a ? b : c`
    Conditional(Box<Syntax>, Box<Syntax>, Box<Syntax>),
    /// `size(a)` …
    Call(Function, Vec<Syntax>),
    /// `[a, b]`
    List(Vec<Syntax>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text that stands as it is.
    Text(String),
    /// An expression in braces.
    Expression(Syntax),
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where, in the scalar's text, in bytes.
    pub range: Range<usize>,
    /// What is wrong there.
    pub message: String,
    /// How to repair it.
    pub help: Option<String>,
}

impl SyntaxError {
    fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), help: None }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
