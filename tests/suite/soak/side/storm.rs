//! A moment of the disturbed world: what is due comes, and something goes wrong.

use jiff::{SignedDuration, Timestamp};

use super::super::Verdict;
use super::super::syncs::Sync;
use super::super::trouble::{Trouble, Weather};
use super::Side;
use crate::rig::{Ran, until};

impl Side {
    /// Lets calls fail, something become of rosterd, and what is due be done meanwhile, as far as it can be.
    pub(super) fn stormy(&mut self, at: Timestamp, since: usize, weather: &mut Weather) -> Verdict {
        if self.away > 0 {
            self.away -= 1;
            self.set_clocks(at);
            return Ok(());
        }
        weather.break_calls(&self.rig);
        let trouble = weather.trouble();
        if trouble == Some(Trouble::Away) && self.daemon.is_some() {
            self.daemon.take().unwrap().stop();
            weather.note(Trouble::Away, "");
            self.away = weather.roll(2);
            self.set_clocks(at);
            return Ok(());
        }
        let interrupts = matches!(
            trouble,
            Some(Trouble::Killed | Trouble::KilledAndAway | Trouble::Stopped)
        );
        if interrupts {
            weather.hang(&self.rig);
        }
        self.set_clocks(at);
        if self.daemon.is_none() {
            self.start();
        }
        match trouble {
            Some(kind @ (Trouble::Killed | Trouble::KilledAndAway | Trouble::Stopped)) => {
                if self.interrupted(kind, since)? {
                    weather.note(kind, "");
                    if kind == Trouble::KilledAndAway {
                        let mut owed = std::mem::take(&mut self.owed);
                        owed.retain(|id| !self.is_tried(id, since));
                        self.owed = owed;
                        return Ok(());
                    }
                    self.start();
                }
            }
            Some(Trouble::BadFile) => {
                self.bad_file();
                weather.note(Trouble::BadFile, "");
            }
            Some(Trouble::TwoCommands) => {
                self.rest(since);
                self.two_commands(
                    weather.roll(self.syncs.len()),
                    weather.roll(self.syncs.len()),
                )?;
                weather.note(Trouble::TwoCommands, "");
            }
            Some(Trouble::ClockBack) => {
                self.rest(since);
                self.step(-1);
                self.step(1);
                weather.note(Trouble::ClockBack, "");
            }
            Some(Trouble::ClockForth) => {
                self.rest(since);
                let since = self.journal.len();
                let hourly = |sync: &&Sync| sync.is_due(self.began, self.began, None);
                let hourly = self.syncs.iter().filter(hourly).map(|sync| sync.id);
                self.owed = hourly.collect();
                self.step(1);
                self.rest(since);
                self.step(-1);
                weather.note(Trouble::ClockForth, "");
                return Ok(());
            }
            // Away where it was not there before comes to its start.
            Some(Trouble::Away) | None => {}
        }
        self.rest(since);
        Ok(())
    }

    /// Kills or stops the daemon in the middle of a call; false if nothing was called that late.
    fn interrupted(&mut self, kind: Trouble, since: usize) -> Result<bool, String> {
        let mut is_struck = false;
        until("a call hangs, or all is done", || {
            is_struck = Weather::hangs(&self.rig);
            self.hear();
            is_struck || self.is_at_rest(since)
        });
        if !is_struck {
            return Ok(false);
        }
        let daemon = self.daemon.take().unwrap();
        let name = match kind {
            Trouble::Stopped => "TERM",
            _ => "KILL",
        };
        daemon.signal(name);
        let ended = daemon.end();
        match (kind, ended.code) {
            (Trouble::Stopped, Some(0)) | (Trouble::Killed | Trouble::KilledAndAway, None) => {
                Ok(true)
            }
            (_, code) => Err(format!("{kind:?}: {code:?} {}", ended.stderr)),
        }
    }

    fn bad_file(&self) {
        let daemon = self.daemon.as_ref().unwrap();
        let before = daemon.stderr().matches("not reloaded").count();
        let sync = &self.syncs[0];
        self.rig.sync(sync.id, "name = \"Broken");
        daemon.signal("HUP");
        until("it is refused", || {
            daemon.stderr().matches("not reloaded").count() > before
        });
        self.rig.sync(sync.id, &sync.text(self.began));
    }

    fn two_commands(&mut self, one: usize, other: usize) -> Verdict {
        let line = |sync: usize| format!("sync {} --json", self.syncs[sync].id);
        let commands = [
            self.rig.start("one", &line(one)),
            self.rig.start("other", &line(other)),
        ];
        for command in commands {
            let Ran { code, stderr, .. } = command.end();
            if !matches!(code, Some(0 | 1 | 3 | 75 | 77)) {
                return Err(format!("one of two commands: {code:?} {stderr}"));
            }
        }
        Ok(())
    }

    /// Lets rosterd's clock step by hours, and waits until it has noticed.
    fn step(&self, hours: i64) {
        let (by, told) = (SignedDuration::from_hours(hours), self.steps_told());
        self.set_own_clock(by);
        self.until_noticed(by, told);
    }
}
