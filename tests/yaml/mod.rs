//! YAML with the place of every value, just enough to change one value of a well-formed file and
//! leave the rest of the text as it is. Written apart from the scenario front, whose errors it is
//! to find.

use std::iter::Peekable;

use saphyr_parser::{Event, Parser, Span, StrInput};

/// One value of the file.
#[derive(Clone, Debug)]
pub struct Node {
    /// The line of its first character, from 1.
    pub line: usize,
    /// Its first character, counted from 0.
    pub from: usize,
    /// The character after its last.
    pub to: usize,
    /// What it is.
    pub form: Form,
}

/// The forms of a value.
#[derive(Clone, Debug)]
pub enum Form {
    /// A single value, as text.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a single value; empty for any other.
    pub fn text(&self) -> &str {
        if let Form::Scalar(text) = &self.form { text } else { "" }
    }

    /// The elements of a list; none for any other.
    pub fn items(&self) -> &[Self] {
        if let Form::List(items) = &self.form { items } else { &[] }
    }

    /// The keys and values of a map; none for any other.
    pub fn entries(&self) -> &[(Self, Self)] {
        if let Form::Map(entries) = &self.form { entries } else { &[] }
    }

    /// The value of this key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.text() == key).map(|(_, value)| value)
    }
}

type Events<'a> = Peekable<Box<dyn Iterator<Item = (Event<'a>, Span)> + 'a>>;

/// Reads a well-formed file.
pub fn read(text: &str) -> Node {
    let parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    let events = parser.map(|event| event.expect("well-formed YAML")).filter(|(event, _)| {
        !matches!(event, Event::StreamStart | Event::DocumentStart(_) | Event::Nothing)
    });
    let events: Box<dyn Iterator<Item = _>> = Box::new(events);
    node(&mut events.peekable())
}

fn node(events: &mut Events<'_>) -> Node {
    let (event, span) = events.next().expect("a value");
    let mut to = span.end.index();
    let mut end_of = |events: &mut Events<'_>| {
        let (_, span) = events.next().expect("an end");
        to = to.max(span.end.index());
    };
    let form = match event {
        Event::Scalar(text, ..) => Form::Scalar(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while !matches!(events.peek(), Some((Event::SequenceEnd, _))) {
                items.push(node(events));
            }
            end_of(events);
            Form::List(items)
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            while !matches!(events.peek(), Some((Event::MappingEnd, _))) {
                entries.push((node(events), node(events)));
            }
            end_of(events);
            Form::Map(entries)
        }
        other => panic!("not in a scenario: {other:?}"),
    };
    Node { line: span.start.line(), from: span.start.index(), to, form }
}
