//! What is wrong with a file, said so that its author can repair it: the place, what was found,
//! what was expected, and a near name where there is one.

use std::fmt;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan};

use crate::plan::Location;
use crate::scenario::excerpt::{Excerpt, printable};
use crate::scenario::reading_limits as limits;
use crate::scenario::source::{Source, Span};
use crate::scenario::suggestion;

/// One mistake in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of mistake: a few words that stay the same from version to version.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What the underlined piece is, or should be.
    pub label: String,
    /// How to repair it.
    pub help: Option<String>,
    /// What is underlined.
    pub span: Span,
    /// Where that begins; line 0 for a file that has no text to point at.
    pub at: Location,
}

/// Proof that a mistake was reported. Whoever can't go on hands this back instead of a value, so
/// nothing is left out of a plan silently.
#[derive(Clone, Copy, Debug)]
pub struct Reported(());

/// A value, or the proof that its absence was reported.
pub type Checked<T> = Result<T, Reported>;

/// The mistakes of one file, as they are found.
#[derive(Debug)]
pub struct Diagnostics {
    source: Arc<Source>,
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No mistakes yet.
    pub fn new(source: Arc<Source>) -> Self {
        Self { source, found: Vec::new() }
    }

    /// The file that is being read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether so many mistakes are known that suggestions for more are of no use.
    pub fn are_many(&self) -> bool {
        self.found.len() >= limits::MISTAKES
    }

    /// Notes a mistake. One that was found already (the variants of a file share most of their
    /// text) is noted once.
    pub fn report(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> Reported {
        if self.found.len() >= limits::MISTAKES_KEPT {
            return Reported(());
        }
        // A file's own characters, which messages quote, must not reach a terminal unseen.
        let diagnostic = Diagnostic {
            code,
            message: message.into().chars().map(printable).collect(),
            label: label.into().chars().map(printable).collect(),
            help: help.map(|help| help.chars().map(printable).collect()),
            span,
            at: self.source.location(span),
        };
        let is_known = self.found.iter().any(|known| {
            known.span == diagnostic.span
                && known.code == diagnostic.code
                && known.message == diagnostic.message
        });
        if !is_known {
            self.found.push(diagnostic);
        }
        Reported(())
    }

    /// Notes a name that means nothing, with the nearest that does.
    pub fn unknown<'a>(
        &mut self,
        span: Span,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Reported {
        let help = self.near(name, known);
        let message = format!("unknown {what} `{}`", suggestion::shorten(name));
        self.report(span, "unknown name", message, format!("no such {what}"), help)
    }

    /// Notes a name that means nothing to its owner, such as a column that a table has not.
    pub fn unknown_of<'a>(
        &mut self,
        span: Span,
        owner: &str,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Reported {
        let help = self.near(name, known);
        let (owner, name) = (suggestion::shorten(owner), suggestion::shorten(name));
        let message = format!("`{owner}` has no {what} `{name}`");
        let label = format!("no such {what}");
        self.report(span, "unknown name", message, label, help)
    }

    /// What to say about an unknown name. A file with a hundred of them is not helped by one more
    /// search.
    fn near<'a>(&self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
        if self.are_many() {
            return None;
        }
        let known = known.into_iter().take(limits::NAMES_COMPARED);
        suggestion::help(name, &known.collect::<Vec<_>>())
    }

    /// The proof for a value whose wrong shape the grammar check has told already.
    pub fn misshapen(&mut self, span: Span) -> Reported {
        if self.found.is_empty() {
            return self.report(span, "wrong shape", "this is not understood", "here", None);
        }
        Reported(())
    }

    /// Everything that was found, or `None` when nothing was.
    pub fn into_rejection(mut self) -> Option<Rejection> {
        if self.found.is_empty() {
            return None;
        }
        self.found.sort_by_key(|diagnostic| diagnostic.span);
        Some(Rejection { source: self.source, diagnostics: self.found })
    }
}

/// Why a file is no scenario: all its mistakes, in the order of the text.
#[derive(Clone, Debug)]
pub struct Rejection {
    source: Arc<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl Rejection {
    /// The rejection of a file that has no text to point at.
    pub(crate) fn of_file(file: &str, code: &'static str, message: String, help: &str) -> Self {
        Self {
            source: Arc::new(Source::new(file, "")),
            diagnostics: vec![Diagnostic {
                code,
                message,
                label: String::new(),
                help: Some(help.to_owned()),
                span: Span::default(),
                at: Location::default(),
            }],
        }
    }

    /// How many mistakes there are; at least 1.
    pub fn count(&self) -> usize {
        self.diagnostics.len()
    }

    /// The mistakes, in the order of the text.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The path of the file as it was given.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// The whole message, for a terminal of this width: each mistake with its place, the
    /// underlined snippet, what was expected and a suggestion.
    pub fn render(&self, width: usize, colour: bool) -> String {
        let theme =
            if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let width = width.max(40);
        let painter = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_links(false)
            .with_context_lines(1);
        let mut text = String::new();
        for diagnostic in self.diagnostics.iter().take(limits::MISTAKES) {
            let told =
                Told { diagnostic, excerpt: Excerpt::new(&self.source, diagnostic.span, width) };
            // Writing to a String can't fail, and an excerpt answers every span.
            let _ = painter.render_report(&mut text, &told);
            text.push('\n');
        }
        let summary = match self.count() {
            1 => "1 mistake".to_owned(),
            count if count > limits::MISTAKES => {
                format!("{count} mistakes, the first {} shown", limits::MISTAKES)
            }
            count => format!("{count} mistakes"),
        };
        text.push_str(&format!("{summary} in {}\n", suggestion::shorten(self.file())));
        text
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(80, false))
    }
}

impl std::error::Error for Rejection {}

/// One mistake in the shape that miette draws.
#[derive(Debug)]
struct Told<'a> {
    diagnostic: &'a Diagnostic,
    excerpt: Excerpt,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Told<'_> {}

impl miette::Diagnostic for Told<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.diagnostic.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        (self.diagnostic.at.line > 0).then_some(&self.excerpt as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.diagnostic.label.is_empty()).then(|| self.diagnostic.label.clone());
        let (start, length) = self.excerpt.label();
        Some(Box::new(std::iter::once(LabeledSpan::new(label, start, length))))
    }
}
