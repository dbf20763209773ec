//! The ten syncs of a soak, their files, and when each is due.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The lists that the syncs feed, by key: all but the first two and the last are made for the soak, named like their keys.
pub(super) const LISTS: [&str; 8] = [
    "3znewsletter",
    "3zhospitality",
    "3zgold",
    "3zgoldview",
    "3zaddresses",
    "3zsectors",
    "3zwon",
    "3zeventguests",
];

/// The names of those that are made.
pub(super) const LISTS_MADE: [&str; 5] = ["Gold", "Gold view", "Addresses", "Sectors", "Won"];

/// When something may happen on a day, in UTC; each is five seconds past an occurrence, and at least two full hours lie
/// between two of them.
pub(super) const MOMENTS: [(i8, i8); 5] = [(1, 0), (4, 30), (9, 0), (14, 0), (19, 0)];
/// When a day comes to rest.
pub(super) const EVENING: (i8, i8) = (22, 0);

/// When a sync is due, `n` being the place of a time in [`MOMENTS`].
#[derive(Debug, Clone, Copy)]
enum When {
    Hourly,
    Daily(usize),
    /// On the second day of the soak, and on that day of every week.
    Weekly(usize),
    /// On the second day of the soak, and on that day of every month.
    Monthly(usize),
    Cron(usize, usize),
    Once,
}

/// One of the ten.
#[derive(Debug, Clone)]
pub(super) struct Sync {
    pub(super) id: &'static str,
    pub(super) module: &'static str,
    pub(super) list: &'static str,
    when: When,
    select: &'static str,
    map: &'static str,
    deleted: &'static str,
    left: &'static str,
    opted_out: &'static str,
    opted_in_again: &'static str,
    further: &'static str,
    /// A further field that is mapped since the definition was edited.
    maps_phone: bool,
}

const ALL: &str = "all = true";
const GOLD: &str =
    "criteria = [{ field = \"Customer_Tier\", operator = \"is\", value = \"Gold\" }]";
const ADDRESS_ONLY: &str = "\"First Name\" = \"\"\n\"Last Name\" = \"\"\n";

/// The syncs as a soak begins: every kind of selection, schedule, rule and way to write; two lists are fed by two of them.
pub(super) fn all() -> Vec<Sync> {
    let sync = |id, module, list, when, select| Sync {
        id,
        module,
        list,
        when,
        select,
        map: "",
        deleted: "unsubscribe",
        left: "unsubscribe",
        opted_out: "unsubscribe",
        opted_in_again: "add",
        further: "",
        maps_phone: false,
    };
    vec![
        Sync {
            map: "\"City\" = \"Mailing_City\"\n",
            ..sync("news", "Contacts", LISTS[0], When::Hourly, ALL)
        },
        Sync {
            map: "\"Company Name\" = \"Company\"\n",
            further: "exclude_converted = true\n",
            ..sync("leads", "Leads", LISTS[0], When::Daily(1), ALL)
        },
        Sync {
            left: "keep",
            deleted: "keep",
            ..sync(
                "hotels",
                "Leads",
                LISTS[1],
                When::Weekly(3),
                "pattern = \"1 and not 2\"\ncriteria = [{ field = \"Industry\", operator = \"is\", value = \"Hospitality\" }, \
                 { field = \"City\", operator = \"is\", value = \"Nowhere\" }]",
            )
        },
        Sync {
            opted_in_again: "ignore",
            ..sync("gold", "Contacts", LISTS[2], When::Hourly, GOLD)
        },
        Sync {
            deleted: "remove",
            left: "remove",
            opted_out: "remove",
            ..sync(
                "gold-view",
                "Contacts",
                LISTS[3],
                When::Daily(2),
                "view = \"Gold customers\"",
            )
        },
        Sync {
            map: ADDRESS_ONLY,
            left: "keep",
            ..sync("addresses", "Contacts", LISTS[4], When::Hourly, ALL)
        },
        Sync {
            map: ADDRESS_ONLY,
            left: "keep",
            ..sync("lead-addresses", "Leads", LISTS[4], When::Cron(2, 4), ALL)
        },
        sync(
            "sectors",
            "Contacts",
            LISTS[5],
            When::Daily(1),
            "criteria = [{ field = \"Accounts.Industry\", operator = \"is\", value = \"Hospitality\" }]",
        ),
        sync(
            "won",
            "Contacts",
            LISTS[6],
            When::Monthly(4),
            "criteria = [{ field = \"Deals.Stage\", operator = \"is\", value = \"Closed Won\" }]",
        ),
        sync("guests", "Event_Guests", LISTS[7], When::Once, ALL),
    ]
}

