//! Programs that others call: their parameters, what they need of their callers, and that no
//! chain of calls comes back to its beginning.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::lower::body::Body;
use crate::scenario::lower::{CallSite, Lowering};
use crate::scenario::source::Span;
use crate::scenario::suggestion;
use crate::scenario::tree::{Form, Node};
use crate::words::{Name, ProgramId, TableId};

/// What the caller of a program lacks that the program needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Target,
    Home,
}

impl Lowering<'_> {
    /// Collects what all call sites give to each program: its parameters.
    pub(super) fn find_parameters(&mut self, tree: &Node) {
        let mut open = vec![tree];
        while let Some(node) = open.pop() {
            match &node.form {
                Form::Scalar(_) => {}
                Form::List(items) => open.extend(items),
                Form::Map(entries) => {
                    open.extend(entries.iter().map(|entry| &entry.value));
                    if let Some(scalar) = node.get("call").and_then(Node::scalar) {
                        let parameters = self.parameters.entry(scalar.text.clone()).or_default();
                        let given = node.get("with").map_or(&[][..], Node::entries);
                        parameters.extend(given.iter().map(|entry| entry.key.clone()));
                    }
                }
            }
        }
        for actor in tree.get("actors").map_or(&[][..], Node::entries) {
            if let Some(scalar) = actor.value.get("call").and_then(Node::scalar) {
                let parameters = self.parameters.entry(scalar.text.clone()).or_default();
                parameters.insert(Name::from("n"));
            }
        }
    }

    pub(super) fn programs(&mut self, node: Option<&Node>) {
        for (number, entry) in (0..).zip(node.map_or(&[][..], Node::entries)) {
            let id = ProgramId(number);
            let home = entry.value.get("in").map(|node| self.instance(node));
            let sql = entry.value.get("sql");
            let mut body = Body {
                home: home.and_then(Result::ok),
                is_sql: sql.is_some(),
                is_named: true,
                parameters: self.parameters.get(&entry.key).cloned().unwrap_or_default(),
                ..Body::default()
            };
            let steps = match entry.value.get("do").or(sql) {
                Some(steps) => self.steps(steps, &mut body),
                None => continue,
            };
            self.plan.programs[id.index()].home = body.home;
            body.facts.is_doubtful |= steps.is_err();
            self.facts[id.index()] = body.facts;
            self.plan.programs[id.index()].steps = steps.unwrap_or_default();
        }
    }

    /// Checks every call site against the program that it calls, once all are known.
    pub(super) fn check_calls(&mut self) {
        let sites = std::mem::take(&mut self.sites);
        for site in &sites {
            self.check_given(site);
        }
        self.check_cycles();
    }

    fn check_given(&mut self, site: &CallSite) {
        let Some(facts) = self.facts.get(site.program.index()) else {
            return;
        };
        let name = self.plan.programs[site.program.index()].name.clone();
        let is_doubtful = facts.is_doubtful;
        let used = facts.parameters.clone();
        let is_given = |wanted: &Name| {
            site.implied.contains(wanted) || site.given.iter().any(|(given, _)| given == wanted)
        };
        let mut missing: Vec<Name> = used.iter().filter(|name| !is_given(name)).cloned().collect();
        for (given, span) in site.given.iter().filter(|(given, _)| !used.contains(given)) {
            let known: Vec<&str> = missing.iter().map(|name| &**name).collect();
            let near = suggestion::nearest(given, &known).map(Name::from);
            if is_doubtful && near.is_none() {
                continue;
            }
            self.diagnostics.report(
                *span,
                "unknown name",
                format!("`{name}` has no use for `{given}`"),
                "nothing in it is called so",
                near.as_ref().map(|near| format!("did you mean `{near}`?")),
            );
            missing.retain(|name| Some(name) != near.as_ref());
        }
        if !missing.is_empty() {
            let missing: Vec<&str> = missing.iter().map(|name| &**name).collect();
            let listed = suggestion::listed(&missing);
            self.diagnostics.report(
                site.span,
                "missing name",
                format!("`{name}` needs {listed}"),
                "this call does not give it",
                Some(format!("`with: {{ {}: … }}`", missing[0])),
            );
        }
    }

    /// Checks what a program and all that it calls need of their caller. `span`: where the caller
    /// calls; `has_home`, `target`: what the caller has.
    pub(super) fn check_needs(
        &mut self,
        root: ProgramId,
        span: Span,
        has_home: bool,
        target: Option<Option<TableId>>,
    ) {
        let mut lacks_target = None;
        let mut lacks_home = None;
        let mut columns: Vec<(Name, Span)> = Vec::new();
        let mut seen: BTreeMap<ProgramId, Span> = BTreeMap::from([(root, span)]);
        let mut open = vec![(root, span, has_home)];
        while let Some((program, at, has_home)) = open.pop() {
            let Some(facts) = self.facts.get(program.index()) else {
                continue;
            };
            let has_home = has_home || self.plan.programs[program.index()].home.is_some();
            // What an actor's own steps lack was told at each of them.
            let is_told = program.index() >= self.names.programs.len();
            if target.is_none() && facts.target.is_some() && !is_told {
                lacks_target = lacks_target.or(Some((program, at)));
            }
            if !has_home && facts.homeless.is_some() && !is_told {
                lacks_home = lacks_home.or(Some((program, at)));
            }
            if program != root || at != span {
                columns.extend(facts.target_columns.iter().cloned());
            }
            for &(called, _) in &facts.calls {
                if seen.insert(called, at).is_none() {
                    // The outermost call is what the author of this caller can change.
                    let place = if at == span { self.call_span(program, called, span) } else { at };
                    open.push((called, place, has_home));
                }
            }
        }
        if let Some((program, at)) = lacks_target {
            self.report_need(program, at, Need::Target);
        }
        if let Some((program, at)) = lacks_home {
            self.report_need(program, at, Need::Home);
        }
        if let Some(Some(table)) = target {
            for (column, span) in columns {
                // Whatever is wrong with the name is reported at its place in the program.
                let _ = self.column_named(&column, span, table);
            }
        }
    }

    fn call_span(&self, caller: ProgramId, called: ProgramId, otherwise: Span) -> Span {
        let calls = &self.facts[caller.index()].calls;
        let found = calls.iter().find(|(program, _)| *program == called);
        found.map_or(otherwise, |&(_, span)| span)
    }

    fn report_need(&mut self, program: ProgramId, span: Span, need: Need) {
        let name = &self.plan.programs[program.index()].name;
        let (message, label, help) = match need {
            Need::Target => (
                format!("`{name}` uses the target of a plug-in"),
                "only a plug-in can call it",
                "give it what it needs by `with` instead",
            ),
            Need::Home => (
                format!("`{name}` does not say in which instance it works"),
                "and nobody who calls it here does",
                "write `in: …` on the program, or on this actor",
            ),
        };
        self.diagnostics.report(span, "out of place", message, label, Some(help.to_owned()));
    }

    /// Reports each cycle of calls once, by the names along it.
    fn check_cycles(&mut self) {
        let mut done: BTreeSet<ProgramId> = BTreeSet::new();
        for index in 0..self.facts.len() {
            let root = ProgramId(u32::try_from(index).unwrap_or(u32::MAX));
            // A path of programs, each with the position of the next call to follow.
            let mut path: Vec<(ProgramId, usize)> = vec![(root, 0)];
            while let Some((program, next)) = path.last_mut() {
                let calls = &self.facts[program.index()].calls;
                let Some(&(called, span)) = calls.get(*next).filter(|_| !done.contains(program))
                else {
                    done.insert(*program);
                    path.pop();
                    continue;
                };
                *next += 1;
                match path.iter().position(|(on_path, _)| *on_path == called) {
                    Some(start) => {
                        let cycle: Vec<ProgramId> =
                            path[start..].iter().map(|(program, _)| *program).collect();
                        self.report_cycle(&cycle, span);
                    }
                    None if done.contains(&called) => {}
                    None => path.push((called, 0)),
                }
            }
        }
    }

    fn report_cycle(&mut self, cycle: &[ProgramId], span: Span) {
        let first = cycle.first().copied();
        let names: Vec<String> = cycle
            .iter()
            .chain(first.iter())
            .take(12)
            .map(|program| {
                let name = &self.plan.programs[program.index()].name;
                format!("`{}`", suggestion::shorten(name))
            })
            .collect();
        self.diagnostics.report(
            span,
            "cycle of calls",
            format!("a program calls itself: {}", names.join(" → ")),
            "this call closes the cycle",
            Some("`repeat` and `for each` do something again".to_owned()),
        );
    }
}
