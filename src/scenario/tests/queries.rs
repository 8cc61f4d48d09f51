//! Queries: that both forms of one query are one plan, and what FetchXML's words become.

use crate::plan::{Hint, Hints, LinkKind, Selection, Verb};
use crate::scenario::tests::{mistakes, plans};
use crate::words::{BinaryOperator as B, Expression, Function, UnaryOperator, Value};

/// A scenario with one query in it.
fn with_query(query: &str) -> String {
    format!(
        "scenario: A test
tables:
  account:
    columns:
      name: text
      city: text
      number: whole number
      credit: money
      due: date-time
      open: boolean
      state: {{ choice: [new, old] }}
      parent: {{ lookup: account }}
  order: {{ columns: {{ title: text, amount: decimal, account: {{ lookup: account }} }} }}
  line: {{ columns: {{ pieces: whole number, order: {{ lookup: order }} }} }}
  note: {{ columns: {{ about: {{ lookup: account }}, by: {{ lookup: account }} }} }}
instances: {{ us: {{ tables: [account, order, line, note] }} }}
actors:
  caller:
    in: us
    do:
      - let: {{ n: 3, who: Con, cookie: null }}
      - query: {query}
"
    )
}

fn selection(query: &str) -> Selection {
    let plan = plans(&with_query(query)).remove(0);
    let steps = plan.programs.into_iter().flat_map(|program| program.steps);
    let found = steps.into_iter().find_map(|step| match step.verb {
        Verb::Query { selection, .. } => Some(*selection),
        _ => None,
    });
    found.expect("there is a query")
}

fn fetched(fetch: &str) -> Selection {
    let lines = fetch.trim().replace('\n', "\n            ");
    selection(&format!("\n          fetch: |\n            {lines}"))
}

/// The filter of a query with this condition on account.
fn filter(condition: &str) -> Expression {
    let fetch =
        format!("<fetch><entity name='account'><filter>{condition}</filter></entity></fetch>");
    fetched(&fetch).filter.expect("there is a filter")
}

/// The condition of the step language.
fn own(condition: &str) -> Expression {
    let query = format!("{{ table: account, where: \"={condition}\" }}");
    selection(&query).filter.expect("there is a filter")
}

/// Queries as FetchXML, and the same in the step language.
const PAIRS: &[(&str, &str)] = &[
    ("<fetch><entity name='account'/></fetch>", "{ table: account }"),
    (
        "<fetch><entity name='account'><attribute name='name'/><attribute name='accountid'/>
               <order attribute='number' descending='true'/><order attribute='accountid'/>
             </entity></fetch>",
        "{ table: account, columns: [name], order: [-number, id] }",
    ),
    (
        "<fetch top='5' no-lock='true' latematerialize='true' options='Recompile'>
               <entity name='account'>
                 <filter>
                   <condition attribute='number' operator='ge' value='5'/>
                   <filter type='or' hint='union'>
                     <condition attribute='city' operator='eq' value='Oslo'/>
                     <condition attribute='city' operator='null'/>
                   </filter>
                 </filter>
               </entity>
             </fetch>",
        "{ table: account, where: \"=number >= 5 && (city == 'Oslo' || city == null)\",
               top: 5, hint: nolock }",
    ),
    (
        "<fetch count='2' page='{n}' paging-cookie='{cookie}'>
               <entity name='account'>
                 <filter>
                   <condition attribute='name' operator='begins-with' value='Con'/>
                   <condition attribute='number' operator='lt' value='{n}'/>
                 </filter>
               </entity>
             </fetch>",
        "{ table: account, where: \"=like(name, 'Con%') && number < n\",
               page: { size: 2, number: $n, cookie: $cookie } }",
    ),
    (
        "<fetch distinct='true' returntotalrecordcount='true'>
               <entity name='account'>
                 <attribute name='city'/>
                 <link-entity name='order' from='account' to='accountid' alias='orders'
                     link-type='outer'>
                   <attribute name='title'/>
                   <filter><condition attribute='amount' operator='gt' value='7'/></filter>
                   <order attribute='amount'/>
                   <link-entity name='line' from='order' to='orderid' alias='lines'/>
                 </link-entity>
                 <filter>
                   <condition entityname='orders' attribute='orderid' operator='not-null'/>
                   <condition attribute='name' operator='eq' valueof='orders.title'/>
                   <link-entity name='note' from='about' to='accountid' alias='notes'
                       link-type='not any'/>
                 </filter>
                 <order attribute='city'/>
               </entity>
             </fetch>",
        "{ table: account, columns: [city], distinct: true, total count as: all,
               link: {
                 orders: { table: order, type: outer, where: \"=amount > 7.0\", columns: [title],
                   link: { lines: { table: line, columns: [] } } },
                 notes: { table: note, from: about, type: not any } },
               where: \"=orders.id != null && name == orders.title\",
               order: [city, orders.amount] }",
    ),
    (
        "<fetch aggregate='true' aggregatelimit='50000'>
               <entity name='account'>
                 <attribute name='due' alias='month' groupby='true' dategrouping='month'/>
                 <attribute name='accountid' alias='all' aggregate='count'/>
                 <attribute name='city' alias='cities' aggregate='countcolumn' distinct='true'/>
                 <link-entity name='order' from='account' to='accountid' alias='orders'>
                   <attribute name='amount' alias='total' aggregate='sum'/>
                 </link-entity>
                 <order alias='total' descending='true'/>
               </entity>
             </fetch>",
        "{ table: account, group by: { month: month of due },
               aggregate: { all: count, cities: countcolumn of distinct city,
                 total: sum of orders.amount },
               link: { orders: { table: order } }, order: -total }",
    ),
];

