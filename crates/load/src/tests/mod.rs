//! The load without an exchange.
//!
//! - `mixes`: what they ask for, and that they keep the books about as deep as they are
//! - `liar`: a server that tells what is not so; `checks`: that it is found out

mod checks;
mod liar;
mod mixes;
