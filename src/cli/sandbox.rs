//! `rosterd sandbox`: serves the local stand-in, and prints the files that make rosterd use it.

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::args::SandboxArgs;
use super::exit::{CliError, Exit};
use super::report::Report;
use super::{Context, runtime};
use crate::daemon::signals;
use crate::sandbox::{self, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};

/// What `sandbox --json` prints.
#[derive(Serialize)]
struct Answer<'u> {
    url: &'u str,
    client_id: &'u str,
    client_secret: &'u str,
    refresh_token: &'u str,
}

/// Runs the command until it is asked to stop.
///
/// # Errors
/// When the address cannot be listened on, or stdout is closed before anyone could read where it serves.
pub(super) fn run(context: &Context, args: &SandboxArgs) -> Result<Exit, CliError> {
    let options = sandbox::Options {
        listen: args.listen,
        people: args.people,
        seed: args.seed,
        empty: false,
    };
    let mut printed = Ok(());
    let served = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let announced = |url: &str| printed = announce(&context.report, url);
        Ok::<_, CliError>(sandbox::serve(&options, announced, stop.cancelled()).await)
    })?;
    served.map_err(|source| CliError::System {
        doing: format!("listen on {}; try another --listen", args.listen),
        source,
    })?;
    printed?;
    Ok(Exit::Done)
}

fn announce(report: &Report, url: &str) -> Result<(), CliError> {
    match report.json {
        true => report.print_json(&Answer {
            url,
            client_id: CLIENT_ID,
            client_secret: CLIENT_SECRET,
            refresh_token: REFRESH_TOKEN,
        })?,
        false => report.print(&instructions(url))?,
    }
    report.note("serving until Ctrl-C; nothing is kept");
    Ok(())
}

fn instructions(url: &str) -> String {
    format!(
        r#"Zoho Accounts, CRM and Campaigns, played at {url}

Two files make rosterd use it. In a folder of your own, rosterd.toml (chmod 600, for its secrets):

state_dir   = "state"
history_dir = "history"
control     = "control.sock"

[accounts.main]
client_id     = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
refresh_token = "{REFRESH_TOKEN}"
accounts_url  = "{url}"
crm_url       = "{url}"
campaigns_url = "{url}"
pace          = "off"         # left out, calls keep to Zoho's limits: 500 contacts a minute

and beside it syncs.d/newsletter.toml:

name   = "Newsletter"
module = "Contacts"
list   = {{ name = "Newsletter" }}

[select]
all = true

[schedule]
every = "hour"

Then: rosterd --config rosterd.toml sync newsletter
"#
    )
}
