//! Every displayed order by its slot, linked to its neighbours at the same price.

use hourbook_model::{OrderId, Quantity};

/// No order: the end of a queue.
pub(crate) const NOBODY: u32 = u32::MAX;

/// The orders of all books. An order is found by its slot, as in the exchange.
#[derive(Default)]
pub(crate) struct Orders(Vec<Node>);

#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// Zero where no order is displayed.
    generation: u32,
    previous: u32,
    next: u32,
    pub key: i64,
    pub quantity: Quantity,
}

/// The orders at one price, in the order in which they trade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    first: u32,
    last: u32,
    pub orders: u32,
    pub quantity: Quantity,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue { first: NOBODY, last: NOBODY, orders: 0, quantity: Quantity::ZERO }
    }
}

impl Node {
    const NONE: Node =
        Node { generation: 0, previous: NOBODY, next: NOBODY, key: 0, quantity: Quantity::ZERO };
}

impl Orders {
    pub fn get(&self, id: OrderId) -> Option<&Node> {
        self.0.get(id.slot()).filter(|node| node.generation == id.generation() && node.generation > 0)
    }

    /// Hangs an order, which is in no queue, behind all others of one.
    pub fn join(&mut self, queue: &mut Queue, id: OrderId, key: i64, quantity: Quantity) {
        let slot = id.slot();
        if self.0.len() <= slot {
            self.0.resize(slot + 1, Node::NONE);
        }
        debug_assert_eq!(self.0[slot].generation, 0, "a slot has one order at a time");
        self.0[slot] =
            Node { generation: id.generation(), previous: queue.last, next: NOBODY, key, quantity };
        match queue.last {
            NOBODY => queue.first = slot as u32,
            last => self.0[last as usize].next = slot as u32,
        }
        queue.last = slot as u32;
        queue.orders += 1;
        queue.quantity += quantity;
    }

    /// Takes an order out of its queue.
    pub fn leave(&mut self, queue: &mut Queue, id: OrderId) {
        let node = std::mem::replace(&mut self.0[id.slot()], Node::NONE);
        match node.previous {
            NOBODY => queue.first = node.next,
            previous => self.0[previous as usize].next = node.next,
        }
        match node.next {
            NOBODY => queue.last = node.previous,
            next => self.0[next as usize].previous = node.previous,
        }
        queue.orders -= 1;
        queue.quantity -= node.quantity;
    }

    /// Sets what an order displays; it keeps its place.
    pub fn set(&mut self, queue: &mut Queue, id: OrderId, quantity: Quantity) {
        let before = std::mem::replace(&mut self.0[id.slot()].quantity, quantity);
        queue.quantity += quantity - before;
    }

    /// A queue from its first order on.
    pub fn of(&self, queue: &Queue) -> impl Iterator<Item = (OrderId, Quantity)> + '_ {
        let some = |slot: u32| (slot != NOBODY).then_some(slot);
        std::iter::successors(some(queue.first), move |at| some(self.0[*at as usize].next)).map(|at| {
            let node = &self.0[at as usize];
            (OrderId::new(at, node.generation), node.quantity)
        })
    }
}
