//! Lists: bullets, numbers, and how far they are set in.

/// The lists that are open, outermost first, each with the number its next item has.
#[derive(Default)]
pub(super) struct Lists(Vec<Option<u64>>);

impl Lists {
    pub(super) fn open(&mut self, first: Option<u64>) {
        self.0.push(first);
    }

    pub(super) fn close(&mut self) {
        self.0.pop();
    }

    /// Before a line that belongs to an item.
    pub(super) fn indent(&self) -> String {
        "  ".repeat(self.0.len())
    }

    /// Before an item's own marker.
    pub(super) fn outer_indent(&self) -> String {
        "  ".repeat(self.0.len().saturating_sub(1))
    }

    /// The marker of the item that begins the source: a bullet, or the number with the point or bracket that was
    /// written after it.
    pub(super) fn marker(&mut self, source: &str) -> String {
        let Some(Some(number)) = self.0.last_mut() else { return "• ".to_owned() };
        let after = source.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        let marker = format!("{number}{} ", if after.starts_with(')') { ')' } else { '.' });
        *number = number.saturating_add(1);
        marker
    }
}
