//! Files with one thing wrong each, and all that is said about them.

/// A `rosterd.toml` up to its first right account.
pub(crate) const MAIN_CASES: &[(&str, &str)] = &[
    (
        "timezone = 5",
        "1:12 `timezone` must be a string, not a whole number",
    ),
    ("log = 5", "1:7 `log` must be a table, not a whole number"),
    (
        "log = 2026-01-01",
        "1:7 `log` must be a table, not a date or time",
    ),
    (
        "[log]\nlevel = \"inf\"",
        "2:9 `inf` is not a log level (did you mean `info`?)",
    ),
    (
        "[log]\nformat = \"jsn\"",
        "2:10 `jsn` is not a value of `format` (did you mean `json`?)",
    ),
    (
        "[history]\nrotate_mib = 0",
        "2:14 0 is out of range (use a number from 1 to 1000000)",
    ),
    (
        "[history]\nrotate_mib = 1.5",
        "2:14 `rotate_mib` must be a whole number, not a decimal number",
    ),
    (
        "[limits]\nruns_per_day = -1",
        "2:16 -1 is out of range (use a number from 0 to 4294967295)",
    ),
    (
        "[limits]\nruns_per_day = \"unlimted\"",
        "2:16 `unlimted` is not a limit (did you mean `unlimited`?)",
    ),
    (
        "[safety]\nmax_removals = \"200%\"",
        "2:16 `200%` is not a bound (use a share such as \"10%\", or a number)",
    ),
    (
        "[safety]\nsuppression_max_age = \"1 hour\"",
        "2:23 `1 hour` is not a length of time (use a number with s, m, h or d, e.g. \"15m\")",
    ),
    (
        "[screening]\ngroup_emails = [\"team\", \"info@x\"]",
        "2:25 this is not the name of a role address (name only what stands before the `@`, e.g. \"team\")",
    ),
    (
        "[screening]\nbuiltin_group_emails = \"maybe\"",
        "2:24 `builtin_group_emails` must be true or false, not a string",
    ),
    (
        "[http]\nlisten = \"127.0.0.1\"",
        "2:10 `127.0.0.1` is not an address to listen on (use an address and port, e.g. \"127.0.0.1:9464\")",
    ),
    (
        "[http]\nlisten = \"127.0.0.1:9464\"",
        "2:10 `listen` with this value is not supported yet (leave it out)",
    ),
    ("control = \"\"", "1:11 this path is empty"),
    (
        "colour = 1",
        "1:1 unknown key `colour` (use one of `timezone`, `syncs`, `state_dir`, `history_dir`, `control`, `log`, `http`, `history`, `limits`, `safety`, `retry`, `screening` and `accounts`)",
    ),
    ("a = 1\na = 2", "2:1 not valid TOML: duplicate key"),
    (
        "[accounts.Main]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"",
        "1:11 `Main` is not a valid account name (use 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or digit)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"",
        "1:11 `refresh_token` is missing (give it as { file = \"…\" }, { env = \"…\" } or { credential = \"…\" })",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = {}\nrefresh_token = \"t\"",
        "3:17 this does not say where the secret is (use exactly one of `file`, `env` and `credential`)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = { env = \"A\", file = \"b\" }\nrefresh_token = \"t\"",
        "3:17 this names more than one place for the secret (use exactly one of `file`, `env` and `credential`)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = { env = \"NOPE\" }\nrefresh_token = \"t\"",
        "3:25 the environment variable `NOPE` is not set",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = { file = \"nope\" }\nrefresh_token = \"t\"",
        "3:26 cannot read the secret file nope: No such file or directory (os error 2) (create it, readable by the service alone)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = { credential = \"c\" }\nrefresh_token = \"t\"",
        "3:32 no credential `c`: CREDENTIALS_DIRECTORY is not set (run as a systemd service with LoadCredential=c:…, or use { file = \"…\" })",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"\"\nrefresh_token = \"t\"",
        "3:17 the secret is empty",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\ndata_center = \"us\"",
        "5:15 `us` is not a data centre (use one of com, eu, in, com.au, jp, ca, sa, com.cn)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\npace = \"of\"",
        "5:8 `of` is not a value of `pace` (did you mean `off`?)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\npace = { listsubscrib = \"1/m\" }",
        "5:10 `listsubscrib` is not a method that is paced (did you mean `listsubscribe`?)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\npace = { listsubscribe = \"1/w\" }",
        "5:26 `1/w` is not a pace (use calls per length of time (s, m, h or d, or a number of them), e.g. \"500/m 12500/h 100/5m\")",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\ncrm_url = \"http://crm.example\"",
        "5:11 tokens would travel in the open (use https; plain http is for this machine's own addresses only)",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\ncrm_url = \"crm.example\"",
        "5:11 this is not the address of a host (use an address such as \"https://www.zohoapis.com\")",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\ntopics = 1",
        "5:10 `topics` must be true or false, not a whole number",
    ),
    (
        "[accounts.b]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\nzsc_key = \"\"",
        "5:11 the secret is empty",
    ),
];

/// What stands before the first table.
pub(crate) const HEADS: &[(&str, &str)] = &[
    (
        "module = \"Contacts\"\nlist = \"3\"\n",
        "1:1 `name` is missing",
    ),
    (
        "name = \" \"\nmodule = \"Contacts\"\nlist = \"3\"\n",
        "1:8 this is empty",
    ),
    (
        "name = 5\nmodule = \"Contacts\"\nlist = \"3\"\n",
        "1:8 `name` must be a string, not a whole number",
    ),
    (
        "name = \"N\"\nmodule = \"My Module\"\nlist = \"3\"\n",
        "2:10 `My Module` is not the API name of a module (an API name consists of letters, digits and `_`, and begins with a letter)",
    ),
    (
        "name = \"N\"\nmodule = \"Contacts\"\n",
        "1:1 `list` is missing (give the list's key, or { name = \"…\" })",
    ),
    (
        "name = \"N\"\nmodule = \"Contacts\"\nlist = \"News letter\"\n",
        "3:8 `News letter` is not a list key: a list key has no blanks and is not empty (for a list's name use { name = \"News letter\" })",
    ),
    (
        "name = \"N\"\nmodule = \"Contacts\"\nlist = { nme = \"x\" }\n",
        "3:10 unknown key `nme` in `list` (did you mean `name`?)",
    ),
    (
        "name = \"N\"\nmodule = \"Contacts\"\nlist = \"3\"\naccount = \"mian\"\n",
        "4:11 there is no account `mian` (did you mean `main`?)",
    ),
    (
        "name = \"N\"\nmodule = \"Contacts\"\nlist = \"3\"\nactive = 1\n",
        "4:10 `active` must be true or false, not a whole number",
    ),
];

/// Definitions of leads, up to the schedule.
pub(crate) const LEADS: &[(&str, &str)] = &[
    (
        "[[select.criteria]]\nfield = \"Deals.Stage\"\noperator = \"is\"\nvalue = \"x\"\n[[select.criteria]]\nfield = \"Potentials.Account_Name.Industry\"\noperator = \"is_empty\"\n",
        "5:9 records of Leads have no deals, so there is no `Deals.Stage` (only those of Contacts have them)\n9:9 records of Leads have no deals, so there is no `Potentials.Account_Name.Industry` (only those of Contacts have them)",
    ),
    (
        "[select]\nall = true\n[map]\n\"Stage\" = \"Deals.Stage\"\n",
        "7:11 records of Leads have no deals, so there is no `Deals.Stage` (only those of Contacts have them)",
    ),
    (
        "[select]\nall = true\n[map]\n\"Contact Email\" = \"Deals.Email\"\n",
        "7:19 `Deals.Email` is a field of a related record (a contact's address is a field of the record itself)",
    ),
];

/// `[select]` and what may follow it.
pub(crate) const TABLES: &[(&str, &str)] = &[
    (
        "",
        "1:1 `select` does not say which records belong (use exactly one of `all = true`, `view = \"…\"` and `[[select.criteria]]`)",
    ),
    (
        "[select]\nall = false\n",
        "4:1 `select` does not say which records belong (use exactly one of `all = true`, `view = \"…\"` and `[[select.criteria]]`)",
    ),
    (
        "[select]\nall = true\nview = \"V\"\n",
        "4:1 `select` says more than once which records belong (use exactly one of `all = true`, `view = \"…\"` and `[[select.criteria]]`)",
    ),
    (
        "[select]\nview = \"V\"\n[[select.criteria]]\nfield = \"A\"\noperator = \"is_empty\"\n",
        "4:1 `select` says more than once which records belong (use exactly one of `all = true`, `view = \"…\"` and `[[select.criteria]]`)",
    ),
    ("[select]\nview = \" \"\n", "5:8 this is empty"),
    (
        "[select]\nview = 5\n",
        "5:8 `view` must be a string, not a whole number",
    ),
    (
        "[select]\nview = \"V\"\npattern = \"1\"\n",
        "6:1 a pattern joins criteria, and there are none",
    ),
    (
        "[select]\nall = true\nview = \"V\"\npattern = \"1\"\n",
        "4:1 `select` says more than once which records belong (use exactly one of `all = true`, `view = \"…\"` and `[[select.criteria]]`)",
    ),
    (
        "[select]\nall = true\npattern = \"1\"\n",
        "6:1 a pattern joins criteria, and there are none",
    ),
    ("[select]\ncriteria = []\n", "5:12 there is no condition"),
    (
        "[select]\ncriteria = [5]\n",
        "5:13 `criteria[0]` must be a table, not a whole number",
    ),
    (
        "[[select.criteria]]\nfeld = \"A\"\noperator = \"is\"\nvalue = 1\n",
        "5:1 unknown key `feld` in `select.criteria[0]` (did you mean `field`?)",
    ),
    (
        "[[select.criteria]]\nfield = \"A B\"\noperator = \"is\"\nvalue = 1\n",
        "5:9 `A B` is not the API name of a field (did you mean `A_B`? an API name consists of letters, digits and `_`, and begins with a letter)",
    ),
    (
        "[[select.criteria]]\nfield = \"A.B.C.D\"\noperator = \"is\"\nvalue = 1\n",
        "5:9 `A.B.C.D` is not the API name of a field (a field path has at most two steps to a related record)",
    ),
    (
        "[[select.criteria]]\nfield = \"Accounts.\"\noperator = \"is\"\nvalue = 1\n",
        "5:9 `Accounts.` is not the API name of a field (an API name consists of letters, digits and `_`, and begins with a letter)",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"!=\"\nvalue = 1\n",
        "6:12 `!=` is not an operator (did you mean `is_not`?)",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"is_emty\"\n",
        "6:12 `is_emty` is not an operator (did you mean `is_empty`?)",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"is_empty\"\nvalue = 1\n",
        "7:9 `is_empty` takes no value",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"between\"\nvalue = [1]\n",
        "7:9 `between` takes a list of two values",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"in\"\nvalue = [\"x\", \" \"]\n",
        "7:15 this value is empty (use the operator `is_empty` or `is_not_empty`)",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"in_last_days\"\nvalue = 1.5\n",
        "7:9 `in_last_days` takes a number of days (use a whole number from 1 to 36525)",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"is\"\nvalue = inf\n",
        "7:9 this is neither a number, a date, nor a date and time that can be compared",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"is\"\nvalue = { a = 1 }\n",
        "7:9 `value` must be a string, number, boolean or date, not a table",
    ),
    (
        "[[select.criteria]]\nfield = \"A\"\noperator = \"is\"\nvalue = 1\n[select]\npattern = \"(1 or 2)\"\n",
        "9:18 there is no condition 2 (the only condition is number 1)",
    ),
    (
        "[select]\nall = true\n[map]\n\"City\" = \"A\"\n\"CITY\" = \"B\"\n",
        "8:1 the Campaigns field `City` is mapped twice (labels are the same whatever their case)",
    ),
    (
        "[select]\nall = true\n[map]\n\"City\" = \"A b\"\n",
        "7:10 `A b` is not the API name of a field (did you mean `A_b`? an API name consists of letters, digits and `_`, and begins with a letter)",
    ),
    (
        "[select]\nall = true\n[map]\n\"City\" = 5\n",
        "7:10 `City` must be a string, not a whole number",
    ),
    (
        "[select]\nall = true\n[map]\n\"City\" = \"A.B.C.D\"\n",
        "7:10 `A.B.C.D` is not the API name of a field (a field path has at most two steps to a related record)",
    ),
    (
        "[select]\nall = true\n[map]\n\"CONTACT Email\" = \"Accounts.Email\"\n",
        "7:19 `Accounts.Email` is a field of a related record (a contact's address is a field of the record itself)",
    ),
    (
        "[select]\nall = true\n[map]\n\"Contact Email\" = \"\"\n",
        "7:19 the e-mail field cannot be taken out: without an address there is no contact",
    ),
    (
        "[select]\nall = true\n[retrieve]\nrecords = \"nwe\"\n",
        "7:11 `nwe` is not a value of `records` (did you mean `new`?)",
    ),
    (
        "[select]\nall = true\n[retrieve]\nrecords = true\n",
        "7:11 `records` must be a string, not true or false",
    ),
    (
        "[select]\nall = true\n[retrieve]\ncreated = { from = 2026-02-01, to = 2026-01-01 }\n",
        "7:37 this is before `from`",
    ),
    (
        "[select]\nall = true\n[retrieve]\ncreated = { from = 2026-01-01T10:00:00, to = \"soon\" }\n",
        "7:20 this is not a date (use a date, e.g. 2026-01-01)\n7:46 this is not a date (use a date, e.g. 2026-01-01)",
    ),
    (
        "[select]\nall = true\n[retrieve]\ncreated = { form = 2026-01-01 }\n",
        "7:13 unknown key `form` in `retrieve.created` (did you mean `from`?)",
    ),
    (
        "[select]\nall = true\n[retrieve]\nreconcile_every = \"0d\"\n",
        "7:19 `0d` is not a length of time (use a number with s, m, h or d, e.g. \"15m\")",
    ),
    (
        "[select]\nall = true\n[advanced]\nleft = \"kepp\"\n",
        "7:8 `kepp` is not a value of `left` (did you mean `keep`?)",
    ),
    (
        "[select]\nall = true\n[advanced]\ndeleted = \"delete\"\n",
        "7:11 `delete` is not a value of `deleted` (use one of `keep`, `unsubscribe` and `remove`)",
    ),
    (
        "[select]\nall = true\n[advanced]\nopted_out = \"keep\"\n",
        "7:13 `keep` is not a value of `opted_out` (use one of `unsubscribe` and `remove`)",
    ),
    (
        "[select]\nall = true\n[advanced]\nopted_in_again = \"ad\"\n",
        "7:18 `ad` is not a value of `opted_in_again` (did you mean `add`?)",
    ),
    (
        "[select]\nall = true\n[advanced]\nopt_out_field = \"A.B\"\n",
        "7:17 an opt-out is a field of the record itself",
    ),
    (
        "[select]\nall = true\n[advanced]\nexclude_converted = true\n",
        "7:21 only Leads are converted (leave it out)",
    ),
];

/// `[schedule]`.
pub(crate) const SCHEDULES: &[(&str, &str)] = &[
    (
        "",
        "1:1 `schedule` is missing (add a table [schedule] with `every`)",
    ),
    ("[schedule]\nat = \"02:30\"\n", "6:2 `every` is missing"),
    (
        "[schedule]\nevery = \"weak\"\n",
        "7:9 `weak` is not a value of `every` (did you mean `week`?)",
    ),
    (
        "[schedule]\nevery = \"day\"\n",
        "6:2 `at` is missing (use hours and minutes, e.g. \"02:30\")",
    ),
    (
        "[schedule]\nevery = \"day\"\nat = \"25:00\"\n",
        "8:6 this is not a time of day (use hours and minutes, e.g. \"02:30\")",
    ),
    (
        "[schedule]\nevery = \"hour\"\nat = \"02:30\"\n",
        "8:6 this is not a minute of the hour (use a minute, e.g. \":30\")",
    ),
    (
        "[schedule]\nevery = \"once\"\nat = \"02:30\"\n",
        "8:1 `at` means nothing with every = \"once\"",
    ),
    (
        "[schedule]\nevery = \"once\"\n[advanced]\ndeleted = \"unsubscribe\"\n",
        "9:11 only recurring syncs see what is deleted, and this one runs once (use \"keep\", or another `schedule.every` than \"once\")",
    ),
    (
        "[schedule]\nevery = \"once\"\n[advanced]\ndeleted = \"remove\"\n",
        "9:11 only recurring syncs see what is deleted, and this one runs once (use \"keep\", or another `schedule.every` than \"once\")",
    ),
    (
        "[schedule]\nevery = \"week\"\nat = \"02:30\"\non = [\"monday\", \"tuesdya\"]\n",
        "9:17 this is not one of the weekdays (did you mean `tuesday`?)",
    ),
    (
        "[schedule]\nevery = \"week\"\nat = \"02:30\"\non = [\"monday\", \"monday\"]\n",
        "9:17 this is listed twice",
    ),
    (
        "[schedule]\nevery = \"week\"\nat = \"02:30\"\non = []\n",
        "9:6 this list is empty (name at least one of the weekdays)",
    ),
    (
        "[schedule]\nevery = \"month\"\nat = \"02:30\"\non = [1, 32]\n",
        "9:10 this is not one of the days of the month (use numbers from 1 to 31, or \"last\")",
    ),
    (
        "[schedule]\nevery = \"cron\"\ncron = \"1 2 3\"\n",
        "8:8 a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not 3 (use a line such as \"0 30 2 * * MON-FRI\")",
    ),
    (
        "[schedule]\nevery = \"cron\"\n",
        "6:2 `cron` is missing (give a line, seconds first, e.g. cron = \"0 30 2 * * MON-FRI\")",
    ),
    (
        "[schedule]\nevery = \"once\"\ntimezone = \"Nowhere\"\n",
        "8:12 `Nowhere` is not a time zone (use an IANA name such as `Europe/Berlin`)",
    ),
    (
        "[schedule]\nevery = \"once\"\ncatch_up = \"all\"\n",
        "8:12 `all` is not a value of `catch_up` (use one of `latest` and `none`)",
    ),
];