/// A time of a day, five seconds later.
pub(super) fn instant(date: Date, (hour, minute): (i8, i8)) -> Timestamp {
    let at = date.at(hour, minute, 5, 0).to_zoned(TimeZone::UTC);
    at.unwrap().timestamp()
}

impl Sync {
    /// Whether it is due at the moment of this number; in the evening where there is none. Once means until it has run.
    pub(super) fn is_due(&self, date: Date, began: Date, moment: Option<usize>) -> bool {
        let second = began.tomorrow().unwrap();
        match self.when {
            When::Hourly => true,
            When::Daily(at) => moment == Some(at),
            When::Weekly(at) => moment == Some(at) && date.weekday() == second.weekday(),
            When::Monthly(at) => moment == Some(at) && is_day_of_month(date, second.day()),
            When::Cron(one, other) => moment == Some(one) || moment == Some(other),
            When::Once => false,
        }
    }

    pub(super) fn runs_once(&self) -> bool {
        matches!(self.when, When::Once)
    }

    /// The definition file in a soak that began on this day.
    pub(super) fn text(&self, began: Date) -> String {
        let second = began.tomorrow().unwrap();
        let at = |moment: usize| format!("{:02}:{:02}", MOMENTS[moment].0, MOMENTS[moment].1);
        let schedule = match self.when {
            When::Hourly => "every = \"hour\"".to_owned(),
            When::Daily(moment) => format!("every = \"day\"\nat = \"{}\"", at(moment)),
            When::Weekly(moment) => format!(
                "every = \"week\"\non = \"{}\"\nat = \"{}\"",
                format!("{:?}", second.weekday()).to_lowercase(),
                at(moment)
            ),
            When::Monthly(moment) => {
                format!(
                    "every = \"month\"\non = {}\nat = \"{}\"",
                    second.day(),
                    at(moment)
                )
            }
            When::Cron(one, other) => format!(
                "every = \"cron\"\ncron = \"0 0 {},{} * * *\"",
                MOMENTS[one].0, MOMENTS[other].0
            ),
            When::Once => "every = \"once\"".to_owned(),
        };
        let phone = if self.maps_phone {
            "\"Phone\" = \"Phone\"\n"
        } else {
            ""
        };
        format!(
            "name = \"{}\"\nmodule = \"{}\"\nlist = \"{}\"\n[select]\n{}\n[map]\n{}{phone}[schedule]\n{schedule}\n\
             [advanced]\ndeleted = \"{}\"\nleft = \"{}\"\nopted_out = \"{}\"\nopted_in_again = \"{}\"\n{}",
            self.id,
            self.module,
            self.list,
            self.select,
            self.map,
            self.deleted(),
            self.left,
            self.opted_out,
            self.opted_in_again,
            self.further,
        )
    }

    /// What runs once has nothing to say of records that go away.
    fn deleted(&self) -> &'static str {
        match self.runs_once() {
            true => "keep",
            false => self.deleted,
        }
    }

    /// Edits the definition in one of four ways.
    pub(super) fn edit(&mut self, way: usize) {
        let turned = |rule| match rule {
            "keep" => "unsubscribe",
            _ => "keep",
        };
        match way {
            0 => self.deleted = turned(self.deleted),
            1 => self.left = turned(self.left),
            2 if self.map != ADDRESS_ONLY => self.maps_phone = !self.maps_phone,
            2 | 3 => {
                self.opted_in_again = match self.opted_in_again {
                    "add" => "ignore",
                    _ => "add",
                };
            }
            _ => unreachable!("there are four ways"),
        }
    }
}

fn is_day_of_month(date: Date, day: i8) -> bool {
    date.day() == day.min(date.days_in_month())
}
