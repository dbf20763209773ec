//! A daemon that is struck at one of its changes, and the next one, which has to bring to its end what that was at.

use std::sync::OnceLock;

use super::scenes::assert_tidy;
use super::*;
use crate::disk::{self, Strike};
use crate::rig::{Ran, Running};

/// Something that happens to a daemon.
pub(super) enum Step {
    /// Somebody asks, and asks again until it is done.
    Ask(&'static str),
    /// Somebody asks for a run, and follows it while the steps go on.
    Follow,
    /// The clocks go on by so many seconds.
    Pass(fn(&Rig) -> i64),
    /// This comes to hold.
    Until(fn(&Rig) -> bool),
}

/// What a daemon is at.
pub(super) struct Duty {
    pub(super) name: &'static str,
    /// What is there before it starts.
    before: fn() -> Rig,
    /// What becomes of the files once it runs; or before, where its start is part of its duty.
    files: fn(&Rig),
    /// Whether it is.
    starts: bool,
    /// What happens then.
    steps: &'static [Step],
    /// What is done before the next one starts.
    between: fn(&Rig),
    /// So many runs have ended when all is over.
    runs: usize,
    /// Events that are told once more where somebody had to ask again, or less often where nothing had to wait.
    varies: Option<&'static str>,
    /// How it ends if nothing happens, and how many changes the disk makes meanwhile.
    whole: OnceLock<(End, usize)>,
}

/// A duty of these steps, with nothing special about it.
pub(super) const fn duty(name: &'static str, before: fn() -> Rig, steps: &'static [Step]) -> Duty {
    Duty {
        name,
        before,
        files: |_| {},
        starts: false,
        steps,
        between: |_| {},
        runs: 1,
        varies: None,
        whole: OnceLock::new(),
    }
}

/// How far the steps have come, and who follows a run.
#[derive(Default)]
struct Course {
    next: usize,
    follower: Option<Running>,
}

/// A daemon that was struck, or was not.
pub(super) struct Struck {
    pub(super) rig: Rig,
    /// How the daemon ended.
    pub(super) ran: Ran,
    /// Whether it was told to.
    pub(super) was_stopped: bool,
    course: Course,
}

impl Duty {
    /// So many runs have ended when all is over, and not one.
    pub(super) const fn of_runs(mut self, runs: usize) -> Self {
        self.runs = runs;
        self
    }

    /// What becomes of the files meanwhile.
    pub(super) const fn with_files(mut self, files: fn(&Rig)) -> Self {
        self.files = files;
        self
    }

    /// It may be struck when it starts, and finds the files as they became.
    pub(super) const fn that_starts(mut self) -> Self {
        self.starts = true;
        self
    }

    /// What is done before the next daemon starts.
    pub(super) const fn resumed_after(mut self, between: fn(&Rig)) -> Self {
        self.between = between;
        self
    }

    /// An event that is told once more where somebody had to ask again, or less often where nothing had to wait.
    pub(super) const fn which_varies(mut self, event: &'static str) -> Self {
        self.varies = Some(event);
        self
    }

    /// How it ends if nothing happens, and how many changes the disk makes meanwhile.
    pub(super) fn whole(&self) -> &(End, usize) {
        self.whole.get_or_init(|| {
            let mut before = 0;
            let struck = self.on_disk(Strike::KilledBefore, 0, |rig| before = disk::changes(rig));
            assert_eq!(struck.ran.code, Some(0), "{}", struck.ran.stderr);
            let changes = disk::changes(&struck.rig) - before;
            (self.over(struck), changes)
        })
    }

    /// A daemon at its duty on a disk that strikes at a change, until it ends or has done it and is stopped.
    pub(super) fn struck(&self, strike: Strike, at: usize) -> Struck {
        self.on_disk(strike, at, |_| {})
    }

