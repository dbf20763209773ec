//! `rosterd state`: verifies, backs up and restores what rosterd keeps.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::args::{StateArgs, StateCommand};
use super::exit::{CliError, Exit};
use super::report::counted;
use super::{Context, runtime};
use crate::config::settings::Config;
use crate::daemon::ServiceError;
use crate::daemon::rehearsal::Folder;
use crate::store::backup::{self, About, Verified};
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
            None => copied(&context.load_to_look()?.config, |folder| {
                backup::verify(folder, context.clock.now())
            }),
        }
    })?;
    let report = &context.report;
    let is_sound = verified.faults.is_empty();
    if report.json {
        report.print_json(&serde_json::json!({
            "sound": is_sound, "rows": verified.rows, "syncs": verified.syncs,
            "faults": verified.faults, "bad_rows": verified.bad_rows,
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
        report.print(&format!("damaged: {fault}"))?;
    }
    let message = match verified.bad_rows {
        0 => "the state is damaged: see above for what to do".to_owned(),
        bad => format!(
            "{} of the ledger cannot be read: stop the daemon, and restore a backup",
            counted(bad, "row")
        ),
    };
    Err(CliError::because(Exit::Failed, message))
}

fn back_up(context: &Context, file: &Path) -> Result<Exit, CliError> {
    if file.exists() {
        let message = format!(
            "{} exists already: name a new file, so that no backup is lost",
            file.display()
        );
        return Err(CliError::because(Exit::Usage, message));
    }
    let made = runtime()?.block_on(make(context, file));
    let about: About = match made {
        Ok(about) => about,
        Err(error) => {
            // Half a backup is none.
            let _ = std::fs::remove_file(file);
            return Err(error);
        }
    };
    let bytes = std::fs::metadata(file)?.len();
    let report = &context.report;
    if report.json {
        report.print_json(
            &serde_json::json!({ "file": file, "at": about.at.to_string(), "bytes": bytes }),
        )?;
    } else {
        report.print(&format!(
            "backed up to {} ({}); it names people: keep it as closed as the state",
            file.display(),
            counted(bytes, "byte")
        ))?;
    }
    Ok(Exit::Done)
}

async fn make(context: &Context, file: &Path) -> Result<About, CliError> {
    let Some((remote, _)) = context.daemon().await? else {
        let config = context.load_to_look()?.config;
        return copied(&config, |folder| {
            backup::pack(folder, file, context.clock.now())
        });
    };
    let failed = |source: io::Error| {
        CliError::because(
            Exit::Failed,
            format!("cannot write the backup {}: {source}", file.display()),
        )
    };
    let made = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(file);
    let mut out = made.map_err(failed)?;
    let about = remote.backup(|bytes| out.write_all(bytes)).await?;
    out.sync_all().map_err(failed)?;
    Ok(about)
}

/// Does something with a copy of the state, which no other process may hold.
fn copied<T>(
    config: &Config,
    work: impl FnOnce(&Path) -> Result<T, StoreError>,
) -> Result<T, CliError> {
    let folder = Folder::create()?;
    let stop = CancellationToken::new();
    let copied = copy::copy(&config.state_dir, folder.path(), &stop);
    copied.map_err(ServiceError::from)?;
    Ok(work(folder.path()).map_err(ServiceError::from)?)
}

fn restore(context: &Context, file: &Path) -> Result<Exit, CliError> {
    let config = context.load_to_look()?.config;
    let restored = backup::restore(&config.state_dir, file, context.clock.now());
    let restored = restored.map_err(ServiceError::from)?;
    let report = &context.report;
    if report.json {
        report.print_json(&serde_json::json!({
            "at": restored.about.at.to_string(), "syncs": restored.syncs, "aside": restored.aside,
        }))?;
    } else {
        report.print(&format!(
            "restored from {}, made on {} by rosterd {}; the next run of {} reads everything",
            file.display(),
            restored.about.at,
            restored.about.version,
            match restored.syncs {
                1 => "the one sync".to_owned(),
                syncs => format!("all {syncs} syncs"),
            }
        ))?;
        if let Some(aside) = &restored.aside {
            report.note(&format!(
                "what was there is in {}: delete it when all is well, as it names people",
                aside.display()
            ));
        }
    }
    Ok(Exit::Done)
}
