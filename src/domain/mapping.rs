//! Record to contact by the sync's field rules.
