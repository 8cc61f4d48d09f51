//! Who waits for whom at one moment: a ring on which locks and the lanes that hold and want them
//! alternate where they can, so that a circle of waits is a circle.

use std::collections::BTreeMap;

use crate::check::History;
use crate::report::html::state::{Fact, Standing, State, States};
use crate::report::html::svg::{Svg, hue};
use crate::report::html::text::{cut, number, sentence};
use crate::report::timeline::Timeline;
use crate::words::{LockMode, TransactionId};

/// The most nodes of one picture.
const NODES_MAX: usize = 14;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 186.0;

/// Of a ring with more nodes, the locks have no names.
const NAMED_MAX: usize = 8;

/// A lane or a lock on the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Lane(usize),
    Lock(usize),
}

/// The picture of a moment, by which equal moments are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waits {
    /// Who holds which lock.
    held: Vec<(usize, usize)>,
    /// Who waits for which lock.
    wanted: Vec<(usize, usize)>,
}

impl Waits {
    /// The contended locks that are held or waited for. With nobody waiting, only what at least
    /// somebody will wait for.
    pub(super) fn of(history: &History, view: &Timeline, states: &States, state: &State) -> Self {
        let mut waits = Self::default();
        let lane = |transaction: TransactionId| {
            let lane = history.transactions.get(&transaction)?.lane;
            view.lane_of.get(&lane).copied()
        };
        for (fact, standing) in state {
            let Fact::Lock(at, by) = fact else {
                continue;
            };
            let is_contended = states.resources.get(*at).is_some_and(|it| view.glyph(it).is_some());
            let Some(lane) = lane(*by).filter(|_| is_contended) else {
                continue;
            };
            match standing {
                Standing::Holds(mode, _) if !is_intent(*mode) => waits.held.push((*at, lane)),
                Standing::Waits(..) => waits.wanted.push((lane, *at)),
                Standing::Holds(..) | Standing::Told(_) => {}
            }
        }
        // What is neither waited for nor the only thing there is would hide what matters.
        if !waits.wanted.is_empty() {
            let wanted = waits.wanted.clone();
            let matters = |(lock, lane): &(usize, usize)| {
                wanted.iter().any(|(waiter, it)| it == lock || waiter == lane)
            };
            waits.held.retain(matters);
        }
        waits.held.sort_unstable();
        waits.held.dedup();
        waits.wanted.sort_unstable();
        waits.wanted.dedup();
        waits
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.wanted.is_empty()
    }

    /// The nodes in the order of the ring: along the waits, each from a lane to what it wants and
    /// on to who holds that.
    fn ring(&self) -> Vec<Node> {
        let mut ring: Vec<Node> = Vec::new();
        let push = |ring: &mut Vec<Node>, node: Node| {
            let fresh = !ring.contains(&node);
            if fresh {
                ring.push(node);
            }
            fresh
        };
        let is_wanted_from = |lane: usize| {
            self.held.iter().any(|(lock, holder)| {
                *holder == lane && self.wanted.iter().any(|(_, it)| it == lock)
            })
        };
        let mut starts: Vec<usize> = self.wanted.iter().map(|(lane, _)| *lane).collect();
        starts.sort_by_key(|lane| is_wanted_from(*lane));
        for start in starts {
            let mut lane = start;
            while push(&mut ring, Node::Lane(lane)) {
                let Some((_, lock)) = self.wanted.iter().find(|(it, _)| *it == lane) else {
                    break;
                };
                push(&mut ring, Node::Lock(*lock));
                let Some((_, holder)) = self.held.iter().find(|(it, _)| it == lock) else {
                    break;
                };
                lane = *holder;
            }
        }
        for (lock, lane) in &self.held {
            push(&mut ring, Node::Lock(*lock));
            push(&mut ring, Node::Lane(*lane));
        }
        ring
    }

    /// The lanes and locks that are in a circle.
    fn circle(&self) -> Vec<Node> {
        let next = |lane: usize| -> Vec<(usize, usize)> {
            let wanted = self.wanted.iter().filter(|(it, _)| *it == lane);
            let holders = wanted.flat_map(|(_, lock)| {
                let held = self.held.iter().filter(move |(it, _)| it == lock);
                held.map(move |(_, holder)| (*lock, *holder))
            });
            holders.filter(|(_, holder)| *holder != lane).collect()
        };
        for (start, _) in &self.wanted {
            let mut seen = vec![*start];
            let mut nodes = vec![Node::Lane(*start)];
            let mut lane = *start;
            while let Some((lock, holder)) = next(lane).first().copied() {
                nodes.push(Node::Lock(lock));
                if holder == *start {
                    return nodes;
                }
                if seen.contains(&holder) {
                    break;
                }
                seen.push(holder);
                nodes.push(Node::Lane(holder));
                lane = holder;
            }
        }
        Vec::new()
    }

