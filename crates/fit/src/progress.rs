//! A bar for people who wait; nothing where nobody looks.

use indicatif::{ProgressBar, ProgressStyle};

pub struct Progress(ProgressBar);

impl Progress {
    pub fn new(what: &'static str, steps: usize) -> Progress {
        let bar = ProgressBar::new(steps as u64);
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg} {elapsed}");
        bar.set_style(style.expect("the template is well formed"));
        bar.set_prefix(what);
        Progress(bar)
    }

    pub fn step(&self, doing: &'static str) {
        self.0.set_message(doing);
        self.0.inc(1);
    }

    pub fn done(&self) {
        self.0.finish_and_clear();
    }
}
