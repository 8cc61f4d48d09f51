//! Tokens to trees, by precedence climbing. The depth is limited while the tree grows, so no text
//! can overflow the stack of this parser or of anybody who walks its trees.

use std::ops::Range;

use crate::scenario::reading_limits::EXPRESSION_DEPTH;
use crate::scenario::suggestion;
use crate::scenario::syntax::lexer::{Lexer, Token};
use crate::scenario::syntax::{Piece, Syntax, SyntaxError, SyntaxForm};
use crate::words::{BinaryOperator, Function, Name, UnaryOperator, Value};

/// The operators between operands: mark, what it is, how tightly it binds.
const OPERATORS: &[(&str, BinaryOperator, u8)] = &[
    ("||", BinaryOperator::Or, 2),
    ("&&", BinaryOperator::And, 3),
    ("==", BinaryOperator::Equal, 4),
    ("!=", BinaryOperator::NotEqual, 4),
    ("<=", BinaryOperator::LessOrEqual, 4),
    (">=", BinaryOperator::GreaterOrEqual, 4),
    ("<", BinaryOperator::Less, 4),
    (">", BinaryOperator::Greater, 4),
    ("in", BinaryOperator::In, 4),
    ("+", BinaryOperator::Add, 5),
    ("-", BinaryOperator::Subtract, 5),
    ("*", BinaryOperator::Multiply, 6),
    ("/", BinaryOperator::Divide, 6),
    ("%", BinaryOperator::Remainder, 6),
];

/// How tightly `? :` binds: least of all.
const CONDITIONAL: u8 = 1;
/// Comparisons don't chain: `a < b < c` is an error.
const COMPARISON: u8 = 4;

