//! `rosterd why`: why an address is on the lists or not, in sentences for people and as JSON.

mod answer;
mod details;
mod document;
mod held_back;
mod unseen;
mod values;

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use self::answer::answer;
use self::details::details;
use self::document::Document;
use self::unseen::{other_list, unseen};
use super::args::WhyArgs;
use super::exit::{CliError, Exit};
use super::report::{Report, Style, escape, minute, zone_name};
use super::{Context, history, runtime};
use crate::daemon::inquiry::Inquirer;
use crate::daemon::{Wording, control, signals};
use crate::domain::address::RoleAddresses;
use crate::domain::ids::SyncId;
use crate::run::why::{Erasure, Story, Subject, SyncStory};

/// Runs the command.
///
/// # Errors
/// The sync does not exist, or the state is held by another process or cannot be read. Services that cannot be asked
/// are no error: the answer says so.
pub(super) fn run(context: &Context, args: &WhyArgs) -> Result<Exit, CliError> {
    if args.address.trim().is_empty() {
        let message = "the address is empty: name one, such as ann@example.com";
        return Err(CliError::because(Exit::Usage, message));
    }
    let report = &context.report;
    let told = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let answered = async {
            match context.daemon().await? {
                Some((remote, _)) => {
                    let telling = control::Telling {
                        json: report.json,
                        colour: report.colour,
                    };
                    let sync = args.sync.as_deref();
                    Ok(remote.why(&args.address, sync, telling).await?)
                }
                None => answer_alone(context, args).await,
            }
        };
        tokio::select! {
            told = answered => told,
            () = stop.cancelled() => {
                let message = "stopped before the services had answered; nothing was changed";
                Err(CliError::because(Exit::TryAgain, message))
            }
        }
    })?;
    report.print(&told)?;
    // The history says it, where others may be at work.
    let config = context.load_to_look()?.config;
    let sync = args.sync.as_deref().map(|asked| config.sync_named(asked));
    let notes = history::parked::notes(&config, sync.transpose()?.as_ref(), report)?;
    for (_, note) in notes
        .iter()
        .filter(|(sync, _)| is_about(&told, sync, report))
    {
        report.note(&format!("note: {note}"));
    }
    Ok(Exit::Done)
}

/// Whether an answer has a part about a sync.
fn is_about(told: &str, sync: &SyncId, report: &Report) -> bool {
    match report.json {
        true => told.contains(&format!("\"sync\":\"{sync}\"")),
        false => {
            let heading = report.paint(Style::Bold, sync.as_str());
            told.lines().any(|line| line == heading)
        }
    }
}

/// Answers with the state in one's own hands.
async fn answer_alone(context: &Context, args: &WhyArgs) -> Result<String, CliError> {
    let loaded = context.load_to_ask()?;
    let config = &loaded.config;
    let sync = match &args.sync {
        Some(asked) => Some(config.sync_named(asked)?),
        None => None,
    };
    let roles = RoleAddresses::new(config.builtin_group_emails, &config.group_emails);
    let subject = Subject::of(&args.address, &roles);
    let zone = config.timezone.clone();
    let inquirer = Inquirer::open(loaded, context.clock.clone())?;
    let story = inquirer.why(&subject, sync.as_ref()).await?;
    let wording = Wording {
        zone: &zone,
        json: context.report.json,
        colour: context.report.colour,
        is_named: sync.is_some(),
    };
    Ok(worded(&story, &subject, &wording))
}

/// A story, in words or as a JSON document.
pub(super) fn worded(story: &Story, subject: &Subject, wording: &Wording<'_>) -> String {
    let telling = Telling {
        story,
        subject,
        zone: wording.zone,
    };
    match wording.json {
        // Its keys are texts, so that it can be put as JSON.
        true => serde_json::to_string(&Document::of(&telling)).unwrap_or_default(),
        false => telling.text(&Report::coloured(wording.colour), wording.is_named),
    }
}

/// All that is told of a person who was erased.
fn erased(erasure: Erasure, zone: &TimeZone) -> String {
    let since = format!("{} ({})", minute(erasure.since, zone), zone_name(zone));
    match erasure.done {
        true => format!("Erased on {since}; no sync adds the address."),
        false => format!(
            "To be erased since {since}, which is not finished: `rosterd forget` once more does the rest. No sync adds the address."
        ),
    }
}

/// What is told, and to whom it is about.
struct Telling<'a> {
    story: &'a Story,
    subject: &'a Subject,
    /// The zone of all times.
    zone: &'a TimeZone,
}

impl Telling<'_> {
    /// As people read it: the answer first, sync by sync.
    fn text(&self, report: &Report, is_named: bool) -> String {
        let mut text = report.paint(Style::Bold, &escape(&self.subject.text));
        if let Some(erasure) = self.story.erased {
            return format!("{text}\n{}\n", erased(erasure, self.zone));
        }
        let others = self.other_spellings();
        if !others.is_empty() {
            let others: Vec<_> = others.iter().map(|it| escape(it)).collect();
            text += &format!(" (on record as {})", others.join(", "));
        }
        text.push('\n');
        for sentence in unseen(self, is_named) {
            text += &format!("{}\n", escape(&sentence));
        }
        for sync in &self.story.syncs {
            text += &self.sync(sync, report);
        }
        for sync in self.story.others.iter().filter(|_| is_named) {
            text += &self.sync(sync, report);
        }
        for list in &self.story.other_lists {
            text += &format!("\n{}\n", escape(&other_list(list, self.zone)));
        }
        for unread in &self.story.unread {
            text += &format!("\n{}\n", escape(&unseen::unread(unread)));
        }
        for unasked in &self.story.unasked {
            text += &format!("\n{}\n", escape(&unseen::unasked(unasked)));
        }
        if self.has_times(is_named) {
            text += &format!("\nAll times are those of {}.\n", zone_name(self.zone));
        }
        text
    }

    /// Whether the text tells of a time.
    fn has_times(&self, is_named: bool) -> bool {
        let story = self.story;
        let is_timed = |sync: &SyncStory| sync.found.is_some() || !sync.records.is_empty();
        let mut syncs = story.syncs.iter();
        let mut others = story.others.iter().filter(|_| is_named);
        syncs.any(is_timed)
            || others.any(is_timed)
            || story.opt_outs.iter().any(|it| it.since.is_some())
            || !story.other_lists.is_empty()
    }

    fn sync(&self, sync: &SyncStory, report: &Report) -> String {
        let id = report.paint(Style::Bold, sync.definition.id.as_str());
        let mut text = format!("\n{id}\n  {}\n", escape(&answer(self, sync)));
        if let Some(why) = sync.barred {
            let definition = &sync.definition;
            let remedy = why.remedy(&definition.id, &definition.account);
            let line = format!("The sync is inactive, so no run of it changes that: {remedy}.");
            text += &format!("  {}\n", escape(&line));
        }
        for line in details(self, sync) {
            text += &format!("  {}\n", escape(&line));
        }
        text
    }

    /// The spellings on record that are not the one that was asked for.
    fn other_spellings(&self) -> Vec<&str> {
        let spellings = self.story.spellings.iter().map(String::as_str);
        spellings.filter(|it| *it != self.subject.text).collect()
    }
}
