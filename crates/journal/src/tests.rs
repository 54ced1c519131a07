//! What a journal keeps, and what it says when it cannot.
