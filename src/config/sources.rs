//! The files behind a configuration, for checks that come later and must point into them.

use std::collections::BTreeMap;

use super::document::{Aim, Document};
use super::problem::Problem;
use crate::domain::ids::{AccountName, SyncId};

/// The files, with the place of everything in them.
#[derive(Debug, Clone)]
pub struct Sources {
    pub(super) main: Document,
    pub(super) syncs: BTreeMap<SyncId, Document>,
}

impl Sources {
    /// A problem with the value at `key_path` of a definition, e.g. `select.criteria[0].field`,
    /// `map.Company Name`; a key that is not there points at the table around it.
    #[must_use]
    pub fn problem(
        &self,
        sync: &SyncId,
        key_path: &str,
        message: String,
        help: Option<String>,
    ) -> Problem {
        self.point(sync, key_path, Aim::Value, message, help)
    }

    /// The same for the key itself, e.g. a label in `[map]`.
    #[must_use]
    pub fn problem_with_key(
        &self,
        sync: &SyncId,
        key_path: &str,
        message: String,
        help: Option<String>,
    ) -> Problem {
        self.point(sync, key_path, Aim::Key, message, help)
    }

    /// A problem with an account in `rosterd.toml`; `key` is one of its keys, e.g. `client_secret`.
    #[must_use]
    pub fn account_problem(
        &self,
        account: &AccountName,
        key: &str,
        message: String,
        help: Option<String>,
    ) -> Problem {
        let span = self
            .main
            .locate(&format!("accounts.{account}.{key}"), Aim::Value);
        self.main.problem_in(span, message, help)
    }

    /// A problem with a key of `rosterd.toml`, e.g. `state_dir`.
    #[must_use]
    pub fn problem_of_main(&self, key: &str, message: String, help: Option<String>) -> Problem {
        let span = self.main.locate(key, Aim::Value);
        self.main.problem_in(span, message, help)
    }

    fn point(
        &self,
        sync: &SyncId,
        key_path: &str,
        aim: Aim,
        message: String,
        help: Option<String>,
    ) -> Problem {
        match self.syncs.get(sync) {
            Some(document) => document.problem_in(document.locate(key_path, aim), message, help),
            None => Problem::without_place(sync.as_str(), message, help),
        }
    }
}
