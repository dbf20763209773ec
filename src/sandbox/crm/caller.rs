//! Who calls: the token of a request, and what it may be used for.

use axum::http::{HeaderMap, Method};
use jiff::Timestamp;

use super::answer::Problem;
use crate::sandbox::accounts::{Accounts, TokenProblem};

/// The caller of a request.
pub(super) struct Caller<'a> {
    pub(super) accounts: &'a Accounts,
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) now: Timestamp,
}

impl Caller<'_> {
    /// That its token is good, whatever for.
    pub(super) fn authentic(&self) -> Result<(), Problem> {
        match self.accounts.check(self.headers, "", self.now) {
            Ok(()) | Err(TokenProblem::Scope) => Ok(()),
            Err(problem @ (TokenProblem::Missing | TokenProblem::Invalid)) => Err(problem.into()),
        }
    }

    /// That its token was given for `scope`.
    pub(super) fn allowed(&self, scope: &str) -> Result<(), Problem> {
        Ok(self.accounts.check(self.headers, scope, self.now)?)
    }

    /// That it is a GET with the scope.
    pub(super) fn reads(&self, scope: &str) -> Result<(), Problem> {
        self.method(&Method::GET)?;
        self.allowed(scope)
    }

    /// That it uses the method that the path takes.
    pub(super) fn method(&self, wanted: &Method) -> Result<(), Problem> {
        let head = *self.method == Method::HEAD && *wanted == Method::GET;
        if head || self.method == wanted {
            Ok(())
        } else {
            Err(Problem::method())
        }
    }
}
