//! Every order of every book, by its slot: 40 bytes each, of which 32 are touched on the way to a match.
//!
//! A slot is free, allocated (its id is given, it is on its way in or out), resting in a book or waiting as a
//! stop. Free slots form a stack, so that the slot used next is the one the cache still knows. Each use of a slot
//! is a new generation; a slot that has had them all is never used again, so an id never comes twice.

use crate::ladder::MARKET;
use crate::matching::{Execution, Incoming};
use crate::prefetch;
use hourbook_model::{OrderId, ParticipantId, Quantity, SelfTrade, Side};
use serde::{Deserialize, Serialize};

/// No slot: the end of a list.
pub(crate) const NOBODY: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Free,
    Allocated,
    Resting,
    Waiting,
}

/// What of an order a match touches: half a cache line, never across two.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[repr(align(32))]
pub(crate) struct Node {
    /// Its level in its ladder; a waiting stop's is its trigger's.
    pub key: i64,
    pub generation: u32,
    pub owner: ParticipantId,
    /// Neighbours in the ring of its level; of a free slot, `next` is the free slot below it.
    pub previous: u32,
    pub next: u32,
    /// Lots displayed.
    pub shown: u32,
    pub tag: Tag,
}

/// The book and the small facts of an order in 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tag(u32);

/// What only icebergs and stops have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extra {
    pub arrival: u64,
    /// The limit of a waiting stop, as a key; [`crate::ladder::MARKET`] for none.
    pub limit: i64,
    pub hidden: u32,
    /// Lots of a whole slice; zero shows all.
    pub display: u32,
}

/// What became of an order from which lots were taken.
pub(crate) enum Taken {
    /// Its slice is smaller.
    Part,
    /// Its slice is used up; the next one, of so many lots, goes to the back of the level.
    Slice(u32),
    /// Nothing is left of it.
    All,
}

impl Taken {
    pub fn is_all(&self) -> bool {
        matches!(self, Taken::All)
    }

