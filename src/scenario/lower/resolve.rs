//! Values of the file to expressions of the plan: literals, `$bindings`, `=expressions`, templates.

use std::ops::Range;

use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{AtHand, Body, Bound};
use crate::scenario::lower::literal::untyped;
use crate::scenario::source::Span;
use crate::scenario::syntax::{self, Piece, Syntax, SyntaxError, SyntaxForm};
use crate::scenario::tree::{Form, Node, Scalar};
use crate::words::{BinaryOperator, ColumnType, Expression, Function, Name, UnaryOperator, Value};

/// Where in the file a scalar's text stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    whole: Span,
    verbatim: Option<usize>,
}

impl Place {
    pub(super) fn span(self, range: &Range<usize>) -> Span {
        match self.verbatim {
            Some(start) => Span::new(start + range.start, start + range.end.max(range.start)),
            None => self.whole,
        }
    }
}

/// What surrounds an expression.
pub(super) struct Surroundings<'a> {
    pub body: &'a mut Body,
    pub at_hand: Option<&'a AtHand>,
    pub place: Place,
}

impl Surroundings<'_> {
    /// Whether this is the condition of a `where`.
    pub(super) fn is_search(&self) -> bool {
        self.at_hand.is_some_and(|row| row.is_searched)
    }
}

