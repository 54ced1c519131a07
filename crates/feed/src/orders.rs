//! Every displayed order by its slot, linked to its neighbours at the same price.

use hashbrown::HashMap;
use hourbook_model::{OrderId, Quantity};

/// Orders for which there is always room.
const ROOM: usize = 4_096;

/// No order: the end of a queue.
pub(crate) const NOBODY: u32 = u32::MAX;

/// The orders of all books that are kept, by their slots in the exchange. Never gone through as a whole.
#[derive(Default)]
pub(crate) struct Orders(HashMap<u32, Node>);

#[derive(Clone, Copy)]
pub(crate) struct Node {
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

impl Orders {
    pub fn get(&self, id: OrderId) -> Option<&Node> {
        self.0.get(&slot_of(id)).filter(|node| node.generation == id.generation())
    }

    /// Hangs an order, which is in no queue, behind all others of one.
    pub fn join(&mut self, queue: &mut Queue, id: OrderId, key: i64, quantity: Quantity) {
        let slot = slot_of(id);
        let node = Node { generation: id.generation(), previous: queue.last, next: NOBODY, key, quantity };
        let before = self.0.insert(slot, node);
        debug_assert!(before.is_none(), "a slot has one order at a time");
        match queue.last {
            NOBODY => queue.first = slot,
            last => self.at(last).next = slot,
        }
        queue.last = slot;
        queue.orders += 1;
        queue.quantity += quantity;
    }

    /// Takes an order out of its queue.
    pub fn leave(&mut self, queue: &mut Queue, id: OrderId) {
        let node = self.0.remove(&slot_of(id)).expect("the caller has found it");
        match node.previous {
            NOBODY => queue.first = node.next,
            previous => self.at(previous).next = node.next,
        }
        match node.next {
            NOBODY => queue.last = node.previous,
            next => self.at(next).previous = node.previous,
        }
        queue.orders -= 1;
        queue.quantity -= node.quantity;
    }

    /// Sets what an order displays; it keeps its place.
    pub fn set(&mut self, queue: &mut Queue, id: OrderId, quantity: Quantity) {
        let before = std::mem::replace(&mut self.at(slot_of(id)).quantity, quantity);
        queue.quantity += quantity - before;
    }

    /// Forgets the orders of a queue, and gives memory back where much of it is not used any more.
    pub fn forget(&mut self, queue: &Queue) {
        let mut slot = queue.first;
        while slot != NOBODY {
            slot = self.0.remove(&slot).expect("a queue's orders are known").next;
        }
        if self.0.capacity() > 4 * self.0.len() + ROOM {
            self.0.shrink_to(2 * self.0.len());
        }
    }

    /// A queue from its first order on.
    pub fn of(&self, queue: &Queue) -> impl Iterator<Item = (OrderId, Quantity)> + '_ {
        let some = |slot: u32| (slot != NOBODY).then_some(slot);
        std::iter::successors(some(queue.first), move |at| some(self.0[at].next)).map(|at| {
            let node = &self.0[&at];
            (OrderId::new(at, node.generation), node.quantity)
        })
    }

    fn at(&mut self, slot: u32) -> &mut Node {
        self.0.get_mut(&slot).expect("neighbours are known")
    }
}

fn slot_of(id: OrderId) -> u32 {
    id.slot() as u32
}
