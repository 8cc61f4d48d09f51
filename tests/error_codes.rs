//! Every fault of the platform that a scenario can meet is met by one that is shipped, with the
//! code and the text that the platform documents.

use std::collections::BTreeMap;

use multiverse::check::History;
use multiverse::engine::RunOptions;
use multiverse::fault::{Fault, FaultKind};
use multiverse::run;
use multiverse::trace::Event;

/// The documented codes and texts. `{}` stands for what is filled in: all of it where a plug-in's
/// author writes the text (0x80040265).
///
/// Source: Microsoft Learn, "Web service error codes", "Troubleshoot Dataverse plug-ins",
/// "Troubleshoot bulk operation errors"; SQL Server's own errors by their numbers; for 0x80040800
/// microsoft/PowerAppsCodeApps, issue 365.
const DOCUMENTED: &[(u32, &str)] = &[
    (0x8004_0217, "Entity '{}' With Id = {} Does Not Exist"),
    (0x8004_0237, "A record with matching key values already exists."),
    (
        0x8006_0892,
        "Entity Key {} violated. A record with the same value for {} already exists. A duplicate \
         record cannot be created. Select one or more unique values and try again.",
    ),
    (0x8006_0891, "A record with the specified key values does not exist in {} entity"),
    (
        0x8004_0227,
        "The object you tried to delete is associated with another object and cannot be deleted.",
    ),
    (
        0x8006_0882,
        "The version of the existing record doesn't match the RowVersion property provided.",
    ),
    (
        0x8004_4163,
        "The target state could not be set because the state was changed by another process.",
    ),
    (0x8004_4162, "The target state could not be set because the state transition is not valid."),
    (
        0x8004_0800,
        "The '{}' method does not support entities of type '{}'. MessageProcessorCache returned \
         MessageProcessor.Empty.",
    ),
    (0x8004_416a, "Cannot delete async operation unless it is in Completed state."),
    (
        0x8004_4150,
        "Sql error: Generic SQL error. CRM ErrorCode: -2147204784 Sql ErrorCode: -2146232060 Sql \
         Number: {}",
    ),
    (
        0x8004_4151,
        "Sql error: SQL timeout expired. CRM ErrorCode: -2147204783 Sql ErrorCode: -2146232060 \
         Sql Number: -2",
    ),
    (
        0x8004_4172,
        "The plug-in execution failed because the operation has timed-out at the Sandbox Host.",
    ),
    (0x8004_4339, "Database resource lock could not be obtained."),
    (0x8004_0265, "{}"),
    (0x8004_0224, "An unexpected error occurred{}"),
    (
        0x8004_4182,
        "This workflow job was canceled because the workflow that started it included an infinite \
         loop. Correct the workflow logic and try again. For information about workflow logic, \
         see Help.",
    ),
    (
        0x8009_000c,
        "ISV code reduced the open transaction count. Custom plug-ins should not catch exceptions \
         from OrganizationService calls and continue processing.",
    ),
    (
        0x8004_0251,
        "There is no active transaction. This error is usually caused by custom plug-ins that \
         ignore errors from service calls and continue processing.",
    ),
    (
        0x8004_0255,
        "The transaction of the SQL command has already been rolled back or committed; this is \
         usually caused by a swallowed SQL deadlock exception.",
    ),
    (0x8004_0216, "Message size exceeded when sending context to Sandbox. Message size: {} Mb"),
    (0x8004_0315, "ExecuteMultiple Request batch size exceeds the maximum batch size allowed!"),
    // What a session reads comes from SQL Server itself.
    (0x8004_4150, "Lock request time out period exceeded."),
    (0x8004_4150, "Snapshot isolation transaction aborted due to update conflict.{}"),
    (
        0x8004_4150,
        "Transaction was deadlocked on lock resources with another process and has been chosen \
         as the deadlock victim. Rerun the transaction.",
    ),
    (
        0x8004_4151,
        "Execution Timeout Expired. The timeout period elapsed prior to completion of the \
         operation or the server is not responding.",
    ),
    (
        0x8006_0883,
        "The RowVersion property must be provided when the value of ConcurrencyBehavior is \
         IfVersionMatches.",
    ),
    (0x8006_088d, "Optimistic concurrency isn't enabled for entity type {}."),
    (0x8007_2491, "Entity {} isn't enabled for change tracking."),
    (0x8004_0220, "The user does not hold the necessary privileges."),
    (0x8004_0231, "Target user or team does not hold required privileges."),
    (0x8004_e023, "The maximum record limit is exceeded.{}"),
    (
        0x8004_4352,
        "Version stamp associated with the client has expired. Please perform a full sync.",
    ),
    (0x8004_a104, "The organization is currently disabled: {}"),
    (0x8004_4306, "An error occurred while accessing the network: {}"),
    (0x8013_1501, "The transaction has aborted{}"),
    (0x8013_1505, "The client gave up waiting for an answer.{}"),
];