    /// The picture.
    pub(super) fn draw(&self, history: &History, view: &Timeline, states: &States) -> String {
        let ring = self.ring();
        let name = |lock: usize| history.resource(&states.resources[lock]);
        let mut svg = Svg::default();
        let told = self.told(view, &name);
        svg.raw("<svg class=\"graph\" viewBox=\"0 0 300 186\" role=\"img\" aria-label=\"");
        svg.raw(&sentence(&told)).raw("\">");
        let glyph = |lock: usize| view.glyph(&states.resources[lock]).unwrap_or(0) % 6;
        let locks = ring.iter().filter(|it| matches!(it, Node::Lock(_))).count();
        if ring.len() > NAMED_MAX && locks > 1 {
            self.lanes_alone(&mut svg, view, glyph);
            svg.raw("</svg>");
            return svg.into_text();
        }
        let (places, hidden) = places(&ring);
        let circle = self.circle();
        let pairs = self.held.iter().map(|(lock, lane)| (Node::Lock(*lock), Node::Lane(*lane)));
        let wants = self.wanted.iter().map(|(lane, lock)| (Node::Lane(*lane), Node::Lock(*lock)));
        for (from, to) in pairs.chain(wants) {
            if let (Some(start), Some(end)) = (places.get(&from), places.get(&to)) {
                let is_bad = circle.contains(&from) && circle.contains(&to);
                let is_wait = matches!(from, Node::Lane(_));
                arrow(&mut svg, (*start, *end), is_wait, is_bad, ring.len() <= 6);
            }
        }
        let is_alone = history.trace.header.instances.len() == 1;
        for (node, (x, y)) in &places {
            match node {
                Node::Lane(lane) => badge(&mut svg, (*x, *y), 17.0, *lane, view),
                Node::Lock(lock) => {
                    let name = name(*lock);
                    let short = name.split_once('/').filter(|_| is_alone).map(|(_, rest)| rest);
                    lock_node(&mut svg, (*x, *y), glyph(*lock), short.unwrap_or(&name));
                }
            }
        }
        self.aside(&mut svg, hidden);
        svg.raw("</svg>");
        svg.into_text()
    }

    /// What is written beside the nodes.
    fn aside(&self, svg: &mut Svg, hidden: usize) {
        if !self.circle().is_empty() {
            let bold = "text-anchor=\"middle\" font-size=\"13\" font-weight=\"700\" \
                        fill=\"var(--bad)\"";
            svg.text((WIDTH / 2.0, HEIGHT / 2.0 + 4.0), bold, "a closed circle");
        }
        if hidden > 0 {
            let attributes = "text-anchor=\"end\" font-size=\"11.5\" fill=\"var(--ink2)\"";
            svg.text((WIDTH - 4.0, HEIGHT - 4.0), attributes, &format!("and {hidden} more"));
        }
    }

    /// The picture of many: the lanes alone, with the lock's mark on each wait.
    fn lanes_alone(&self, svg: &mut Svg, view: &Timeline, glyph: impl Fn(usize) -> usize) {
        let lanes: Vec<_> =
            self.ring().into_iter().filter(|it| matches!(it, Node::Lane(_))).collect();
        let (places, hidden) = places(&lanes);
        let circle = self.circle();
        for (lane, lock) in &self.wanted {
            for (_, holder) in self.held.iter().filter(|(it, holder)| it == lock && holder != lane)
            {
                let (from, to) = (Node::Lane(*lane), Node::Lane(*holder));
                if let (Some(start), Some(end)) = (places.get(&from), places.get(&to)) {
                    let is_bad = circle.contains(&from) && circle.contains(&Node::Lock(*lock));
                    arrow(svg, (*start, *end), true, is_bad, false);
                    let middle = ((start.0 + end.0) / 2.0, (start.1 + end.1) / 2.0);
                    let (x, y) = (number(middle.0), number(middle.1));
                    svg.raw(&format!(
                        "<circle cx=\"{x}\" cy=\"{y}\" r=\"8\" fill=\"var(--panel)\"/>"
                    ));
                    let corner = (middle.0 - 5.0, middle.1 - 5.0);
                    svg.symbol(corner, 10.0, &format!("g{}", glyph(*lock)));
                }
            }
        }
        for (node, place) in &places {
            if let Node::Lane(lane) = node {
                badge(svg, *place, 13.0, *lane, view);
            }
        }
        self.aside(svg, hidden);
    }

    /// The picture in words.
    fn told(&self, view: &Timeline, name: &impl Fn(usize) -> String) -> String {
        let badge = |lane: &usize| &view.lanes[*lane].badge;
        let held =
            self.held.iter().map(|(lock, lane)| format!("{} holds {}", badge(lane), name(*lock)));
        let wanted = self
            .wanted
            .iter()
            .map(|(lane, lock)| format!("{} waits for {}", badge(lane), name(*lock)));
        let told: Vec<_> = held.chain(wanted).take(NODES_MAX).collect();
        let end = if self.circle().is_empty() { "" } else { "; this is a closed circle" };
        format!("{}{end}", told.join("; "))
    }
}

