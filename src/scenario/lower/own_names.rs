//! The names that a plug-in step has of itself: its images, its execution context, its shared
//! variables.

use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::Lowering;
use crate::scenario::lower::body::{Body, Bound};
use crate::scenario::source::Span;
use crate::scenario::suggestion::{self, shorten};
use crate::words::own_names::{
    CONTEXT, CONTEXT_MEMBERS, IMAGE, INPUT, OUTPUT, PARENT, RELATED, RELATIONSHIP, SHARED, TARGETS,
};
use crate::words::{ColumnId, Expression, Name, TableId};

/// What a name stands for that is neither bound nor a column: one of the plug-in's own.
pub fn own_name(name: &Name, body: &Body) -> Option<(Expression, Bound)> {
    if let Some(image) = body.images.iter().find(|image| image.name == *name) {
        let bound = Bound::Image(body.plug_in.flatten(), image.columns.clone());
        return Some((Expression::Binding(Name::from(format!("{IMAGE}{name}"))), bound));
    }
    let (own, bound) = match &**name {
        "context" => (CONTEXT, Bound::Context(false)),
        "parent" => (PARENT, Bound::Context(true)),
        "shared" => (SHARED, Bound::Shared),
        "targets" => (TARGETS, targets_of(body)),
        "relationship" => (RELATIONSHIP, Bound::Any),
        "related" => (RELATED, Bound::Any),
        "input" => (INPUT, body.input.clone().or(body.is_named.then_some(Bound::Any))?),
        "output" => (OUTPUT, body.output.clone().or(body.is_named.then_some(Bound::Any))?),
        _ => return None,
    };
    let has_them = body.is_named || body.plug_in.is_some();
    has_them.then(|| (Expression::Binding(Name::from(own)), bound))
}

/// The targets of a bulk message: rows of its table, where that is known.
fn targets_of(body: &Body) -> Bound {
    body.plug_in.flatten().map_or(Bound::Any, |table| Bound::Rows(table, Vec::new()))
}

impl Lowering<'_> {
    /// A member of an execution context.
    pub(super) fn member_of_context(&mut self, name: &Name, span: Span) -> Checked<Bound> {
        if CONTEXT_MEMBERS.contains(&&**name) {
            return Ok(Bound::Any);
        }
        let message = format!("a context has no `{}`", shorten(name));
        let help = suggestion::help(name, &CONTEXT_MEMBERS);
        Err(self.diagnostics.report(span, "unknown name", message, "no such member", help))
    }

    /// A column of an image: one of those that it is registered with.
    pub(super) fn member_of_image(
        &mut self,
        table: Option<TableId>,
        columns: Option<&[ColumnId]>,
        name: &Name,
        span: Span,
    ) -> Checked<Bound> {
        let Some(table) = table.filter(|_| !matches!(&**name, "id" | "row version")) else {
            return Ok(Bound::Any);
        };
        let column = self.column_named(name, span, table)?;
        if columns.is_none_or(|columns| columns.contains(&column)) {
            return Ok(Bound::Any);
        }
        let message = format!("the image has no `{}`", shorten(name));
        let label = "it is registered without this column";
        Err(self.diagnostics.report(span, "unknown name", message, label, None))
    }
}
