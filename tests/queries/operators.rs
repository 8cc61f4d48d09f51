//! Each operator of FetchXML over a few rows: which of them it finds.
//!
//! The world's clock stands at Wednesday, 7 January 2026, 15:42.

use crate::{bound, column, records, text};

/// What the rows hold: name, city, number, whether it is open, its state, and when it is due.
const ROWS: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("a", "Oslo", "1", "true", "new", "2025-12-31T23:59"),
    ("b", "Oslo 2", "2", "false", "old", "2026-01-03T08:00"),
    ("c", "oslo", "3", "true", "new", "2026-01-06T00:00"),
    ("d", "Ålesund", "4", "false", "old", "2026-01-07T00:00"),
    ("e", "50% off", "5", "true", "new", "2026-01-07T15:42"),
    ("f", "A_B", "6", "false", "old", "2026-01-07T18:30"),
    ("g", "null", "null", "null", "null", "null"),
    ("h", "Paris", "-7", "true", "new", "2026-02-01T00:00"),
];

/// Conditions, and the rows that meet them.
const TABLE: &[(&str, &str)] = &[
    ("attribute='city' operator='eq' value='Oslo'", "a"),
    ("attribute='city' operator='ne' value='Oslo'", "bcdefgh"),
    ("attribute='city' operator='neq' value='Oslo'", "bcdefgh"),
    ("attribute='city' operator='like' value='Oslo%'", "ab"),
    ("attribute='city' operator='like' value='%s%'", "abcdh"),
    ("attribute='city' operator='like' value='_slo'", "ac"),
    ("attribute='city' operator='like' value='[Oo]slo'", "ac"),
    ("attribute='city' operator='like' value='50[%]%'", "e"),
    ("attribute='city' operator='like' value='A[_]B'", "f"),
    ("attribute='city' operator='not-like' value='%s%'", "efg"),
    ("attribute='city' operator='begins-with' value='Os'", "ab"),
    ("attribute='city' operator='not-begin-with' value='Os'", "cdefgh"),
    ("attribute='city' operator='ends-with' value='slo'", "ac"),
    ("attribute='city' operator='not-end-with' value='slo'", "bdefgh"),
    ("attribute='city' operator='gt' value='Oslo'", "bcdh"),
    ("attribute='city' operator='null'", "g"),
    ("attribute='city' operator='not-null'", "abcdefh"),
    ("attribute='number' operator='eq' value='3'", "c"),
    ("attribute='number' operator='ne' value='3'", "abdefgh"),
    ("attribute='number' operator='gt' value='3'", "def"),
    ("attribute='number' operator='ge' value='3'", "cdef"),
    ("attribute='number' operator='lt' value='3'", "abh"),
    ("attribute='number' operator='le' value='3'", "abch"),
    ("attribute='number' operator='eq' valueof='number'", "abcdefgh"),
    ("attribute='number' operator='gt' valueof='number'", ""),
    ("attribute='open' operator='eq' value='1'", "aceh"),
    ("attribute='open' operator='ne' value='true'", "bdfg"),
    ("attribute='state' operator='eq' value='old'", "bdf"),
    ("attribute='state' operator='ne' value='old'", "acegh"),
    ("attribute='thingid' operator='eq' value='c'", "c"),
    ("attribute='thingid' operator='not-null'", "abcdefgh"),
    ("attribute='due' operator='null'", "g"),
    ("attribute='due' operator='lt' value='2026-01-06'", "ab"),
    ("attribute='due' operator='on' value='2026-01-07'", "def"),
    ("attribute='due' operator='on-or-after' value='2026-01-07'", "defh"),
    ("attribute='due' operator='on-or-before' value='2026-01-06'", "abc"),
    ("attribute='due' operator='today'", "def"),
    ("attribute='due' operator='yesterday'", "c"),
    ("attribute='due' operator='tomorrow'", ""),
    ("attribute='due' operator='this-week'", "cdef"),
    ("attribute='due' operator='last-week'", "ab"),
    ("attribute='due' operator='next-week'", ""),
    ("attribute='due' operator='this-month'", "bcdef"),
    ("attribute='due' operator='last-month'", "a"),
    ("attribute='due' operator='next-month'", "h"),
    ("attribute='due' operator='this-year'", "bcdefh"),
    ("attribute='due' operator='last-year'", "a"),
    ("attribute='due' operator='next-year'", ""),
    ("attribute='due' operator='last-seven-days'", "abcde"),
    ("attribute='due' operator='next-seven-days'", "ef"),
    ("attribute='due' operator='last-x-hours' value='15'", "de"),
    ("attribute='due' operator='next-x-hours' value='2'", "e"),
    ("attribute='due' operator='next-x-hours' value='3'", "ef"),
    ("attribute='due' operator='last-x-days' value='1'", "cde"),
    ("attribute='due' operator='next-x-days' value='0'", "ef"),
    ("attribute='due' operator='last-x-weeks' value='1'", "abcde"),
    ("attribute='due' operator='next-x-weeks' value='4'", "efh"),
    ("attribute='due' operator='last-x-months' value='1'", "abcde"),
    ("attribute='due' operator='next-x-months' value='1'", "efh"),
    ("attribute='due' operator='last-x-years' value='1'", "abcde"),
    ("attribute='due' operator='next-x-years' value='1'", "efh"),
    ("attribute='due' operator='olderthan-x-minutes' value='1'", "abcd"),
    ("attribute='due' operator='olderthan-x-hours' value='15'", "abc"),
    ("attribute='due' operator='olderthan-x-days' value='1'", "ab"),
    ("attribute='due' operator='olderthan-x-weeks' value='1'", ""),
    ("attribute='due' operator='olderthan-x-months' value='1'", ""),
    ("attribute='due' operator='olderthan-x-years' value='0'", "a"),
];

