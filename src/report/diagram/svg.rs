//! The graph of triggers as a picture: SVG that needs nothing else, for light and dark pages.

use std::fmt::Write as _;

use crate::report::diagram::draw::{Arrow, Picture};
use crate::report::diagram::layout::{Layout, Place, Sized, Way, place};
use crate::report::diagram::{Node, Target};
use crate::report::export::escape;
use crate::report::lettering::{cut, number, width};

/// The size of a name, of what stands below it, and of what stands at an arrow.
const NAME: f64 = 12.5;
const FINE: f64 = 10.5;

/// The widest line of a label.
const LINE_MAX: f64 = 230.0;

/// The room left and right of a label, and above and below.
const ROOM: (f64, f64) = (12.0, 8.0);

/// The height of a line.
const LINE: f64 = 15.0;

/// The room above everything, for the title.
const TITLE: f64 = 34.0;

/// The most nodes that are drawn: more is no picture.
pub(super) const NODES_MAX: usize = 120;

const STYLE: &str = "\
:root{--ink:#23261f;--soft:#5d6257;--line:#8a8f83;--panel:#fff;--fill:#eef0ea;--frame:#f6f7f3;\
--bad:#b00f3c}@media(prefers-color-scheme:dark){:root{--ink:#e8eae3;--soft:#a9aea0;--line:#7b8074;\
--panel:#1d1f1a;--fill:#2b2e27;--frame:#23261f;--bad:#ff7d9c}}text{font-family:system-ui,sans-serif;\
fill:var(--ink)}.fine{fill:var(--soft)}.back{fill:var(--panel)}.frame{fill:var(--frame);\
stroke:var(--line)}.node{fill:var(--panel);stroke:var(--soft);stroke-width:1.2}.request{\
fill:var(--fill)}.async{stroke-dasharray:5 3}.unseen{opacity:.55}.loop{stroke:var(--bad)}.way{\
fill:none;stroke:var(--soft);stroke-width:1.3}.way.loop{stroke:var(--bad);stroke-width:2}.at{\
paint-order:stroke;stroke:var(--frame);stroke-width:3px;fill:var(--soft)}.at.loop{fill:var(--bad);\
stroke:var(--frame)}";

impl Picture<'_> {
    /// The picture. With more nodes than [`NODES_MAX`], a note that says so.
    pub(super) fn svg(&self) -> String {
        let framed = self.framed();
        let nodes: Vec<(Node, usize)> = framed
            .values()
            .enumerate()
            .flat_map(|(band, members)| members.iter().map(move |(_, node)| (*node, band)))
            .collect();
        if nodes.len() > NODES_MAX {
            let text = format!(
                "{} requests and steps are too many for a picture: \
                 the formats dot and mermaid have them all.",
                nodes.len()
            );
            return note(&text);
        }
        let labels: Vec<Vec<String>> = nodes.iter().map(|(node, _)| self.label(*node)).collect();
        let sizes: Vec<Sized> =
            nodes.iter().zip(&labels).map(|((_, band), label)| sized(label, *band)).collect();
        let at = |node: Node| nodes.iter().position(|(it, _)| *it == node).unwrap_or(0);
        let ends: Vec<_> = self.arrows.iter().map(|it| (at(it.from), at(it.to))).collect();
        let layout = place(&sizes, &ends);
        let mut drawing =
            Drawing { picture: self, layout: &layout, sizes: &sizes, text: String::new() };
        drawing.begin();
        let frames: Vec<Option<Target>> = framed.keys().copied().collect();
        for (band, frame) in frames.iter().enumerate() {
            if let Some(frame) = frame {
                drawing.frame(band, *frame);
            }
        }
        for ((arrow, ends), way) in self.arrows.iter().zip(&ends).zip(&layout.ways) {
            drawing.arrow(arrow, *ends, way);
        }
        for (at, ((node, _), label)) in nodes.iter().zip(&labels).enumerate() {
            drawing.node(at, *node, label);
        }
        drawing.text.push_str("</g></svg>\n");
        drawing.text
    }

    fn label(&self, node: Node) -> Vec<String> {
        let size = |at: usize| if at == 0 { NAME } else { FINE };
        let lines = self.lines(node).into_iter().enumerate();
        lines.map(|(at, line)| cut(&line, size(at), LINE_MAX)).collect()
    }
}