/// Reads `text` from byte `start` to its end as one expression.
///
/// # Errors
///
/// Where it is none, or nested too deeply.
pub fn expression(text: &str, start: usize) -> Result<Syntax, SyntaxError> {
    let mut parser = Parser::new(text, start)?;
    let syntax = parser.binary(CONDITIONAL)?;
    match &parser.token {
        Token::End => Ok(syntax),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

/// Reads a template: text with expressions in braces.
///
/// # Errors
///
/// Where a brace is not closed or holds no expression.
pub fn template(text: &str) -> Result<Vec<Piece>, SyntaxError> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(['{', '}']) {
        let brace = at + offset;
        plain.push_str(&text[at..brace]);
        let mark = &text[brace..=brace];
        at = brace + 1;
        if text[at..].starts_with(mark) {
            plain.push_str(mark);
            at += 1;
            continue;
        }
        if mark == "}" {
            plain.push('}');
            continue;
        }
        let mut parser = Parser::new(text, at)?;
        if parser.token == Token::End {
            let error = SyntaxError::new(brace..brace + 1, "this brace is not closed");
            return Err(error.with_help("a brace that is meant as text is written `{{`"));
        }
        let syntax = parser.binary(CONDITIONAL)?;
        if parser.token != Token::Mark("}") {
            let error = parser.unexpected("`}`");
            return Err(error.with_help("a brace that is meant as text is written `{{`"));
        }
        at = parser.range.end;
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Expression(syntax));
    }
    plain.push_str(&text[at..]);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token that comes next, with its place.
    token: Token,
    range: Range<usize>,
    /// How many expressions are open around the next one.
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, start: usize) -> Result<Self, SyntaxError> {
        let mut lexer = Lexer::new(text, start);
        let (token, range) = lexer.next()?;
        Ok(Self { lexer, token, range, depth: 0 })
    }

    /// Takes the next token.
    fn take(&mut self) -> Result<(Token, Range<usize>), SyntaxError> {
        let (token, range) = self.lexer.next()?;
        let token = std::mem::replace(&mut self.token, token);
        let range = std::mem::replace(&mut self.range, range);
        Ok((token, range))
    }

    fn take_mark(&mut self, mark: &'static str) -> Result<bool, SyntaxError> {
        let is_next = self.token == Token::Mark(mark);
        if is_next {
            self.take()?;
        }
        Ok(is_next)
    }

    fn expect(&mut self, mark: &'static str) -> Result<Range<usize>, SyntaxError> {
        if self.token == Token::Mark(mark) {
            return Ok(self.take()?.1);
        }
        Err(self.unexpected(&format!("`{mark}`")))
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        let error = SyntaxError::new(self.range.clone(), format!("expected {expected} here"));
        match &self.token {
            Token::Name(name, _) if name == "and" => error.with_help("\"and\" is written `&&`"),
            Token::Name(name, _) if name == "or" => error.with_help("\"or\" is written `||`"),
            Token::Name(..) => {
                error.with_help("a name with spaces stands in backticks: `` `full name` ``")
            }
            _ => error,
        }
    }

    /// The operator that comes next, if it binds at least so tightly.
    fn operator(&self, least: u8) -> Option<(BinaryOperator, u8)> {
        let text = match &self.token {
            Token::Mark(mark) => mark,
            Token::Name(name, false) => name.as_str(),
            _ => return None,
        };
        OPERATORS
            .iter()
            .find(|(mark, _, binding)| *mark == text && *binding >= least)
            .map(|&(_, operator, binding)| (operator, binding))
    }

    fn binary(&mut self, least: u8) -> Result<Syntax, SyntaxError> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH {
            return Err(too_deep(self.range.clone()));
        }
        let mut left = self.unary()?;
        while let Some((operator, binding)) = self.operator(least) {
            self.take()?;
            let right = self.binary(binding + 1)?;
            let range = left.range.start..right.range.end;
            let form = SyntaxForm::Binary(operator, Box::new(left), Box::new(right));
            left = node(range, form)?;
            if binding == COMPARISON
                && self.operator(COMPARISON).is_some_and(|next| next.1 == binding)
            {
                let error = SyntaxError::new(self.range.clone(), "comparisons can't be chained");
                return Err(error.with_help("write `a < b && b < c`"));
            }
        }
        if least <= CONDITIONAL && self.take_mark("?")? {
            let yes = self.binary(CONDITIONAL)?;
            self.expect(":")?;
            let no = self.binary(CONDITIONAL)?;
            let range = left.range.start..no.range.end;
            let form = SyntaxForm::Conditional(Box::new(left), Box::new(yes), Box::new(no));
            left = node(range, form)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Syntax, SyntaxError> {
        let operator = match &self.token {
            Token::Mark("!") => UnaryOperator::Not,
            Token::Mark("-") => UnaryOperator::Negate,
            _ => return self.postfix(),
        };
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH {
            return Err(too_deep(self.range.clone()));
        }
        let (_, range) = self.take()?;
        let operand = self.unary()?;
        self.depth -= 1;
        let range = range.start..operand.range.end;
        match (operator, &operand.form) {
            (UnaryOperator::Negate, SyntaxForm::Literal(Value::Whole(number))) => {
                node(range, SyntaxForm::Literal(Value::Whole(-number)))
            }
            (UnaryOperator::Negate, SyntaxForm::Literal(Value::Decimal(number))) => {
                node(range, SyntaxForm::Literal(Value::Decimal(-number)))
            }
            _ => node(range, SyntaxForm::Unary(operator, Box::new(operand))),
        }
    }

    fn postfix(&mut self) -> Result<Syntax, SyntaxError> {
        let mut syntax = self.primary()?;
        loop {
            if self.take_mark(".")? {
                let Token::Name(name, false) = self.token.clone() else {
                    return Err(self.unexpected("the name of a member"));
                };
                let (_, place) = self.take()?;
                let range = syntax.range.start..place.end;
                let form = SyntaxForm::Member(Box::new(syntax), Name::from(name), place);
                syntax = node(range, form)?;
            } else if self.take_mark("[")? {
                let index = self.binary(CONDITIONAL)?;
                let end = self.expect("]")?.end;
                let range = syntax.range.start..end;
                let form = match index.form {
                    SyntaxForm::Literal(Value::Text(name)) => {
                        SyntaxForm::Member(Box::new(syntax), name, index.range)
                    }
                    _ => SyntaxForm::Index(Box::new(syntax), Box::new(index)),
                };
                syntax = node(range, form)?;
            } else {
                return Ok(syntax);
            }
        }
    }

    fn primary(&mut self) -> Result<Syntax, SyntaxError> {
        match self.token.clone() {
            Token::Literal(value) => {
                let (_, range) = self.take()?;
                node(range, SyntaxForm::Literal(value))
            }
            Token::Name(name, is_binding) => {
                let (_, range) = self.take()?;
                if !is_binding && self.token == Token::Mark("(") {
                    return self.call(&name, range);
                }
                let form = match name.as_str() {
                    _ if is_binding => SyntaxForm::Binding(Name::from(name)),
                    "true" => SyntaxForm::Literal(Value::Boolean(true)),
                    "false" => SyntaxForm::Literal(Value::Boolean(false)),
                    "null" => SyntaxForm::Literal(Value::Null),
                    _ => SyntaxForm::Name(Name::from(name)),
                };
                node(range, form)
            }
            Token::Mark("(") => {
                let (_, open) = self.take()?;
                let mut inner = self.binary(CONDITIONAL)?;
                let close = self.expect(")")?;
                inner.range = open.start..close.end;
                Ok(inner)
            }
            Token::Mark("[") => {
                let (_, open) = self.take()?;
                let (items, end) = self.items("]")?;
                node(open.start..end, SyntaxForm::List(items))
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn call(&mut self, name: &str, place: Range<usize>) -> Result<Syntax, SyntaxError> {
        let found = Function::ALL.iter().copied().find(|known| known.name() == name);
        let Some(function) = found else {
            let known = Function::ALL.map(Function::name);
            let mut error = SyntaxError::new(place, format!("there is no function `{name}`"));
            error.help = suggestion::help(name, &known);
            return Err(error);
        };
        self.take()?;
        let (arguments, end) = self.items(")")?;
        let range = place.start..end;
        let (least, most) = function.arguments();
        if arguments.len() < least || arguments.len() > most {
            let expected = match least {
                0 => "nothing",
                1 if most > 1 => "one or more values",
                2 => "two values",
                _ => "one value",
            };
            return Err(SyntaxError::new(range, format!("`{name}` takes {expected}")));
        }
        node(range, SyntaxForm::Call(function, arguments))
    }

    /// Expressions with commas between them, up to a closing mark; and that mark's end.
    fn items(&mut self, close: &'static str) -> Result<(Vec<Syntax>, usize), SyntaxError> {
        let mut items = Vec::new();
        if self.token == Token::Mark(close) {
            return Ok((items, self.take()?.1.end));
        }
        loop {
            items.push(self.binary(CONDITIONAL)?);
            if self.token == Token::Mark(close) {
                return Ok((items, self.take()?.1.end));
            }
            self.expect(",")?;
        }
    }
}

/// A node, unless it is nested too deeply.
fn node(range: Range<usize>, form: SyntaxForm) -> Result<Syntax, SyntaxError> {
    let below = match &form {
        SyntaxForm::Literal(_) | SyntaxForm::Name(_) | SyntaxForm::Binding(_) => 0,
        SyntaxForm::Member(a, ..) | SyntaxForm::Unary(_, a) => a.height,
        SyntaxForm::Index(a, b) | SyntaxForm::Binary(_, a, b) => a.height.max(b.height),
        SyntaxForm::Conditional(a, b, c) => a.height.max(b.height).max(c.height),
        SyntaxForm::Call(_, items) | SyntaxForm::List(items) => {
            items.iter().map(|item| item.height).max().unwrap_or(0)
        }
    };
    if below >= EXPRESSION_DEPTH {
        return Err(too_deep(range));
    }
    Ok(Syntax { range, form, height: below + 1 })
}

fn too_deep(range: Range<usize>) -> SyntaxError {
    SyntaxError::new(range, format!("this is nested more than {EXPRESSION_DEPTH} deep"))
        .with_help("bind a part of it to a name with `let:`")
}