/// Conditions with values of their own.
const WITH_VALUES: &[(&str, &str, &str)] = &[
    ("attribute='number' operator='in'", "1 3 -7", "ach"),
    ("attribute='number' operator='not-in'", "1 3 -7", "bdefg"),
    ("attribute='number' operator='between'", "2 4", "bcd"),
    ("attribute='number' operator='not-between'", "2 4", "aefgh"),
    ("attribute='city' operator='in'", "Oslo Paris", "ah"),
    ("attribute='state' operator='in'", "old new", "abcdefh"),
    ("attribute='due' operator='between'", "2026-01-06 2026-01-07", "cd"),
    ("attribute='thingid' operator='in'", "b h", "bh"),
];

fn found(filter: &str) -> String {
    let mut world = "scenario: Operators
start: 2026-01-07T15:42:00Z
costs: { request: 0ms }
tables:
  thing:
    columns:
      city: text
      number: whole number
      open: boolean
      state: { choice: [new, old] }
      due: date-time
      name: text
instances: { us: { tables: [thing] } }
rows:
  us:
    thing:
"
    .to_owned();
    for (name, city, number, open, state, due) in ROWS {
        world.push_str(&format!(
            "      {name}: {{ name: {name}, city: {city}, number: {number}, open: {open}, \
             state: {state}, due: {due} }}\n"
        ));
    }
    world.push_str(&format!(
        "actors:
  caller:
    in: us
    do:
      - query:
          fetch: |
            <fetch>
              <entity name='thing'>
                <filter>{filter}</filter>
                <order attribute='name'/>
              </entity>
            </fetch>
          as: rows
"
    ));
    let value = bound(&world, "rows");
    records(&value).into_iter().map(|record| text(&column(record, "name"))).collect()
}

#[test]
fn each_operator_finds_its_rows() {
    for (condition, expected) in TABLE {
        assert_eq!(found(&format!("<condition {condition}/>")), *expected, "{condition}");
    }
    for (condition, values, expected) in WITH_VALUES {
        let values: String =
            values.split(' ').map(|value| format!("<value>{value}</value>")).collect();
        let condition = format!("<condition {condition}>{values}</condition>");
        assert_eq!(found(&condition), *expected, "{condition}");
    }
}

#[test]
fn filters_are_joined_by_and_or_by_or() {
    let open = "<condition attribute='open' operator='eq' value='true'/>";
    let old = "<condition attribute='state' operator='eq' value='old'/>";
    let small = "<condition attribute='number' operator='lt' value='3'/>";
    assert_eq!(found(&format!("{open}{small}")), "ah");
    assert_eq!(found(&format!("<filter type='or'>{open}{small}</filter>")), "abceh");
    assert_eq!(found(&format!("<filter type='or'>{open}{old}</filter>{small}")), "abh");
    let both = format!("<filter type='and'>{old}{small}</filter>");
    assert_eq!(found(&format!("<filter type='or'>{both}{open}</filter>")), "abceh");
    assert_eq!(found(""), "abcdefgh", "an empty filter asks for nothing");
}
