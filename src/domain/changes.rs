//! Ledger against contact: what has to be sent, kept, taken away.
