//! Bulk Read: a job is asked for, polled, and its rows downloaded as CSV in a ZIP.
//!
//! `request` reads what is asked, `criteria` its conditions, `job` goes from state to state, `file` writes the rows. The rows
//! are those that match at the moment the job completes, by id, so what changes before that is in and what changes after is not;
//! each page of a long answer is a job with a moment of its own. A page asked for by token begins behind the last id of the page
//! before; one asked for by number begins where the numbers say, and moves when records go. Callbacks are accepted and not made.

mod criteria;
mod file;
mod job;
mod request;
mod routes;

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Crm;
use super::answer::{Answer, Problem};
use super::schema::ORGANISATION;
use job::{Job, Outcome, Page};

pub(super) use routes::routes;

/// Fields, conditions and values of a list in one job, pages of one answer. Source: "Bulk Read", limits, v8, 2026.
const FIELDS_MAX: usize = 200;
const CONDITIONS_MAX: usize = 25;
const VALUES_MAX: usize = 20;
const PAGE_MAX: usize = 500;
/// Relations of one job. UNCONFIRMED: the page names the error and no number; COQL's page speaks of five.
const RELATIONS_MAX: usize = 5;
/// How long results are kept and page tokens live.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Downloads within a minute.
const DOWNLOADS_MAX: usize = 10;
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// Ids of jobs begin here, beyond those of records.
const FIRST_JOB: u64 = ORGANISATION + 800_000_000_000;
/// What calls cost; all others cost 1. UNCONFIRMED: from summaries of the service's page.
const CREATE_CREDITS: u8 = 50;

/// The jobs of the organisation.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    jobs: BTreeMap<u64, Job>,
    /// When results were downloaded in the last minute.
    downloads: VecDeque<Timestamp>,
}

impl Crm {
    /// Answers `POST /bulk/v8/read`; `allowed` judges the scopes of the modules that are touched.
    fn create_job(
        &mut self,
        body: &[u8],
        allowed: &dyn Fn(&str) -> Result<(), Problem>,
    ) -> Result<Answer, Problem> {
        let asked = self.job_asked(body)?;
        for scope in &asked.scopes {
            allowed(scope)?;
        }
        let now = self.clock.now();
        self.bulk.forget(now);
        let failures = &mut self.settings.bulk_failures;
        let is_doomed = *failures > 0;
        *failures = failures.saturating_sub(1);
        let id = FIRST_JOB + u64::try_from(self.bulk.jobs.len()).unwrap_or(0);
        let job = Job::new(id, asked, self.settings.bulk_polls, is_doomed, now);
        let answer = Answer::created(json!({"data": [job.added()], "info": {}}));
        self.bulk.jobs.insert(id, job);
        Ok(answer.costing(CREATE_CREDITS))
    }

    /// Answers `GET /bulk/v8/read/{id}`, and takes the job a step further.
    fn job_status(&mut self, id: &str) -> Result<Answer, Problem> {
        let id = self.bulk.find(id)?.id;
        if self.bulk.jobs.get_mut(&id).is_some_and(Job::is_due) {
            let outcome = self.job_outcome(&self.bulk.jobs[&id]);
            if let Some(job) = self.bulk.jobs.get_mut(&id) {
                job.complete(outcome);
            }
        }
        let job = &self.bulk.jobs[&id];
        let per_page = self.settings.bulk_page_rows;
        Ok(Answer::body(json!({"data": [job.status(per_page)]})))
    }

    /// Answers `GET /bulk/v8/read/{id}/result`.
    fn job_result(&mut self, id: &str) -> Result<Answer, Problem> {
        let now = self.clock.now();
        self.bulk.forget(now);
        let job = self.bulk.find(id)?;
        // Of a job that is not done, or was done a day ago, nothing is there.
        let zip = job.zip().cloned().ok_or_else(Problem::not_found)?;
        let name = format!("{}.zip", job.id);
        if self.bulk.downloads.len() >= DOWNLOADS_MAX {
            return Err(Problem::too_many(
                "the limit of downloads per minute is exceeded",
            ));
        }
        self.bulk.downloads.push_back(now);
        Ok(Answer::zip(name, zip))
    }

    /// What becomes of a job that is due now.
    fn job_outcome(&self, job: &Job) -> Outcome {
        if job.is_doomed {
            return Outcome::failure();
        }
        let now = self.clock.now();
        let Some(module) = self.module(&job.asked.module) else {
            return Outcome::failure();
        };
        let page_rows = self.settings.bulk_page_rows;
        let (after, skipped) = match job.asked.page {
            Page::Number(number) => (0, (number - 1) * page_rows),
            Page::After { id, .. } => (id, 0),
        };
        let mut rows = module
            .rows
            .range(after + 1..)
            .map(|(_, row)| row)
            .filter(|row| self.passes(row, &job.asked.test))
            .skip(skipped);
        let page = rows.by_ref().take(page_rows);
        let written = self.write(job.id, &job.asked.columns, page);
        let next = rows.next().map(|_| job.next_page(written.last_id, now));
        Outcome::completed(written, next, now + KEPT)
    }
}

#[cfg(test)]
impl Crm {
    /// The ids of the records that a job with this query would write.
    pub(super) fn bulk_matching(&self, query: &serde_json::Value) -> Result<Vec<u64>, Problem> {
        let asked = self.job_query(query)?;
        let rows = self
            .module(&asked.module)
            .into_iter()
            .flat_map(|module| module.rows.values());
        let matching = rows.filter(|row| self.passes(row, &asked.test));
        Ok(matching.map(super::module::Row::id).collect())
    }
}

impl Bulk {
    fn find(&self, id: &str) -> Result<&Job, Problem> {
        let job = id.parse().ok().and_then(|id: u64| self.jobs.get(&id));
        job.ok_or_else(Problem::not_found)
    }

    /// Drops results that were kept long enough, and downloads that are a minute old.
    fn forget(&mut self, now: Timestamp) {
        self.jobs.values_mut().for_each(|job| job.forget(now));
        self.downloads.retain(|at| now.duration_since(*at) < MINUTE);
    }
}
