//! What a journal keeps, and what it says when it cannot.

mod ends;
mod faults;
mod files;
mod records;
mod rig;