    /// Lots of the slice that went to the back; zero for none.
    pub fn slice(&self) -> Quantity {
        match *self {
            Taken::Slice(slice) => Quantity(i64::from(slice)),
            Taken::Part | Taken::All => Quantity::ZERO,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Slab {
    pub nodes: Vec<Node>,
    /// By slot: when the order joined its queue, counted over all books; or where its [`Extra`] is.
    cold: Vec<u64>,
    extras: Vec<Extra>,
    free_extras: Vec<u32>,
    /// The top of the stack of free slots, and how many slots are not free.
    free: u32,
    used: u32,
}

impl Tag {
    const BOOK: u32 = (1 << 20) - 1;
    const SELL: u32 = 1 << 20;
    const STATE: u32 = 21;
    const POLICY: u32 = 23;
    const POST_ONLY: u32 = 1 << 26;
    const EXTRA: u32 = 1 << 27;
    /// A stop that does not rest once it is triggered.
    const IOC: u32 = 1 << 28;
    const USED: u32 = (1 << 29) - 1;

    pub const ALLOCATED: Tag = Tag((State::Allocated as u32) << Tag::STATE);

    pub fn new(book: usize, state: State, incoming: &Incoming, extra: bool) -> Tag {
        let flag = |on, bit| if on { bit } else { 0 };
        Tag(book as u32
            | flag(incoming.side == Side::Sell, Self::SELL)
            | (state as u32) << Self::STATE
            | (incoming.self_trade as u32) << Self::POLICY
            | flag(incoming.post_only, Self::POST_ONLY)
            | flag(extra, Self::EXTRA)
            | flag(incoming.execution == Execution::Ioc, Self::IOC))
    }

    pub fn book(self) -> usize {
        (self.0 & Self::BOOK) as usize
    }

    pub fn side(self) -> Side {
        if self.0 & Self::SELL == 0 { Side::Buy } else { Side::Sell }
    }

    pub fn state(self) -> State {
        match self.0 >> Self::STATE & 3 {
            0 => State::Free,
            1 => State::Allocated,
            2 => State::Resting,
            _ => State::Waiting,
        }
    }

    pub fn self_trade(self) -> SelfTrade {
        match self.0 >> Self::POLICY & 7 {
            1 => SelfTrade::CancelNewest,
            2 => SelfTrade::CancelOldest,
            3 => SelfTrade::CancelBoth,
            4 => SelfTrade::Decrement,
            _ => SelfTrade::Allow,
        }
    }

    pub fn post_only(self) -> bool {
        self.0 & Self::POST_ONLY != 0
    }

    pub fn has_extra(self) -> bool {
        self.0 & Self::EXTRA != 0
    }

    pub fn is_ioc(self) -> bool {
        self.0 & Self::IOC != 0
    }

    /// The same order out of its book.
    fn out(self) -> Tag {
        Tag(self.0 & !(3 << Self::STATE) & !Self::EXTRA | (State::Allocated as u32) << Self::STATE)
    }

    /// Whether its bits mean something.
    fn is_sound(self) -> bool {
        self.0 & !Self::USED == 0 && self.0 >> Self::POLICY & 7 <= SelfTrade::Decrement as u32
    }
}

impl Default for Slab {
    fn default() -> Self {
        Slab {
            nodes: Vec::new(),
            cold: Vec::new(),
            extras: Vec::new(),
            free_extras: Vec::new(),
            free: NOBODY,
            used: 0,
        }
    }
}

impl Slab {
    pub fn reserve(&mut self, orders: usize) {
        self.nodes.reserve_exact(orders);
        self.cold.reserve_exact(orders);
    }

    /// The next slot, under a new generation.
    pub fn allocate(&mut self) -> OrderId {
        let slot = self.free;
        let Some(node) = self.nodes.get_mut(slot as usize) else { return self.grow() };
        self.free = node.next;
        self.used += 1;
        node.generation += 1;
        node.tag = Tag::ALLOCATED;
        OrderId::new(slot, node.generation)
    }

    #[cold]
    fn grow(&mut self) -> OrderId {
        let slot = self.nodes.len();
        assert!(slot < NOBODY as usize, "there are fewer orders than slots");
        if slot == self.nodes.capacity() {
            // A quarter more: a million orders do not ask for the room of two.
            self.reserve((slot / 4).max(64));
        }
        self.nodes.push(Node { generation: 1, tag: Tag::ALLOCATED, ..Node::default() });
        self.cold.push(0);
        self.used += 1;
        OrderId::new(slot as u32, 1)
    }

    pub fn free(&mut self, id: OrderId) {
        let node = &mut self.nodes[id.slot()];
        let is_out = node.tag.state() == State::Allocated && node.generation == id.generation();
        assert!(is_out, "only what is allocated and out of its book is freed");
        *node = Node { generation: node.generation, next: self.free, ..Node::default() };
        self.cold[id.slot()] = 0;
        self.used -= 1;
        if id.generation() == u32::MAX {
            node.next = NOBODY;
        } else {
            self.free = id.slot() as u32;
        }
    }

    pub fn used(&self) -> usize {
        self.used as usize
    }

    pub fn get(&self, id: OrderId) -> Option<&Node> {
        self.nodes.get(id.slot()).filter(|node| node.generation == id.generation())
    }

    pub fn id_at(&self, slot: u32) -> OrderId {
        OrderId::new(slot, self.nodes[slot as usize].generation)
    }

    /// The limit and side of an order on its way in are known by its id from now on.
    pub fn begin(&mut self, id: OrderId, key: i64, tag: Tag) {
        let node = &mut self.nodes[id.slot()];
        let is_its_own = node.tag.state() == State::Allocated && node.generation == id.generation();
        assert!(is_its_own, "an order comes in under an id that was allocated for it");
        node.key = key;
        node.tag = tag;
    }

    /// Writes an order into its allocated slot, alone in its ring.
    #[inline(always)]
    pub fn write(&mut self, id: OrderId, node: Node, arrival: u64, extra: Option<Extra>) {
        let slot = id.slot();
        let old = &mut self.nodes[slot];
        *old = Node { generation: old.generation, previous: slot as u32, next: slot as u32, ..node };
        self.cold[slot] = match extra {
            None => arrival,
            Some(extra) => self.keep(Extra { arrival, ..extra }),
        };
    }

    fn keep(&mut self, extra: Extra) -> u64 {
        if let Some(at) = self.free_extras.pop() {
            self.extras[at as usize] = extra;
            return u64::from(at);
        }
        self.extras.push(extra);
        self.extras.len() as u64 - 1
    }

    /// The order is out of its ladder; its id, side and limit stay its own until it is freed.
    #[inline]
    pub fn let_go(&mut self, slot: u32) {
        let node = &mut self.nodes[slot as usize];
        let at = std::mem::take(&mut self.cold[slot as usize]) as u32;
        let extra = if node.tag.has_extra() {
            self.free_extras.push(at);
            std::mem::take(&mut self.extras[at as usize])
        } else {
            Extra::default()
        };
        if node.tag.state() == State::Waiting {
            node.key = if node.tag.has_extra() { extra.limit } else { MARKET };
        }
        node.tag = node.tag.out();
    }

    pub fn extra(&self, slot: u32) -> Option<&Extra> {
        let has = self.nodes[slot as usize].tag.has_extra();
        has.then(|| &self.extras[self.cold[slot as usize] as usize])
    }

    pub fn extra_mut(&mut self, slot: u32) -> Option<&mut Extra> {
        let has = self.nodes[slot as usize].tag.has_extra();
        has.then(|| &mut self.extras[self.cold[slot as usize] as usize])
    }

    /// When the order joined its queue: smaller is older.
    pub fn arrival(&self, slot: u32) -> u64 {
        self.extra(slot).map_or(self.cold[slot as usize], |extra| extra.arrival)
    }

    pub fn hidden(&self, slot: u32) -> u32 {
        self.extra(slot).map_or(0, |extra| extra.hidden)
    }

    /// Lots open, hidden ones too.
    pub fn open(&self, slot: u32) -> u64 {
        u64::from(self.nodes[slot as usize].shown) + u64::from(self.hidden(slot))
    }

    pub fn open_lots(&self, slot: u32) -> Quantity {
        Quantity(self.open(slot) as i64)
    }

    /// Takes lots from the slice that an order displays, and displays the next one when it is used up.
    pub fn take_lots(&mut self, slot: u32, lots: u32) -> Taken {
        let node = &mut self.nodes[slot as usize];
        node.shown -= lots;
        if node.shown > 0 {
            return Taken::Part;
        }
        let Some(extra) = self.extra_mut(slot) else { return Taken::All };
        let slice = extra.display.min(extra.hidden);
        extra.hidden -= slice;
        self.nodes[slot as usize].shown = slice;
        if slice > 0 { Taken::Slice(slice) } else { Taken::All }
    }

    /// Hangs a node behind the last of the ring that `first` begins.
    pub fn link_last(&mut self, first: u32, at: u32) {
        let last = std::mem::replace(&mut self.nodes[first as usize].previous, at);
        self.nodes[last as usize].next = at;
        let node = &mut self.nodes[at as usize];
        node.previous = last;
        node.next = first;
    }

    /// Takes a node out of its ring; the one behind it.
    pub fn unlink(&mut self, at: u32) -> u32 {
        let Node { previous, next, .. } = self.nodes[at as usize];
        self.nodes[previous as usize].next = next;
        self.nodes[next as usize].previous = previous;
        next
    }

    /// A ring in queue order.
    pub fn ring(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(first), move |at| {
            let next = self.nodes[*at as usize].next;
            (next != first).then_some(next)
        })
    }

    /// Asks for the memory of a slot.
    #[inline]
    pub fn prefetch(&self, slot: usize) {
        if let Some(node) = self.nodes.get(slot) {
            prefetch::line(node);
        }
        if let Some(cold) = self.cold.get(slot) {
            prefetch::line(cold);
        }
    }

    /// Asks for the neighbours of an order that is in its book; which book.
    #[inline]
    pub fn prefetch_near(&self, id: OrderId) -> Option<usize> {
        let node = self.get(id).filter(|node| matches!(node.tag.state(), State::Resting | State::Waiting))?;
        for neighbour in [node.previous, node.next] {
            prefetch::line(&self.nodes[neighbour as usize]);
        }
        Some(node.tag.book())
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.cold.capacity() * size_of::<u64>()
            + self.extras.capacity() * size_of::<Extra>()
            + self.free_extras.capacity() * size_of::<u32>()
    }

    /// Every promise of the slab itself; how many orders rest or wait.
    pub fn verify(&self) -> Result<usize, &'static str> {
        let (mut free, mut used, mut placed, mut extras) = (0usize, 0, 0, 0);
        if self.cold.len() != self.nodes.len() {
            return Err("each slot has both its parts");
        }
        for (node, cold) in self.nodes.iter().zip(&self.cold) {
            if !node.tag.is_sound() || node.generation == 0 {
                return Err("a slot has a generation and known marks");
            }
            if node.tag.has_extra() {
                extras += 1;
                if *cold >= self.extras.len() as u64 {
                    return Err("an extra is where its order says");
                }
            }
            match node.tag.state() {
                State::Free => free += usize::from(node.generation != u32::MAX),
                State::Allocated => {}
                State::Resting | State::Waiting => placed += 1,
            }
            used += u32::from(node.tag.state() != State::Free);
        }
        if extras + self.free_extras.len() != self.extras.len() {
            return Err("every extra has one order or is free");
        }
        if used != self.used {
            return Err("slots in use are counted");
        }
        if self.free_extras.iter().any(|at| *at as usize >= self.extras.len()) {
            return Err("a free extra exists");
        }
        let mut top = self.free;
        for _ in 0..free {
            match self.nodes.get(top as usize) {
                Some(node) if node.tag.state() == State::Free => top = node.next,
                _ => return Err("the stack of free slots holds them all"),
            }
        }
        if top == NOBODY { Ok(placed) } else { Err("the stack of free slots ends") }
    }
}

// A match reads half a line of an order; the slab of a million orders is 40 MB.
const _: () = assert!(size_of::<Node>() == 32 && size_of::<Extra>() == 24);
