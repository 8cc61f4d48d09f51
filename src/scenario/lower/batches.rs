//! Requests that are sent as one: which steps can make its items.

use crate::plan::{BatchKind, Message, Verb};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{Body, Bound};
use crate::scenario::lower::steps::at_home;
use crate::scenario::tree::{Entry, Node};

/// The verbs that make the items of an `execute multiple` or an `execute transaction`.
const ITEMS: [&str; 19] = [
    "create",
    "retrieve",
    "query",
    "changes",
    "update",
    "upsert",
    "delete",
    "execute",
    "grant",
    "revoke",
    "assign",
    "set state",
    "associate",
    "disassociate",
    "execute multiple",
    "execute transaction",
    "create multiple",
    "update multiple",
    "upsert multiple",
];

impl Lowering<'_> {
    /// `execute multiple` and `execute transaction`.
    pub(super) fn batch(&mut self, entry: &Entry, body: &mut Body) -> Checked<Verb> {
        let node = &entry.value;
        let instance = self.instance_of(node, body);
        let continues = node.get("continue on error").map(|node| self.boolean(node)).transpose();
        let kind = match &*entry.key {
            "execute multiple" => BatchKind::Multiple { continues: continues?.unwrap_or(false) },
            "create multiple" => BatchKind::Create,
            "update multiple" => BatchKind::Update,
            "upsert multiple" => BatchKind::Upsert,
            _ => BatchKind::Transaction,
        };
        self.check_nesting(entry, kind, body.batch)?;
        let (home, around) = (body.home, body.batch.replace(kind));
        if let Ok(Some(instance)) = instance {
            body.home = Some(instance);
        }
        let before = body.bindings.clone();
        let steps = self.steps_at(node, "do", body);
        body.leave(&before, "the batch");
        (body.home, body.batch) = (home, around);
        let (instance, mut steps) = (instance?, steps?);
        if let Some(instance) = instance {
            at_home(&mut steps, instance);
        }
        let faults = match node.get("faults") {
            Some(name) => Some(self.bound_name(name, body, Bound::Any)?),
            None => None,
        };
        let bind = self.bind(node, body, Bound::Any)?;
        Ok(Verb::Batch { instance, kind, body: steps, bind, faults })
    }

    /// What may be in what.
    fn check_nesting(
        &mut self,
        entry: &Entry,
        kind: BatchKind,
        around: Option<BatchKind>,
    ) -> Checked<()> {
        let Some(around) = around else {
            return Ok(());
        };
        let is_bulk = |kind: BatchKind| kind.message().single().is_some();
        let fits = match (around, kind) {
            (BatchKind::Multiple { .. }, BatchKind::Transaction) => true,
            _ => !is_bulk(around) && is_bulk(kind),
        };
        if fits {
            return Ok(());
        }
        let (outer, inner) = (around.message().name(), kind.message().name());
        Err(self.diagnostics.report(
            entry.key_span,
            "out of place",
            format!("the platform takes no {inner} in an {outer}"),
            "this is an item of another batch",
            Some("only an `execute multiple` takes an `execute transaction`".to_owned()),
        ))
    }

    /// A step in a batch makes an item, or says how many times and with which values.
    pub(super) fn check_item(&mut self, entry: &Entry, body: &Body) -> Checked<()> {
        let single = body.batch.and_then(|kind| kind.message().single());
        let key = &*entry.key;
        let makes_items = match single {
            Some(Message::Create) => key == "create",
            Some(Message::Update) => key == "update",
            Some(_) => key == "upsert",
            None => ITEMS.contains(&key),
        };
        let chooses = matches!(&*entry.key, "let" | "if" | "for each" | "repeat");
        if makes_items || chooses {
            return Ok(());
        }
        let (message, requests) = match single {
            Some(single) => {
                let verb = single.name().to_lowercase();
                (format!("`{key}` is no `{verb}`"), format!("`{verb}`"))
            }
            None => (format!("`{key}` makes no request"), "requests".to_owned()),
        };
        Err(self.diagnostics.report(
            entry.key_span,
            "out of place",
            message,
            "the steps here only make the items of a batch",
            Some(format!("{requests}, and `for each`, `repeat`, `if` and `let` around them")),
        ))
    }

    /// An item's answer comes with those of all.
    pub(super) fn item_has_no_answer(&mut self, name: &Node) -> Reported {
        self.diagnostics.report(
            name.span,
            "out of place",
            "an item of a batch has no answer of its own",
            "its answer comes with those of the other items",
            Some("write `as` on the batch: it gets the list of the answers".to_owned()),
        )
    }
}
