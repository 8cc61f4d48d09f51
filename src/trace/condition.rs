//! Expressions as a scenario writes them, for those who read of a condition that was searched by.

use crate::trace::Names;
use crate::words::{BinaryOperator, Expression, UnaryOperator};

/// How tightly a conditional binds: less than every operator.
const CONDITIONAL: u8 = 1;
/// How tightly a sign before its operand binds: more than every operator between two.
const UNARY: u8 = 7;
/// How tightly a name, a literal and what stands behind a point bind.
const PRIMARY: u8 = 8;

impl Names<'_> {
    /// An expression as a scenario writes it, with its values in full: `value % 3 == 0`.
    pub fn condition(&self, expression: &Expression) -> String {
        match expression {
            Expression::Literal(value) => self.value(value),
            Expression::Binding(name) => format!("${name}"),
            Expression::Column(name) => name.to_string(),
            Expression::RowName => "row".to_owned(),
            Expression::Member(base, name) => format!("{}.{name}", self.operand(base, PRIMARY)),
            Expression::Index(base, index) => {
                format!("{}[{}]", self.operand(base, PRIMARY), self.condition(index))
            }
            Expression::Unary(operator, operand) => {
                let sign = match operator {
                    UnaryOperator::Not => '!',
                    UnaryOperator::Negate => '-',
                };
                format!("{sign}{}", self.operand(operand, UNARY))
            }
            Expression::Binary(operator, left, right) => {
                let (sign, tightness) = sign(*operator);
                // Operators of one rank are read from the left.
                let (left, right) =
                    (self.operand(left, tightness), self.operand(right, tightness + 1));
                format!("{left} {sign} {right}")
            }
            Expression::Conditional(condition, yes, no) => {
                let condition = self.operand(condition, CONDITIONAL + 1);
                format!("{condition} ? {} : {}", self.condition(yes), self.condition(no))
            }
            Expression::Call(function, arguments) => {
                format!("{}({})", function.name(), self.items(arguments))
            }
            Expression::List(items) => format!("[{}]", self.items(items)),
        }
    }

    fn items(&self, items: &[Expression]) -> String {
        items.iter().map(|it| self.condition(it)).collect::<Vec<_>>().join(", ")
    }

    /// A part of an expression, in brackets where it would bind too loosely without.
    fn operand(&self, expression: &Expression, least: u8) -> String {
        let text = self.condition(expression);
        if tightness(expression) < least { format!("({text})") } else { text }
    }
}

const fn tightness(expression: &Expression) -> u8 {
    match expression {
        Expression::Conditional(..) => CONDITIONAL,
        Expression::Binary(operator, ..) => sign(*operator).1,
        Expression::Unary(..) => UNARY,
        Expression::Literal(_)
        | Expression::Binding(_)
        | Expression::Column(_)
        | Expression::RowName
        | Expression::Member(..)
        | Expression::Index(..)
        | Expression::Call(..)
        | Expression::List(_) => PRIMARY,
    }
}

/// An operator's sign, and how tightly it binds.
const fn sign(operator: BinaryOperator) -> (&'static str, u8) {
    use BinaryOperator as O;
    match operator {
        O::Or => ("||", 2),
        O::And => ("&&", 3),
        O::Equal => ("==", 4),
        O::NotEqual => ("!=", 4),
        O::Less => ("<", 4),
        O::LessOrEqual => ("<=", 4),
        O::Greater => (">", 4),
        O::GreaterOrEqual => (">=", 4),
        O::In => ("in", 4),
        O::Add => ("+", 5),
        O::Subtract => ("-", 5),
        O::Multiply => ("*", 6),
        O::Divide => ("/", 6),
        O::Remainder => ("%", 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tale::{Tale, whole};
    use crate::words::{Function, Name, Value};

    fn binary(operator: BinaryOperator, left: Expression, right: Expression) -> Expression {
        Expression::Binary(operator, Box::new(left), Box::new(right))
    }

    #[test]
    fn a_condition_reads_as_it_was_written() {
        use BinaryOperator as O;
        let tale = Tale::usual();
        let names = Names::of(&tale.trace);
        let column = |name: &str| Expression::Column(Name::from(name));
        let number = |it| Expression::Literal(whole(it));
        let third = binary(O::Remainder, column("value"), number(3));
        let third = binary(O::Equal, third, number(0));
        assert_eq!(names.condition(&third), "value % 3 == 0");

        let country = Expression::Member(Box::new(column("customer")), Name::from("country"));
        let country = binary(O::Equal, country, Expression::Literal(Value::text("US")));
        let either = binary(O::Or, third, Expression::Unary(UnaryOperator::Not, country.into()));
        let listed = binary(O::In, Expression::RowName, Expression::List(vec![number(1)]));
        let both = binary(O::And, either, listed);
        assert_eq!(
            names.condition(&both),
            "(value % 3 == 0 || !(customer.country == \"US\")) && row in [1]"
        );

        let difference = binary(O::Subtract, number(1), number(2));
        let nested = binary(O::Subtract, number(9), difference);
        let call = Expression::Call(Function::Max, vec![nested, column("value")]);
        let chosen = Expression::Conditional(
            Box::new(Expression::Literal(Value::Boolean(true))),
            Box::new(call),
            Box::new(Expression::Binding(Name::from("limit"))),
        );
        assert_eq!(names.condition(&chosen), "true ? max(9 - (1 - 2), value) : $limit");
    }
}
