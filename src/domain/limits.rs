//! May this run start; what is used, when it frees.