#[test]
fn both_forms_of_a_query_are_one_plan() {
    for (fetch, own) in PAIRS {
        let mut fetched = fetched(fetch);
        if let Some(aggregation) = &mut fetched.aggregation {
            assert_eq!(aggregation.most.take(), Some(50_000), "only FetchXML says so");
        }
        assert_eq!(fetched, selection(own), "{fetch}");
    }
}

#[test]
fn every_operator_becomes_the_condition_that_it_says() {
    let table = [
        ("attribute='number' operator='eq' value='5'", "number == 5"),
        ("attribute='number' operator='ne' value='5'", "number != 5"),
        ("attribute='number' operator='neq' value='5'", "number != 5"),
        ("attribute='number' operator='gt' value='-5'", "number > -5"),
        ("attribute='number' operator='le' value='5'", "number <= 5"),
        ("attribute='number' operator='lt' valueof='number'", "number < number"),
        ("attribute='name' operator='like' value='a_[bc]%'", "like(name, 'a_[bc]%')"),
        ("attribute='name' operator='not-like' value='a%'", "!like(name, 'a%')"),
        ("attribute='name' operator='not-begin-with' value='a'", "!like(name, 'a%')"),
        ("attribute='name' operator='ends-with' value='a'", "like(name, '%a')"),
        ("attribute='name' operator='not-end-with' value='a'", "!like(name, '%a')"),
        ("attribute='name' operator='begins-with' value='{who}'", "like(name, who + '%')"),
        ("attribute='name' operator='ends-with' value='{who}'", "like(name, '%' + who)"),
        ("attribute='city' operator='null'", "city == null"),
        ("attribute='city' operator='not-null'", "city != null"),
        ("attribute='open' operator='eq' value='1'", "open == true"),
        ("attribute='state' operator='eq' value='old'", "state == 'old'"),
        ("attribute='due' operator='today'", "due >= day(0) && due < day(1)"),
        ("attribute='due' operator='yesterday'", "due >= day(-1) && due < day(0)"),
        ("attribute='due' operator='this-week'", "due >= week(0) && due < week(1)"),
        ("attribute='due' operator='next-month'", "due >= month(1) && due < month(2)"),
        ("attribute='due' operator='last-year'", "due >= year(-1) && due < year(0)"),
        ("attribute='due' operator='last-x-days' value='3'", "due >= day(-3) && due <= now()"),
        ("attribute='due' operator='next-x-hours' value='3'", "due >= now() && due < hour(4)"),
        ("attribute='due' operator='last-seven-days'", "due >= day(-7) && due <= now()"),
        ("attribute='due' operator='olderthan-x-minutes' value='9'", "due < minute(-9)"),
    ];
    for (condition, expected) in table {
        let found = filter(&format!("<condition {condition}/>"));
        assert_eq!(found, own(expected), "{condition}");
    }
}

#[test]
fn operators_with_several_values_take_them_as_elements() {
    let values = "<value>1</value><value>5</value>";
    let condition = |operator: &str| {
        filter(&format!("<condition attribute='number' operator='{operator}'>{values}</condition>"))
    };
    assert_eq!(condition("between"), own("number >= 1 && number <= 5"));
    assert_eq!(condition("not-between"), own("!(number >= 1 && number <= 5)"));
    assert_eq!(condition("in"), own("number in [1, 5]"));
    assert_eq!(condition("not-in"), own("!(number in [1, 5])"));
}

