//! Where the nodes of a layered graph are: causes at the left, what follows at their right.
//!
//! Nodes stand in *columns* by how far they are from the beginning of what triggers them, and in
//! *bands*, one above the other, so that a frame around a band is a box with nothing else in it.
//! An arrow over several columns goes through a slot of its own in each of them. An arrow that
//! leads back, to a column that is not further right, goes below its band, or straight to another
//! one.

use std::collections::BTreeMap;

/// The room between two columns, for arrows and their labels.
const COLUMN_GAP: f64 = 110.0;

/// The room between two nodes of one column.
const ROW_GAP: f64 = 18.0;

/// The room around the nodes of a band, and above them for its name.
const PADDING: f64 = 16.0;
const HEADING: f64 = 22.0;

/// The room below a band for arrows that lead back.
const BACK_ROOM: f64 = 46.0;

/// The height of the slot of an arrow that passes a column.
const SLOT: f64 = 12.0;

/// How often the order within the columns is improved.
const SWEEPS: usize = 4;

/// A node to be placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sized {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Its band, from 0 at the top.
    pub(super) band: usize,
}

/// A place on the picture: the left upper corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The way of an arrow.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Way {
    /// From the right of one node, through these points, to the left of the other.
    Forward(Vec<Place>),
    /// Back within its band: from below one node to below the other, no lower than here.
    Back(f64),
    /// Back to another band: between the sides of the two nodes that face each other.
    Across,
}

/// A whole picture.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) places: Vec<Place>,
    /// By the position of the arrow.
    pub(super) ways: Vec<Way>,
    /// The top and the height of each band.
    pub(super) bands: Vec<(f64, f64)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A node, or the slot of an arrow that passes its column.
