//! Every order book of the exchange: resting orders, matched by price, then time.
//!
//! - `books`: the books and the slab of their orders; entering, taking out, viewing
//! - `matching`: how an incoming order meets the other side
//! - `auction`: the one price of an uncross
//! - `stops`: orders that wait for a trade
//!
//! Money is not known here: holds belong to the exchange. An order id is a slot of the slab and a
//! generation, so finding an order is an index. All books share the slab; an idle book is a few words.
//!
//! Always true: best bid < best ask outside a call; no level is empty; no quantity is zero.

#![forbid(unsafe_code)]

mod auction;
mod books;
mod matching;
mod stops;

pub use auction::Pair;
pub use books::{Books, LevelView, OrderView};
pub use matching::{Entered, Execution, Incoming, Match, Outcome};
