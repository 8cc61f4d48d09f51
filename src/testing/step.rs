//! The registration of a plug-in in Rust.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::engine::plug_in::PlugIn;
use crate::plan::{ImageKind, Message, Mode, Stage};
use crate::testing::text::{list, quoted};

/// The registration of a plug-in as a step: what it listens to, and how it is run. It is held to
/// the rules of the scenario language's `plug-ins:`, when the [`Setup`](super::Setup) starts.
///
/// Source: Microsoft Learn, "Register a plug-in".
#[derive(Clone)]
pub struct Step {
    pub(super) name: String,
    pub(super) plug_in: Arc<dyn PlugIn>,
    event: String,
    stage: Stage,
    instance: Option<String>,
    mode: Mode,
    rank: Option<i32>,
    filter: Vec<String>,
    /// Alias, moment, and columns; none of them for all.
    images: Vec<(String, ImageKind, Vec<String>)>,
    run_as: Option<String>,
    is_enabled: bool,
    about: String,
}

impl Step {
    /// A plug-in under a name, of which each step of a setup has its own. It listens to nothing
    /// until [`Step::on`], and runs in PostOperation until [`Step::stage`].
    pub fn new(name: &str, plug_in: impl PlugIn + 'static) -> Self {
        Self {
            name: name.to_owned(),
            plug_in: Arc::new(plug_in),
            event: String::new(),
            stage: Stage::PostOperation,
            instance: None,
            mode: Mode::Synchronous,
            rank: None,
            filter: Vec::new(),
            images: Vec::new(),
            run_as: None,
            is_enabled: true,
            about: String::new(),
        }
    }

    /// Listens to this message on this table.
    #[must_use]
    pub fn on(mut self, message: Message, table: &str) -> Self {
        self.event = format!("{} {table}", message.name());
        self
    }

    /// Listens to a custom message.
    #[must_use]
    pub fn on_custom(mut self, message: &str) -> Self {
        message.clone_into(&mut self.event);
        self
    }

    /// Listens to this message on every table.
    #[must_use]
    pub fn on_every_table(mut self, message: Message) -> Self {
        message.name().clone_into(&mut self.event);
        self
    }

    /// Runs in this stage.
    #[must_use]
    pub const fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Is registered in this instance, and not in the first.
    #[must_use]
    pub fn in_instance(mut self, instance: &str) -> Self {
        self.instance = Some(instance.to_owned());
        self
    }

    /// Runs as a job of the async service, after the commit.
    #[must_use]
    pub const fn asynchronous(mut self) -> Self {
        self.mode = Mode::Asynchronous;
        self
    }

    /// Runs in this order among the steps of its stage, the lowest first. Default 1.
    #[must_use]
    pub const fn rank(mut self, rank: i32) -> Self {
        self.rank = Some(rank);
        self
    }

    /// Runs only where the Update brings one of these columns.
    #[must_use]
    pub fn filter(mut self, columns: &[&str]) -> Self {
        self.filter = columns.iter().map(|column| (*column).to_owned()).collect();
        self
    }

    /// Has an image of the row before the main operation, with these columns; none for all.
    #[must_use]
    pub fn pre_image(self, alias: &str, columns: &[&str]) -> Self {
        self.image(alias, ImageKind::Pre, columns)
    }

    /// Has an image of the row after the main operation, with these columns; none for all.
    #[must_use]
    pub fn post_image(self, alias: &str, columns: &[&str]) -> Self {
        self.image(alias, ImageKind::Post, columns)
    }

    fn image(mut self, alias: &str, kind: ImageKind, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.images.push((alias.to_owned(), kind, columns));
        self
    }

    /// Runs as this user, and not as the one who made the request.
    #[must_use]
    pub fn run_as(mut self, user: &str) -> Self {
        self.run_as = Some(user.to_owned());
        self
    }

    /// Is registered, and does not run.
    #[must_use]
    pub const fn disabled(mut self) -> Self {
        self.is_enabled = false;
        self
    }

    /// Has this description.
    #[must_use]
    pub fn about(mut self, text: &str) -> Self {
        text.clone_into(&mut self.about);
        self
    }

    /// The step as an item of `plug-ins:`; `instance` is where it is registered by default.
    pub(super) fn text(&self, instance: &str) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &str| {
            let start = if text.is_empty() { "  - " } else { "    " };
            let _ = writeln!(text, "{start}{key}: {value}");
        };
        line("name", &quoted(&self.name));
        line("on", &quoted(&self.event));
        line("in", &quoted(self.instance.as_deref().unwrap_or(instance)));
        line("stage", self.stage.name());
        if self.mode == Mode::Asynchronous {
            line("mode", "async");
        }
        if let Some(rank) = self.rank {
            line("rank", &rank.to_string());
        }
        if !self.filter.is_empty() {
            line("filter", &list(&self.filter));
        }
        if !self.images.is_empty() {
            let images: Vec<_> = self.images.iter().map(image).collect();
            line("images", &format!("{{ {} }}", images.join(", ")));
        }
        if let Some(user) = &self.run_as {
            line("run as", &quoted(user));
        }
        if !self.is_enabled {
            line("enabled", "false");
        }
        if !self.about.is_empty() {
            line("about", &quoted(&self.about));
        }
        line("rust", &quoted(&self.name));
        text
    }
}

fn image((alias, kind, columns): &(String, ImageKind, Vec<String>)) -> String {
    let kind = match kind {
        ImageKind::Pre => "pre",
        ImageKind::Post => "post",
    };
    let columns = if columns.is_empty() { "all".to_owned() } else { list(columns) };
    format!("{}: {{ {kind}: {columns} }}", quoted(alias))
}