fn sized(label: &[String], band: usize) -> Sized {
    let widths =
        label.iter().enumerate().map(|(at, line)| width(line, if at == 0 { NAME } else { FINE }));
    Sized {
        width: widths.fold(40.0, f64::max) + 2.0 * ROOM.0,
        height: label.len() as f64 * LINE + 2.0 * ROOM.1,
        band,
    }
}

/// A picture that is a sentence.
fn note(text: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 40\" width=\"760\" \
         height=\"40\" role=\"img\"><style>{STYLE}</style><text x=\"10\" y=\"25\" \
         font-size=\"13\">{}</text></svg>\n",
        escape::xml(text)
    )
}

struct Drawing<'a, 'p> {
    picture: &'a Picture<'p>,
    layout: &'a Layout,
    sizes: &'a [Sized],
    text: String,
}

impl Drawing<'_, '_> {
    fn begin(&mut self) {
        let title = &self.picture.graph.plan.title;
        let titled = width(title, 15.0) + 32.0;
        let wide = number(self.layout.width.max(titled.min(900.0)) + 8.0);
        let high = number(self.layout.height + TITLE + 8.0);
        let title = escape::xml(&cut(title, 15.0, 860.0));
        let _ = writeln!(
            self.text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" \
             width=\"{wide}\" height=\"{high}\" role=\"img\"><title>What triggers what: {title}\
             </title><style>{STYLE}</style><defs>{}{}</defs><rect class=\"back\" width=\"{wide}\" \
             height=\"{high}\"/><text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\">\
             {title}</text><g transform=\"translate(4 {TITLE})\">",
            marker("tip", "--soft"),
            marker("tip-loop", "--bad"),
        );
    }

    /// What shares its locks.
    fn frame(&mut self, band: usize, frame: Target) {
        let (top, height) = self.layout.bands[band];
        let (top, height) = (number(top), number(height));
        let width = number(self.layout.width);
        let name = escape::xml(&self.picture.frame_name(frame));
        let baseline = number(self.layout.bands[band].0 + 17.0);
        let _ = writeln!(
            self.text,
            "<rect class=\"frame\" x=\"0\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
             rx=\"10\"/><text class=\"fine\" x=\"12\" y=\"{baseline}\" font-size=\"{FINE}\">{name}\
             </text>"
        );
    }

    fn node(&mut self, at: usize, node: Node, label: &[String]) {
        let Place { x, y } = self.layout.places[at];
        let Sized { width, height, .. } = self.sizes[at];
        let rounding = match node {
            Node::Actor(_) => height / 2.0,
            Node::Request(_) => 9.0,
            Node::Step(_) => 2.0,
        };
        let mut class = "node".to_owned();
        let marks = [
            (matches!(node, Node::Request(_)), " request"),
            (self.picture.is_async(node), " async"),
            (self.picture.is_unseen(node), " unseen"),
            (self.picture.is_in_loop(node), " loop"),
        ];
        class.extend(marks.into_iter().filter(|it| it.0).map(|it| it.1));
        let _ = write!(
            self.text,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>",
            number(x),
            number(y),
            number(width),
            number(height),
            number(rounding)
        );
        for (row, line) in label.iter().enumerate() {
            let baseline = y + ROOM.1 + LINE * row as f64 + 11.5;
            let (size, class) = if row == 0 { (NAME, "name") } else { (FINE, "fine") };
            let _ = write!(
                self.text,
                "<text class=\"{class}\" x=\"{}\" y=\"{}\" font-size=\"{size}\">{}</text>",
                number(x + ROOM.0),
                number(baseline),
                escape::xml(line)
            );
        }
        self.text.push('\n');
    }

