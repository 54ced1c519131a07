//! Tables for the rules of matching, and the books against a naive oracle.

mod ladder;
mod oracle;
mod property;
mod state;
mod stories;
mod venue;
