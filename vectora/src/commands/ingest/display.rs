//! How far it is, for the person who waits: a bar on a terminal, a line every few seconds elsewhere. Both on stderr:
//! stdout is for the result.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines.
const EVERY: Duration = Duration::from_secs(3);

/// Clones show the same.
#[derive(Debug, Clone)]
pub(super) struct Display(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Bar(ProgressBar),
    /// When the last line was written.
    Lines(Mutex<Instant>),
    Nothing,
}

impl Display {
    /// `quiet`: lines would be in the way of a program. A bar is in nobody's.
    pub(super) fn new(quiet: bool) -> Self {
        let kind = if io::stderr().is_terminal() {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{msg:10} [{bar:40}] {pos}/{len}  {elapsed}");
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("=> "));
            }
            Kind::Bar(bar)
        } else if quiet {
            Kind::Nothing
        } else {
            Kind::Lines(Mutex::new(Instant::now()))
        };
        Self(Arc::new(kind))
    }

    pub(super) fn show(&self, what: &'static str, done: usize, of: usize) {
        match &*self.0 {
            Kind::Bar(bar) => {
                bar.set_message(what);
                bar.set_length(u64::try_from(of).unwrap_or(u64::MAX));
                bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            }
            Kind::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= EVERY {
                    *last = Instant::now();
                    // A reader that went away is no reason to stop.
                    writeln!(io::stderr(), "{what} {done}/{of}").unwrap_or_default();
                }
            }
            Kind::Nothing => {}
        }
    }

    /// Takes the bar away, before the result is printed.
    pub(super) fn finish(&self) {
        if let Kind::Bar(bar) = &*self.0 {
            bar.finish_and_clear();
        }
    }
}
