//! A sorted set of byte strings in which clones share what neither has changed: a B+ tree.
//!
//! A node keeps its strings in one run of bytes, so an entry costs its own bytes and eight more,
//! and copying a node is copying two blocks. That is why this is not a general ordered map: with a
//! shared key object for each entry, two alternate keys would cost more than the row.
//!
//! A full node is split in the middle, but one that is full because strings arrive in ascending
//! order is left full. A node that becomes empty is taken out; nodes are not merged.

use std::cmp::Ordering;
use std::sync::Arc;

use super::image::narrow;

/// The most strings in a leaf, and the most children of a branch.
const NODE: usize = 64;

/// The most strings in a node that is about to be split.
const MOST: usize = NODE + 1;

/// See the module.
#[derive(Clone)]
pub(super) struct Tree {
    root: Arc<Node>,
}

#[derive(Clone)]
enum Node {
    Leaf(Strings),
    Branch {
        /// Where the children part: child `i + 1` begins at separator `i`.
        separators: Strings,
        children: Vec<Arc<Self>>,
    },
}

/// What came of an insertion into a node.
enum Growth {
    /// The string was there.
    Present,
    /// It has been added.
    Added,
    /// It has been added, and what begins at this string is now in a node of its own.
    Split(Vec<u8>, Arc<Node>),
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { root: Arc::new(Node::Leaf(Strings::EMPTY)) }
    }

    /// Adds a string. Whether it was missing.
    pub(super) fn insert(&mut self, string: &[u8]) -> bool {
        match Arc::make_mut(&mut self.root).insert(string) {
            Growth::Present => false,
            Growth::Added => true,
            Growth::Split(separator, right) => {
                let mut separators = Strings::EMPTY;
                separators.insert(0, &separator);
                let children = vec![Arc::clone(&self.root), right];
                self.root = Arc::new(Node::Branch { separators, children });
                true
            }
        }
    }

    /// Takes a string out. Whether it was there.
    pub(super) fn remove(&mut self, string: &[u8]) -> bool {
        let removed = Arc::make_mut(&mut self.root).remove(string);
        while let Node::Branch { children, .. } = &*self.root
            && children.len() <= 1
        {
            self.root =
                children.first().map_or_else(|| Arc::new(Node::Leaf(Strings::EMPTY)), Arc::clone);
        }
        removed
    }

    /// The strings from `from` on, in order.
    pub(super) fn range(&self, from: &[u8]) -> impl Iterator<Item = &[u8]> + use<'_> {
        let mut at = self.seek(from);
        std::iter::from_fn(move || {
            loop {
                if let Some(string) = at.leaf.get(at.position) {
                    at.position += 1;
                    return Some(string);
                }
                at = self.seek(at.until?);
            }
        })
    }

    /// Where the first string that is not less than `from` is, or would be.
    fn seek(&self, from: &[u8]) -> Place<'_> {
        let mut node = &*self.root;
        let mut until = None;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let position = leaf.position(from);
                    return Place { leaf, position, until };
                }
                Node::Branch { separators, children } => {
                    let child = separators.child(from);
                    until = separators.get(child).or(until);
                    node = &children[child];
                }
            }
        }
    }

    /// How many bytes the tree takes.
    pub(super) fn memory(&self) -> usize {
        self.root.memory()
    }
}

/// A place between two strings of a leaf.
struct Place<'a> {
    leaf: &'a Strings,
    position: usize,
    /// Where the next leaf begins.
    until: Option<&'a [u8]>,
}

impl Node {
    fn insert(&mut self, string: &[u8]) -> Growth {
        match self {
            Self::Leaf(leaf) => {
                let position = leaf.position(string);
                if leaf.get(position) == Some(string) {
                    return Growth::Present;
                }
                leaf.insert(position, string);
                if leaf.len() <= NODE {
                    return Growth::Added;
                }
                let at = split_point(leaf.len(), position);
                let right = leaf.split_off(at);
                let separator = right.get(0).unwrap_or_default().to_vec();
                Growth::Split(separator, Arc::new(Self::Leaf(right)))
            }
            Self::Branch { separators, children } => {
                let child = separators.child(string);
                match Arc::make_mut(&mut children[child]).insert(string) {
                    Growth::Split(separator, right) => {
                        separators.insert(child, &separator);
                        children.insert(child + 1, right);
                    }
                    done => return done,
                }
                if children.len() <= NODE {
                    return Growth::Added;
                }
                let at = split_point(children.len(), child + 1);
                let right = Self::Branch {
                    separators: separators.split_off(at),
                    children: children.split_off(at),
                };
                Growth::Split(separators.pop(), Arc::new(right))
            }
        }
    }

