//! Stories of what is told, and random days against the exchange's own books.

mod property;
mod stories;
mod venue;
