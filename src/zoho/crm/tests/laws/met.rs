//! How many draws were of any use.

use std::collections::BTreeSet;

use super::chance::Draw;
use super::organisation::Kind;

/// What was met, so that a law cannot hold for want of cases.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) operators: BTreeSet<(&'static str, Kind)>,
    pub(super) types: BTreeSet<String>,
    pub(super) modules: BTreeSet<&'static str>,
    /// The first steps of paths, and how many steps they have.
    pub(super) roots: BTreeSet<String>,
    pub(super) steps: BTreeSet<usize>,
    pub(super) draws: usize,
    /// Draws with members and others.
    pub(super) mixed: usize,
    /// Draws of which a query, or a job, gave fewer records than there are.
    pub(super) narrowed: usize,
    pub(super) narrowed_jobs: usize,
    /// Draws that a job can be asked for, and those of which it lost a member that lacks a parent.
    pub(super) jobs: usize,
    pub(super) parentless: usize,
}

impl Met {
    /// Takes in what another thread met.
    pub(super) fn add(&mut self, other: Self) {
        self.operators.extend(other.operators);
        self.types.extend(other.types);
        self.modules.extend(other.modules);
        self.roots.extend(other.roots);
        self.steps.extend(other.steps);
        self.draws += other.draws;
        self.mixed += other.mixed;
        self.narrowed += other.narrowed;
        self.narrowed_jobs += other.narrowed_jobs;
        self.jobs += other.jobs;
        self.parentless += other.parentless;
    }

    /// Notes a draw with so many members of so many records.
    pub(super) fn note(&mut self, draw: &Draw, (members, records): (usize, usize), by_job: bool) {
        self.draws += 1;
        self.jobs += usize::from(by_job);
        self.mixed += usize::from(members > 0 && members < records);
        self.modules.insert(draw.module);
        for (path, condition) in &draw.asked {
            self.operators
                .insert((condition.operator.name(), path.kind));
            self.types.insert(path.data_type().to_owned());
            self.roots.insert(
                path.text
                    .split_once('.')
                    .map_or("", |(root, _)| root)
                    .to_owned(),
            );
            self.steps.insert(path.text.matches('.').count());
        }
    }
}
