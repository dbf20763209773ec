//! The CRM half of the sandbox.
