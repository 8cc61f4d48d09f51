//! YAML as far as scenarios use it: scalars, lists and maps, each with its place in the file.
//!
//! The subset is strict, so that a file means what it seems to mean: no anchors, aliases, tags or
//! merge keys, no key twice in one map, no second document, only text as a key. A plain scalar is
//! not interpreted here: whether `no` or `2026` is text is for the column that it goes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use crate::scenario::diagnostic::{Checked, Diagnostics, Reported};
use crate::scenario::reading_limits as limits;
use crate::scenario::source::{ByteIndex, Span};
use crate::scenario::suggestion::shorten;

/// One value of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its place: a map's or list's whole text.
    pub span: Span,
    /// What it is.
    pub form: Form,
}

/// The three forms of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A text, number, word …
    Scalar(Scalar),
    /// Values in order.
    List(Vec<Node>),
    /// Values by name, in the order of the file. No name occurs twice.
    Map(Vec<Entry>),
}

/// One scalar, not yet interpreted.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// Its text, unquoted and unfolded.
    pub text: Arc<str>,
    /// Whether it stands without quotes on its own: only then can it be a number, `true`, `null`.
    pub is_plain: bool,
    /// The byte of the file where `text` stands letter by letter; `None` where quotes, escapes or
    /// folding keep it from doing so.
    pub verbatim: Option<usize>,
}

