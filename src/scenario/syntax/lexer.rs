//! Characters to tokens.

use std::ops::Range;

use rust_decimal::Decimal;

use crate::scenario::syntax::SyntaxError;
use crate::words::Value;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A number or a quoted text.
    Literal(Value),
    /// A name; with `true` where it was written `$name`.
    Name(String, bool),
    /// An operator or bracket.
    Mark(&'static str),
    /// The end of the text.
    End,
}

/// The marks, longest first.
const MARKS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "%", "<", ">", "!", "?", ":", ",", ".",
    "(", ")", "[", "]", "}",
];

/// Reads one token after another.
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer of `text` that begins at byte `at`.
    pub const fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// The next token with its place.
    pub fn next(&mut self) -> Result<(Token, Range<usize>), SyntaxError> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok((Token::End, start..start));
        };
        let token = match first {
            '0'..='9' => self.number()?,
            '\'' | '"' => Token::Literal(Value::text(&self.quoted(first)?)),
            '`' => Token::Name(self.quoted(first)?, false),
            '$' => {
                self.at += 1;
                let name = self.name();
                if name.is_empty() {
                    let message = "a name is missing behind `$`";
                    return Err(SyntaxError::new(start..self.at, message));
                }
                Token::Name(name, true)
            }
            _ if is_name_start(first) => Token::Name(self.name(), false),
            _ => self.mark(first)?,
        };
        Ok((token, start..self.at))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(matches).len();
        self.at += length;
        &rest[..length]
    }

    fn name(&mut self) -> String {
        self.take_while(|c| is_name_start(c) || c.is_ascii_digit()).to_owned()
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at;
        let mut digits = self.take_while(|c| c.is_ascii_digit() || c == '_').to_owned();
        let after = self.rest();
        let is_decimal =
            after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit());
        if is_decimal {
            self.at += 1;
            digits.push('.');
            digits.push_str(self.take_while(|c| c.is_ascii_digit() || c == '_'));
        }
        let digits = digits.replace('_', "");
        let value = if is_decimal {
            digits.parse::<Decimal>().ok().map(Value::Decimal)
        } else {
            digits.parse::<i64>().ok().map(Value::Whole)
        };
        value
            .map(Token::Literal)
            .ok_or_else(|| SyntaxError::new(start..self.at, "this number is too large"))
    }

    /// A text between two quotes; a doubled quote is one in the text.
    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote));
            if self.rest().is_empty() {
                let message = format!("the closing {quote} is missing");
                return Err(SyntaxError::new(start..start + 1, message));
            }
            self.at += 1;
            if !self.rest().starts_with(quote) {
                return Ok(text);
            }
            text.push(quote);
            self.at += 1;
        }
    }

    fn mark(&mut self, first: char) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            self.at += mark.len();
            return Ok(Token::Mark(mark));
        }
        let range = self.at..self.at + first.len_utf8();
        let error = SyntaxError::new(range, "this has no meaning in an expression");
        Err(match first {
            '=' => error.with_help("two values are compared with `==`"),
            '&' => error.with_help("\"and\" is written `&&`"),
            '|' => error.with_help("\"or\" is written `||`"),
            _ => error,
        })
    }
}

/// Whether a name may begin with this character.
pub fn is_name_start(character: char) -> bool {
    character == '_' || character.is_alphabetic()
}
