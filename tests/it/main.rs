//! One binary for everything that looks at the whole: stories through gRPC, replay, faults, layers.
//!
//! - `venue`: a whole exchange in this process, which the stories are told in
//! - `clients`: the Rust client's sessions, over connections that break; `feeds`: its market data; `proxy`: what breaks
//! - `days`: orders, auctions, gates; `sessions`: `Trade` and drop copy; `restarts`: stopping and crashing; `kills`: SIGKILL under load
//! - `prices`: measurements, ratings, fair prices, quotes
//! - `makers`: a market maker at an exchange
//! - `edge`: roles, hostile messages, names; `users`: the program as people run it; `tools`: what operators do
//! - `load`: the load generator, in every mix and way
//! - `demo`: a market that makes itself
//! - `simulate`: every rule of matching
//! - `layers`: who may import whom

mod clients;
mod days;
mod demo;
mod edge;
mod feeds;
mod kills;
mod layers;
mod load;
mod makers;
mod prices;
mod proxy;
mod restarts;
mod sessions;
mod simulate;
mod tools;
mod users;
mod venue;
