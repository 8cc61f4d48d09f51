//! The lines about reads: what a query found and how, what was not committed, and what a scan got
//! wrong.

use crate::check::{RequestKind, RowRead, Selection};
use crate::plan::{Isolation, Message, StatementKind};
use crate::report::story::line::{Mark, Part};
use crate::report::story::teller::Teller;
use crate::trace::{
    self, AccessPath, Disturbance, Entry, Event, ReadKind, RowsAnswered, RowsSelected,
};
use crate::words::{RequestId, TransactionId};

impl<'t> Teller<'_, 't> {
    pub(super) fn look(&mut self, entry: &Entry) {
        match &entry.event {
            Event::RowRead(trace::RowRead {
                request,
                kind: ReadKind::Answer,
                transaction,
                level,
                writer,
                ..
            }) => {
                self.looked_up.insert(*request, true);
                let kind = self.history.requests.get(request).map(|it| it.kind);
                if kind == Some(RequestKind::Message(Message::Retrieve)) {
                    let nolock = self.with_nolock(*transaction, *level);
                    let writer = writer.map_or_else(String::new, |it| self.uncommitted(it));
                    self.add(*request, &format!("{nolock}{writer}"));
                }
            }
            Event::RowMissed { request, .. } => {
                self.looked_up.insert(*request, false);
            }
            Event::RowsSelected(RowsSelected { request, .. }) => self.searched(entry, *request),
            Event::ScanDisturbed { request, instance, table, row, how } => {
                let Some(lane) = self.lane_of_request(*request) else {
                    return;
                };
                let place = self.history.names.place(*instance, *table, *row);
                let (shape, text) = match how {
                    Disturbance::Missed => {
                        ("misses", format!("misses {place}, which has moved behind the scan"))
                    }
                    Disturbance::Doubled => (
                        "doubles",
                        format!("meets {place} again, which has moved ahead of the scan"),
                    ),
                };
                self.say(entry, lane, Mark::None, shape, text);
            }
            Event::DirtyReadUndone { request, transaction, instance, table, row } => {
                let Some(lane) = self.lane_of_request(*request) else {
                    return;
                };
                let place = self.history.names.place(*instance, *table, *row);
                let writer = self.history.transaction_name(*transaction);
                let text =
                    format!("learns that what it read of {place} was rolled back with {writer}");
                self.say_beside(entry, lane, Mark::None, "learns", text);
            }
            _ => {}
        }
    }

    /// Adds to the line of a request, as long as nothing else of its lane was told after it.
    /// Whether that was so.
    pub(super) fn add(&mut self, request: RequestId, text: &str) -> bool {
        let lane = self.lane_of_request(request);
        let last =
            lane.and_then(|lane| self.last.get(&lane)).and_then(|it| self.lines.get_mut(*it));
        match last {
            Some(Some(line)) if line.part == Part::Request(request) => {
                line.text.push_str(text);
                true
            }
            _ => false,
        }
    }

    /// A search is done: its line gets what it found.
    fn searched(&mut self, entry: &Entry, request: RequestId) {
        let at = crate::check::Moment::of(entry);
        let (Some(lane), Some(kind)) =
            (self.lane_of_request(request), self.history.requests.get(&request).map(|it| it.kind))
        else {
            return;
        };
        let selections = &self.history.selections;
        let place = selections.binary_search_by_key(&at, |it| it.at);
        let Some(selection) = place.ok().map(|place| &selections[place]) else {
            return;
        };
        if selection.link.is_some() {
            self.followed(selection);
            return;
        }
        if !kind.is_read() {
            if selection.matched == 0 {
                self.add(request, &format!(": no row{}", self.how(selection)));
            }
            return;
        }
        let count = self.rows_read.get(&request).copied().unwrap_or(0);
        let found = answered(count, selection.answered);
        let links = self.linked.remove(&request).unwrap_or_default();
        let links: String = links.iter().map(|(_, link)| self.along(link)).collect();
        let rest = format!("{}{links}{}", self.how(selection), self.dirty(request));
        let nolock = match kind {
            RequestKind::Message(_) => self.with_nolock(selection.transaction, selection.level),
            // Its hints stand in its line already.
            RequestKind::Statement(_) | RequestKind::Job => "",
        };
        if !self.add(request, &format!("{nolock}: {found}{rest}")) {
            if self.verbose {
                return;
            }
            self.say(entry, lane, Mark::None, "finds", format!("finds {found}{rest}"));
        }
        if self.statement(request) == Some(StatementKind::Select)
            && let Some(place) = self.last.get(&lane).copied()
            && let Some(Some(line)) = self.lines.get(place)
        {
            self.answered.insert(lane, (place, line.text.len().saturating_sub(rest.len())));
        }
    }

    /// A link's rows were looked through for one row: it is told with all the others.
    fn followed(&mut self, selection: &Selection<'t>) {
        let links = self.linked.entry(selection.request).or_default();
        let place = links.iter().position(|(name, _)| Some(*name) == selection.link);
        match (place, selection.link) {
            (Some(place), _) => {
                links[place].1.examined += selection.examined;
                links[place].1.matched += selection.matched;
            }
            (None, Some(name)) => links.push((name, *selection)),
            (None, None) => {}
        }
    }

    /// How a link's rows were found: `; contacts: seeks by customer, 12 entries`.
    fn along(&self, link: &Selection<'_>) -> String {
        let name = link.link.map_or("", |it| it);
        let (examined, rows) = (grouped(u64::from(link.examined)), rows(u64::from(link.examined)));
        let how = match link.access {
            AccessPath::Scan => format!("scans {rows}"),
            AccessPath::Primary => format!("{rows} by id"),
            AccessPath::Seek { index, covering } => {
                let index = self.history.names.index(link.table, index);
                let index = index.strip_prefix("by ").unwrap_or(&index);
                let entries = if link.examined == 1 { "entry" } else { "entries" };
                let alone = if covering { ", the index alone" } else { "" };
                format!("seeks by {index}, {examined} {entries}{alone}")
            }
        };
        format!(" (link {name}: {how})")
    }

    /// How the rows were found, where that is worth a word: ` (scans 200 rows)`, ` (seeks by
    /// status)`.
    fn how(&self, selection: &Selection<'_>) -> String {
        let examined = grouped(u64::from(selection.examined));
        let more = selection.examined > selection.matched;
        match selection.access {
            AccessPath::Scan if more && selection.examined == 1 => " (scans 1 row)".to_owned(),
            AccessPath::Scan if more => format!(" (scans {examined} rows)"),
            AccessPath::Scan | AccessPath::Primary => String::new(),
            AccessPath::Seek { index, covering } => {
                let index = self.history.names.index(selection.table, index);
                // An index is often called `by number`.
                let index = index.strip_prefix("by ").unwrap_or(&index);
                let entries = match (more, selection.examined) {
                    (false, _) => String::new(),
                    (true, 1) => ", 1 entry".to_owned(),
                    (true, _) => format!(", {examined} entries"),
                };
                let alone = if covering { ", the index alone" } else { "" };
                format!(" (seeks by {index}{entries}{alone})")
            }
        }
    }

    /// The rows of an answer that are not committed: the first, and how many more.
    fn dirty(&self, request: RequestId) -> String {
        let reads = &self.history.reads;
        let is_dirty = |it: &&RowRead| it.request == request && it.writer.is_some();
        let mut dirty = reads.iter().filter(is_dirty);
        let Some(first) = dirty.next() else {
            return String::new();
        };
        let key = first.key;
        let place = self.history.names.place(key.instance, key.table, key.row);
        let writer = first.writer.map_or_else(String::new, |it| self.uncommitted(it));
        let more = match dirty.count() {
            0 => String::new(),
            more => format!(" and {more} more like it"),
        };
        format!(", among them {place}{writer}{more}")
    }

    fn uncommitted(&self, writer: TransactionId) -> String {
        format!(" (not committed yet, written by {})", self.history.transaction_name(writer))
    }

    /// ` with nolock`, where a read departs so from its transaction's level.
    fn with_nolock(&self, transaction: Option<TransactionId>, level: Isolation) -> &'static str {
        let transaction = transaction.and_then(|it| self.history.transactions.get(&it));
        let own = transaction.map(|it| it.isolation);
        let departs = level == Isolation::ReadUncommitted && own != Some(level);
        if departs { " with nolock" } else { "" }
    }
}

/// `3 rows`, `1 row from 40`, `5,000 rows and more`.
fn answered(found: usize, answered: Option<RowsAnswered>) -> String {
    let Some(RowsAnswered { rows: count, more }) = answered else {
        return if found == 1 { "1 row".to_owned() } else { format!("{found} rows") };
    };
    let count = u64::from(count);
    let of = match more {
        true => ", and there are more".to_owned(),
        false if count == found as u64 => String::new(),
        false => format!(" from {}", grouped(found as u64)),
    };
    format!("{}{of}", rows(count))
}

/// `1 row`, `5,000 rows`.
fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{} rows", grouped(count)) }
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        let told = [0, 12, 999, 1_000, 5_000, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "12", "999", "1,000", "5,000", "1,234,567"]);
    }
}
