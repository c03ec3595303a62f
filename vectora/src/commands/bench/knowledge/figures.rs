//! What was measured: one list, as a table for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Figure>);

#[derive(Debug)]
struct Figure {
    key: String,
    name: String,
    value: f64,
    unit: &'static str,
    /// As the table shows it; empty: there is none.
    target: String,
}

impl Figures {
    /// `target` is what is to be reached, in the unit of the figure.
    pub(super) fn add(
        &mut self,
        key: impl Into<String>,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: impl Into<String>,
    ) {
        self.0.push(Figure { key: key.into(), name: name.into(), value, unit, target: target.into() });
    }

    pub(super) fn json(&self) -> Value {
        let figures: Map<String, Value> =
            self.0.iter().map(|figure| (figure.key.clone(), json!(figure.value))).collect();
        Value::Object(figures)
    }

    pub(super) fn markdown(&self) -> String {
        let mut table = String::from("| | measured | target |\n|---|---|---|");
        for Figure { name, value, unit, target, .. } in &self.0 {
            let space = if unit.is_empty() { "" } else { " " };
            let target = if target.is_empty() { "–".to_owned() } else { format!("{target}{space}{unit}") };
            // Writing into a string does not fail.
            write!(table, "\n| {name} | {}{space}{unit} | {target} |", shown(*value)).unwrap_or_default();
        }
        table
    }
}

/// As many digits as say something: three, and none behind the point of a count or of a hundred and more.
fn shown(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 => grouped(value),
        0.0..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => grouped(value),
    }
}

/// 12345.6 as 12,346.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_row_of_the_table_and_a_key_of_the_json() {
        let mut figures = Figures::default();
        figures.add("p95_ms", "Search, p95", 2.345, "ms", "≤ 5");
        figures.add("chunks", "Chunks", 7171.0, "", "");
        let rows: Vec<_> = figures.markdown().lines().skip(2).map(str::to_owned).collect();
        assert_eq!(rows, ["| Search, p95 | 2.35 ms | ≤ 5 ms |", "| Chunks | 7,171 | – |"]);
        assert_eq!(figures.json(), json!({ "p95_ms": 2.345, "chunks": 7171.0 }));
    }

    #[test]
    fn figures_have_three_digits_or_all_before_the_point() {
        let all = [0.98765, 1.234, 12.34, 123.4, 0.0, 1_234_567.0].map(shown);
        assert_eq!(all, ["0.988", "1.23", "12.3", "123", "0", "1,234,567"]);
    }
}
