//! What a long story leaves out: repetitions first, then the middle. It always says how much.

use std::collections::BTreeMap;

use crate::report::story::line::Line;

/// The longest pattern whose repetitions are found, in lines.
const PERIOD_MAX: usize = 8;

/// From this many repetitions on, the middle ones are left out.
const REPEATS_LEAST: usize = 4;

/// The fewest lines that are worth leaving out.
const LEFT_OUT_LEAST: usize = 3;

/// One line of a folded story.
#[derive(Clone, Debug)]
pub(super) enum Folded {
    /// A line.
    Line(Line),
    /// What is left out here.
    LeftOut {
        /// In words.
        told: String,
        /// How many lines.
        lines: usize,
    },
}

/// Folds what repeats, and leaves out the middle of what is still longer than `most` lines,
/// except the failures and outages in it as far as they fit.
pub(super) fn fold(lines: Vec<Line>, most: usize) -> Vec<Folded> {
    cap(repetitions(lines), most)
}

/// Of a pattern that comes four times or more, keeps the first two times and the last.
fn repetitions(lines: Vec<Line>) -> Vec<Folded> {
    let mut numbers: BTreeMap<(&str, usize, &str), usize> = BTreeMap::new();
    let shapes: Vec<usize> = lines
        .iter()
        .map(|line| {
            let next = numbers.len();
            let key = (speaker_of(line), line.indent, line.shape.as_str());
            *numbers.entry(key).or_insert(next)
        })
        .collect();
    let mut keep = vec![true; lines.len()];
    let mut left_out = BTreeMap::new();
    let mut start = 0;
    while start < lines.len() {
        let Some((period, repeats)) = pattern(&shapes[start..]) else {
            start += 1;
            continue;
        };
        let from = start + 2 * period;
        let until = start + (repeats - 1) * period;
        keep[from..until].fill(false);
        let times = repeats - 3;
        let lines = until - from;
        let told = if period == 1 {
            format!("{times} more like this")
        } else {
            let times =
                if times == 1 { "once more".to_owned() } else { format!("{times} times more") };
            format!("{times} the same, {lines} lines")
        };
        left_out.insert(from, Folded::LeftOut { told, lines });
        start += repeats * period;
    }
    let mut folded = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        folded.extend(left_out.remove(&index));
        if keep[index] {
            folded.push(Folded::Line(line));
        }
    }
    folded
}

/// The name of a lane without its number: runs of one actor repeat one another.
fn speaker_of(line: &Line) -> &str {
    let name = line.speaker.trim_end_matches(|it: char| it.is_ascii_digit());
    name.trim_end()
}

/// The shortest pattern at the beginning that comes often enough, and how often it comes.
fn pattern(shapes: &[usize]) -> Option<(usize, usize)> {
    let longest = PERIOD_MAX.min(shapes.len() / REPEATS_LEAST);
    (1..=longest).find_map(|period| {
        let same = shapes.iter().zip(&shapes[period..]).take_while(|(a, b)| a == b).count();
        let repeats = same / period + 1;
        let worth = repeats >= REPEATS_LEAST && (repeats - 3) * period >= LEFT_OUT_LEAST;
        worth.then_some((period, repeats))
    })
}

/// Leaves out the middle of a story that is too long.
fn cap(lines: Vec<Folded>, most: usize) -> Vec<Folded> {
    if lines.len() <= most {
        return lines;
    }
    let (head, tail) = (most / 2, most / 4);
    let middle = head..lines.len() - tail;
    let mut room = most - head - tail;
    let mut kept = Vec::with_capacity(most);
    let mut missing = 0;
    for (index, line) in lines.into_iter().enumerate() {
        let is_key = matches!(&line, Folded::Line(line) if line.is_key());
        if middle.contains(&index) {
            // A kept line in the middle may need a line that says what is left out before it.
            if !is_key || room < 2 {
                missing += match line {
                    Folded::Line(_) => 1,
                    Folded::LeftOut { lines, .. } => lines,
                };
                continue;
            }
            room -= 2;
        }
        if missing > 0 {
            kept.push(missing_told(missing));
            missing = 0;
        }
        kept.push(line);
    }
    kept
}

fn missing_told(lines: usize) -> Folded {
    let told = match lines {
        1 => "1 line is left out here".to_owned(),
        lines => format!("{lines} lines are left out here"),
    };
    Folded::LeftOut { told, lines }
}
