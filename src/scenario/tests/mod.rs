//! The language as a whole: what it accepts, and that nothing in it is out of reach.

mod completeness;
mod meaning;
mod mutation;
mod queries;
mod sessions;

use crate::plan::Plan;
use crate::scenario::parse;

const STUB: &str = include_str!("../../../tests/fixtures/1-stub-upsert.yaml");
const TEAMS: &str = include_str!("../../../tests/fixtures/2-team-members.yaml");
const LOST_UPDATE: &str = include_str!("../../../tests/fixtures/3-lost-update.yaml");
const NUMBERS: &str = include_str!("../../../tests/fixtures/4-auto-number.yaml");
const EVERYTHING: &str = include_str!("../../../tests/fixtures/everything.yaml");

/// Every file here that is right, with its name.
const GOOD: [(&str, &str); 6] = [
    ("stub", STUB),
    ("teams", TEAMS),
    ("lost update", LOST_UPDATE),
    ("numbers", NUMBERS),
    ("everything", EVERYTHING),
    ("starter", crate::scenario::STARTER),
];

/// The plans of a text that must be right.
fn plans(text: &str) -> Vec<Plan> {
    match parse("test.yaml", text) {
        Ok(scenario) => scenario.plans,
        Err(rejection) => panic!("{rejection}"),
    }
}

/// A small scenario with two instances and these further lines.
fn plan_with(lines: &str) -> Plan {
    plans(&with(lines)).remove(0)
}

/// The same as text.
fn with(lines: &str) -> String {
    format!(
        "scenario: A test
tables:
  account: {{ columns: {{ name: text, number: whole number, full name: text }} }}
  ticket: {{ columns: {{ title: text, customer: {{ lookup: account }} }} }}
instances:
  us: {{ tables: [account] }}
  europe: {{ tables: [account, ticket] }}
rows:
  us: {{ account: {{ fabrikam: {{ name: Fabrikam, number: 1 }} }} }}
{lines}"
    )
}

/// The messages of a text that must be wrong.
fn mistakes(text: &str) -> Vec<String> {
    match parse("test.yaml", text) {
        Ok(_) => panic!("this is accepted:\n{text}"),
        Err(rejection) => rejection
            .diagnostics()
            .iter()
            .map(|mistake| format!("{}:{} {}", mistake.at.line, mistake.at.column, mistake.message))
            .collect(),
    }
}
