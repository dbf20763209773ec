//! Why an address is on a list or not: all that rosterd knows of it, and what the next run would make of it.
//!
//! What the CRM has now is staged and decided by the code of a run, in a step of the ledger of which nothing is kept, so
//! that what is told and what a run does cannot disagree. Nothing is written: not to the ledger, the checkpoints or the
//! journal, and Campaigns is not asked about the address at all, as its word is what the last run read.
//!
//! The CRM is asked by address and module, once for all syncs of a module (`reading`); a query more each for records
//! that the ledger knows and that do not have the address any more, for a view, and for deals. Only for a definition
//! that has not run as it is now the names are looked up besides. Where the CRM cannot be read, the ledger answers alone.

mod known;
mod looking;
mod past;
mod reading;
mod records;
mod staged;
mod story;
mod subject;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::known::KnownRecords;
use self::looking::Looking;
use self::reading::{Live, Wanted, read};
pub(crate) use self::story::{
    By, Condition, Erasure, Found, HeldRemoval, LastIgnored, Member, Next, NotSelected, OptOut,
    OtherList, RecordStory, Standing, Story, Suppressed, SyncStory, Unasked, UnaskedModule, Unread,
    Whereabouts, instant,
};
pub(crate) use self::subject::Subject;
use super::Clients;
use super::error::RunError;
use super::plan::Plan;
use super::resolve::{kept_in, plan_asked, plan_of};
pub(crate) use super::verify::NOT_ARRIVED;
use crate::config::Sources;
use crate::config::settings::Config;
use crate::domain::activation::Activation;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, SyncId};
use crate::domain::written::Written;
use crate::store::StoreError;
use crate::store::ledger::Ledger;
use crate::store::state::Checkpoint;

/// What is looked at.
pub(crate) struct Inquiry<'a> {
    /// The settings.
    pub(crate) config: &'a Config,
    /// Where in the files they stand.
    pub(crate) sources: &'a Sources,
    /// What is known of records, addresses and lists.
    pub(crate) ledger: &'a Ledger,
    /// How far each sync has come.
    pub(crate) checkpoints: &'a BTreeMap<SyncId, Checkpoint>,
    /// Which syncs are active.
    pub(crate) activation: &'a Activation,
    /// The time.
    pub(crate) now: Timestamp,
}

/// A sync and what its names stand for, as far as that is known.
struct Planned<'a> {
    definition: &'a SyncDefinition,
    plan: Option<Plan>,
    /// Why there is no plan.
    problem: Option<String>,
}

/// Tells all that is known of an address to `syncs`, whose accounts are asked by `clients`. Of a person who was erased,
/// nothing is told but that, and nobody is asked.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`]; services that cannot be asked are told of in the story.
pub(crate) async fn why(
    inquiry: &Inquiry<'_>,
    subject: &Subject,
    syncs: &[&SyncDefinition],
    clients: &BTreeMap<AccountName, Clients>,
) -> Result<Story, RunError> {
    let mut story = Story::default();
    let key = Written::of(&subject.text).map(|whom| inquiry.ledger.key_of(&whom));
    let key = subject.key(inquiry.ledger).or(key);
    if let Some(key) = key
        && let Some(row) = inquiry.ledger.look(|step| step.erased.get(&key))?
    {
        story.erased = Some(Erasure {
            since: instant(row.since),
            done: row.done,
        });
        return Ok(story);
    }
    let mut accounts: BTreeMap<&AccountName, Vec<&SyncDefinition>> = BTreeMap::new();
    for definition in syncs {
        accounts
            .entry(&definition.account)
            .or_default()
            .push(definition);
    }
    for (account, definitions) in accounts {
        if let Some(clients) = clients.get(account) {
            inquiry
                .ask_account(subject, (account, clients), &definitions, &mut story)
                .await?;
        }
    }
    past::add(inquiry, subject, syncs, &mut story)?;
    Ok(story)
}

impl Inquiry<'_> {
    async fn ask_account(
        &self,
        subject: &Subject,
        (account, clients): (&AccountName, &Clients),
        definitions: &[&SyncDefinition],
        story: &mut Story,
    ) -> Result<(), RunError> {
        let mut failed = None;
        let mut planned = Vec::new();
        for definition in definitions {
            let plan = self.plan(clients, definition, failed.is_none()).await?;
            let (plan, problem) = match plan {
                Ok(plan) => (plan, None),
                Err(problem @ RunError::Definition { .. }) => (None, Some(problem.message())),
                Err(error) => {
                    failed = Some(error);
                    (None, None)
                }
            };
            planned.push(Planned {
                definition,
                plan,
                problem,
            });
        }
        let known = match subject.key(self.ledger) {
            Some(key) => {
                let ledger = self.ledger;
                ledger.look(|step| KnownRecords::of(step, account, &planned, &key))?
            }
            None => KnownRecords::default(),
        };
        let live = match failed {
            Some(error) => Err(error),
            None => {
                let wanted = Wanted::of(&planned, &known);
                let read = read(&clients.crm, subject, &planned, wanted).await;
                read.map_err(RunError::from)
            }
        };
        let live: Option<Live> = match live {
            Ok(live) => Some(live),
            Err(error) => {
                story.unread.push(Unread::of(account, &error));
                None
            }
        };
        let unasked = live.iter().flat_map(|live| &live.unasked);
        story
            .unasked
            .extend(unasked.map(|(module, why)| UnaskedModule {
                account: account.clone(),
                module: module.clone(),
                why: *why,
            }));
        let looking = Looking {
            inquiry: self,
            subject,
            live: live.as_ref(),
        };
        let opt_outs = self
            .ledger
            .look(|step| looking.opt_outs(step, account, &planned))?;
        story.opt_outs.extend(opt_outs);
        let mut syncs = Vec::new();
        for planned in &planned {
            syncs.push(self.ledger.look(|step| looking.sync(step, planned))?);
        }
        // Of those who ask about one sync, nobody wants to know the rest.
        let of_account = self.config.syncs.values();
        let is_whole = of_account.filter(|it| it.account == *account).count() == syncs.len();
        if let Some(key) = subject.key(self.ledger).filter(|_| is_whole) {
            let served = syncs.iter().filter_map(|sync| sync.list.as_deref());
            let served = served.collect();
            let ledger = self.ledger;
            let lists = ledger.look(|step| known::other_lists(step, account, &served, &key))?;
            story
                .other_lists
                .extend(lists.into_iter().map(|(list, since)| OtherList {
                    account: account.clone(),
                    list,
                    since: instant(since),
                }));
        }
        syncs.into_iter().for_each(|sync| story.add(sync));
        Ok(())
    }

    /// The plan by what is kept of the definition's names, or else, if they `may_ask`, by what the services say now.
    async fn plan(
        &self,
        clients: &Clients,
        definition: &SyncDefinition,
        may_ask: bool,
    ) -> Result<Result<Option<Plan>, RunError>, StoreError> {
        let kept = self
            .ledger
            .look(|step| kept_in(step, self.config, definition))?;
        Ok(match kept {
            Some(row) => plan_of(self.config, self.sources, definition, row).map(Some),
            None if may_ask => {
                let asked = plan_asked(self.config, self.sources, clients, definition).await;
                asked.map(Some)
            }
            None => Ok(None),
        })
    }
}
