//! One binary for everything that looks at the whole: stories through gRPC, replay, faults, layers.
//!
//! - `venue`: a whole exchange in this process, which the stories are told in
//! - `days`: orders, auctions, gates; `sessions`: `Trade` and drop copy; `restarts`: stopping and crashing; `kills`: SIGKILL under load
//! - `prices`: measurements, ratings, fair prices, quotes
//! - `makers`: a market maker at an exchange
//! - `edge`: roles, hostile messages, names; `users`: the program as people run it; `tools`: what operators do
//! - `simulate`: every rule of matching
//! - `layers`: who may import whom

mod days;
mod edge;
mod kills;
mod layers;
mod makers;
mod prices;
mod restarts;
mod sessions;
mod simulate;
mod tools;
mod users;
mod venue;