/// The kinds that no scenario meets, each with the reason.
const UNMET: &[(FaultKind, &str)] = &[
    (FaultKind::KeyNotDefined, "a file that names no key of its table is refused"),
    (FaultKind::NoSuchTable, "a file that names a table which is not there is refused"),
    (FaultKind::NoSuchColumn, "as above, for a column"),
    (FaultKind::TextTooLong, "a wrong value, which no document speaks of"),
    (FaultKind::InvalidArgument, "a wrong value; tests/queries has it"),
    (FaultKind::PostImageNotSupported, "a file that registers such an image is refused"),
    (FaultKind::PreImageNotSupported, "as above"),
    (FaultKind::NoTransaction, "a mistake of a session's author, which no document speaks of"),
    (FaultKind::SchemaChanged, "a table altered under a snapshot, which no document speaks of"),
];

/// Every fault that a shipped scenario meets, by its kind.
fn met() -> BTreeMap<FaultKind, Vec<Fault>> {
    let mut met: BTreeMap<FaultKind, Vec<Fault>> = BTreeMap::new();
    for file in &run::scenario_files(&["scenarios"]).files {
        let text = std::fs::read_to_string(&file.path).expect("UTF-8");
        let plans = run::parse(&file.path.display().to_string(), &text).expect("a sound scenario");
        for plan in plans {
            let run = run::run(&plan, &RunOptions::default()).expect("a plan that runs");
            let history = History::of(&run.trace);
            let faults = history.faults.iter().map(|met| met.fault);
            let jobs = run.trace.entries.iter().filter_map(|entry| match &entry.event {
                Event::PlugInEnded { fault, .. } | Event::RequestEnded { fault, .. } => {
                    fault.as_ref()
                }
                _ => None,
            });
            for fault in faults.chain(jobs) {
                met.entry(fault.kind).or_default().push(fault.clone());
            }
        }
    }
    met
}

/// Whether a text is as the pattern says, in which `{}` stands for anything.
fn fits(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("{}");
    let Some(rest) = text.strip_prefix(parts.next().unwrap_or("")) else { return false };
    let mut rest = rest;
    let mut last = "";
    for part in parts {
        last = part;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || pattern.ends_with("{}") || !last.is_empty() && text.ends_with(last)
}

#[test]
fn every_fault_is_met_by_a_scenario_with_its_documented_text() {
    let met = met();
    let mut wrong = Vec::new();
    for kind in FaultKind::ALL {
        let facts = kind.facts();
        let excuse = UNMET.iter().find(|(unmet, _)| unmet == kind);
        let Some(faults) = met.get(kind) else {
            if excuse.is_none() {
                wrong.push(format!("{} ({}) is met by no scenario", facts.word, facts.hex()));
            }
            continue;
        };
        if excuse.is_some() {
            wrong.push(format!("{} is met after all: take it off the list", facts.word));
        }
        let texts: Vec<&str> =
            DOCUMENTED.iter().filter(|(code, _)| *code == facts.code).map(|(_, it)| *it).collect();
        for fault in faults {
            if !texts.iter().any(|pattern| fits(&fault.message, pattern)) {
                wrong.push(format!("{}: not as documented: {}", facts.hex(), fault.message));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_pattern_fits_what_it_says_and_nothing_else() {
    assert!(fits("Entity 'a' With Id = 1 Does Not Exist", DOCUMENTED[0].1));
    assert!(!fits("Entity 'a' With Id = 1 Does Not Exist.", DOCUMENTED[0].1));
    assert!(!fits("An Entity 'a' With Id = 1 Does Not Exist", DOCUMENTED[0].1));
    assert!(!fits("Cannot delete", "Cannot delete async operation."));
    assert!(fits("anything", "{}"));
}