/// Whether a lock of this mode only tells of others further down.
pub(super) const fn is_intent(mode: LockMode) -> bool {
    matches!(mode, LockMode::IntentShared | LockMode::IntentExclusive | LockMode::SchemaStability)
}

/// Where the nodes stand, and for how many there is no room. A lock that many want stands in their
/// middle.
fn places(ring: &[Node]) -> (BTreeMap<Node, (f64, f64)>, usize) {
    let hidden = ring.len().saturating_sub(NODES_MAX);
    let mut ring = ring[..ring.len() - hidden].to_vec();
    let mut locks = ring.iter().filter(|it| matches!(it, Node::Lock(_))).copied();
    let centre = locks.next().filter(|_| locks.next().is_none() && ring.len() > 4);
    ring.retain(|it| Some(*it) != centre);
    let place = |at: usize| {
        let turn = std::f64::consts::TAU * at as f64 / ring.len() as f64;
        let (x, y) = (-turn.cos(), -turn.sin());
        (WIDTH / 2.0 + x * WIDTH * 0.3, HEIGHT / 2.0 + y * HEIGHT * 0.32)
    };
    let mut places: BTreeMap<Node, (f64, f64)> =
        ring.iter().enumerate().map(|(at, node)| (*node, place(at))).collect();
    places.extend(centre.map(|it| (it, (WIDTH / 2.0, HEIGHT / 2.0))));
    (places, hidden)
}

/// A lane's badge, around this point.
pub(super) fn badge(svg: &mut Svg, (x, y): (f64, f64), half: f64, lane: usize, view: &Timeline) {
    let letters = view.lanes.get(lane).map_or("?", |it| &it.badge);
    svg.raw(&format!("<g class=\"h{}\">", hue(lane)));
    svg.rect((x - half, y - half), (half * 2.0, half * 2.0), 6.0, "fill=\"var(--c)\"");
    let size = if letters.len() > 2 { half * 0.6 } else { half * 0.85 };
    let attributes = format!(
        "text-anchor=\"middle\" font-weight=\"700\" font-size=\"{}\" fill=\"var(--on)\"",
        number(size)
    );
    svg.text((x, y + size * 0.36), &attributes, letters).raw("</g>");
}

fn lock_node(svg: &mut Svg, (x, y): (f64, f64), glyph: usize, name: &str) {
    let (cx, cy) = (number(x), number(y));
    svg.raw(&format!(
        "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"15\" fill=\"var(--chip)\" stroke=\"var(--line)\"/>"
    ));
    svg.symbol((x - 6.5, y - 6.5), 13.0, &format!("g{glyph}"));
    let top = y < HEIGHT / 2.0 - 8.0;
    let label = cut(name, 11.5, 150.0);
    let attributes = "text-anchor=\"middle\" font-size=\"11.5\" font-weight=\"600\" class=\"halo\"";
    svg.text((x, if top { y - 19.0 } else { y + 26.0 }), attributes, &label);
}

/// An arrow between two nodes: dashed for a wait, solid for what is held.
fn arrow(
    svg: &mut Svg,
    (from, to): ((f64, f64), (f64, f64)),
    is_wait: bool,
    is_bad: bool,
    is_labelled: bool,
) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let start = (from.0 + ux * 20.0, from.1 + uy * 20.0);
    let end = (to.0 - ux * 24.0, to.1 - uy * 24.0);
    let (colour, head) = if is_bad { ("bad", "hb") } else { ("ink2", "hn") };
    let dash = if is_wait { " stroke-dasharray=\"6 4\"" } else { "" };
    let attributes = format!(
        "stroke=\"var(--{colour})\" stroke-width=\"2.4\" fill=\"none\"{dash} \
         marker-end=\"url(#{head})\""
    );
    svg.line(start, end, &attributes);
    if !is_labelled {
        return;
    }
    let middle = ((start.0 + end.0) / 2.0, (start.1 + end.1) / 2.0);
    let outward = if middle.0 < WIDTH / 2.0 { -1.0 } else { 1.0 };
    let anchor = if outward < 0.0 { "end" } else { "start" };
    let label = if is_wait { "waits" } else { "held by" };
    let attributes =
        format!("font-size=\"11.5\" text-anchor=\"{anchor}\" fill=\"var(--ink2)\" class=\"halo\"");
    let is_level = dy.abs() < 12.0;
    let lift = if is_level || middle.1 < HEIGHT / 2.0 { -4.0 } else { 10.0 };
    let aside = if is_level { -14.0 } else { 9.0 };
    svg.text((middle.0 + outward * aside, middle.1 + lift), &attributes, label);
}
