//! Stories of a sequencer: what is submitted, killed, restarted, and what is still there.

mod desk;
mod durability;
mod golden;
mod rehearsal;
mod replay;
