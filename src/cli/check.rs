//! `rosterd check`: are all files valid, with `--online`, do the services agree, and what does a sync select?

use serde::Serialize;

use super::args::CheckArgs;
use super::exit::{CliError, Exit};
use super::explain::Explanation;
use super::report::counted;
use super::{Context, online};
use crate::config::{Loaded, Problem, Problems};
use crate::domain::definition::SyncDefinition;
use crate::domain::unknown::Unknown;

/// What `check --json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    explanation: Option<&'a Explanation>,
    problems: &'a [Problem],
}

/// What there is to say of files that are valid.
enum Said {
    /// That they are.
    Sentence(String),
    /// What a sync selects.
    Explanation(Box<Explanation>),
}

/// Runs the command.
///
/// # Errors
/// When the files are not valid, a service could not be asked, or there is no such sync.
pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, CliError> {
    let report = &context.report;
    let answer = |explanation, problems| Answer {
        explanation,
        problems,
    };
    match examine(context, args) {
        Ok(Said::Sentence(sentence)) if report.json => {
            tracing::debug!(%sentence, "checked");
            report.print_json(&answer(None, &[]))?;
        }
        Ok(Said::Sentence(sentence)) => report.print(&sentence)?,
        Ok(Said::Explanation(explanation)) if report.json => {
            report.print_json(&answer(Some(&explanation), &[]))?;
        }
        Ok(Said::Explanation(explanation)) => report.print(&explanation.text(report))?,
        Err(CliError::Problems(problems)) if report.json => {
            report.print_json(&answer(None, &problems.0))?;
            return Err(problems.into());
        }
        Err(error) => return Err(error),
    }
    Ok(Exit::Done)
}

fn examine(context: &Context, args: &CheckArgs) -> Result<Said, CliError> {
    let loaded = context.load_with_warnings()?;
    let explained = args.explain.as_deref();
    let explained = explained.map(|name| find(&loaded, name)).transpose()?;
    let mut answers = match args.online {
        true => online::check(&loaded, &context.clock)?,
        false => online::Answers::default(),
    };
    let explain = |definition: &SyncDefinition, checked| {
        Explanation::of(definition, checked, &loaded.config.timezone)
    };
    if !answers.problems.is_empty() {
        // What is wrong with other syncs does not keep this one from being explained.
        let checked = explained.and_then(|it| Some((it, answers.checked.remove(&it.id)?)));
        if let (Some((definition, checked)), false) = (checked, context.report.json) {
            let explanation = explain(definition, Some(checked));
            context.report.print(&explanation.text(&context.report))?;
        }
        return Err(Problems(answers.problems).into());
    }
    if let Some(definition) = explained {
        let checked = answers.checked.remove(&definition.id);
        return Ok(Said::Explanation(Box::new(explain(definition, checked))));
    }
    let count = |number: usize, noun| counted(u64::try_from(number).unwrap_or(u64::MAX), noun);
    let syncs = count(loaded.config.syncs.len(), "sync");
    let accounts = count(loaded.config.accounts.len(), "account");
    let agree = match args.online {
        true => ", and the services agree",
        false => " (whether the services have all that they name, `--online` tells)",
    };
    let sentence = format!("{syncs} in {accounts}: all files are valid{agree}");
    Ok(Said::Sentence(sentence))
}

fn find<'l>(loaded: &'l Loaded, name: &str) -> Result<&'l SyncDefinition, CliError> {
    let syncs = &loaded.config.syncs;
    let found = name.parse().ok().and_then(|id| syncs.get(&id));
    found.ok_or_else(|| {
        CliError::Unknown(Unknown {
            what: "sync".into(),
            asked: name.to_owned(),
            existing: syncs.keys().map(ToString::to_string).collect(),
        })
    })
}
