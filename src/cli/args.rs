//! The command line as people write it: commands, options and their help.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::history::since::Since;

const EXAMPLES: &str = "\
Examples:
  rosterd demo                       see it work, without any set-up
  rosterd check                      are all files valid?
  rosterd plan newsletter            what would a run do?
  rosterd sync newsletter            bring one list up to date now
  rosterd history newsletter         what its runs did
  rosterd why ann@example.com        why is Ann on the lists, or why not?
  rosterd daemon                     keep all lists up to date from now on

Exit codes:
   0  done; contacts refused one by one are outcomes, not failures
   1  failed; the message says what, and what to do
   2  wrong usage, or a sync or run that does not exist
   3  refused or held: a limit, a safety bound, an inactive sync
  75  the service cannot be reached or is throttling; try again later
  77  credentials refused
  78  configuration not valid";

/// Keeps mailing lists true to a CRM: Zoho CRM records onto Zoho Campaigns lists, with consent first.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Options {
    /// Read this rosterd.toml instead of /etc/rosterd/rosterd.toml or the one that the variable ROSTERD_CONFIG names;
    /// relative paths inside it start from its folder.
    // Were the variable clap's, its usage errors would show the option as if it had to be given.
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Print JSON on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results and errors only.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Never colour anything; the variable NO_COLOR says the same.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Move the time by the seconds that this file holds at the moment, to rehearse against the sandbox what days bring.
    #[arg(long, global = true, hide = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub clock_offset: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service in the foreground.
    #[command(
        after_help = "SIGTERM and SIGINT end it after the batch in flight, a second one at once. SIGHUP reloads all files, as `rosterd reload` does. Other commands reach it through the socket that `control` names."
    )]
    Daemon,
    /// Validate all files.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show every sync: its state, last run, next run and the limits used.
    Status(StatusArgs),
    /// Show the coming runs, which of them a limit would defer, and what they are expected to cost.
    #[command(after_help = SCHEDULE_EXAMPLES)]
    Schedule(ScheduleArgs),
    /// Start a run now and follow it to its end.
    #[command(
        after_help = "Beside a running daemon it does the run, and Ctrl-C leaves it to the daemon. Exit code 3 if a limit refuses the run, or its removals wait for a person; 75 if trying later will do."
    )]
    Sync(SyncArgs),
    /// Say what a run would do now, and what it would cost; changes nothing anywhere.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Show past runs, and what became of their contacts.
    #[command(after_help = HISTORY_EXAMPLES)]
    History(HistoryArgs),
    /// Let syncs run again that were deactivated, by a person or because a key or organisation changed or the state was lost.
    #[command(after_help = ACTIVATE_HELP)]
    Activate(ActivateArgs),
    /// Keep syncs from running, whatever their files say, until they are activated.
    #[command(
        after_help = "A run under way goes on to its end. What is on the lists stays there; opt-outs in the CRM are carried out by the account's other syncs, if any is active."
    )]
    Deactivate(DeactivateArgs),
    /// Carry out the removals that a run held, as far as they still apply.
    #[command(after_help = APPROVE_HELP)]
    Approve(HoldArgs),
    /// Drop the removals that a run held, until their records change.
    #[command(after_help = DISCARD_HELP)]
    Discard(HoldArgs),
    /// Take over contacts on a sync's list that others put there, where the sync selects their address.
    #[command(
        after_help = "From then on `deleted` and `left` may take them off. Goes by what the sync's last run read; exit code 3 if there is none."
    )]
    Adopt(AdoptArgs),
    /// Lift the block of an address whose opted-out record is gone for good.
    #[command(
        after_help = "Exit code 3 if the record is still there, or none blocks the address. Unsubscribes and bounces in Campaigns cannot be lifted."
    )]
    Release(ReleaseArgs),
    /// Erase a person: off every list where rosterd put them, out of all that rosterd keeps, and never added again.
    #[command(
        after_help = "What stays is a keyed hash of the address and the time. This cannot be undone."
    )]
    Forget(ForgetArgs),
    /// Tell why an address is on the lists or not: by which records, conditions and duplicates, and what holds it back.
    #[command(after_help = WHY_EXAMPLES)]
    Why(WhyArgs),
    /// Ask the running daemon to take over the files as they are now; tell what changed, or the problems.
    #[command(
        after_help = "All files are valid and take over, or everything stays as it was. Runs under way end under the definition they began with. Exit code 78 if the files are not valid, 1 if no daemon runs."
    )]
    Reload,
    /// Verify, back up or restore what rosterd keeps.
    #[command(after_help = STATE_HELP)]
    State(StateArgs),
    /// Get the refresh token of an account: name scopes and console page, take the grant code, store the token.
    #[command(after_help = LOGIN_EXAMPLES)]
    Login(LoginArgs),
    /// Serve a local stand-in for Zoho CRM and Campaigns, full of invented people.
    #[command(
        after_help = "Prints the files that make rosterd use it. Ends on Ctrl-C; nothing is kept."
    )]
    Sandbox(SandboxArgs),
    /// Show what rosterd does: sandbox, three syncs and their history, in a temporary folder.
    #[command(after_help = "Needs no network and no configuration, and leaves nothing behind.")]
    Demo,
    /// Print the completions of a shell.
    #[command(hide = true)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print a manual page.
    #[command(hide = true)]
    Man {
        /// The command it is about; rosterd itself if left out.
        command: Option<String>,
    },
}

