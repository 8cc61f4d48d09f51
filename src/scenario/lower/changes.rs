//! Steps that have to do with row versions: `changes`, and the conditions `if match` and
//! `if none match`.

use crate::plan::{ChangesFrom, Precondition, UpsertWhen, Verb};
use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{Body, Bound};
use crate::scenario::lower::definitions::ONE_ROW;
use crate::scenario::suggestion::shorten;
use crate::scenario::tree::Node;
use crate::words::{Expression, Value};

/// What `if match` and `if none match` say of whatever version.
const ANY: &str = "any";

impl Lowering<'_> {
    pub(super) fn read_changes(&mut self, node: &Node, body: &mut Body) -> Checked<Verb> {
        let target = self.target(node, body)?;
        let from = self.changes_from(node, body);
        let columns = self.asked_columns(node, target.table);
        let page_size = self.page_size(node);
        Ok(Verb::Changes {
            instance: target.instance,
            table: target.table,
            from: from?,
            columns: columns?,
            page_size: page_size?,
            bind: self.bind(node, body, Bound::Delta(target.table))?,
        })
    }

    fn changes_from(&mut self, node: &Node, body: &mut Body) -> Checked<ChangesFrom> {
        if let (Some(since), Some(_)) = (node.entry("since"), node.get("page after")) {
            let message = "a page belongs to the token of its first page";
            let label = "this page is since another answer already";
            let help = Some("leave out `since` on every page but the first".to_owned());
            return Err(self.diagnostics.report(
                since.key_span,
                "two meanings",
                message,
                label,
                help,
            ));
        }
        if let Some(since) = node.get("since") {
            let (token, bound) = self.bound_value(since, None, body, None)?;
            if let Bound::Delta(_) = bound {
                let message = "this is an answer, not its token";
                let label = "expected a token";
                let help = Some(format!("write `{}.token`", shorten(&written(since))));
                return Err(self.diagnostics.report(
                    since.span,
                    "wrong value",
                    message,
                    label,
                    help,
                ));
            }
            return Ok(ChangesFrom::Token(token));
        }
        match node.get("page after") {
            None => Ok(ChangesFrom::Beginning),
            Some(page) => {
                let (delta, bound) = self.bound_value(page, None, body, None)?;
                if matches!(bound, Bound::Delta(_) | Bound::Any)
                    && !matches!(delta, Expression::Literal(_))
                {
                    return Ok(ChangesFrom::PageAfter(delta));
                }
                let message = "expected the answer of the page before";
                let label = "this is none";
                let help = Some("write `$delta`, the binding of that answer".to_owned());
                Err(self.diagnostics.report(page.span, "wrong value", message, label, help))
            }
        }
    }

    fn page_size(&mut self, node: &Node) -> Checked<Option<u32>> {
        let Some(node) = node.get("page size") else {
            return Ok(None);
        };
        let most = self.plan.limits.changes_page;
        self.at_least_one(node, most, ONE_ROW, None).map(Some)
    }

    /// `if match` and `if none match` of a request that writes a row.
    pub(super) fn precondition(
        &mut self,
        node: &Node,
        body: &mut Body,
    ) -> Checked<Option<Precondition>> {
        if let (Some(_), Some(second)) = (node.get("if match"), node.entry("if none match")) {
            let message = "a request asks for one thing of its row";
            let label = "there is an `if match` already";
            return Err(self.diagnostics.report(
                second.key_span,
                "two meanings",
                message,
                label,
                None,
            ));
        }
        if let Some(node) = node.get("if match") {
            if is_any(node) {
                return Ok(Some(Precondition::Exists));
            }
            return Ok(Some(Precondition::Version(self.row_version(node, body)?)));
        }
        let Some(node) = node.get("if none match") else {
            return Ok(None);
        };
        if is_any(node) {
            return Ok(Some(Precondition::Missing));
        }
        let version = self.row_version(node, body)?;
        Ok(Some(Precondition::OtherVersion(version)))
    }

    /// The same of a read, which is of a row that is there.
    pub(super) fn read_precondition(
        &mut self,
        node: &Node,
        body: &mut Body,
    ) -> Checked<Option<Precondition>> {
        let precondition = self.precondition(node, body)?;
        let (Some(Precondition::Missing), Some(any)) = (&precondition, node.get("if none match"))
        else {
            return Ok(precondition);
        };
        let message = "a row that is missing has nothing to read";
        let label = "expected a row as it was read, or its version";
        Err(self.diagnostics.report(any.span, "wrong value", message, label, None))
    }

    /// The same of an upsert, which has a `when` too.
    pub(super) fn upsert_precondition(
        &mut self,
        node: &Node,
        when: UpsertWhen,
        body: &mut Body,
    ) -> Checked<Option<Precondition>> {
        let precondition = self.precondition(node, body)?;
        let entry = node.entry("if match").or_else(|| node.entry("if none match"));
        let (message, label, help) = match (&precondition, when) {
            (Some(Precondition::OtherVersion(_)), _) => (
                "an upsert is for a row that is missing, or for one version of it",
                "not for every version but one",
                "`if none match: any` creates, and meets a fault where the row is there",
            ),
            (None, _) | (_, UpsertWhen::Always) => return Ok(precondition),
            (Some(_), UpsertWhen::Missing | UpsertWhen::Exists) => (
                "`when` leaves a row alone without a word, and this meets a fault",
                "one or the other",
                "leave out `when`",
            ),
        };
        let span = entry.map_or(node.span, |entry| entry.key_span);
        let help = Some(help.to_owned());
        Err(self.diagnostics.report(span, "two meanings", message, label, help))
    }

    /// The version of a row that was read, or a number.
    fn row_version(&mut self, node: &Node, body: &mut Body) -> Checked<Expression> {
        let (version, bound) = self.bound_value(node, None, body, None)?;
        let label = match (&version, bound) {
            (Expression::Literal(Value::Null | Value::Whole(0..)), _) => return Ok(version),
            (Expression::Literal(value), _) => format!("this is {}", value.kind()),
            (_, Bound::Id) => "this is the id of a row, which says nothing of versions".to_owned(),
            (_, Bound::Rows(..)) => "this is a list of rows".to_owned(),
            (_, Bound::Delta(_)) => "this is what a read of changes answered".to_owned(),
            _ => return Ok(version),
        };
        let message = "expected a row as it was read, or its version";
        let help = Some("`retrieve: { …, as: row }`, then `if match: $row`".to_owned());
        Err(self.diagnostics.report(node.span, "wrong value", message, label, help))
    }
}

fn is_any(node: &Node) -> bool {
    node.scalar().is_some_and(|scalar| scalar.is_plain && &*scalar.text == ANY)
}

fn written(node: &Node) -> String {
    node.scalar().map_or_else(String::new, |scalar| scalar.text.to_string())
}
