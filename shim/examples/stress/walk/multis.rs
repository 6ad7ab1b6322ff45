//! Multi handles, mimes, URLs and connections in the walk.

use super::{CALLS_INSIDE, DEEPEST, Ends, Flow, Walk, count, pass_on, pass_on_most};
use crate::support::calls::*;
use crate::support::multis::{Form, Multi, wait_for_multi};
use std::thread;

/// How many mimes a Worker remembers.
const FORMS: usize = 6;
/// How many multi handles of its own a Worker remembers.
const MULTIS: usize = 3;
/// How often it goes on with the transfers of one, for most to come to their end.
const ROUNDS: usize = 12;

impl Walk<'_> {
    pub(super) fn step_of_objects(&mut self) -> Flow {
        match self.random.below(30) {
            0..2 => self.new_multi(),
            2 => drop(self.free_multi().map(Multi::open)),
            3 => drop(self.free_multi().map(Multi::release)),
            4..9 => return self.add(),
            9..12 => return self.remove(),
            12..17 => return self.perform_multi(),
            17 => self.multi().ask(),
            18 => self.set_function(),
            19 => return self.close_multi(),
            20 => self.multi().select(),
            21 => self.wait_for_multi(),
            22..24 => self.new_form(),
            24 => return self.send_form(),
            25 => self.end_form(),
            26 => {
                let url = self.url();
                self.curl().set_url(&url);
            }
            27..29 => return self.finish_multi(),
            _ => return self.use_connection(),
        }
        Ok(())
    }

    /// One of its own, or any number, also of one that is gone, or another's.
    fn multi(&mut self) -> Multi {
        if !self.multis.is_empty() && self.random.one_in(2) {
            return self.random.pick(&self.multis);
        }
        let multis = self.common.multis.lock().unwrap();
        self.random.pick(&multis)
    }

    /// One whose object may be collected, or taken up anew: none that a call is
    /// under way on.
    fn free_multi(&mut self) -> Option<Multi> {
        let multi = self.multi();
        (!self.busy.contains(&multi)).then_some(multi)
    }

    fn new_multi(&mut self) {
        let multi = Multi::new(self.random.one_in(2));
        pass_on_most(&mut self.random, &mut self.multis, multi, MULTIS);
        let mut multis = self.common.multis.lock().unwrap();
        pass_on(&mut self.random, &mut multis, multi);
    }

    fn add(&mut self) -> Flow {
        let curl = match self.random.one_in(2) {
            true => self.curl(),
            false => {
                let curl = Curl::new();
                self.prepare(curl);
                curl
            }
        };
        let multi = self.multi();
        let first = multi.add(curl);
        self.drive_multi(multi, first)
    }

    fn remove(&mut self) -> Flow {
        let (multi, curl) = (self.multi(), self.curl());
        let first = multi.remove(curl);
        self.drive_multi(multi, first)
    }

    fn perform_multi(&mut self) -> Flow {
        if self.depth == DEEPEST {
            return Ok(());
        }
        let multi = self.multi();
        let first = match self.random.below(4) {
            0 => multi.socket_action(),
            1 => multi.set_number(CURLMOPT_MAXCONNECTS, self.random.below(3) as f64),
            _ => multi.perform(),
        };
        self.drive_multi(multi, first)?;
        multi.ask();
        Ok(())
    }

    fn finish_multi(&mut self) -> Flow {
        if self.depth == DEEPEST {
            return Ok(());
        }
        let multi = self.multi();
        for _ in 0..ROUNDS {
            let first = multi.perform();
            if first.is_err() {
                break;
            }
            self.drive_multi(multi, first)?;
            multi.select();
        }
        Ok(())
    }

    fn close_multi(&mut self) -> Flow {
        let multi = self.multi();
        let first = multi.close();
        self.drive_multi(multi, first)
    }

    fn set_function(&mut self) {
        let option = self.random.pick(&[
            CURLMOPT_SOCKETFUNCTION,
            CURLMOPT_TIMERFUNCTION,
            CURLMOPT_NOTIFYFUNCTION,
        ]);
        let multi = self.multi();
        multi.set_function(option, !self.random.one_in(3));
        multi.notify(!self.random.one_in(3));
    }

    /// As a runtime's pool does.
    fn wait_for_multi(&mut self) {
        let multi = self.multi();
        let wait = multi.prepare();
        if wait > 0.0 {
            self.waits.push(thread::spawn(move || wait_for_multi(wait)));
            multi.forget(wait);
        }
        self.waits.retain(|wait| !wait.is_finished());
    }

    /// Ends where a Worker would, in the middle of it, when the walk is over.
    fn drive_multi(&mut self, multi: Multi, first: Outcome<Step>) -> Flow {
        let Ok(mut step) = first else {
            return Ok(());
        };
        self.depth += 1;
        self.busy.push(multi);
        let mut calls_left = CALLS_INSIDE;
        while let Step::Asks(question) = step {
            count(&self.common.slots[self.slot].calls);
            while calls_left > 0 && self.random.one_in(3) {
                calls_left -= 1;
                self.step()?;
            }
            if self.steps_left == 0 || self.random.one_in(100) {
                return Err(Ends);
            }
            let answer = self.answer(&question);
            step = match multi.resume(question.curl, &answer) {
                Ok(step) => step,
                Err(failure) => panic!("{failure:?}"),
            };
        }
        self.busy.pop();
        self.depth -= 1;
        Ok(())
    }

    fn new_form(&mut self) {
        let size = self.random.pick(&[-1, 0, 500, 40_000]);
        if let Some(form) = Form::new(self.curl(), size) {
            self.forms.push(form);
        }
        if self.forms.len() > FORMS {
            self.forms.remove(0).release();
        }
    }

    fn send_form(&mut self) -> Flow {
        if self.forms.is_empty() {
            return Ok(());
        }
        let (form, other) = (self.random.pick(&self.forms), self.random.pick(&self.forms));
        let first = match self.random.one_in(4) {
            true => form.attach(other),
            false => form.send(),
        };
        match first {
            Ok(step) => self.drive(form.0, step),
            Err(_) => Ok(()),
        }
    }

    fn end_form(&mut self) {
        if let Some(form) = self.forms.pop() {
            form.close();
            form.release();
        }
    }

    fn use_connection(&mut self) -> Flow {
        let curl = self.curl();
        curl.use_connection();
        match curl.upkeep() {
            Ok(step) => self.drive(curl, step),
            Err(_) => Ok(()),
        }
    }
}
