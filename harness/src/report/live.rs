//! What does a person see while scenarios run?

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One line on standard error that says what runs, and is erased at the end. On terminals only: a CI log never has it.
#[derive(Debug)]
pub struct Live {
    bar: ProgressBar,
}

impl Live {
    /// A line for so many scenarios.
    pub fn begin(scenarios: usize) -> Self {
        let live = Self::with_style(scenarios as u64, "{pos} of {len}, {elapsed}: {wide_msg}");
        if !live.bar.is_hidden() {
            // Where time is real, a scenario takes long: the line shows that something goes on.
            live.bar.enable_steady_tick(Duration::from_millis(500));
        }
        live
    }

    /// A line for something that is watched.
    pub fn watching() -> Self {
        Self::with_style(0, "{wide_msg}")
    }

    fn with_style(length: u64, template: &str) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if set("CI") || dumb || !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        let target = ProgressDrawTarget::stderr_with_hz(10);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// No line.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// This scenario runs.
    pub fn runs(&self, name: &str) {
        self.bar.set_message(name.to_owned());
    }

    /// The scenario is over.
    pub fn is_done(&self) {
        self.bar.inc(1);
    }

    /// Does something that prints, with the line out of the way.
    pub fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
