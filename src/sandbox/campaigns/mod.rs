//! The Campaigns half of the sandbox.
