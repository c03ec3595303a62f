//! How far it is, for the person who waits: a bar on a terminal, a line every few seconds elsewhere. Both on
//! stderr: stdout is for the result.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines.
const EVERY: Duration = Duration::from_secs(3);

/// Clones show the same.
#[derive(Debug, Clone)]
pub(crate) struct Display(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Bar(ProgressBar),
    /// When the last line was written, and what it was about.
    Lines(Mutex<(Instant, &'static str)>),
    Nothing,
}

impl Display {
    /// `quiet`: lines would be in the way of a program. A bar is in nobody's.
    pub(crate) fn new(quiet: bool) -> Self {
        Self(Arc::new(if io::stderr().is_terminal() {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{msg:10} [{bar:40}] {pos}/{len}  {elapsed}");
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("=> "));
            }
            Kind::Bar(bar)
        } else if quiet {
            Kind::Nothing
        } else {
            Kind::Lines(Mutex::new((Instant::now(), "")))
        }))
    }

    pub(crate) fn show(&self, what: &'static str, done: usize, of: usize) {
        match &*self.0 {
            Kind::Bar(bar) => {
                bar.set_message(what);
                bar.set_length(u64::try_from(of).unwrap_or(u64::MAX));
                bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            }
            Kind::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.0.elapsed() >= EVERY || (last.1 != what && !last.1.is_empty()) {
                    *last = (Instant::now(), what);
                    note(&format!("{what} {done}/{of}"));
                } else if last.1.is_empty() {
                    last.1 = what;
                }
            }
            Kind::Nothing => {}
        }
    }

    /// Takes the bar away, before the result is printed.
    pub(crate) fn finish(&self) {
        if let Kind::Bar(bar) = &*self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A line beside the result, on stderr. A reader that went away is no reason to stop.
pub(crate) fn note(text: &str) {
    writeln!(io::stderr().lock(), "{text}").unwrap_or_default();
}
