//! `rosterd state`: verifies, backs up and restores what rosterd keeps.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::args::{StateArgs, StateCommand};
use super::exit::{CliError, Exit};
use super::report::{Report, counted, escape};
use super::{Context, runtime};
use crate::config::settings::Config;
use crate::daemon::ServiceError;
use crate::daemon::rehearsal::Folder;
use crate::journal;
use crate::store::backup::{self, About, CopyOf, Verified};
use crate::store::restore::Restored;
use crate::store::restore::place::{self, Remains};
use crate::store::{StoreError, copy};

/// Runs the command.
///
/// # Errors
/// The state is damaged, or cannot be read or written.
pub(super) fn run(context: &Context, args: &StateArgs) -> Result<Exit, CliError> {
    match &args.command {
        StateCommand::Verify => verify(context),
        StateCommand::Backup { file } => back_up(context, file),
        StateCommand::Restore { file } => restore(context, file),
    }
}

fn verify(context: &Context) -> Result<Exit, CliError> {
    let verified: Verified = runtime()?.block_on(async {
        match context.daemon().await? {
            Some((remote, _)) => Ok::<_, CliError>(remote.verify().await?),
            None => copied(&context.load_to_look()?.config, |copy| {
                backup::verify(copy, context.clock.now())
            }),
        }
    })?;
    let report = &context.report;
    let config = context.load_to_look()?.config;
    let remains = place::remains(&config.state_dir);
    let mut verified = verified;
    verified
        .faults
        .extend(journal::damage(&config.history_dir)?);
    let interrupted = remains.interrupted.iter().map(|path| {
        let path = path.display();
        format!("an interrupted restore left {path}, which names people: the next start sees to it")
    });
    verified.faults.extend(interrupted);
    let is_sound = verified.faults.is_empty();
    note_aside(report, &remains);
    if report.json {
        report.print_json(&serde_json::json!({
            "sound": is_sound, "rows": verified.rows, "syncs": verified.syncs,
            "faults": verified.faults, "bad_rows": verified.bad_rows, "aside": remains.aside,
        }))?;
    } else if is_sound {
        report.print(&format!(
            "sound: {} of the ledger, {} with a checkpoint",
            counted(verified.rows, "row"),
            counted(verified.syncs, "sync")
        ))?;
    }
    if is_sound {
        return Ok(Exit::Done);
    }
    for fault in verified.faults.iter().filter(|_| !report.json) {
        report.print(&format!("damaged: {}", escape(fault)))?;
    }
    let message = match verified.bad_rows {
        0 => "the state is damaged: see above for what to do".to_owned(),
        bad => format!(
            "{} of the ledger cannot be read: stop the daemon, and `rosterd state restore` a backup",
            counted(bad, "row")
        ),
    };
    Err(CliError::because(Exit::Failed, message))
}

/// How the name of a backup begins that is not whole yet.
const UNFINISHED: &str = ".rosterd-backup-";

fn back_up(context: &Context, file: &Path) -> Result<Exit, CliError> {
    // It gets its name once it is whole: half a backup is none, however the process ends.
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if file.exists() {
        return Err(exists(file));
    }
    let unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)
        .map_err(|error| not_made(file, folder, &error))?;
    let out = unfinished.reopen();
    let out = out.map_err(|error| not_written(file, &error))?;
    let about: About = runtime()?.block_on(make(context, out, file))?;
    match unfinished.persist_noclobber(file) {
        Ok(_) => File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| not_written(file, &error))?,
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(exists(file));
        }
        Err(failed) => return Err(not_written(file, &failed.error)),
    }
    let bytes = std::fs::metadata(file)?.len();
    let report = &context.report;
    if report.json {
        report.print_json(
            &serde_json::json!({ "file": file, "at": about.at.to_string(), "bytes": bytes }),
        )?;
    } else {
        report.print(&format!(
            "backed up to {} ({}); it names people: keep it as closed as the state",
            shown(file),
            counted(bytes, "byte")
        ))?;
    }
    Ok(Exit::Done)
}

/// A path as a terminal may see it.
fn shown(path: &Path) -> String {
    escape(&path.display().to_string()).into_owned()
}

