//! What row versions decided: added to the line of the request that asked.

use crate::plan::DeltaTokens;
use crate::report::story::line::Mark;
use crate::report::story::reads::grouped;
use crate::report::story::teller::Teller;
use crate::trace::{ChangesAnswered, Entry, VersionEvent};
use crate::words::{RequestId, RowId, TableId};

/// The most rows that a line names.
const ROWS_MAX: usize = 4;

impl Teller<'_, '_> {
    pub(super) fn version(&mut self, entry: &Entry, version: &VersionEvent) {
        match version {
            VersionEvent::Mismatched { request, asked, found, .. } => {
                let text = format!(": it has version {found}, and {asked} is asked for");
                self.add_or_say(entry, *request, "compares", &text);
            }
            VersionEvent::NotModified { request, version, .. } => {
                let text = format!(": not modified since version {version}");
                self.add_or_say(entry, *request, "not modified", &text);
            }
            VersionEvent::ChangesAnswered(answer) => {
                let text = self.changes(answer);
                self.add_or_say(entry, answer.request, "finds changes", &text);
            }
        }
    }

    /// Adds to the line of the request; where something came between, says it in a line of its own.
    fn add_or_say(&mut self, entry: &Entry, request: RequestId, shape: &str, text: &str) {
        if !self.add(request, text)
            && let Some(lane) = self.lane_of_request(request)
        {
            let text = text.trim_start_matches(": ").to_owned();
            self.say(entry, lane, Mark::None, shape, text);
        }
    }

    /// ` since version 12: 2 rows (a, b), 1 deletion (c); the next token is 31`.
    fn changes(&self, answer: &ChangesAnswered) -> String {
        let ChangesAnswered { table, since, rows, deleted, token, latest, tokens, .. } = answer;
        let since = since.map_or_else(String::new, |since| format!(" since version {since}"));
        let page = if answer.is_first_page { "" } else { ", another page" };
        let found = self.counted(*table, rows.iter().map(|(row, _)| *row), ("row", "rows"));
        let gone = match deleted.len() {
            0 => String::new(),
            _ => {
                let deleted = deleted.iter().copied();
                format!(", {}", self.counted(*table, deleted, ("deletion", "deletions")))
            }
        };
        let next = if !answer.is_last_page {
            "; there are more pages".to_owned()
        } else if token < latest && *tokens == DeltaTokens::Bounded && answer.is_first_page {
            format!("; the token is {token}, below what is not committed yet")
        } else {
            format!("; the token is {token}")
        };
        format!("{since}{page}: {found}{gone}{next}")
    }

    /// `2 rows (a, b)`.
    fn counted(
        &self,
        table: TableId,
        rows: impl ExactSizeIterator<Item = RowId>,
        (one, several): (&str, &str),
    ) -> String {
        let count = rows.len();
        let names = &self.history.names;
        let mut named: Vec<_> = rows.take(ROWS_MAX).map(|row| names.row(table, row)).collect();
        match count {
            0 => return format!("no {several}"),
            count if count > ROWS_MAX => named.push("…".to_owned()),
            _ => {}
        }
        let noun = if count == 1 { one } else { several };
        format!("{} {noun} ({})", grouped(count as u64), named.join(", "))
    }
}
