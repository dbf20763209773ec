//! One HTTP client for both services.
