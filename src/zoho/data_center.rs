//! Hosts by data centre.
