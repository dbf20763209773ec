//! Call budgets per method and window: wait how long.