/// One entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: Arc<str>,
    /// The key's place.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The scalar, if it is one.
    pub const fn scalar(&self) -> Option<&Scalar> {
        match &self.form {
            Form::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The list's elements; none for any other form.
    pub fn items(&self) -> &[Self] {
        match &self.form {
            Form::List(items) => items,
            _ => &[],
        }
    }

    /// The map's entries; none for any other form.
    pub fn entries(&self) -> &[Entry] {
        match &self.form {
            Form::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The map's entry with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The map's value for this key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value as one or several: a list's elements, or the value alone.
    pub fn one_or_many(&self) -> &[Self] {
        match &self.form {
            Form::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// What to underline: a scalar or one-line collection itself, of a longer one its beginning.
    pub fn pointer(&self) -> Span {
        match &self.form {
            Form::Map(entries) => entries.first().map_or(self.span, |entry| entry.key_span),
            Form::List(items) => items.first().map_or(self.span, Self::pointer),
            Form::Scalar(_) => self.span,
        }
    }

    /// The form in words.
    pub const fn form_name(&self) -> &'static str {
        match &self.form {
            Form::Scalar(_) => "a single value",
            Form::List(_) => "a list",
            Form::Map(_) => "a map",
        }
    }

    /// How many values it holds, itself included.
    pub fn size(&self) -> usize {
        1 + match &self.form {
            Form::Scalar(_) => 0,
            Form::List(items) => items.iter().map(Self::size).sum(),
            Form::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }
}

impl Scalar {
    /// Whether nothing stands there at all.
    pub fn is_missing(&self) -> bool {
        self.is_plain && self.text.is_empty()
    }

    /// Whether it is the word for no value.
    pub fn is_null(&self) -> bool {
        self.is_plain && matches!(&*self.text, "null" | "~")
    }
}

/// Reads the file's one value.
///
/// # Errors
///
/// When the text is not YAML, or goes beyond a limit. Smaller sins (a duplicate key, an anchor)
/// are reported and read over.
pub fn read(diagnostics: &mut Diagnostics) -> Checked<Node> {
    let text = diagnostics.source().text.clone();
    Reader {
        bytes: ByteIndex::new(&text),
        text: &text,
        open: Vec::new(),
        root: None,
        values: 0,
        diagnostics,
    }
    .read()
}

/// A list or map whose end has not come.
struct Open {
    start: usize,
    is_flow: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// Every key so far, with its place.
        known: BTreeMap<Arc<str>, Span>,
        /// The key whose value comes next.
        key: Option<(Arc<str>, Span)>,
    },
}

struct Reader<'a, 'd> {
    text: &'a str,
    bytes: ByteIndex,
    open: Vec<Open>,
    root: Option<Node>,
    values: usize,
    diagnostics: &'d mut Diagnostics,
}

impl Reader<'_, '_> {
    fn read(mut self) -> Checked<Node> {
        let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(self.text);
        let mut documents = 0;
        let mut alias = None;
        while let Some(next) = parser.next_event() {
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => return Err(self.not_yaml(&error)),
            };
            let span =
                Span::new(self.bytes.of(span.start.index()), self.bytes.of(span.end.index()));
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(self.second_document(span));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.refuse_extras(span, anchor > 0, tag.is_some());
                    self.scalar(&text, style, span)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.refuse_extras(span, anchor > 0, tag.is_some());
                    self.begin(span, Content::List(Vec::new()))?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.refuse_extras(span, anchor > 0, tag.is_some());
                    self.begin(
                        span,
                        Content::Map { entries: Vec::new(), known: BTreeMap::new(), key: None },
                    )?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
                Event::Alias(_) => {
                    alias = Some(self.refuse(span, "an alias"));
                    self.scalar("null", ScalarStyle::Plain, span)?;
                }
                _ => {}
            }
        }
        // What an alias stands for is not known, so nothing more can be said of the file.
        if let Some(reported) = alias {
            return Err(reported);
        }
        self.root.take().ok_or_else(|| {
            let help = "`multiverse init DIR` writes a first scenario";
            self.diagnostics.report(
                Span::default(),
                "empty file",
                "there is no scenario in this file",
                "",
                Some(help.to_owned()),
            )
        })
    }

    fn begin(&mut self, span: Span, content: Content) -> Checked<()> {
        if self.open.len() >= limits::DEPTH {
            return Err(self.diagnostics.report(
                span,
                "limit: nesting",
                format!("lists and maps are nested more than {} deep", limits::DEPTH),
                "this one is too deep",
                None,
            ));
        }
        self.count_value(span)?;
        let is_flow = self.text[span.start..].starts_with(['{', '[']);
        self.open.push(Open { start: span.start, is_flow, content });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Checked<()> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let (last, form) = match open.content {
            Content::List(items) => (items.last().map(|item| item.span.end), Form::List(items)),
            Content::Map { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end);
                (last, Form::Map(entries))
            }
        };
        let end = match last {
            _ if open.is_flow => span.end,
            Some(last) => last,
            None => open.start,
        };
        let span = Span::new(open.start, end.max(open.start));
        self.place(Node { span, form })
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Checked<()> {
        self.count_value(span)?;
        if text.chars().count() > limits::TEXT_CHARACTERS {
            return Err(self.diagnostics.report(
                span,
                "limit: text",
                format!("a text is longer than {} characters", limits::TEXT_CHARACTERS),
                "this one",
                None,
            ));
        }
        let written = &self.text[span.start..span.end.max(span.start)];
        let span = Span::new(span.start, span.start + written.trim_end().len());
        let is_plain = style == ScalarStyle::Plain;
        let quote = usize::from(written.starts_with(['"', '\'']) && !is_plain);
        let inner = span.start + quote;
        let rest = self.text.get(inner..).unwrap_or_default();
        let verbatim = rest.starts_with(text).then_some(inner);
        self.place(Node {
            span,
            form: Form::Scalar(Scalar { text: Arc::from(text), is_plain, verbatim }),
        })
    }

    /// Puts a finished value where it belongs: into the list or map that is open, as its key or
    /// value, or as the whole file.
    fn place(&mut self, mut node: Node) -> Checked<()> {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        let length = match &mut open.content {
            Content::List(items) => {
                items.push(node);
                items.len()
            }
            Content::Map { entries, key, .. } => match key.take() {
                None => {
                    let Form::Scalar(scalar) = node.form else {
                        self.diagnostics.report(
                            node.pointer(),
                            "not a key",
                            "a key must be a word or text",
                            format!("this is {}", node.form_name()),
                            None,
                        );
                        *key = Some((Arc::from("?"), node.span));
                        return Ok(());
                    };
                    *key = Some((scalar.text, node.span));
                    return Ok(());
                }
                Some((key, key_span)) => {
                    if node.span.start == node.span.end {
                        node.span = key_span;
                    }
                    entries.push(Entry { key, key_span, value: node });
                    entries.len()
                }
            },
        };
        if length > limits::ENTRIES {
            let span = Span::new(open.start, open.start + 1);
            return Err(self.diagnostics.report(
                span,
                "limit: entries",
                format!("a list or map has more than {} entries", limits::ENTRIES),
                "it begins here",
                Some("`count:` makes many rows or actors of one pattern".to_owned()),
            ));
        }
        self.check_last_key();
        Ok(())
    }

    /// Looks at the entry that was added last: a key must be new in its map, and no merge key.
    fn check_last_key(&mut self) {
        let Some(Open { content, .. }) = self.open.last_mut() else {
            return;
        };
        let Content::Map { entries, known, .. } = content else {
            return;
        };
        let Some(last) = entries.last() else {
            return;
        };
        let (key, span) = (last.key.clone(), last.key_span);
        if &*key == "<<" {
            entries.pop();
            self.refuse(span, "a merge key");
        } else if let Some(&first) = known.get(&key) {
            entries.pop();
            let line = self.diagnostics.source().location(first).line;
            let message = format!("the key `{}` is there twice", shorten(&key));
            let label = format!("it stands on line {line} already");
            self.diagnostics.report(span, "duplicate key", message, label, None);
        } else {
            known.insert(key, span);
        }
    }

    fn count_value(&mut self, span: Span) -> Checked<()> {
        self.values += 1;
        if self.values <= limits::VALUES {
            return Ok(());
        }
        Err(self.diagnostics.report(
            span,
            "limit: values",
            format!("the file has more than {} values", limits::VALUES),
            "this is one too many",
            Some("`count:` makes many rows or actors of one pattern".to_owned()),
        ))
    }

    fn refuse_extras(&mut self, span: Span, has_anchor: bool, has_tag: bool) {
        if has_anchor {
            self.refuse(span, "an anchor");
        }
        if has_tag {
            self.refuse(span, "a tag");
        }
    }

    fn refuse(&mut self, span: Span, what: &str) -> Reported {
        self.diagnostics.report(
            span,
            "not in a scenario",
            format!("{what} has no place in a scenario"),
            format!("{what} of YAML"),
            Some("write the value out; `variants` and `programs` save repetition".to_owned()),
        )
    }

    fn second_document(&mut self, span: Span) -> Reported {
        self.diagnostics.report(
            span,
            "not in a scenario",
            "a second document begins",
            "here",
            Some("a file holds one scenario; `variants` tell several designs".to_owned()),
        )
    }

    fn not_yaml(&mut self, error: &ScanError) -> Reported {
        let start = self.bytes.of(error.marker().index());
        let rest = &self.text[start..];
        let length = rest.chars().next().map_or(0, char::len_utf8);
        let help = match error.info() {
            info if info.contains("tab") => Some("indent with spaces"),
            info if info.contains("did not find expected key") => {
                Some("entries of one map begin in the same column")
            }
            info if info.contains("mapping values are not allowed") => {
                Some("a text with `: ` in it needs quotes; so does one that begins with a quote")
            }
            info if info.contains("invalid indentation") => {
                Some("is a closing bracket or quote missing above?")
            }
            info if info.contains("',' or") => Some("is a comma or a closing bracket missing?"),
            info if info.contains("end of stream") => Some("is a closing quote missing?"),
            _ => None,
        };
        self.diagnostics.report(
            Span::new(start, start + length),
            "not YAML",
            format!("this is not YAML: {}", error.info()),
            "reading stopped here",
            help.map(str::to_owned),
        )
    }
}