impl Lowering<'_> {
    /// A value that stands anywhere: with a column's type, or without.
    pub(super) fn value(
        &mut self,
        node: &Node,
        kind: Option<&ColumnType>,
        body: &mut Body,
        at_hand: Option<&AtHand>,
    ) -> Checked<Expression> {
        self.bound_value(node, kind, body, at_hand).map(|(expression, _)| expression)
    }

    /// The same, with what is known of the value.
    pub(super) fn bound_value(
        &mut self,
        node: &Node,
        kind: Option<&ColumnType>,
        body: &mut Body,
        at_hand: Option<&AtHand>,
    ) -> Checked<(Expression, Bound)> {
        let scalar = match &node.form {
            Form::Scalar(scalar) if scalar.is_missing() => {
                return Err(self.diagnostics.misshapen(node.span));
            }
            Form::Scalar(scalar) => scalar,
            Form::List(items) if kind.is_none() => {
                let items: Vec<_> =
                    items.iter().map(|item| self.value(item, None, body, at_hand)).collect();
                let items = items.into_iter().collect::<Checked<Vec<_>>>()?;
                return Ok((list(items), Bound::Any));
            }
            Form::List(_) => {
                let message = "a column holds one value";
                let (span, label) = (node.pointer(), "this is a list");
                let reported = self.diagnostics.report(span, "wrong value", message, label, None);
                return Err(reported);
            }
            Form::Map(_) => return Err(self.diagnostics.misshapen(node.pointer())),
        };
        let place = Place { whole: node.span, verbatim: scalar.verbatim };
        let text = &*scalar.text;
        let mut around = Surroundings { body, at_hand, place };
        if is_path(text) {
            let syntax = path(text);
            let (expression, bound) = self.resolve(&syntax, &mut around)?;
            return Ok((self.fitted(node, expression, kind)?, bound));
        }
        if text.starts_with('=') {
            let syntax = syntax::expression(text, 1);
            let syntax = syntax.map_err(|error| self.not_an_expression(&error, place))?;
            let (expression, bound) = self.resolve(&syntax, &mut around)?;
            return Ok((self.fitted(node, expression, kind)?, bound));
        }
        if text.contains(['{', '}']) {
            return Ok((self.template(scalar, node, kind, &mut around)?, Bound::Any));
        }
        let value = match kind {
            None => untyped(scalar),
            Some(kind) => {
                let found = self.literal(scalar, kind);
                found.map_err(|misfit| self.misfit(node, kind, misfit))?
            }
        };
        Ok((Expression::Literal(value), Bound::Any))
    }

    /// A value that stands inside a text of another language, at this place of the file.
    pub(super) fn value_inside(
        &mut self,
        scalar: &Scalar,
        span: Span,
        kind: &ColumnType,
        body: &mut Body,
    ) -> Checked<Expression> {
        let node = Node { span, form: Form::Scalar(scalar.clone()) };
        self.value(&node, Some(kind), body, None)
    }

    /// A text, which may be a template.
    pub(super) fn text_value(&mut self, node: &Node, body: &mut Body) -> Checked<Expression> {
        let kind = ColumnType::Text { max_length: u32::MAX };
        self.value(node, Some(&kind), body, None)
    }

    /// A value that must be known before the run: a literal or a parameter.
    pub(super) fn known_value(&mut self, node: &Node, kind: Option<&ColumnType>) -> Checked<Value> {
        if let Form::List(items) = &node.form {
            let items: Vec<_> = items.iter().map(|item| self.known_value(item, kind)).collect();
            let items = items.into_iter().collect::<Checked<Vec<_>>>()?;
            return Ok(Value::List(items.into()));
        }
        let scalar = self.scalar(node)?;
        let is_computed = scalar.text.starts_with('=') || is_path(&scalar.text);
        if !is_computed {
            return match kind {
                None => Ok(untyped(scalar)),
                Some(kind) => {
                    let found = self.literal(scalar, kind);
                    found.map_err(|misfit| self.misfit(node, kind, misfit))
                }
            };
        }
        match self.value(node, kind, &mut Body::default(), None)? {
            Expression::Literal(value) => Ok(value),
            _ => Err(self.diagnostics.report(
                node.span,
                "wrong value",
                "what is expected must be known before the run",
                "this is computed",
                Some("write a literal, or a parameter of `params:`".to_owned()),
            )),
        }
    }

    /// An expression that turned out to be a fixed value, as one of the column's type.
    fn fitted(
        &mut self,
        node: &Node,
        expression: Expression,
        kind: Option<&ColumnType>,
    ) -> Checked<Expression> {
        match (expression, kind) {
            (Expression::Literal(value), Some(kind)) => match self.fit(value, kind) {
                Ok(value) => Ok(Expression::Literal(value)),
                Err(misfit) => Err(self.misfit(node, kind, misfit)),
            },
            (expression, _) => Ok(expression),
        }
    }

    fn misfit(
        &mut self,
        node: &Node,
        kind: &ColumnType,
        (label, help): (String, Option<String>),
    ) -> Reported {
        let message = format!("this does not fit a column of type `{}`", kind.keyword());
        self.diagnostics.report(node.span, "wrong value", message, label, help)
    }

    fn not_an_expression(&mut self, error: &SyntaxError, place: Place) -> Reported {
        self.diagnostics.report(
            place.span(&error.range),
            "not an expression",
            "this expression is not understood",
            error.message.clone(),
            error.help.clone(),
        )
    }

    fn template(
        &mut self,
        scalar: &Scalar,
        node: &Node,
        kind: Option<&ColumnType>,
        around: &mut Surroundings<'_>,
    ) -> Checked<Expression> {
        let pieces = syntax::template(&scalar.text)
            .map_err(|error| self.not_an_expression(&error, around.place))?;
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Text(text) => Ok(Expression::Literal(Value::text(&text))),
                Piece::Expression(syntax) => match self.resolve(&syntax, around) {
                    Ok((Expression::Literal(Value::Text(text)), _)) => {
                        Ok(Expression::Literal(Value::Text(text)))
                    }
                    Ok((part, _)) => Ok(Expression::Call(Function::String, vec![part])),
                    Err(reported) => Err(reported),
                },
            });
        }
        let parts = parts.into_iter().collect::<Checked<Vec<_>>>()?;
        let joined = join(&parts);
        match kind {
            None | Some(ColumnType::Text { .. } | ColumnType::Lookup(_)) => Ok(joined),
            Some(_) if matches!(joined, Expression::Literal(_)) => self.fitted(node, joined, kind),
            Some(kind) => Err(self.misfit(
                node,
                kind,
                (
                    "a text with braces is text".to_owned(),
                    Some("an expression begins with `=`: `=n`".to_owned()),
                ),
            )),
        }
    }

    pub(super) fn resolve(
        &mut self,
        syntax: &Syntax,
        around: &mut Surroundings<'_>,
    ) -> Checked<(Expression, Bound)> {
        let plain = |expression| Ok((expression, Bound::Any));
        match &syntax.form {
            SyntaxForm::Literal(value) => plain(Expression::Literal(value.clone())),
            SyntaxForm::Name(name) => self.name(name, &syntax.range, false, around),
            SyntaxForm::Binding(name) => self.name(name, &syntax.range, true, around),
            SyntaxForm::Member(of, name, range) => self.member(of, name, range, around),
            SyntaxForm::Index(of, index) => {
                let of = self.resolve(of, around);
                let index = self.resolve(index, around);
                let ((of, bound), (index, _)) = (of?, index?);
                let element = match bound {
                    Bound::Rows(table, expanded) => Bound::Row(table, expanded),
                    Bound::Answers(shape) => Bound::Answer(shape),
                    _ => Bound::Any,
                };
                Ok((Expression::Index(Box::new(of), Box::new(index)), element))
            }
            SyntaxForm::Unary(operator, operand) => {
                let (operand, _) = self.resolve(operand, around)?;
                plain(fold(*operator, operand))
            }
            SyntaxForm::Binary(operator, left, right) => {
                let left = self.resolve(left, around);
                let right = self.resolve(right, around);
                let (left, right) = (Box::new(left?.0), Box::new(right?.0));
                plain(Expression::Binary(*operator, left, right))
            }
            SyntaxForm::Conditional(condition, yes, no) => {
                let condition = self.resolve(condition, around);
                let yes = self.resolve(yes, around);
                let no = self.resolve(no, around);
                plain(Expression::Conditional(
                    Box::new(condition?.0),
                    Box::new(yes?.0),
                    Box::new(no?.0),
                ))
            }
            SyntaxForm::Call(function, arguments) => {
                let arguments = self.resolve_all(arguments, around)?;
                plain(Expression::Call(*function, arguments))
            }
            SyntaxForm::List(items) => plain(list(self.resolve_all(items, around)?)),
        }
    }

    fn resolve_all(
        &mut self,
        items: &[Syntax],
        around: &mut Surroundings<'_>,
    ) -> Checked<Vec<Expression>> {
        let found: Vec<_> = items.iter().map(|item| self.resolve(item, around)).collect();
        found.into_iter().map(|found| found.map(|(expression, _)| expression)).collect()
    }
}

