//! One binary for everything that looks at the whole: stories through gRPC, replay, faults, layers.

mod layers;
mod simulate;
