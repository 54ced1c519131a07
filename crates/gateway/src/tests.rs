//! The edge without a network: who may call what, how statuses look, how lists go on.
