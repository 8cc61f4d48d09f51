//! The images of a step, and the rules by which the platform refuses to register them.

use crate::fault::FaultKind;
use crate::plan::{Image, ImageKind, Message, Stage};
use crate::scenario::diagnostic::{Checked, Reported};
use crate::scenario::lower::Lowering;
use crate::scenario::source::Span;
use crate::scenario::tree::{Entry, Node};
use crate::words::TableId;

/// The messages that have images.
///
/// Source: Microsoft Learn, "Register a plug-in", Messages that support entity images; those of
/// them that this world has.
const WITH_IMAGES: [Message; 6] = [
    Message::Assign,
    Message::Create,
    Message::Delete,
    Message::Merge,
    Message::SetState,
    Message::Update,
];

impl Lowering<'_> {
    /// The images with which a step is registered.
    pub(super) fn images(
        &mut self,
        node: &Node,
        message: Message,
        table: Option<TableId>,
        stage: Option<Stage>,
    ) -> Checked<Vec<Image>> {
        let Some(images) = node.get("images") else {
            return Ok(Vec::new());
        };
        let images = images.entries().iter().map(|entry| self.image(entry, message, table, stage));
        images.collect::<Vec<_>>().into_iter().collect()
    }

    fn image(
        &mut self,
        entry: &Entry,
        message: Message,
        table: Option<TableId>,
        stage: Option<Stage>,
    ) -> Checked<Image> {
        if &*entry.key != "before" {
            self.check_binding_name(&entry.key, entry.key_span)?;
        }
        let Some(found) = entry.value.entries().first() else {
            return Err(self.diagnostics.misshapen(entry.value.pointer()));
        };
        let kind = if &*found.key == "pre" { ImageKind::Pre } else { ImageKind::Post };
        self.check_image(kind, message, stage, found.key_span)?;
        let columns = match (&found.value, table) {
            (node, _) if node.scalar().is_some_and(|it| &*it.text == "all") => None,
            (node, Some(table)) if node.scalar().is_none() => Some(self.columns(node, table)?),
            (node, _) => {
                let label = "an image of a step on all tables has `all` of them".to_owned();
                return Err(self.wrong(node, "a list of columns, or `all`", label));
            }
        };
        Ok(Image { name: entry.key.clone(), kind, columns })
    }

    /// Source: Microsoft Learn, "Register a plug-in", Define entity images.
    fn check_image(
        &mut self,
        kind: ImageKind,
        message: Message,
        stage: Option<Stage>,
        span: Span,
    ) -> Checked<()> {
        let (fault, is_there) = match kind {
            ImageKind::Pre => (FaultKind::PreImageNotSupported, message != Message::Create),
            ImageKind::Post => (FaultKind::PostImageNotSupported, message != Message::Delete),
        };
        if !is_there || !WITH_IMAGES.contains(&message) {
            let name = self.plan.message_name(message);
            let label = format!("{name} has none");
            let says = format!("Message {name} does not support this image type");
            return Err(self.refused(fault, &says, span, label));
        }
        match stage {
            Some(stage) if kind == ImageKind::Post && stage != Stage::PostOperation => {
                let label = format!("in {} the row is not written yet", stage.name());
                let says = "PreEvent step registration does not support Post Images";
                Err(self.refused(fault, says, span, label))
            }
            _ => Ok(()),
        }
    }

    fn refused(&mut self, fault: FaultKind, says: &str, span: Span, label: String) -> Reported {
        let message = format!("{says} ({})", fault.facts().hex());
        self.diagnostics.report(span, "refused registration", message, label, None)
    }

    /// An asynchronous step stands in another stage than the last.
    ///
    /// Source: Microsoft Learn, "Register a plug-in", Execution mode.
    pub(super) fn not_after(&mut self, span: Span, stage: &str) -> Reported {
        let message = "an asynchronous step runs in PostOperation and nowhere else";
        let label = format!("this one stands in {stage}");
        self.diagnostics.report(span, "refused registration", message, label, None)
    }
}