#[test]
fn a_day_is_from_midnight_to_midnight() {
    let moment = |text: &str| Expression::Literal(Value::DateTime(text.parse().unwrap()));
    let due = |operator, text: &str| {
        let column = Box::new(Expression::Column("due".into()));
        Expression::Binary(operator, column, Box::new(moment(text)))
    };
    let on = |operator: &str| {
        filter(&format!(
            "<condition attribute='due' operator='{operator}' value='2026-01-06T02:10'/>"
        ))
    };
    let (from, until) = ("2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z");
    assert_eq!(on("on-or-after"), due(B::GreaterOrEqual, from));
    assert_eq!(on("on-or-before"), due(B::Less, until));
    let both = (due(B::GreaterOrEqual, from), due(B::Less, until));
    assert_eq!(on("on"), Expression::Binary(B::And, Box::new(both.0), Box::new(both.1)));
}

#[test]
fn a_row_is_meant_by_its_id_or_its_name() {
    let condition = |attribute: &str, value: &str| {
        let text = format!("<condition attribute='{attribute}' operator='eq' value='{value}'/>");
        match filter(&text) {
            Expression::Binary(B::Equal, column, value) => (*column, *value),
            other => panic!("{other:?}"),
        }
    };
    let guid = "00000000-0000-0000-0000-000000000007";
    let id = Expression::Literal(Value::Id(crate::words::RowId(guid.parse().unwrap())));
    let column = |name: &str| Expression::Column(name.into());
    assert_eq!(condition("parent", guid), (column("parent"), id.clone()));
    assert_eq!(condition("accountid", &format!("{{{guid}}}")), (column("id"), id));
    let named = crate::words::RowId::named("account", "contoso");
    let named = Expression::Literal(Value::Id(named));
    assert_eq!(condition("parent", "contoso"), (column("parent"), named));
}

#[test]
fn a_link_may_ask_whether_there_are_rows_none_or_none_of_a_kind() {
    let kinds = |kind: &str| -> Vec<(LinkKind, bool)> {
        let fetch = format!(
            "<fetch><entity name='account'><filter>
               <link-entity name='order' from='account' to='accountid' link-type='{kind}'>
                 <filter><condition attribute='title' operator='eq' value='x'/></filter>
               </link-entity>
             </filter></entity></fetch>"
        );
        fetched(&fetch).links.iter().map(|link| (link.kind, link.filter.is_some())).collect()
    };
    assert_eq!(kinds("any"), [(LinkKind::Any, true)]);
    assert_eq!(kinds("not all"), [(LinkKind::Any, true)]);
    assert_eq!(kinds("not any"), [(LinkKind::NotAny, true)]);
    assert_eq!(kinds("all"), [(LinkKind::Any, false), (LinkKind::NotAny, true)]);
}

#[test]
fn a_link_without_an_alias_has_a_name_of_its_own() {
    let names = |fetch: &str| -> Vec<String> {
        fetched(fetch).links.iter().map(|link| link.name.to_string()).collect()
    };
    let fetch = "<fetch><entity name='line'>
        <link-entity name='order' from='orderid' to='order'/>
        <link-entity name='order' from='orderid' to='order'/>
      </entity></fetch>";
    assert_eq!(names(fetch), ["order1", "order2"], "`order` is a column of line");
}

#[test]
fn mistakes_stand_at_their_place_inside_the_text() {
    let query = "
            fetch: |
              <fetch>
                <entity name='account'>
                  <attribute name='citty'/>
                </entity>
              </fetch>
";
    let text = with_query(query);
    let found = mistakes(&text);
    let line = text.lines().position(|line| line.contains("citty")).unwrap();
    let column = text.lines().nth(line).unwrap().find("citty").unwrap();
    let place = format!("{}:{}", line + 1, column + 1);
    assert_eq!(found, [format!("{place} `account` has no column `citty`")]);
}

#[test]
fn no_lock_is_the_hint_nolock() {
    let hints = fetched("<fetch no-lock='1'><entity name='account'/></fetch>").hints;
    assert_eq!(hints, Hints::NONE.with(Hint::NoLock));
    let negated = filter("<condition attribute='name' operator='not-like' value='a'/>");
    let Expression::Unary(UnaryOperator::Not, like) = negated else { panic!("{negated:?}") };
    assert!(matches!(*like, Expression::Call(Function::Like, _)));
}
