//! The plots, as SVG in the page: colours and fonts are the page's own, so that they follow it into the dark.

use std::fmt::Write as _;

use super::super::judge::Verdict;
use super::super::report::{Latency, Model, Report};
use super::escape::Text;
use super::{class, time};

/// Of a plot, in its own units.
const WIDTH: f64 = 400.0;
/// Room for the names of horizontal bars, and for the figures behind them.
const NAMES: f64 = 118.0;
const FIGURES: f64 = 54.0;
/// From one horizontal bar to the next, and the height of one.
const PITCH: f64 = 30.0;
const BAR: f64 = 16.0;
/// The histogram: the height of its highest bar, and its upper and lower margin.
const HIGH: f64 = 132.0;
const ABOVE: f64 = 40.0;
const BELOW: f64 = 22.0;
/// Bars of the histogram at the most.
const BARS: u32 = 20;

/// How many questions there are of each verdict.
pub(super) fn outcomes(report: &Report) -> String {
    let bars: Vec<Bar> = Verdict::ALL
        .iter()
        .rev()
        .map(|&verdict| {
            let count = report.rows.iter().filter(|row| row.verdict == verdict).count();
            Bar {
                name: verdict.words().to_owned(),
                class: class(verdict),
                value: float(count),
                figure: count.to_string(),
            }
        })
        .collect();
    card(
        "Outcomes",
        "questions by what is to be thought of the reply",
        &horizontal(&bars, float(report.questions.max(1))),
    )
}

/// How long replies took.
pub(super) fn latency(report: &Report) -> String {
    let times: Vec<f64> = report.rows.iter().filter_map(|row| row.latency_ms).collect();
    let plot = match &report.latency_ms {
        Some(latency) => histogram(&times, latency),
        None => "<p class=\"none\">No question came to an end.</p>".to_owned(),
    };
    card("Latency", "from accepted to the end, answers and refusals", &plot)
}

/// What an answer of each model took on average.
pub(super) fn tokens(models: &[Model]) -> String {
    let bar = |name: &str, class, value: f64| Bar {
        name: name.to_owned(),
        class,
        value,
        figure: format!("{value:.0}"),
    };
    // One scale for all, so that models can be compared.
    let most = models.iter().map(|model| model.prompt_tokens_per_answer).fold(1.0, f64::max);
    let most = models.iter().map(|model| model.completion_tokens_per_answer).fold(most, f64::max);
    let plots: Vec<String> = models
        .iter()
        .filter(|model| model.prompt_tokens + model.completion_tokens > 0)
        .map(|model| {
            let bars = [
                bar("prompt", "prompt", model.prompt_tokens_per_answer),
                bar("completion", "completion", model.completion_tokens_per_answer),
            ];
            let about = if model.estimated { ", some estimated" } else { "" };
            format!(
                "<h3>{}</h3>{}<p class=\"sum\">{} answers, {} + {} tokens{about}</p>",
                Text(&model.name),
                horizontal(&bars, most),
                model.answers,
                grouped(model.prompt_tokens),
                grouped(model.completion_tokens)
            )
        })
        .collect();
    let none = match models {
        [] => "<p class=\"none\">Not known: the ledger was not at hand.</p>",
        _ => "<p class=\"none\">None: no model wrote these answers.</p>",
    };
    let plot = if plots.is_empty() { none.to_owned() } else { plots.concat() };
    card("Tokens", "an answer, on average, by who wrote it", &plot)
}

fn card(title: &str, note: &str, plot: &str) -> String {
    format!("<figure>\n<figcaption><h2>{title}</h2><small>{note}</small></figcaption>\n{plot}\n</figure>\n")
}

struct Bar {
    name: String,
    class: &'static str,
    value: f64,
    /// The value, as it is written behind the bar.
    figure: String,
}

/// `most`: the value of the longest bar there could be.
fn horizontal(bars: &[Bar], most: f64) -> String {
    let mut svg = open("bars", PITCH * float(bars.len()));
    for (at, bar) in bars.iter().enumerate() {
        let (y, long) = (PITCH * float(at), (WIDTH - NAMES - FIGURES) * bar.value / most);
        // A value above zero is seen, however small beside the others.
        let long = if bar.value > 0.0 { long.max(3.0) } else { 0.0 };
        let (class, name, figure, middle) = (bar.class, Text(&bar.name), Text(&bar.figure), y + PITCH / 2.0);
        push(
            &mut svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{middle:.1}\" class=\"end\">{name}</text>\
                 <rect class=\"{class}\" x=\"{NAMES:.1}\" y=\"{:.1}\" width=\"{long:.1}\" height=\"{BAR:.1}\" rx=\"3\"/>\
                 <text x=\"{:.1}\" y=\"{middle:.1}\" class=\"figure\">{figure}</text>",
                NAMES - 10.0,
                y + (PITCH - BAR) / 2.0,
                NAMES + long + 8.0,
            ),
        );
    }
    svg + "</svg>"
}