/// Whether a text is `$` and a name.
fn is_path(text: &str) -> bool {
    let rest = text.strip_prefix('$');
    rest.is_some_and(|rest| rest.starts_with(|c: char| c == '_' || c.is_alphabetic()))
}

/// `$name.member.member`, where names may have spaces.
fn path(text: &str) -> Syntax {
    let mut at = 1;
    let mut syntax: Option<Syntax> = None;
    // Beyond a few members there is nothing that they could name.
    for part in text[1..].splitn(8, '.') {
        let range = at..at + part.len();
        at = range.end + 1;
        let name = Name::from(part.trim());
        let (form, height) = match syntax {
            None => (SyntaxForm::Binding(name), 1),
            Some(of) => {
                let height = of.height + 1;
                (SyntaxForm::Member(Box::new(of), name, range.clone()), height)
            }
        };
        syntax = Some(Syntax { range, form, height });
    }
    syntax.unwrap_or(Syntax {
        range: 0..text.len(),
        form: SyntaxForm::Literal(Value::Null),
        height: 1,
    })
}

/// A list; a fixed one when all its elements are.
fn list(items: Vec<Expression>) -> Expression {
    let values: Option<Vec<Value>> = items
        .iter()
        .map(|item| match item {
            Expression::Literal(value) => Some(value.clone()),
            _ => None,
        })
        .collect();
    match values {
        Some(values) => Expression::Literal(Value::List(values.into())),
        None => Expression::List(items),
    }
}

/// The parts joined into one text, as a balanced tree: a long template is not a deep expression.
fn join(parts: &[Expression]) -> Expression {
    match parts {
        [] => Expression::Literal(Value::text("")),
        [only] => only.clone(),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            let (left, right) = (Box::new(join(left)), Box::new(join(right)));
            Expression::Binary(BinaryOperator::Add, left, right)
        }
    }
}

fn fold(operator: UnaryOperator, operand: Expression) -> Expression {
    match (operator, operand) {
        (UnaryOperator::Not, Expression::Literal(Value::Boolean(is_so))) => {
            Expression::Literal(Value::Boolean(!is_so))
        }
        (operator, operand) => Expression::Unary(operator, Box::new(operand)),
    }
}
