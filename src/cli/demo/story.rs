//! What the demo tells, as values: taken from the journal, from the sandbox's lists and from its contacts.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Serialize;

use super::people::Person;
use crate::cli::exit::{CliError, Exit};
use crate::domain::ids::RunId;
use crate::journal::event::RunFinished;
use crate::journal::{Event, read};
use crate::sandbox::World;

/// All that is told; `--json` prints it as it is.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    /// Records in the CRM at the beginning, by module.
    pub(super) records: BTreeMap<&'static str, usize>,
    /// The definitions, by id.
    pub(super) definitions: BTreeMap<&'static str, &'static str>,
    /// The first import and the second.
    pub(super) imports: [Import; 2],
    /// What people did in between.
    pub(super) changes: Vec<String>,
    /// What happened to the three.
    pub(super) people: Vec<Person>,
}

/// A run of each sync, and what was on the lists after it.
#[derive(Debug, Serialize)]
pub(super) struct Import {
    /// As the journal tells them.
    pub(super) runs: Vec<RunFinished>,
    /// By the list's name.
    pub(super) lists: BTreeMap<String, OnList>,
}

/// How many people are on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct OnList {
    /// They get mail.
    pub(super) active: usize,
    /// They or rosterd unsubscribed them.
    pub(super) unsubscribed: usize,
    /// Mail to them came back.
    pub(super) bounced: usize,
}

impl Import {
    /// What the journal in `dir` tells of these runs, and the lists as they are.
    ///
    /// # Errors
    /// The journal cannot be read, lacks a run, or its sums do not agree.
    pub(super) fn look(dir: &Path, ids: &[RunId], world: &World) -> Result<Self, CliError> {
        let wanted: HashSet<&RunId> = ids.iter().collect();
        let mut runs = Vec::new();
        for line in read(dir)? {
            if let Some(Event::RunFinished(run)) = line?.event
                && wanted.contains(&run.run)
            {
                runs.push(*run);
            }
        }
        if runs.len() != ids.len() || !runs.iter().all(|run| run.counts.agree()) {
            let message = "the history lacks a run or does not add up; please report this";
            return Err(CliError::because(Exit::Failed, message));
        }
        let lists = world.campaigns.list_views().into_iter();
        let lists = lists.map(|list| {
            let on_list = OnList {
                active: list.active,
                unsubscribed: list.unsubscribed,
                bounced: list.bounced,
            };
            (list.name, on_list)
        });
        Ok(Self {
            runs,
            lists: lists.collect(),
        })
    }

    /// The people on a list.
    pub(super) fn on_list(&self, name: &str) -> OnList {
        let none = OnList {
            active: 0,
            unsubscribed: 0,
            bounced: 0,
        };
        self.lists.get(name).copied().unwrap_or(none)
    }
}
