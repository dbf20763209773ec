//! The files in `etc`: what they say, and that those with every key say the defaults.

use std::path::Path;
use std::time::Duration;

use jiff::civil::{Weekday, date, time};
use jiff::tz::TimeZone;
use rosterd::config::settings::{Config, History, Log, LogFormat, Pace, RemovalBound, Safety};
use rosterd::config::{Loaded, load};
use rosterd::domain::definition::{
    Advanced, Condition, Departure, ListTarget, Literal, Operator, OptedInAgain, Retrieval,
    Retrieved, Selection, WayOff,
};
use rosterd::domain::limits::LimitValues;
use rosterd::domain::pattern::Pattern;
use rosterd::domain::schedule::{CatchUp, Every};
use secrecy::ExposeSecret;

use super::config_of;

fn shipped() -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("etc/rosterd.toml");
    let variables = [("MAIN_CLIENT_SECRET", "s"), ("MAIN_REFRESH_TOKEN", "t")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    load(&path, variables.into_iter()).unwrap()
}

fn expect_defaults(config: &Config) {
    assert_eq!(config.timezone, TimeZone::UTC);
    assert_eq!(config.state_dir, Path::new("/var/lib/rosterd"));
    assert_eq!(config.history_dir, Path::new("/var/log/rosterd"));
    let log = Log {
        level: "info".into(),
        format: LogFormat::Auto,
    };
    assert_eq!(config.log, log);
    let history = History {
        rotate_mib: 64,
        keep_rotated: 12,
        keep_ignored_days: 90,
    };
    assert_eq!(config.history, history);
    let limits = LimitValues {
        active_syncs: Some(10),
        runs_per_day: Some(10),
        initiations_per_month: Some(50),
        resyncs_per_day: Some(5),
        resyncs_per_month: Some(15),
    };
    assert_eq!(config.limits, limits);
    let safety = Safety {
        max_removals: RemovalBound::Share(1000),
        min_removals: 25,
        suppression_max_age: Duration::from_secs(3600),
    };
    assert_eq!(config.safety, safety);
    assert_eq!(config.give_up_after, Duration::from_secs(900));
    assert!(config.group_emails.is_empty() && config.builtin_group_emails);
    let account = &config.accounts[&"main".parse().unwrap()];
    assert_eq!(account.data_center, "com");
    assert_eq!(
        (account.crm_concurrency, account.campaigns_concurrency),
        (4, 4)
    );
    assert!(!account.topics);
    assert_eq!(account.pace, Pace::Documented);
    assert_eq!(account.client_secret.expose_secret(), "s");
    assert_eq!(account.refresh_token.expose_secret(), "t");
    assert_eq!(account.accounts_url, None);
    assert_eq!((&account.crm_url, &account.campaigns_url), (&None, &None));
}

#[test]
fn the_shipped_example_says_the_defaults() {
    let shipped = shipped();
    assert_eq!(shipped.warnings, []);
    expect_defaults(&shipped.config);
    expect_defaults(&config_of("", &[]));
}

#[test]
fn the_shipped_definitions_mean_what_they_say() {
    let config = shipped().config;
    let newsletter = &config.syncs[&"newsletter".parse().unwrap()];
    assert_eq!(newsletter.selection, Selection::All);
    assert_eq!(newsletter.account.as_str(), "main");
    assert_eq!(newsletter.list, ListTarget::Name("Newsletter".into()));
    let at = time(2, 30, 0, 0);
    assert_eq!(newsletter.schedule.every, Every::Day { at });
    assert_eq!(newsletter.schedule.zone, TimeZone::UTC);
    let leads = &config.syncs[&"hospitality".parse().unwrap()];
    let condition = |field: &str, operator, operand| Condition {
        field: field.parse().unwrap(),
        operator,
        operands: vec![operand],
    };
    let text = |text: &str| Literal::Text(text.into());
    let selection = Selection::Criteria {
        conditions: vec![
            condition("Industry", Operator::Is, text("Hospitality")),
            condition("Lead_Status", Operator::Is, text("Converted")),
            condition(
                "Annual_Revenue",
                Operator::Greater,
                Literal::Number(5_000_000.into()),
            ),
            condition(
                "No_of_Employees",
                Operator::Greater,
                Literal::Number(2000.into()),
            ),
        ],
        pattern: Pattern::parse("((1 and 2) and (3 or 4))", 4).unwrap(),
    };
    assert_eq!(leads.selection, selection);
    let on = vec![Weekday::Monday, Weekday::Thursday];
    assert_eq!(leads.schedule.every, Every::Week { at, on });
    assert_eq!(
        leads.schedule.zone,
        TimeZone::get("America/New_York").unwrap()
    );
    assert_eq!(
        leads.mapping.rules,
        [("Company Name".into(), "Company".parse().ok())]
    );
    for sync in [newsletter, leads] {
        assert!(sync.active);
        assert_eq!(sync.schedule.catch_up, CatchUp::Latest);
        assert_eq!(sync.reconcile_every(false), Duration::from_secs(7 * 86_400));
        let advanced = Advanced {
            deleted: Departure::Keep,
            opted_out: WayOff::Unsubscribe,
            left: Departure::Keep,
            opted_in_again: OptedInAgain::Ignore,
            opt_out_field: "Email_Opt_Out".parse().unwrap(),
            exclude_converted: false,
            clear_empty: false,
            allow_signup_form: false,
        };
        assert_eq!(sync.advanced, advanced);
    }
}

#[test]
fn the_shipped_definitions_show_views_and_related_fields() {
    let config = shipped().config;
    let guests = &config.syncs[&"event-guests".parse().unwrap()];
    assert_eq!(guests.selection, Selection::View("Fair guests".into()));
    let retrieval = Retrieval {
        records: Retrieved::New,
        created_from: Some(date(2026, 1, 1)),
        created_to: None,
    };
    assert_eq!(guests.retrieval, retrieval);
    let regulars = &config.syncs[&"regulars".parse().unwrap()];
    let Selection::Criteria {
        conditions,
        pattern,
    } = &regulars.selection
    else {
        panic!("criteria were given");
    };
    let fields = conditions.iter().map(|condition| condition.field.as_str());
    let related = ["Accounts.Industry", "Deals.Stage", "Deals.Amount"];
    assert_eq!(fields.collect::<Vec<_>>(), related);
    assert_eq!(*pattern, Pattern::nested(3));
    for sync in [guests, regulars] {
        assert_eq!(sync.reconcile_every(false), Duration::from_secs(86_400));
    }
}
