//! The documents behind the scenarios, chapter by chapter, so that a reader of one of them finds
//! the scenarios of each page, and sees which page has none.
//!
//! Source: the headings and figures of the three documents of the README's part Fidelity, and of
//! the two that the third of them refers to.

/// A document that scenarios come from.
#[derive(Debug)]
pub(super) struct Document {
    /// Its title.
    pub(super) title: &'static str,
    /// What a `source:` calls it.
    names: &'static [&'static str],
    /// Its chapters, in its order.
    pub(super) chapters: &'static [Chapter],
}

/// A chapter of a document.
#[derive(Debug)]
pub(super) struct Chapter {
    /// Its heading.
    pub(super) title: &'static str,
    /// What a `source:` calls it.
    names: &'static [&'static str],
    /// The worked examples and figures in it, as their captions have it.
    pub(super) figures: &'static [&'static str],
}

const fn chapter(
    title: &'static str,
    names: &'static [&'static str],
    figures: &'static [&'static str],
) -> Chapter {
    Chapter { title, names, figures }
}

/// All of them.
pub(super) static DOCUMENTS: [Document; 4] = [
    Document {
        title: "Eventual consistency between multiple Power Apps instances",
        names: &["Eventual consistency between multiple Power Apps instances"],
        chapters: &[
            chapter(
                "Architecture and workflow",
                &["Workflow", "Architecture"],
                &["A plug-in that upserts what the synchronization has not brought"],
            ),
            chapter("Scenario details", &["Scenario details", "Potential use cases"], &[]),
            chapter(
                "Example 1: successful path with no outage or transient errors",
                &["Example 1"],
                &["A successful synchronization of several systems"],
            ),
            chapter(
                "Example 2: unsuccessful path where sync is down or delayed",
                &["Example 2"],
                &["A failed synchronization of several systems"],
            ),
            chapter("Considerations", &["Considerations", "When to use this approach"], &[]),
        ],
    },
    Document {
        title: "Dual-write limits for live synchronization",
        names: &["Dual-write limits for live synchronization"],
        chapters: &[
            chapter("Single transaction", &["Single transaction"], &["N invoices, all or none"]),
            chapter(
                "Multiple transactions",
                &["Multiple transactions"],
                &["N invoices, each for itself"],
            ),
            chapter("Transaction time limit", &["Transaction time limit"], &[]),
            chapter(
                "From finance and operations apps to Dataverse",
                &["From finance and operations apps to Dataverse"],
                &["1,000 records a transaction, two minutes"],
            ),
            chapter(
                "From Dataverse to finance and operations apps",
                &["From Dataverse to finance and operations apps"],
                &["116.85 MB a message, two minutes"],
            ),
            chapter(
                "Transactions with more than 1,000 records",
                &["Transactions with more than 1,000 records"],
                &["Invoices split into transactions of 1,000"],
            ),
        ],
    },
    Document {
        title: "Scalable Customization Design: Transaction design patterns",
        names: &["Transaction design patterns"],
        chapters: &[
            chapter(
                "Transaction usage: nolock hint",
                &["Nolock hint", "Retrieve data with nolock"],
                &["Is an e-mail related to an existing case?"],
            ),
            chapter(
                "Consider order of locks",
                &["Consider order of locks"],
                &[
                    "A deadlock of two transactions",
                    "The deadlock avoided by an order of resources",
                ],
            ),
            chapter(
                "Hold contentious locks for shortest period",
                &["Hold contentious locks for shortest period", "contentious locks"],
                &["The contended resource early and late in the transaction"],
            ),
            chapter(
                "Reduce length of transactions",
                &["Reduce length of transactions"],
                &["Blocking by a long transaction", "Less blocking by a short one"],
            ),
            chapter(
                "Optimize requests",
                &["Optimize requests"],
                &["Related cases retrieved, not optimized", "The same, optimized"],
            ),
            chapter(
                "Reduce chain of events",
                &["Reduce chain of events"],
                &["Actions moved out to an asynchronous process"],
            ),
            chapter(
                "Avoid multiple updates to the same record",
                &["Avoid multiple updates to the same record"],
                &["Several updates of one case"],
            ),
            chapter(
                "Only update things you need to",
                &["Only update things you need to"],
                &["The number of tasks, kept on the user"],
            ),
            chapter(
                "Multiple customizations triggered on same event",
                &["Multiple customizations triggered on same event"],
                &["Several customizations of one event"],
            ),
            chapter(
                "When to use different types of customization",
                &["When to use different types of customization"],
                &["The table of stages and kinds of customization"],
            ),
            chapter(
                "Setting up security",
                &["Setting up security"],
                &[
                    "Team setup",
                    "Owner and access teams",
                    "Lots of team memberships and business units",
                    "Cascading behavior",
                    "Careful updating of user records",
                ],
            ),
            chapter(
                "Diagram related actions",
                &["Diagram related actions"],
                &["Two processes, and a third step that closes a loop"],
            ),
        ],
    },
    Document {
        title: "Scalable Customization Design: Database transactions, Concurrency issues",
        names: &[
            "Scalable Customization Design, Database transactions",
            "Scalable Customization Design, Concurrency issues",
            "Scalable Customization Design, Auto-numbering example",
            "Scalable Customization Design, Locking and transactions",
            "Database transactions",
            "Concurrency issues",
        ],
        chapters: &[
            chapter("Database transactions", &["Database transactions"], &[]),
            chapter("Concurrency issues", &["Concurrency issues", "Locking and transactions"], &[]),
            chapter(
                "Auto-numbering example",
                &["Auto-numbering example"],
                &["Who gets which number"],
            ),
        ],
    },
];

impl Document {
    /// The chapters that a `source:` names, by their positions; `None` where it does not name the
    /// document at all.
    pub(super) fn chapters_in(&self, source: &str) -> Option<Vec<usize>> {
        let names = |names: &[&str]| names.iter().any(|name| contains(source, name));
        names(self.names).then(|| {
            let chapters = self.chapters.iter().enumerate();
            chapters.filter(|(_, chapter)| names(chapter.names)).map(|(at, _)| at).collect()
        })
    }
}

/// Whether a text has another one in it, whatever the case of its letters.
fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// The title of the first document that a `source:` names: what comes before its first comma or
/// semicolon.
pub(super) fn first_title(source: &str) -> &str {
    let source = source.trim();
    let source = source.strip_prefix("Microsoft Learn, ").unwrap_or(source);
    source.split([',', ';', ':']).next().unwrap_or(source).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_finds_its_chapters() {
        let patterns = &DOCUMENTS[2];
        let source = "Scalable Customization Design, Transaction design patterns, Consider order \
                      of locks, and Reduce chain of events";
        let titles = |at: Vec<usize>| at.into_iter().map(|it| patterns.chapters[it].title);
        let found: Vec<_> = titles(patterns.chapters_in(source).unwrap()).collect();
        assert_eq!(found, ["Consider order of locks", "Reduce chain of events"]);
        assert_eq!(patterns.chapters_in("Register a plug-in, Filtering attributes"), None);
        assert_eq!(patterns.chapters_in("Transaction design patterns"), Some(Vec::new()));
        assert_eq!(first_title("Microsoft Learn, Page results; X"), "Page results");
    }
}
