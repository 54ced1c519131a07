//! The rules of MARKET sections 3 to 5, as stories.
