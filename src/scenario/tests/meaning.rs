//! What single spellings mean.

use std::time::Duration;

use crate::plan::{ActorKind, Anomaly, Claim, Phenomenon, RowSelector, RowState, Step, Verb};
use crate::scenario::tests::{NUMBERS, STUB, TEAMS, mistakes, plan_with, plans, with};
use crate::words::{Expression, RowId, SimInstant, Value};

/// The steps of the only actor.
fn steps(lines: &str) -> Vec<Step> {
    let plan = plan_with(&format!("actors:\n  ann:\n    in: us\n    do:\n{lines}"));
    let program = plan.actors[0].program;
    plan.programs[program.index()].steps.clone()
}

/// The values of a `let` in the only actor.
fn bound(values: &str) -> Vec<(String, Expression)> {
    match steps(&format!("      - let: {{ {values} }}\n")).remove(0).verb {
        Verb::Let(values) => {
            values.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn literal(value: Value) -> Expression {
    Expression::Literal(value)
}

#[test]
fn the_stub_scenario_says_when_what_happens() {
    let plan = plans(STUB).remove(0);
    let hour = 3_600_000_000;
    assert_eq!(plan.outages[0].from, SimInstant::START);
    assert_eq!(plan.outages[0].until, SimInstant(3 * hour));
    assert_eq!(&*plan.outages[0].name, "outage of europe");
    assert_eq!(plan.horizon, SimInstant(24 * hour + 600_000_000));
    assert!(matches!(plan.actors[0].kind, ActorKind::Flow { .. }));
    assert_eq!(plan.actors[0].schedule.every, Some(Duration::from_secs(86_400)));
    let Claim::Row { row, state, .. } = &plan.expectations[1].claims[0] else {
        panic!("the second line is about a row");
    };
    assert_eq!(row.row, RowId::named("account", "fabrikam"));
    assert!(matches!(state, RowState::Is(columns) if columns.len() == 2));
    assert_eq!(plan.expectations[4].text, "finally: converged, table: account");
}

#[test]
fn variants_differ_in_what_they_name_and_in_nothing_else() {
    let teams = plans(TEAMS);
    assert_eq!(teams[0].programs, teams[1].programs);
    assert_eq!(teams[0].actors[0], teams[1].actors[0]);
    assert_ne!(teams[0].actors[1].with, teams[1].actors[1].with);
    assert_eq!(teams[1].variant.as_deref(), Some("ordered"));
    let numbers = plans(NUMBERS);
    let stages: Vec<_> = numbers.iter().map(|plan| plan.plug_ins[0].stage.name()).collect();
    let pre = "PreOperation";
    assert_eq!(stages, ["PreValidation", pre, pre, pre, "PostOperation"]);
    assert_eq!(numbers[4].plug_ins[0].rank, 9);
}

#[test]
fn none_takes_a_named_part_away_in_a_variant() {
    let plans = plans(&with(
        "actors: { ann: { in: us, do: [] }, bob: { in: us, do: [] } }
variants:
  both: {}
  bob alone: { actors: { ann: none } }
",
    ));
    assert_eq!(plans[0].actors.len(), 2);
    assert_eq!(plans[1].actors.len(), 1);
    assert_eq!(&*plans[1].actors[0].name, "bob");
}

#[test]
fn a_column_decides_what_a_plain_word_is() {
    let steps = steps(
        "      - create: { table: account, set: { name: no, number: 2026 } }
      - create: { table: account, set: { name: 08:00, number: -7 } }
      - create: { table: account, set: { name: null } }
      - create: { table: account, set: { name: \"null\" } }
",
    );
    let values: Vec<Value> = steps
        .iter()
        .flat_map(|step| match &step.verb {
            Verb::Create { set, .. } => set.clone(),
            other => panic!("{other:?}"),
        })
        .map(|assignment| match assignment.value {
            Expression::Literal(value) => value,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        values,
        [
            Value::text("no"),
            Value::Whole(2026),
            Value::text("08:00"),
            Value::Whole(-7),
            Value::Null,
            Value::text("null"),
        ]
    );
}

#[test]
fn without_a_column_numbers_and_words_are_themselves() {
    let values =
        bound("a: 12, b: '12', c: 1.5, d: true, e: 007, f: null, g: [x, 1], h: -3, i: 1_0");
    let expected = [
        Value::Whole(12),
        Value::text("12"),
        Value::Decimal("1.5".parse().expect("a number")),
        Value::Boolean(true),
        Value::text("007"),
        Value::Null,
        Value::List([Value::text("x"), Value::Whole(1)].into()),
        Value::Whole(-3),
        Value::Whole(10),
    ];
    for ((name, value), expected) in values.into_iter().zip(expected) {
        assert_eq!(value, literal(expected), "{name}");
    }
}

#[test]
fn operators_bind_as_in_every_language() {
    let shown = |text: &str| {
        let bound = bound(&format!("x: 1, y: 2, z: \"={text}\""));
        serde_json::to_string(&bound[2].1).expect("an expression is plain data")
    };
    assert_eq!(shown("1 + 2 * 3 - x"), shown("(1 + (2 * 3)) - x"));
    assert_eq!(shown("!x && y || x"), shown("((!x) && y) || x"));
    assert_eq!(shown("x == 1 && y < 2"), shown("(x == 1) && (y < 2)"));
    assert_eq!(shown("x ? 1 : y ? 2 : 3"), shown("x ? 1 : (y ? 2 : 3)"));
    assert_eq!(shown("x in [1, 2] && y"), shown("(x in [1, 2]) && y"));
    assert_eq!(shown("-x + y"), shown("(-x) + y"));
    assert_ne!(shown("1 - (2 - 3)"), shown("1 - 2 - 3"));
    assert_eq!(shown("$x + 1"), shown("x + 1"));
}

#[test]
fn a_name_with_spaces_needs_no_quotes_behind_a_dollar() {
    let steps = steps(
        "      - let: { commit pending: false }
      - if: $commit pending
        then: [ { work: 1ms } ]
      - retrieve: { table: account, row: fabrikam, as: customer }
      - note: $customer.full name
      - note: \"{customer.`full name`} and {customer['full name']}\"
",
    );
    let Verb::If { condition, .. } = &steps[1].verb else {
        panic!("the second step is an if");
    };
    assert_eq!(*condition, Expression::Binding("commit pending".into()));
    let customer = Box::new(Expression::Binding("customer".into()));
    let member = Expression::Member(customer, "full name".into());
    assert_eq!(steps[3].verb, Verb::Note(member));
}

#[test]
fn braces_make_a_template_and_doubled_braces_are_braces() {
    let values = bound("a: 'Ticket {n}', b: '{{n}}', c: '{n}{n}', d: '$5', e: 'a = b'");
    assert!(matches!(values[0].1, Expression::Binary(..)));
    assert_eq!(values[1].1, literal(Value::text("{n}")));
    assert!(matches!(values[2].1, Expression::Binary(..)));
    assert_eq!(values[3].1, literal(Value::text("$5")));
    assert_eq!(values[4].1, literal(Value::text("a = b")));
}

#[test]
fn a_row_is_meant_by_name_by_binding_by_guid_or_at_random() {
    let guid = "00000000-0000-0000-0000-00000000002a";
    let steps = steps(&format!(
        "      - retrieve: {{ table: account, row: fabrikam, as: one }}
      - delete: {{ table: account, row: $one }}
      - delete: {{ table: account, row: {guid} }}
      - delete: {{ table: account, row: any }}
"
    ));
    let rows: Vec<_> = steps[1..]
        .iter()
        .map(|step| match &step.verb {
            Verb::Delete { row, .. } => row.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let id = RowId(guid.parse().expect("a GUID"));
    assert_eq!(
        rows,
        [
            RowSelector::Row(Expression::Binding("one".into())),
            RowSelector::Row(literal(Value::Id(id))),
            RowSelector::Any,
        ]
    );
}

#[test]
fn a_lookup_names_a_row_of_the_table_that_it_points_to() {
    let plan = plan_with("  europe: { ticket: { t1: { customer: fabrikam } } }\n");
    let (_, value) = &plan.rows[1].set[0];
    let id = RowId::named("account", "fabrikam");
    assert_eq!(*value, literal(Value::Id(id)));
}

#[test]
fn parameters_are_written_in_where_they_are_named() {
    let lines = "params: { size: 3, who: Ann }
actors: { ann: { in: us, do: [ { let: { a: $size, b: =params.size + 1, c: 'for {who}' } } ] } }
expect: [ { row: us/account/fabrikam, is: { number: $size, name: =params.who } } ]
";
    let plan = plan_with(lines);
    let Verb::Let(values) = &plan.programs[0].steps[0].verb else {
        panic!("the step is a let");
    };
    assert_eq!(values[0].1, literal(Value::Whole(3)));
    let Claim::Row { state, .. } = &plan.expectations[0].claims[0] else {
        panic!("the line is about a row");
    };
    let RowState::Is(columns) = state else {
        panic!("it says what the row is");
    };
    assert_eq!(columns[0].1, Value::Whole(3));
    assert_eq!(columns[1].1, Value::text("Ann"));
}

#[test]
fn what_every_way_through_binds_is_bound_afterwards() {
    let good = "      - if: =n == 1
        then: [ { let: { x: 1 } } ]
        else: [ { let: { x: 2 } } ]
      - transaction: { do: [ { let: { y: 1 } } ] }
      - retry: { up to: 1, wait: 1s, do: [ { let: { z: 1 } } ] }
      - note: '{x}{y}{z}'
";
    assert_eq!(steps(good).len(), 4);
    let wrong = good.replace("else: [ { let: { x: 2 } } ]", "else: []");
    let text = with(&format!("actors:\n  ann:\n    in: us\n    do:\n{wrong}"));
    assert_eq!(mistakes(&text), ["19:17 `x` may not be bound here"]);
}

#[test]
fn one_mistake_in_the_shared_part_of_a_file_with_variants_is_told_once() {
    let text = with(
        "actors: { ann: { in: asia, do: [] } }
variants: { a: {}, b: {}, c: {} }
",
    );
    assert_eq!(mistakes(&text), ["10:22 unknown instance `asia`"]);
}

#[test]
fn a_byte_order_mark_and_other_line_ends_change_nothing() {
    let plain = with("seed: 7\n");
    let dos = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
    assert_eq!(plans(&plain), plans(&dos));
    let wrong = plain.replace("seed: 7", "sed: 7");
    assert_eq!(mistakes(&wrong), ["10:1 unknown key `sed`"]);
    assert_eq!(mistakes(&wrong.replace('\n', "\r\n")), ["10:1 unknown key `sed`"]);
}

#[test]
fn an_anomaly_goes_by_its_word_and_by_what_the_literature_calls_it() {
    for anomaly in Anomaly::ALL {
        let facts = anomaly.facts();
        for word in [facts.word, facts.code] {
            for key in ["never", "happens", "anomaly"] {
                let plan = plan_with(&format!("expect:\n  - {{ {key}: {word} }}\n"));
                let phenomenon = Phenomenon::Anomaly(anomaly);
                let happens = key != "never";
                let claims = &plan.expectations[0].claims;
                assert_eq!(*claims, [Claim::Happens { phenomenon, happens }], "{key}: {word}");
            }
        }
    }
}