    fn remove(&mut self, string: &[u8]) -> bool {
        match self {
            Self::Leaf(leaf) => {
                let position = leaf.position(string);
                let found = leaf.get(position) == Some(string);
                if found {
                    leaf.remove(position);
                }
                found
            }
            Self::Branch { separators, children } => {
                let child = separators.child(string);
                let node = Arc::make_mut(&mut children[child]);
                let removed = node.remove(string);
                if node.is_empty() && children.len() > 1 {
                    children.remove(child);
                    separators.remove(child.saturating_sub(1));
                }
                removed
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.len() == 0,
            Self::Branch { children, .. } => children.len() == 1 && children[0].is_empty(),
        }
    }

    fn memory(&self) -> usize {
        let inside = match self {
            Self::Leaf(leaf) => leaf.memory(),
            Self::Branch { separators, children } => {
                let links = children.capacity() * size_of::<Arc<Self>>();
                let below: usize = children.iter().map(|child| child.memory()).sum();
                separators.memory() + links + below
            }
        };
        size_of::<Self>() + inside
    }
}

/// Where a node that has become too long is split: at its end when the last thing was put there, in
/// the middle otherwise.
const fn split_point(length: usize, inserted: usize) -> usize {
    if inserted + 1 == length { length - 1 } else { length / 2 }
}

/// A sorted list of byte strings in one run of bytes.
///
/// Beside it stands a short *head* of each string: the four bytes after the beginning that all of
/// them share. A search looks at the heads, which lie side by side, and then as a rule at one
/// string.
#[derive(Clone)]
struct Strings {
    count: usize,
    /// How many bytes at the beginning all strings share; it may be more.
    shared: usize,
    heads: [u32; MOST],
    ends: [u32; MOST],
    bytes: Vec<u8>,
}

impl Strings {
    const EMPTY: Self =
        Self { count: 0, shared: 0, heads: [0; MOST], ends: [0; MOST], bytes: Vec::new() };

    const fn len(&self) -> usize {
        self.count
    }

    const fn begin(&self, index: usize) -> usize {
        match index {
            0 => 0,
            _ => self.ends[index - 1] as usize,
        }
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends[..self.count].get(index)? as usize;
        Some(&self.bytes[self.begin(index)..end])
    }

    /// How many strings are less than this one.
    fn position(&self, string: &[u8]) -> usize {
        self.count_before(string, |other| other < string)
    }

    /// Which child of a branch with these separators has the string.
    fn child(&self, string: &[u8]) -> usize {
        self.count_before(string, |other| other <= string)
    }

    /// How many strings at the beginning of the list come before `string`, as `before` says of
    /// those with the same head.
    fn count_before(&self, string: &[u8], before: impl Fn(&[u8]) -> bool) -> usize {
        let shared = string.len().min(self.shared);
        match self.bytes.get(..shared).map(|all| string[..shared].cmp(all)) {
            Some(Ordering::Equal) if shared == self.shared => {}
            Some(Ordering::Greater) => return self.count,
            _ => return 0,
        }
        let head = head(string, shared);
        let heads = &self.heads[..self.count];
        let low = heads.iter().filter(|other| **other < head).count();
        let same = heads[low..].iter().take_while(|other| **other == head);
        low + same
            .enumerate()
            .take_while(|(index, _)| self.get(low + index).is_some_and(&before))
            .count()
    }

    fn insert(&mut self, index: usize, string: &[u8]) {
        let begin = self.begin(index);
        let (old, length) = (self.bytes.len(), string.len());
        self.bytes.resize(old + length, 0);
        self.bytes.copy_within(begin..old, begin + length);
        self.bytes[begin..begin + length].copy_from_slice(string);
        self.ends.copy_within(index..self.count, index + 1);
        self.heads.copy_within(index..self.count, index + 1);
        self.count += 1;
        self.ends[index] = narrow(begin);
        for end in &mut self.ends[index..self.count] {
            *end += narrow(length);
        }
        let neighbour = self.get(usize::from(index == 0)).unwrap_or_default();
        if shared_prefix(neighbour, string) < self.shared || self.count == 1 {
            self.rebuild_heads();
        } else {
            self.heads[index] = head(string, self.shared);
        }
    }

    fn remove(&mut self, index: usize) {
        let (begin, end) = (self.begin(index), self.ends[index] as usize);
        self.bytes.drain(begin..end);
        self.ends.copy_within(index + 1..self.count, index);
        self.heads.copy_within(index + 1..self.count, index);
        self.count -= 1;
        for later in &mut self.ends[index..self.count] {
            *later -= narrow(end - begin);
        }
    }

    /// Takes the last string out.
    fn pop(&mut self) -> Vec<u8> {
        self.count -= 1;
        self.bytes.split_off(self.begin(self.count))
    }

    /// Takes the strings from `index` on out.
    fn split_off(&mut self, index: usize) -> Self {
        let begin = self.begin(index);
        let mut right =
            Self { count: self.count - index, bytes: self.bytes.split_off(begin), ..Self::EMPTY };
        for (to, from) in right.ends.iter_mut().zip(&self.ends[index..self.count]) {
            *to = *from - narrow(begin);
        }
        self.count = index;
        if right.count == 1 {
            // Strings arrive in ascending order: this list is complete.
            self.bytes.shrink_to_fit();
        }
        self.rebuild_heads();
        right.rebuild_heads();
        right
    }

    /// What the first and the last of sorted strings share at the beginning, all of them share.
    fn rebuild_heads(&mut self) {
        let last = self.count.checked_sub(1).and_then(|last| self.get(last));
        self.shared = shared_prefix(self.get(0).unwrap_or_default(), last.unwrap_or_default());
        for index in 0..self.count {
            self.heads[index] = head(self.get(index).unwrap_or_default(), self.shared);
        }
    }

    fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

/// The four bytes after the first `shared` ones as a number, zeros where there are none.
fn head(string: &[u8], shared: usize) -> u32 {
    let mut head = [0; 4];
    for (to, from) in head.iter_mut().zip(string.iter().skip(shared)) {
        *to = *from;
    }
    u32::from_be_bytes(head)
}

/// How many bytes two strings share at the beginning.
fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