    fn on_disk(&self, strike: Strike, at: usize, mut begins: impl FnMut(&Rig)) -> Struck {
        let rig = (self.before)();
        let command = disk::command_from(&rig, "daemon", strike, at);
        let mut begin = || {
            (self.files)(&rig);
            begins(&rig);
            disk::begin(&rig);
        };
        let mut daemon = if self.starts {
            begin();
            rig.start_command("daemon", command)
        } else {
            let daemon = rig.start_command("daemon", command);
            daemon.until_says("rosterd is running");
            begin();
            daemon
        };
        let mut course = Course::default();
        let was_stopped = course.go(self, &rig, &mut daemon) && daemon.is_running();
        if was_stopped {
            daemon.signal("TERM");
        }
        let ran = daemon.end();
        course.hear(&rig);
        Struck {
            rig,
            ran,
            was_stopped,
            course,
        }
    }

    /// Lets a sound daemon bring it to its end, and looks at what has become of it all.
    pub(super) fn over(&self, struck: Struck) -> End {
        let Struck {
            rig, mut course, ..
        } = struck;
        (self.between)(&rig);
        course.ask_again(self, &rig);
        let mut daemon = rig.daemon_named("next");
        let through = course.go(self, &rig, &mut daemon);
        assert!(through, "{}: {}", self.name, daemon.stderr());
        course.hear(&rig);
        daemon.stop();
        let finished = || {
            let journal = whole_journal(&rig);
            let runs = journal.iter();
            runs.filter(|line| line["event"] == "run.finished").count()
        };
        while finished() < self.runs {
            rig.import("newsletter");
        }
        assert_tidy(&rig);
        end(&rig)
    }

    /// Compares, where some events may have been told more or less often.
    pub(super) fn assert_same(&self, mut own: End) {
        let (want, _) = self.whole();
        if let Some(event) = self.varies {
            let known = want.told[event];
            let count = own.told.insert(event.to_owned(), known);
            assert!(count.unwrap_or_default() <= known + 1, "{event} {count:?}");
        }
        assert_same(&own, want);
    }
}

impl Course {
    /// Goes on with the steps; says whether the daemon was there to the end.
    fn go(&mut self, duty: &Duty, rig: &Rig, daemon: &mut Running) -> bool {
        for step in &duty.steps[self.next..] {
            // The next step is for the next daemon.
            if !daemon.is_running() {
                return false;
            }
            let is_done = match step {
                Step::Ask(line) => {
                    let ran = rig.run(line);
                    assert!(matches!(ran.code, Some(0 | 1 | 75)), "{ran:?}");
                    ran.code == Some(0)
                }
                Step::Follow => {
                    self.follower = Some(rig.start("follower", "sync newsletter"));
                    true
                }
                Step::Pass(seconds) => {
                    rig.pass(seconds(rig));
                    true
                }
                Step::Until(holds) => {
                    let (mut is_done, mut is_over) = (false, false);
                    until("a step of a duty is done, or the daemon ends", || {
                        is_done = holds(rig);
                        is_over = !daemon.is_running();
                        is_done || is_over
                    });
                    // It may have been its last deed.
                    is_done || holds(rig)
                }
            };
            if !is_done {
                until("what was not done ends the daemon", || !daemon.is_running());
                return false;
            }
            self.next += 1;
        }
        true
    }

    /// Whoever followed a run is told of its end, or that it has none yet, and never of one that is not kept.
    fn hear(&mut self, rig: &Rig) {
        let Some(mut follower) = self.follower.take() else {
            return;
        };
        // Whoever came too late for the daemon does it without one, and has to wait as long.
        let mut parkings = 0;
        until("whoever followed is answered", || {
            let is_over = !follower.is_running();
            if !is_over && rig.events("run.parked").len() > parkings {
                parkings += 1;
                rig.pass(3700);
            }
            is_over
        });
        let heard = follower.end();
        assert!(matches!(heard.code, Some(0 | 1 | 75)), "{heard:?}");
        if heard.code == Some(0) {
            let finished = rig.events("run.finished");
            let trigger = finished.last().map(|run| run["trigger"].clone());
            assert_eq!(trigger, Some(json!("operator")), "{}", heard.stdout);
        }
    }

    /// A run that was asked for and never began is asked for again.
    fn ask_again(&mut self, duty: &Duty, rig: &Rig) {
        let asked = duty
            .steps
            .iter()
            .position(|step| matches!(step, Step::Follow));
        let Some(asked) = asked.filter(|_| self.next < duty.steps.len()) else {
            return;
        };
        let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
        if status["syncs"][0]["reason"] != "interrupted" {
            self.next = asked;
        }
    }
}
