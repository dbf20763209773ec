//! Files to typed settings, every problem with its place.

pub mod settings;
