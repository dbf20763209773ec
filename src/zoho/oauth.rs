//! One access token per account.