struct Cell {
    width: f64,
    height: f64,
    band: usize,
    column: usize,
    /// Where it came to stand among those of its band and column.
    order: f64,
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Places nodes that arrows connect, each from one position to another.
pub(super) fn place(nodes: &[Sized], arrows: &[(usize, usize)]) -> Layout {
    let columns = columns(nodes.len(), arrows);
    let mut cells: Vec<Cell> = nodes
        .iter()
        .zip(&columns)
        .enumerate()
        .map(|(order, (node, column))| Cell {
            width: node.width,
            height: node.height,
            band: node.band,
            column: *column,
            order: order as f64,
            before: Vec::new(),
            after: Vec::new(),
        })
        .collect();
    let slots: Vec<Option<Vec<usize>>> =
        arrows.iter().map(|arrow| slots(&mut cells, *arrow)).collect();
    for sweep in 0..SWEEPS {
        improve(&mut cells, sweep % 2 == 0);
    }
    let bands = nodes.iter().map(|it| it.band + 1).max().unwrap_or(0);
    let is_back = |band: usize| {
        let mut ways = arrows.iter().zip(&slots);
        ways.any(|((from, to), slots)| {
            slots.is_none() && nodes[*from].band == band && nodes[*to].band == band
        })
    };
    let lefts = lefts(&cells);
    let mut places = vec![Place::default(); cells.len()];
    let mut tops = Vec::new();
    let mut y = 0.0;
    for band in 0..bands {
        let height = fill(&cells, band, y + PADDING + HEADING, &lefts, &mut places);
        let back = if is_back(band) { BACK_ROOM } else { 0.0 };
        let whole = height + 2.0 * PADDING + HEADING + back;
        tops.push((y, whole));
        y += whole + ROW_GAP;
    }
    let ways = arrows.iter().zip(slots).map(|((from, to), slots)| match slots {
        None if nodes[*from].band != nodes[*to].band => Way::Across,
        None => {
            let (top, height) = tops[nodes[*from].band];
            Way::Back(top + height - 8.0)
        }
        Some(slots) => Way::Forward(
            slots
                .into_iter()
                .map(|slot| Place { x: places[slot].x, y: places[slot].y + SLOT / 2.0 })
                .collect(),
        ),
    });
    let ways = ways.collect();
    let width = lefts.last().map_or(0.0, |last| last - COLUMN_GAP + PADDING);
    places.truncate(nodes.len());
    Layout { places, ways, bands: tops, width, height: (y - ROW_GAP).max(0.0) }
}

/// The column of each node: one further than the furthest that leads to it, arrows that lead back
/// left out.
fn columns(count: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let next = |node: usize| arrows.iter().filter(move |it| it.0 == node).map(|it| it.1);
    // Depth first, in the order of the nodes: an arrow to a node that is not done leads back.
    let mut state = vec![0_u8; count];
    let mut done = Vec::new();
    let mut back = Vec::new();
    for root in 0..count {
        let mut path: Vec<(usize, Vec<usize>)> = Vec::new();
        if state[root] == 0 {
            state[root] = 1;
            path.push((root, next(root).collect()));
        }
        while let Some((node, rest)) = path.last_mut() {
            match rest.first().copied() {
                None => {
                    state[*node] = 2;
                    done.push(*node);
                    path.pop();
                }
                Some(to) => {
                    let from = *node;
                    rest.remove(0);
                    match state[to] {
                        0 => {
                            state[to] = 1;
                            path.push((to, next(to).collect()));
                        }
                        1 => back.push((from, to)),
                        _ => {}
                    }
                }
            }
        }
    }
    let mut columns = vec![0; count];
    for node in done.into_iter().rev() {
        for to in next(node).filter(|to| !back.contains(&(node, *to))) {
            columns[to] = columns[to].max(columns[node] + 1);
        }
    }
    columns
}

/// Makes the slots of an arrow that passes columns; `None` for one that leads back.
fn slots(cells: &mut Vec<Cell>, (from, to): (usize, usize)) -> Option<Vec<usize>> {
    let (first, last) = (cells[from].column, cells[to].column);
    if last <= first {
        return None;
    }
    let band = cells[to].band;
    let mut slots = Vec::new();
    let mut before = from;
    for column in first + 1..last {
        let slot = cells.len();
        let order = cells[from].order;
        cells.push(Cell {
            width: 0.0,
            height: SLOT,
            band,
            column,
            order,
            before: vec![before],
            after: Vec::new(),
        });
        cells[before].after.push(slot);
        slots.push(slot);
        before = slot;
    }
    cells[before].after.push(to);
    cells[to].before.push(before);
    Some(slots)
}

/// The cells of each band and column, by their order.
fn stacks(cells: &[Cell]) -> BTreeMap<(usize, usize), Vec<usize>> {
    let mut stacks: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (at, cell) in cells.iter().enumerate() {
        stacks.entry((cell.column, cell.band)).or_default().push(at);
    }
    for stack in stacks.values_mut() {
        stack.sort_by(|one, other| cells[*one].order.total_cmp(&cells[*other].order));
    }
    stacks
}

/// Orders each stack by the middle of what its cells hang on: to the right, or back to the left.
fn improve(cells: &mut [Cell], to_the_right: bool) {
    let stacks = stacks(cells);
    let mut keys: Vec<_> = stacks.keys().copied().collect();
    if !to_the_right {
        keys.reverse();
    }
    for key in keys {
        let wanted = |at: &usize| {
            let cell = &cells[*at];
            let hangs_on = if to_the_right { &cell.before } else { &cell.after };
            let places =
                hangs_on.iter().map(|it| (cells[*it].band as f64) * 1e6 + cells[*it].order);
            let count = hangs_on.len() as f64;
            if hangs_on.is_empty() {
                cell.band as f64 * 1e6 + cell.order
            } else {
                places.sum::<f64>() / count
            }
        };
        let mut stack: Vec<_> = stacks[&key].iter().map(|at| (wanted(at), *at)).collect();
        stack.sort_by(|one, other| one.0.total_cmp(&other.0));
        for (order, (_, at)) in stack.into_iter().enumerate() {
            cells[at].order = order as f64;
        }
    }
}

/// The left edge of each column, and that of what would come after the last.
fn lefts(cells: &[Cell]) -> Vec<f64> {
    let count = cells.iter().map(|it| it.column + 1).max().unwrap_or(0);
    let mut lefts = vec![PADDING];
    for column in 0..count {
        let of = cells.iter().filter(|it| it.column == column);
        let widest = of.map(|it| it.width).fold(0.0, f64::max);
        lefts.push(lefts[column] + widest + COLUMN_GAP);
    }
    lefts
}

/// Stands the cells of a band below `top`; answers how high they are.
fn fill(cells: &[Cell], band: usize, top: f64, lefts: &[f64], places: &mut [Place]) -> f64 {
    let stacks = stacks(cells);
    let of_band = || stacks.iter().filter(|((_, of), _)| *of == band);
    let high = |stack: &[usize]| {
        let heights = stack.iter().map(|at| cells[*at].height + ROW_GAP);
        (heights.sum::<f64>() - ROW_GAP).max(0.0)
    };
    let height = of_band().map(|(_, stack)| high(stack)).fold(0.0, f64::max);
    for ((column, _), stack) in of_band() {
        let mut y = top + (height - high(stack)) / 2.0;
        for at in stack {
            places[*at] = Place { x: lefts[*column], y };
            y += cells[*at].height + ROW_GAP;
        }
    }
    height
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn overlaps(one: (Place, Sized), other: (Place, Sized)) -> bool {
        let apart = |a: f64, b: f64, c: f64, d: f64| a + b <= c || c + d <= a;
        let (p, s) = one;
        let (q, t) = other;
        !apart(p.x, s.width, q.x, t.width) && !apart(p.y, s.height, q.y, t.height)
    }

    proptest! {
        /// Whatever triggers whatever: no two nodes overlap, every node is inside its band and
        /// the picture, and an arrow that does not lead back goes to the right.
        #[test]
        fn nothing_overlaps(
            sizes in prop::collection::vec((20_u16..200, 20_u16..60, 0_usize..3), 1..12),
            arrows in prop::collection::vec((0_usize..12, 0_usize..12), 0..24),
        ) {
            let nodes: Vec<_> = sizes
                .iter()
                .map(|(width, height, band)| Sized {
                    width: f64::from(*width),
                    height: f64::from(*height),
                    band: *band,
                })
                .collect();
            let count = nodes.len();
            let arrows: Vec<_> = arrows.into_iter().map(|(a, b)| (a % count, b % count)).collect();
            let layout = place(&nodes, &arrows);
            for (at, node) in nodes.iter().enumerate() {
                let (top, height) = layout.bands[node.band];
                let place = layout.places[at];
                prop_assert!(place.y >= top && place.y + node.height <= top + height);
                prop_assert!(place.x >= 0.0 && place.x + node.width <= layout.width);
                for (other, sized) in layout.places[..at].iter().zip(&nodes) {
                    prop_assert!(!overlaps((place, *node), (*other, *sized)));
                }
            }
            for ((from, to), way) in arrows.iter().zip(&layout.ways) {
                let (from, to) = (layout.places[*from], layout.places[*to]);
                prop_assert_eq!(matches!(way, Way::Forward(_)), from.x < to.x);
            }
        }
    }
}