const HISTORY_EXAMPLES: &str = "\
Examples:
  rosterd history                             every run, the newest last
  rosterd history newsletter --since 7d       those of one sync, of the last week
  rosterd history --run 01JD9Z6M3N            one run in full; the beginning of its id is enough
  rosterd history --run 01JD9Z6M3N --ignored  whom it ignored, and why
  rosterd history --follow                    go on with what runs from now on

Works beside a running daemon. Exit code 2 for a sync or run that does not exist.";

const SCHEDULE_EXAMPLES: &str = "\
Examples:
  rosterd schedule                  the coming week
  rosterd schedule --days 31        the coming month
  rosterd schedule --json           the same for programs

What a run is expected to cost is the median of the sync's last five runs that read as much as it
does, everything or changes; before its first run it is unknown, which `rosterd plan` tells. First
runs are taken to complete, and runs by people cannot be foreseen. Of a sync whose occurrences are
deferred, 24 in a row are shown until the limit frees, and of all together the first 5,000.
Works beside a running daemon as well as without one, and asks no service.";

const PLAN_EXAMPLES: &str = "\
Examples:
  rosterd plan newsletter                  how many a run would add, update, take off and ignore
  rosterd plan newsletter --people         and whom, with the fields that change
  rosterd plan newsletter --full           what importing everything again would do
  rosterd plan newsletter --people --json  the same for programs

The run is rehearsed: it reads what it would read, for the same price, from a copy of the state in
the folder for temporary files ($TMPDIR), and leaves out what would change anything. Works for an
inactive sync and beyond a limit. Exit code 0 also if removals would be held; 75 if nobody could be added, or it was stopped.";

const ACTIVATE_HELP: &str = "\
Examples:
  rosterd activate newsletter hospitality    these two
  rosterd activate --account main            all of an account

A sync whose file says `active = false` stays inactive, and so does one for which the limit
active_syncs leaves no room; the rest is activated. With --account: after a change of key or
organisation or a lost state all that this has stopped, and else all that people have deactivated. Exit code 3 if a
sync that is named stays inactive, or the limit leaves no room for one.";

const STATE_HELP: &str = "\
Examples:
  rosterd state verify              is everything readable?
  rosterd state backup FILE         one file with ledger, checkpoints and counters; also beside a daemon
  rosterd state restore FILE        mends the state by such a file, while no daemon runs

A restore mends and does not rewind: whom the present state holds back stays off the lists, what was
counted, finished or deactivated stays so, and the next run of every sync reads everything. A ledger
that is as it was written stays, and takes from the backup whom that holds back besides. What of the
present state cannot be read is said and kept aside; then every sync is inactive until a person
activates it, and the exit code is 3. Exit code 1 if anything is damaged, or the backup is of another
installation.";

const APPROVE_HELP: &str = "\
Example:
  rosterd approve 01JD9Z6M3N    take off whom the run held; ten characters of its id are enough

