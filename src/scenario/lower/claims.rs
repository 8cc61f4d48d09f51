//! The claims about waits, counts, plug-ins, phenomena, convergence and order.

use crate::fault::FaultKind;
use crate::plan::{Anomaly, Bounds, Claim, Counted, Happening, Message, Phenomenon, RowRef};
use crate::scenario::diagnostic::Checked;
use crate::scenario::grammar;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::expectations::is_word;
use crate::scenario::lower::line::Line;
use crate::scenario::suggestion::{self, shorten};
use crate::scenario::tree::{Entry, Node};
use crate::words::{ActorId, InstanceId};

/// The keys that count and have their number behind them.
const COUNTS: &[&str] = &[
    "requests",
    "faults",
    "retries",
    "waits",
    "escalations",
    "recalculations",
    "cross-instance waits",
    "rows examined",
    "commits",
    "rollbacks",
];

impl Lowering<'_> {
    pub(super) fn wait_claims(
        &mut self,
        line: &mut Line<'_>,
        claims: &mut Vec<Claim>,
    ) -> Checked<()> {
        let is_measured = line.has("longest wait") || line.has("total wait");
        if !is_measured && !line.has("waits for") {
            return Ok(());
        }
        let for_node = line.take("waits for");
        let holder = match for_node {
            Some(node) if is_word(node, "anybody") => None,
            Some(node) => Some(self.actor(node)?),
            None => None,
        };
        let actor = self.line_actor(line)?;
        let row = line.take("on").map(|node| self.row_path(node)).transpose()?;
        let mut claim = |total, longest| {
            claims.push(Claim::Waits { actor, holder, row: row.clone(), total, longest });
        };
        if !is_measured {
            let total = if line.has("at least") || line.has("at most") {
                let pointer = line.pointer();
                let (least, most) = (self.entry(line, "at least"), self.entry(line, "at most"));
                self.bounds_between(pointer, least, most, Lowering::duration)?
            } else {
                Bounds::any()
            };
            claim(total, false);
            return Ok(());
        }
        for (key, longest) in [("longest wait", true), ("total wait", false)] {
            if let Some(node) = line.take(key) {
                claim(self.bounds(node, Lowering::duration)?, longest);
            }
        }
        Ok(())
    }

    fn entry<'n>(&self, line: &mut Line<'n>, key: &str) -> Option<&'n Entry> {
        line.take(key)?;
        line.entry(key)
    }

    /// Everything that is counted and whose number stands in the line.
    pub(super) fn counts(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        if let Some(node) = line.take("count") {
            let (instance, table) = self.table_path(node)?;
            let is = self.number_beside(line, node)?;
            let by = self.line_by(line)?;
            let of = Counted::Rows { instance, table };
            claims.push(Claim::Count { of, by, is });
        }
        if let Some(node) = line.take("writes") {
            let row = self.row_path(node)?;
            let is = self.number_beside(line, node)?;
            let by = self.line_by(line)?;
            let of = Counted::Writes { row };
            claims.push(Claim::Count { of, by, is });
        }
        for key in COUNTS {
            let Some(node) = line.take(key) else { continue };
            let is = self.number_bounds(node)?;
            let of = self.counted(key, line)?;
            let by = self.line_by(line)?;
            claims.push(Claim::Count { of, by, is });
        }
        Ok(())
    }

    fn counted(&mut self, key: &str, line: &mut Line<'_>) -> Checked<Counted> {
        let is_everybodys = key == "cross-instance waits";
        let actor: Option<ActorId> = if is_everybodys { None } else { self.line_actor(line)? };
        Ok(match key {
            "requests" => {
                let event = line.take("of").map(|node| self.event(node)).transpose()?;
                Counted::Requests {
                    actor,
                    instance: self.line_instance(line)?,
                    message: event.map(|(message, _)| message),
                    table: event.and_then(|(_, table)| table),
                }
            }
            "faults" => {
                let fault = line.take("fault").map(|node| self.fault(node));
                let fault = fault.transpose()?;
                Counted::Faults { actor, fault }
            }
            "retries" => Counted::Retries { actor },
            "waits" => Counted::Waits { actor },
            "commits" => {
                let instance = self.line_instance(line)?;
                Counted::Commits { actor, instance }
            }
            "escalations" => Counted::Escalations { actor },
            "recalculations" => Counted::Recalculations { actor },
            "cross-instance waits" => Counted::CrossInstanceWaits,
            "rows examined" => {
                let table = line.take("of").map(|node| self.table_path(node)).transpose()?;
                Counted::RowsExamined { actor, table }
            }
            _ => {
                let instance = self.line_instance(line)?;
                Counted::Rollbacks { actor, instance }
            }
        })
    }

    fn line_instance(&mut self, line: &mut Line<'_>) -> Checked<Option<InstanceId>> {
        line.take("in").map(|node| self.instance(node)).transpose()
    }

    /// The number that stands beside its subject: `is`, `at least`, `at most`.
    fn number_beside(&mut self, line: &mut Line<'_>, subject: &Node) -> Checked<Bounds<u64>> {
        if let Some(node) = line.take("is") {
            return self.number_bounds(node);
        }
        let (least, most) = (self.entry(line, "at least"), self.entry(line, "at most"));
        if least.is_none() && most.is_none() {
            let (message, label) = ("how many?", "say so by `is`, `at least` or `at most`");
            return Err(self.diagnostics.report(subject.span, "missing key", message, label, None));
        }
        self.bounds_between(subject.span, least, most, |lowering, node| {
            lowering.count(node, u64::MAX)
        })
    }

    pub(super) fn plug_in_claims(
        &mut self,
        line: &mut Line<'_>,
        claims: &mut Vec<Claim>,
    ) -> Checked<()> {
        if let Some(node) = line.take("plug-in") {
            let name = self.text(node)?;
            let Some(&plug_in) = self.names.plug_ins.get(&name) else {
                let known = self.names.plug_ins.keys().map(|name| &**name);
                return Err(self.diagnostics.unknown(node.span, "plug-in", &name, known));
            };
            let before = claims.len();
            if let Some(node) = line.take("runs") {
                let is = self.number_bounds(node)?;
                let by = self.line_by(line)?;
                let of = Counted::PlugInRuns { plug_in };
                claims.push(Claim::Count { of, by, is });
            }
            if let Some(node) = line.take("in transaction") {
                let inside = self.boolean(node)?;
                claims.push(Claim::InTransaction { plug_in, inside });
            }
            if claims.len() == before {
                let label = "say so by `runs` or `in transaction`";
                return Err(self.what_about(node, "plug-in", label));
            }
        }
        if let Some(node) = line.take("outage") {
            let outage = self.outage_named(node)?;
            let Some(hits) = line.take("hits") else {
                return Err(self.what_about(node, "outage", "say so by `hits`"));
            };
            let is = self.number_bounds(hits)?;
            let by = self.line_by(line)?;
            let of = Counted::OutageHits { outage };
            claims.push(Claim::Count { of, by, is });
        }
        Ok(())
    }

    pub(super) fn what_about(
        &mut self,
        node: &Node,
        what: &str,
        label: &str,
    ) -> crate::scenario::diagnostic::Reported {
        let message = format!("what must hold of the {what}?");
        self.diagnostics.report(node.span, "missing key", message, label, None)
    }

    fn outage_named(&mut self, node: &Node) -> Checked<crate::words::OutageId> {
        let name = self.text(node)?;
        if let Some(&outage) = self.names.outages.get(&name) {
            return Ok(outage);
        }
        let known = self.names.outages.keys().map(|name| &**name);
        Err(self.diagnostics.unknown(node.span, "outage", &name, known))
    }

    pub(super) fn phenomena(
        &mut self,
        line: &mut Line<'_>,
        claims: &mut Vec<Claim>,
    ) -> Checked<()> {
        for (key, happens) in [("never", false), ("happens", true), ("anomaly", true)] {
            if let Some(node) = line.take(key) {
                let phenomenon = self.phenomenon(node)?;
                claims.push(Claim::Happens { phenomenon, happens });
            }
        }
        Ok(())
    }

    fn phenomenon(&mut self, node: &Node) -> Checked<Phenomenon> {
        if let Some(entry) = node.entries().first() {
            let (message, row) = self.write_of(entry, |(imperative, _, _)| imperative)?;
            return Ok(Phenomenon::Write { message, row });
        }
        let text = self.text(node)?;
        if let Some(anomaly) = Anomaly::find(&text) {
            return Ok(Phenomenon::Anomaly(anomaly));
        }
        Ok(match &*text {
            "deadlock" => Phenomenon::Deadlock,
            "wait" => Phenomenon::Wait,
            "cross-instance wait" => Phenomenon::CrossInstanceWait,
            "escalation" => Phenomenon::Escalation,
            "missed row" => Phenomenon::MissedRow,
            "doubled row" => Phenomenon::DoubledRow,
            "fault" => Phenomenon::Fault(None),
            _ => match FaultKind::find(&text) {
                Some(kind) => Phenomenon::Fault(Some(kind)),
                None => {
                    let words = grammar::PHENOMENA.iter().chain(grammar::ANOMALY_WORDS);
                    let words = words.map(|word| word.word);
                    let faults = FaultKind::ALL.iter().map(|kind| kind.facts().word);
                    let known: Vec<&str> = words.chain(faults).collect();
                    return Err(self.diagnostics.report(
                        node.span,
                        "unknown word",
                        format!("nothing that can happen is called `{}`", shorten(&text)),
                        "no such phenomenon or fault",
                        suggestion::help(&text, &known),
                    ));
                }
            },
        })
    }

    /// `update: europe/account/fabrikam`, in the spelling that `word` picks.
    fn write_of(
        &mut self,
        entry: &Entry,
        word: impl Fn(&(&'static str, &'static str, Option<Message>)) -> &'static str,
    ) -> Checked<(Option<Message>, RowRef)> {
        let found = grammar::WRITES.iter().find(|write| *word(write) == *entry.key);
        match found {
            Some(&(_, _, message)) => Ok((message, self.row_path(&entry.value)?)),
            None => Err(self.diagnostics.misshapen(entry.key_span)),
        }
    }

    pub(super) fn finally(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        let Some(node) = line.take("finally") else {
            return Ok(());
        };
        let converged = self.word(node, &[("converged", true), ("diverged", false)])?;
        let table = line.take("table").map(|node| self.table(node)).transpose()?;
        let by = self.line_by(line)?;
        claims.push(Claim::Converged { table, by, converged });
        Ok(())
    }

    pub(super) fn order(&mut self, line: &mut Line<'_>, claims: &mut Vec<Claim>) -> Checked<()> {
        let Some(node) = line.take("order") else {
            return Ok(());
        };
        let found: Vec<_> = node.items().iter().map(|item| self.happening(item)).collect();
        let happenings = found.into_iter().collect::<Checked<Vec<_>>>()?;
        if happenings.len() < 2 {
            let (message, label) = ("an order needs two things", "list what comes first, first");
            return Err(self.diagnostics.report(
                node.pointer(),
                "missing value",
                message,
                label,
                None,
            ));
        }
        claims.push(Claim::Order(happenings));
        Ok(())
    }

    fn happening(&mut self, node: &Node) -> Checked<Happening> {
        let Some(entry) = node.entries().first() else {
            return Err(self.diagnostics.misshapen(node.pointer()));
        };
        match &*entry.key {
            "begins" => self.actor(&entry.value).map(Happening::Begins),
            "ends" => self.actor(&entry.value).map(Happening::Ends),
            "outage ends" => self.outage_named(&entry.value).map(Happening::OutageEnds),
            _ => {
                let (message, row) = self.write_of(entry, |(_, participle, _)| participle)?;
                Ok(Happening::Written(message, row))
            }
        }
    }
}