fn exists(file: &Path) -> CliError {
    let message = format!(
        "{} exists already: name a new file, so that no backup is lost",
        file.display()
    );
    CliError::because(Exit::Usage, message)
}

async fn make(context: &Context, mut out: File, file: &Path) -> Result<About, CliError> {
    let Some((remote, _)) = context.daemon().await? else {
        let config = context.load_to_look()?.config;
        return copied(&config, |copy| {
            backup::pack(copy, (out, file), context.clock.now())
        });
    };
    let about = remote.backup(|bytes| out.write_all(bytes)).await?;
    out.sync_all().map_err(|error| not_written(file, &error))?;
    Ok(about)
}

/// The folder is what is missing or full, and the name of the file that was to be made there says nothing to anybody.
fn not_made(file: &Path, folder: &Path, error: &io::Error) -> CliError {
    let (file, folder) = (file.display(), folder.display());
    let why = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no folder {folder}"),
        kind => format!("no file can be made in the folder {folder}: {kind}"),
    };
    CliError::because(
        Exit::Failed,
        format!("cannot write the backup {file}: {why}"),
    )
}

fn not_written(file: &Path, error: &io::Error) -> CliError {
    let message = format!("cannot write the backup {}: {error}", file.display());
    CliError::because(Exit::Failed, message)
}

/// Does something with a copy of the state, which no other process may hold.
fn copied<T>(
    config: &Config,
    work: impl FnOnce(CopyOf<'_>) -> Result<T, StoreError>,
) -> Result<T, CliError> {
    let folder = Folder::create()?;
    let stop = CancellationToken::new();
    let copied = copy::copy(&config.state_dir, folder.path(), &stop);
    copied.map_err(ServiceError::from)?;
    let copy = CopyOf {
        folder: folder.path(),
        original: &config.state_dir,
    };
    Ok(work(copy).map_err(ServiceError::from)?)
}

fn restore(context: &Context, file: &Path) -> Result<Exit, CliError> {
    let config = context.load_to_look()?.config;
    let restored = crate::daemon::restore(&config, file, context.clock.now())?;
    let report = &context.report;
    let Restored {
        about,
        syncs,
        held,
        given_up,
        kept_ledger,
        unread,
        aside,
    } = restored;
    if report.json {
        report.print_json(&serde_json::json!({
            "file": file, "at": about.at.to_string(), "version": about.version, "syncs": syncs,
            "given_up": given_up, "held": held, "kept_ledger": kept_ledger, "unread": unread, "inactive": !unread.is_empty(),
            "aside": aside,
        }))?;
    } else {
        let file = shown(file);
        let (made, by) = (about.at, &about.version);
        report.print(&format!(
            "restored from {file}, made on {made} by rosterd {by}: {}; the next run of {} reads everything",
            match kept_ledger {
                true => "the ledger is sound, stays, and holds back whom the backup holds back too",
                false => "its ledger takes the place of the present one",
            },
            match syncs {
                1 => "the one sync".to_owned(),
                syncs => format!("all {syncs} syncs"),
            }
        ))?;
    }
    for sync in &given_up {
        report.note(&format!(
            "the run of {sync} that was interrupted or parked ends as failed: the next one does what it left"
        ));
    }
    if held && unread.is_empty() {
        report.note("syncs that were inactive since the state was lost stay so until a person activates them: look at `rosterd plan` of each first");
    }
    if unread.is_empty() {
        return Ok(Exit::Done);
    }
    for what in &unread {
        report.note(&format!("not carried over: {}", escape(what)));
    }
    if let Some(aside) = aside {
        let aside = shown(&aside);
        report.note(&format!(
            "what was there is in {aside}, and names people: delete it when it is not needed any more"
        ));
    }
    let message = "who opted out, left or was erased since the backup may not be known: every sync is inactive; \
        look at `rosterd plan` of each, then `rosterd activate` it";
    Err(CliError::because(Exit::Refused, message))
}

/// Says where restores have put what they could not read.
pub(super) fn note_aside(report: &Report, remains: &Remains) {
    for aside in &remains.aside {
        let aside = shown(aside);
        report.note(&format!(
            "note: a restore has put what it could not read into {aside}, which names people: delete it when it is not needed any more"
        ));
    }
}
