//! The platform's limits on what one query answers, and what may follow its first page.

use multiverse::engine::RunOptions;
use multiverse::fault::FaultKind;
use multiverse::run;
use multiverse::trace::{Event, Outcome};
use multiverse::words::Value;

use crate::{bound, column, records, text};

/// A world with 12 rows in which a query answers 5 at most, and reaches 10 by numbers.
fn world(steps: &str) -> String {
    format!(
        "scenario: Limits
limits: {{ page size: 5, paged rows: 10, aggregated rows: 11 }}
tables: {{ thing: {{ columns: {{ number: whole number, even: boolean }} }} }}
instances: {{ us: {{ tables: [thing] }} }}
rows:
  us: {{ thing: {{ count: 12, named: \"t{{n}}\", set: {{ number: =n, even: =n % 2 == 0 }} }} }}
actors:
  caller:
    in: us
    do:
{steps}"
    )
}

fn query(query: &str) -> String {
    world(&format!("      - query: {query}\n"))
}

fn numbers(world: &str) -> String {
    let value = bound(world, "rows");
    let numbers = records(&value).into_iter().map(|record| text(&column(record, "number")));
    numbers.collect::<Vec<_>>().join(" ")
}

/// The fault in which the caller ends.
fn fault(world: &str) -> (FaultKind, String) {
    let plan = run::parse("limits.yaml", world).map(|mut plans| plans.remove(0));
    let plan = plan.unwrap_or_else(|rejection| panic!("{rejection}"));
    let run = run::run(&plan, &RunOptions::default()).unwrap();
    let found = run.trace.entries.iter().find_map(|entry| match &entry.event {
        Event::LaneEnded { outcome: Outcome::Failed(fault), .. } => Some(fault.clone()),
        _ => None,
    });
    let fault = found.expect("there is a fault");
    (fault.kind, fault.message)
}

#[test]
fn a_query_that_says_nothing_of_pages_answers_the_first_and_says_that_there_is_more() {
    let first = query("{ table: thing, as: rows, more as: more }");
    assert_eq!(numbers(&first), "1 2 3 4 5");
    assert_eq!(bound(&first, "more"), Value::Boolean(true));
    let all = query("{ table: thing, where: \"=number <= 5\", as: rows, more as: more }");
    assert_eq!(numbers(&all), "1 2 3 4 5");
    assert_eq!(bound(&all, "more"), Value::Boolean(false), "that many and no more");
    let ordered = query("{ table: thing, order: -number, as: rows, more as: more }");
    assert_eq!(numbers(&ordered), "12 11 10 9 8");
    assert_eq!(bound(&ordered, "more"), Value::Boolean(true));
}

#[test]
fn top_is_no_page_and_has_the_same_limit() {
    let top = query("{ table: thing, top: 5, as: rows, more as: more }");
    assert_eq!(numbers(&top), "1 2 3 4 5");
    assert_eq!(bound(&top, "more"), Value::Boolean(false));
    let (kind, message) = fault(&query("{ table: thing, top: 6, as: rows }"));
    assert_eq!(kind, FaultKind::InvalidArgument);
    assert_eq!(message, "The top value can't exceed 5.");
}

#[test]
fn pages_have_a_size_and_a_number_within_their_limits() {
    for wrong in ["size: 0", "size: 6", "number: 0"] {
        let (kind, message) = fault(&query(&format!("{{ table: thing, page: {{ {wrong} }} }}")));
        assert_eq!(kind, FaultKind::InvalidArgument, "{wrong}");
        assert_eq!(message, "A page has from 1 to 5 rows, and a number from 1.");
    }
    let second = query("{ table: thing, order: number, page: { number: 2 }, as: rows }");
    assert_eq!(numbers(&second), "6 7 8 9 10", "the size is the largest");
    let (kind, message) = fault(&query("{ table: thing, page: { number: 3 } }"));
    assert_eq!(kind, FaultKind::InvalidArgument);
    assert_eq!(message, "Paging by number ends at the row 10; a paging cookie goes on.");
}

#[test]
fn a_cookie_goes_on_where_numbers_end() {
    let steps = "      - let: { cookie: null }
      - repeat:
          times: 3
          do:
            - query:
                table: thing
                order: number
                page: { size: 5, number: $n, cookie: $cookie }
                as: rows
                cookie as: cookie
";
    assert_eq!(numbers(&world(steps)), "11 12");
}

#[test]
fn a_cookie_is_text_that_names_the_first_and_the_last_row() {
    let first = query(
        "{ table: thing, where: \"=row == 't3'\", order: [even, number], page: { size: 1 }, \
         as: rows, cookie as: cookie }",
    );
    assert_eq!(bound(&first, "cookie"), Value::Null, "nothing follows");
    let first = query(
        "{ table: thing, order: [-even, number], page: { size: 2 }, as: rows, cookie as: cookie }",
    );
    let Value::Text(cookie) = bound(&first, "cookie") else { panic!("there is a cookie") };
    let value = bound(&first, "rows");
    let ids: Vec<String> =
        records(&value).into_iter().map(|record| record.id.to_string()).collect();
    let expected = format!(
        "<cookie page=\"1\"><column name=\"even\" last=\"true\" first=\"true\" />\
         <column name=\"number\" last=\"4\" first=\"2\" />\
         <column name=\"thingid\" last=\"{{{}}}\" first=\"{{{}}}\" /></cookie>",
        ids[1], ids[0]
    );
    assert_eq!(&*cookie, expected);
}

#[test]
fn a_cookie_of_another_query_or_none_at_all_is_refused() {
    let second = |order: &str, cookie: &str| {
        let steps = format!(
            "      - query: {{ table: thing, order: number, page: {{ size: 2 }}, cookie as: cookie }}
      - query: {{ table: thing, order: {order}, page: {{ size: 2, cookie: {cookie} }}, as: rows }}
"
        );
        world(&steps)
    };
    assert_eq!(numbers(&second("number", "$cookie")), "3 4");
    assert_eq!(numbers(&second("number", "''")), "1 2", "an empty one is none");
    for (order, cookie) in [("even", "$cookie"), ("[number, even]", "$cookie"), ("number", "x")] {
        let (kind, message) = fault(&second(order, cookie));
        assert_eq!(kind, FaultKind::InvalidArgument, "{order} {cookie}");
        assert_eq!(message, "The paging cookie is malformed, or is that of another query.");
    }
}

#[test]
fn the_rows_are_counted_up_to_the_largest_page() {
    let all = query("{ table: thing, page: { size: 1 }, total count as: total, as: rows }");
    assert_eq!(bound(&all, "total"), Value::Whole(5));
    let some = query(
        "{ table: thing, where: \"=number > 9\", page: { size: 1 }, \
           total count as: total, as: rows }",
    );
    assert_eq!(bound(&some, "total"), Value::Whole(3));
    let fetch = "<fetch count='1'><entity name='thing'/></fetch>";
    let uncounted = query(&format!("{{ fetch: \"{fetch}\", total count as: total }}"));
    assert_eq!(bound(&uncounted, "total"), Value::Whole(-1), "FetchXML has to ask for it");
}

#[test]
fn an_aggregate_over_too_many_rows_fails_as_a_whole() {
    let (kind, message) = fault(&query("{ table: thing, aggregate: { all: count }, as: rows }"));
    assert_eq!(kind, FaultKind::AggregateLimitExceeded);
    assert_eq!(kind.facts().decimal(), -2_147_164_125);
    assert_eq!(message, "The maximum record limit is exceeded. Reduce the number of records.");
    let within = "{ table: thing, where: \"=number < 12\", aggregate: { all: count }, as: rows }";
    let value = bound(&query(within), "rows");
    assert_eq!(column(records(&value)[0], "all"), Value::Whole(11));
    let fewer = "<fetch aggregate='true' aggregatelimit='5'><entity name='thing'>\
        <attribute name='number' alias='sum' aggregate='sum'/></entity></fetch>";
    let (kind, _) = fault(&query(&format!("{{ fetch: \"{fewer}\", as: rows }}")));
    assert_eq!(kind, FaultKind::AggregateLimitExceeded);
}

#[test]
fn nothing_is_added_up_to_one_row_and_grouped_to_none() {
    let none = "where: \"=number > 99\"";
    let all = query(&format!(
        "{{ table: thing, {none}, aggregate: {{ all: count, sum: sum of number, avg: avg of number }}, \
         as: rows }}"
    ));
    let value = bound(&all, "rows");
    let [row] = records(&value)[..] else { panic!("one row") };
    let values = ["all", "sum", "avg"].map(|name| text(&column(row, name)));
    assert_eq!(values, ["0", "0", "-"]);
    let grouped = query(&format!(
        "{{ table: thing, {none}, aggregate: {{ all: count }}, group by: even, as: rows }}"
    ));
    assert_eq!(records(&bound(&grouped, "rows")).len(), 0);
}
