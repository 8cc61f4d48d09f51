//! The phenomena that isolation exists to prevent, each as the field names it and in plain words.
//!
//! They are shapes of the graph of dependencies between transactions: *ww*, one overwrote what the
//! other wrote; *wr*, one read what the other wrote; *rw*, one overwrote what the other had read.
//! An rw-dependency is also called an anti-dependency. It is on a predicate where a write changes
//! which rows match what the other has searched for.
//!
//! Source: Adya, "Weak Consistency" (G0, G1a, G1b, G1c, G-single, G2-item, G2); Berenson et al.,
//! "A Critique of ANSI SQL Isolation Levels" (P4); Bailis et al., "Highly Available Transactions"
//! (OTV, PMP).

use serde::{Deserialize, Serialize};

/// One phenomenon between transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anomaly {
    /// G0: a cycle of writes.
    DirtyWrite,
    /// A read of what was not committed yet, whatever became of it.
    DirtyRead,
    /// G1a: a read of what was rolled back.
    AbortedRead,
    /// G1b: a read of what its writer wrote again.
    IntermediateRead,
    /// G1c: a cycle of writes and reads of them.
    CircularInformationFlow,
    /// OTV: an update is seen, and then not any more.
    ObservedTransactionVanishes,
    /// PMP: two searches of one transaction see different worlds.
    PredicateManyPreceders,
    /// P4: a write that was computed from an outdated read.
    LostUpdate,
    /// G-single: a cycle with one anti-dependency.
    ReadSkew,
    /// G2-item: a cycle with several anti-dependencies, all on rows.
    WriteSkew,
    /// G2, its part with predicates: a cycle with an anti-dependency on a predicate.
    Phantom,
}

/// What is known of a phenomenon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomalyFacts {
    /// The word that scenarios use: `read skew`.
    pub word: &'static str,
    /// What the literature calls it: `G-single`. A scenario may say this too.
    pub code: &'static str,
    /// What it is, in plain words.
    pub gloss: &'static str,
}

impl Anomaly {
    /// Every phenomenon, the coarsest first.
    pub const ALL: [Self; 11] = [
        Self::DirtyWrite,
        Self::DirtyRead,
        Self::AbortedRead,
        Self::IntermediateRead,
        Self::CircularInformationFlow,
        Self::ObservedTransactionVanishes,
        Self::PredicateManyPreceders,
        Self::LostUpdate,
        Self::ReadSkew,
        Self::WriteSkew,
        Self::Phantom,
    ];

    /// What is known of it.
    pub const fn facts(self) -> AnomalyFacts {
        let (word, code, gloss) = match self {
            Self::DirtyWrite => {
                ("dirty write", "G0", "two transactions overwrote each other before either ended")
            }
            Self::DirtyRead => {
                ("dirty read", "P1", "a read of what was not committed yet (G1a, G1b and more)")
            }
            Self::AbortedRead => ("aborted read", "G1a", "a read of what was rolled back"),
            Self::IntermediateRead => {
                ("intermediate read", "G1b", "a read of what its writer then wrote again")
            }
            Self::CircularInformationFlow => {
                ("circular information flow", "G1c", "two transactions saw each other's writes")
            }
            Self::ObservedTransactionVanishes => (
                "observed transaction vanishes",
                "OTV",
                "a transaction saw a part of another and then a row from before it",
            ),
            Self::PredicateManyPreceders => (
                "predicate-many-preceders",
                "PMP",
                "two searches of one transaction saw different sets of transactions",
            ),
            Self::LostUpdate => (
                "lost update",
                "P4",
                "two transactions read one version of a row and both wrote it",
            ),
            Self::ReadSkew => {
                ("read skew", "G-single", "a transaction saw another's writes in part")
            }
            Self::WriteSkew => (
                "write skew",
                "G2-item",
                "transactions overwrote what each other had read, in a circle",
            ),
            Self::Phantom => (
                "phantom",
                "G2",
                "a circle in which a write changed which rows match another's search",
            ),
        };
        AnomalyFacts { word, code, gloss }
    }

    /// The phenomenon of this word or code.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| {
            let facts = it.facts();
            facts.word == text || facts.code == text
        })
    }

    /// The word with the literature's code: `read skew (G-single)`.
    pub fn name(self) -> String {
        let facts = self.facts();
        format!("{} ({})", facts.word, facts.code)
    }
}