fn histogram(times: &[f64], latency: &Latency) -> String {
    let step = step(latency.max);
    let count = (1..=BARS).find(|count| step * f64::from(*count) > latency.max).unwrap_or(BARS);
    let bins: Vec<usize> = (0..count)
        .map(|bin| {
            let low = step * f64::from(bin);
            times.iter().filter(|time| (low..low + step).contains(*time)).count()
        })
        .collect();
    let most = float(bins.iter().copied().max().unwrap_or(0).max(1));
    let (wide, ground) = (WIDTH / f64::from(count), ABOVE + HIGH);
    let x = |millis: f64| wide * millis / step;
    let mut svg = open("histogram", ground + BELOW);
    for (bin, replies) in bins.iter().enumerate().filter(|(_, replies)| **replies > 0) {
        let high = HIGH * float(*replies) / most;
        let (from, to) = (time(step * float(bin)), time(step * float(bin + 1)));
        push(
            &mut svg,
            format_args!(
                "<rect class=\"time\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\" rx=\"2\">\
                 <title>{from} to {to}: {replies}</title></rect>",
                wide * float(bin) + 1.0,
                ground - high,
                (wide - 2.0).max(1.0),
            ),
        );
    }
    push(
        &mut svg,
        format_args!("<line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{ground:.1}\" y2=\"{ground:.1}\"/>"),
    );
    for (anchor, share) in [("start", 0.0), ("middle", 0.25), ("middle", 0.5), ("middle", 0.75), ("end", 1.0)]
    {
        let (at, below) = (WIDTH * share, ground + 14.0);
        let millis = time(step * f64::from(count) * share);
        push(
            &mut svg,
            format_args!("<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"{anchor}\">{millis}</text>"),
        );
    }
    for (name, millis, y) in [("median", latency.p50, 12.0), ("p95", latency.p95, 28.0)] {
        let at = x(millis);
        // The words stand where there is room for them.
        let (anchor, words) = if at > WIDTH * 0.6 { ("end", at - 5.0) } else { ("start", at + 5.0) };
        push(
            &mut svg,
            format_args!(
                "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{ground:.1}\"/>\
                 <text x=\"{words:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"figure\">{name} {}</text>",
                y - 10.0,
                time(millis),
            ),
        );
    }
    svg + "</svg>"
}

/// The width of a bar in milliseconds: 1, 2 or 5 times a power of ten, so that [`BARS`] of them reach beyond `longest`.
fn step(longest: f64) -> f64 {
    let mut power = 1.0;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if factor * power * f64::from(BARS) > longest {
                return factor * power;
            }
        }
        power *= 10.0;
    }
}

fn open(class: &str, height: f64) -> String {
    format!("<svg class=\"{class}\" role=\"img\" viewBox=\"0 0 {WIDTH} {height:.0}\">")
}

fn push(svg: &mut String, part: std::fmt::Arguments<'_>) {
    svg.write_fmt(part).expect("a string takes everything");
}

/// `12 345`, with spaces that do not break.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a count of questions is far below 2^52")]
const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_of_the_histogram_are_round_and_reach_the_longest() {
        for (longest, wide) in
            [(0.0, 1.0), (19.9, 1.0), (20.0, 2.0), (450.0, 50.0), (4_100.0, 500.0), (39_000.0, 2000.0)]
        {
            assert!((step(longest) - wide).abs() < 1e-9, "{longest}: {}", step(longest));
        }
    }

    #[test]
    fn every_reply_is_in_the_histogram() {
        let times = [0.0, 1.0, 49.9, 50.0, 999.9, 1000.0];
        let svg = histogram(&times, &Latency { p50: 49.9, p95: 1000.0, max: 1000.0 });
        let titles = svg.split("<title>").skip(1);
        let counted: usize = titles
            .map(|title| {
                title
                    .split("</title>")
                    .next()
                    .and_then(|title| title.rsplit(' ').next()?.parse().ok())
                    .unwrap_or(0)
            })
            .sum();
        assert_eq!(counted, times.len(), "{svg}");
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!(
            [grouped(7), grouped(999), grouped(1000), grouped(1_234_567)],
            ["7", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
    }
}
