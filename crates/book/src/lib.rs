//! Every order book of the exchange: resting orders, matched by price, then time.
//!
//! - `books`: the books, and how orders come and go
//! - `matching`: how an incoming order meets the other side
//! - `stops`: orders that wait for a trade
//! - `auction`: the one price of an uncross
//! - `views`: what others see, and memory asked for ahead of its use
//! - `state`: the books as bytes, and the promises they keep
//! - `ladder`: the price levels of one side, in pages of ticks
//! - `slab`: every order by its slot
//!
//! Money is not known here: holds belong to the exchange. An order id is a slot of the slab and a generation, so
//! finding an order is an index. All books share the slab, an idle one is 32 bytes, and what an emptied book
//! leaves is used by the next: once grown, nothing is allocated for an operation.
//!
//! Always true: best bid < best ask outside a call; no level is empty; no quantity is zero.

#![deny(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod auction;
mod books;
mod ladder;
mod matching;
mod prefetch;
mod slab;
mod state;
mod stops;
#[cfg(test)]
mod tests;
mod views;

pub use auction::Pair;
pub use books::Books;
pub use matching::{Entered, Execution, Incoming, Match, Outcome};
pub use prefetch::whole as prefetch;
pub use state::Broken;
pub use views::{LevelView, OrderView};