Whom that concerns, `rosterd plan SYNC --people` names, as `held`.

Each contact is unsubscribed, or removed, as its sync says. That goes by what the last run read: who
has a selected record again since then, and no run has read it, is taken off all the same, and is
added again by the next run if Campaigns lets it; in doubt run the sync first. Left alone is who left
in person, and whom a record feeds or another sync has on the list. What a failed call leaves stays
held.

Exit code 1 if Campaigns refuses a call, 2 for a run that holds nothing, 75 if trying later will do.";

const DISCARD_HELP: &str = "\
Example:
  rosterd discard 01JD9Z6M3N    leave whom the run held on the list; ten characters of its id are enough

Nobody is taken off, and no later run tries again unless the record changes or is deleted after
that. Whose record is deleted already stays on the list until a record has the address again: in
between only an opt-out in the CRM or `rosterd forget` takes it off.

Exit code 2 for a run that holds nothing, 75 if trying later will do.";

const WHY_EXAMPLES: &str = "\
Examples:
  rosterd why ann@example.com                why is Ann on the lists, or why not?
  rosterd why ann@example.com hospitality    the same for one sync
  rosterd why ann@example.com --json         the same for programs

Asks the CRM what its records have now, for about a call and a credit for each module, and changes
nothing. Where the CRM cannot be read, it tells what the last runs knew.
Exit code 0 also for an address that was never seen; 2 for a sync that does not exist.";

const LOGIN_EXAMPLES: &str = "\
Examples:
  rosterd login main                      asks for the code, and does not show it
  rosterd login main < code               reads it from a file
  rosterd login main --to /run/token      stores the token there, wherever rosterd.toml has it

The code comes from the API console of the account's data centre, made by a Self Client for the
scopes that are shown; it lives for minutes. The token is tried first, by reading the organisation
from the CRM and the lists from Campaigns, and then replaces the file that `refresh_token` names,
with mode 0600. Of a credential that is `secrets/NAME` beside rosterd.toml. As root, the file is given
to the owner of the state folder. Exit code 77 if Zoho refuses code, client or scopes; 75 if trying
again later will do.";

const CHECK_EXAMPLES: &str = "\
Examples:
  rosterd check                                   are all files valid?
  rosterd check --online                          and do the services agree?
  rosterd check --explain hospitality             what does this sync select, in plain words?
  rosterd check --explain hospitality --online    the same with the labels of the CRM's screens

Problems go to stderr, each with its place and what would be right. Exit code 78 if there are any.";

/// Options of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Also ask the services: credentials, scopes, modules, fields, views, lists and labels.
    #[arg(long)]
    pub online: bool,
    /// Say in plain words what this sync selects.
    #[arg(long, value_name = "SYNC")]
    pub explain: Option<String>,
}

/// Options of `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Only this sync, in detail.
    pub sync: Option<String>,
}

/// Options of `schedule`.
#[derive(Debug, Clone, Args)]
pub struct ScheduleArgs {
    /// How many days to look ahead, from now; 366 at most.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
}

/// Options of `sync`.
#[derive(Debug, Clone, Args)]
pub struct SyncArgs {
    /// The sync: its file's name without `.toml`.
    pub sync: String,
    /// Import everything again, whatever changed.
    #[arg(long)]
    pub full: bool,
}

/// Options of `plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The sync: its file's name without `.toml`.
    pub sync: String,
    /// Name each person: record, address, outcome and the fields that change.
    #[arg(long)]
    pub people: bool,
    /// Plan to import everything again, whatever changed.
    #[arg(long)]
    pub full: bool,
}

/// Options of `activate`.
#[derive(Debug, Clone, Args)]
pub struct ActivateArgs {
    /// The syncs: their files' names without `.toml`.
    #[arg(required_unless_present = "account", value_name = "SYNC")]
    pub syncs: Vec<String>,
    /// All syncs of this account.
    #[arg(long, value_name = "A", conflicts_with = "syncs")]
    pub account: Option<String>,
}