    fn arrow(&mut self, arrow: &Arrow, (from, to): (usize, usize), way: &Way) {
        let (start, end) = (self.layout.places[from], self.layout.places[to]);
        let (of, until) = (self.sizes[from], self.sizes[to]);
        let (path, at) = match way {
            Way::Forward(slots) => {
                let first = Place { x: start.x + of.width, y: start.y + of.height / 2.0 };
                let last = Place { x: end.x - 2.0, y: end.y + until.height / 2.0 };
                forward(first, slots, last)
            }
            Way::Back(lowest) => {
                let first = Place { x: start.x + of.width / 2.0, y: start.y + of.height };
                let last = Place { x: end.x + until.width / 2.0, y: end.y + until.height + 2.0 };
                back(first, last, *lowest)
            }
            Way::Across => {
                let is_down = end.y > start.y;
                let (leave, enter) = match is_down {
                    true => (start.y + of.height, end.y - 2.0),
                    false => (start.y, end.y + until.height + 2.0),
                };
                let first = Place { x: start.x + of.width * 0.7, y: leave };
                let last = Place { x: end.x + until.width * 0.3, y: enter };
                across(first, last)
            }
        };
        let (tip, class) = if arrow.is_loop { ("tip-loop", " loop") } else { ("tip", "") };
        let dashes = if arrow.is_dashed { " async" } else { "" };
        let _ = write!(
            self.text,
            "<path class=\"way{class}{dashes}\" d=\"{path}\" marker-end=\"url(#{tip})\"/>"
        );
        let told = arrow.label();
        if !told.is_empty() {
            // There is little room between two columns; where a loop is cut stands on its way back.
            let label = match way {
                Way::Forward(_) => cut(&arrow.columns, FINE, 104.0),
                Way::Back(_) | Way::Across => cut(&told, FINE, LINE_MAX),
            };
            let _ = write!(
                self.text,
                "<g><title>{}</title><text class=\"at{class}\" x=\"{}\" y=\"{}\" \
                 font-size=\"{FINE}\" text-anchor=\"middle\">{}</text></g>",
                escape::xml(&told),
                number(at.x),
                number(at.y),
                escape::xml(&label)
            );
        }
        self.text.push('\n');
    }
}

/// The tip of an arrow, in one of the page's colours.
fn marker(id: &str, colour: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8Z\" fill=\"var({colour})\"/>\
         </marker>"
    )
}

/// The path of an arrow to the right, and where its label stands.
fn forward(first: Place, slots: &[Place], last: Place) -> (String, Place) {
    let mut path = format!("M{} {}", number(first.x), number(first.y));
    let mut from = first;
    for to in slots.iter().chain([&last]) {
        let bend = (to.x - from.x) / 2.0;
        let _ = write!(
            path,
            "C{} {} {} {} {} {}",
            number(from.x + bend),
            number(from.y),
            number(to.x - bend),
            number(to.y),
            number(to.x),
            number(to.y)
        );
        from = *to;
    }
    let second = slots.first().copied().unwrap_or(last);
    let at = Place { x: first.x + 55.0, y: (first.y + second.y) / 2.0 - 5.0 };
    (path, at)
}

/// The path of an arrow that leads back to another band, and where its label stands.
fn across(first: Place, last: Place) -> (String, Place) {
    let middle = (first.y + last.y) / 2.0;
    let [x, y, to_x, to_y, half] = [first.x, first.y, last.x, last.y, middle].map(number);
    let path = format!("M{x} {y}C{x} {half} {to_x} {half} {to_x} {to_y}");
    (path, Place { x: (first.x + last.x) / 2.0, y: middle + 4.0 })
}

/// The path of an arrow that leads back, below its band, and where its label stands.
fn back(first: Place, last: Place, lowest: f64) -> (String, Place) {
    let path = format!(
        "M{} {}C{} {} {} {} {} {}",
        number(first.x),
        number(first.y),
        number(first.x),
        number(lowest + 10.0),
        number(last.x),
        number(lowest + 10.0),
        number(last.x),
        number(last.y)
    );
    (path, Place { x: (first.x + last.x) / 2.0, y: lowest - 4.0 })
}
