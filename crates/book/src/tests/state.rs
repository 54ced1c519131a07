//! The books as bytes: canonical, and refused when they contradict themselves. And how ids are given.

use super::venue::Venue;
use crate::Books;
use hourbook_model::{OrderId, Price};

/// A book with everything in it: queues, an iceberg, a stop, a stop-limit order, free slots.
fn full() -> Books {
    let mut venue = Venue::new();
    for line in [
        "buy 1 5 @ 100",
        "buy 2 5 @ 100 show=2",
        "buy 3 5 @ 99 post",
        "sell 4 5 @ 101 stp=both",
        "sell 5 9 @ 103",
        "stop buy 6 5 at 105",
        "stop sell 7 5 at 95 @ 94",
        "buy 8 2 @ 101",
        "cancel 3",
    ] {
        venue.run(line);
    }
    venue.books
}

#[test]
fn bytes_are_those_of_the_state_not_of_its_past() {
    let books = full();
    let bytes = postcard::to_stdvec(&books).unwrap();
    let read: Books = postcard::from_bytes(&bytes).unwrap();
    read.check();
    assert_eq!(postcard::to_stdvec(&read).unwrap(), bytes);
    assert_eq!(postcard::to_stdvec(&full()).unwrap(), bytes);
}

#[test]
fn a_cut_or_changed_snapshot_is_refused_or_sound_and_never_a_panic() {
    let bytes = postcard::to_stdvec(&full()).unwrap();
    for end in 0..bytes.len() {
        assert!(postcard::from_bytes::<Books>(&bytes[..end]).is_err(), "cut at {end}");
    }
    let mut refused = 0;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            match postcard::from_bytes::<Books>(&changed) {
                Ok(books) => books.check(),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > bytes.len(), "most changes contradict something: {refused} of {}", bytes.len() * 8);
}

#[test]
fn an_id_never_comes_twice_and_the_last_slot_freed_is_the_next() {
    let mut books = Books::default();
    let (first, second) = (books.allocate(), books.allocate());
    assert_eq!((first, second), (OrderId::new(0, 1), OrderId::new(1, 1)));
    books.free(first);
    books.free(second);
    assert_eq!(books.allocate(), OrderId::new(1, 2));
    assert_eq!(books.allocate(), OrderId::new(0, 2));
    assert_eq!(books.allocate(), OrderId::new(2, 1));
    assert!(
        !books.contains(second) && !books.contains(OrderId::new(1, 2)),
        "an allocated order is in no book"
    );
}

#[test]
fn a_slot_that_had_every_generation_is_never_used_again() {
    let mut books = Books::default();
    let id = books.allocate();
    books.slab.nodes[id.slot()].generation = u32::MAX;
    books.free(OrderId::new(0, u32::MAX));
    assert_eq!(books.allocate(), OrderId::new(1, 1));
    books.check();
}

#[test]
fn an_idle_book_is_32_bytes_and_an_emptied_one_leaves_its_room_to_the_next() {
    let mut books = Books::default();
    books.open(9_999, Price(1));
    assert!(books.bytes() <= 10_000 * 32);
    let full = full().bytes();
    assert!(full < 8 * 1024, "a book with a few orders takes {full} bytes");
}

#[test]
#[should_panic(expected = "out of its book")]
fn a_resting_order_cannot_be_freed() {
    let mut books = full();
    books.free(OrderId::new(0, 1));
}

#[test]
#[should_panic(expected = "without orders")]
fn a_book_with_orders_cannot_be_closed() {
    full().close(3);
}