/// Options of `deactivate`.
#[derive(Debug, Clone, Args)]
pub struct DeactivateArgs {
    /// The syncs: their files' names without `.toml`.
    #[arg(required = true, value_name = "SYNC")]
    pub syncs: Vec<String>,
}

/// Options of `state`.
#[derive(Debug, Clone, Args)]
pub struct StateArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: StateCommand,
}

/// What can be done with the state.
#[derive(Debug, Clone, Subcommand)]
pub enum StateCommand {
    /// Read everything, and tell what is damaged.
    Verify,
    /// Write it all into a new file.
    Backup {
        /// The file; it must not exist.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Mend the state by a backup; nobody comes onto a list by that.
    Restore {
        /// The file that `backup` wrote.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// Options of `approve` and `discard`.
#[derive(Debug, Clone, Args)]
pub struct HoldArgs {
    /// The run, as `status` and `history` show it; ten characters of its id are enough.
    pub run: String,
}

/// Options of `adopt`.
#[derive(Debug, Clone, Args)]
pub struct AdoptArgs {
    /// The sync: its file's name without `.toml`.
    pub sync: String,
}

/// Options of `release`.
#[derive(Debug, Clone, Args)]
pub struct ReleaseArgs {
    /// The address.
    pub address: String,
    /// Why, for the history; without addresses.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Options of `forget`.
#[derive(Debug, Clone, Args)]
pub struct ForgetArgs {
    /// The address.
    pub address: String,
}

/// Options of `why`.
#[derive(Debug, Clone, Args)]
pub struct WhyArgs {
    /// The address, in any spelling.
    pub address: String,
    /// Only this sync: its file's name without `.toml`.
    pub sync: Option<String>,
}

/// Options of `login`.
#[derive(Debug, Clone, Args)]
pub struct LoginArgs {
    /// The account: its name in rosterd.toml.
    pub account: String,
    /// Store the token in this file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub to: Option<PathBuf>,
}

/// Options of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryArgs {
    /// Only runs of this sync.
    pub sync: Option<String>,
    /// One run in full; the beginning of its id is enough.
    #[arg(long, value_name = "ID", conflicts_with_all = ["since", "follow"])]
    pub run: Option<String>,
    /// The contacts that the run ignored, and why.
    #[arg(long, requires = "run")]
    pub ignored: bool,
    /// Only runs that ended since: a time (2026-11-22T02:30:00Z), a day (2026-11-22) or a span (7d, 12h, 30m).
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
    /// Go on printing runs as they end, until Ctrl-C.
    #[arg(long)]
    pub follow: bool,
}

/// Options of `sandbox`.
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8025")]
    pub listen: SocketAddr,
    /// Invent this many contacts and this many leads.
    #[arg(long, value_name = "N", default_value_t = 3000)]
    pub people: usize,
    /// The same seed invents the same people.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_excludes_each_other_is_refused() {
        for (line, accepted) in [
            ("history --run 01J --ignored", true),
            ("history --ignored", false),
            ("history --run 01J --follow", false),
            ("history news --since 7d --json", true),
            ("history --since soon", false),
            ("sync", false),
            ("plan news --people --full --json", true),
            ("plan", false),
            ("schedule --json", true),
            ("schedule --days 366", true),
            ("schedule --days 367", false),
            ("schedule --days 0", false),
            ("activate news hospitality --json", true),
            ("activate --account main", true),
            ("state verify --json", true),
            ("state backup FILE", true),
            ("state restore FILE", true),
            ("state restore", false),
            ("state", false),
            ("activate", false),
            ("activate news --account main", false),
            ("deactivate news", true),
            ("deactivate", false),
            ("adopt news --json", true),
            ("release ann@example.com --reason merged", true),
            ("release ann@example.com", false),
            ("why ann@example.com news --json", true),
            ("why", false),
            ("login main --to token --json", true),
            ("login", false),
            ("login main 1000.code", false),
            ("--json check --online", true),
            ("check --explain news --online", true),
            ("check --explain", false),
            ("check --offline", false),
        ] {
            let parsed = Cli::try_parse_from(format!("rosterd {line}").split(' '));
            assert_eq!(parsed.is_ok(), accepted, "{line}");
        }
    }
}
