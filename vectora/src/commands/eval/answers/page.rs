//! The report as a page: one file that needs nothing else, for a browser, an attachment or an artefact of a CI job.
//!
//! Everything that people, articles or models wrote goes through [`Text`]. Without scripts the page is whole; with
//! them its table can be sorted.

mod escape;
mod plots;
mod table;

use self::escape::Text;
use super::judge::Verdict;
use super::report::Report;

/// The whole page. `name`: of the set.
pub(super) fn draw(report: &Report, name: &str) -> String {
    let style = include_str!("page/style.css");
    let script = include_str!("page/sort.js");
    let began = report.began.format("%Y-%m-%d %H:%M UTC");
    let (name, questions) = (Text(name), report.questions);
    let tiles = tiles(report);
    let (outcomes, latency, tokens) =
        (plots::outcomes(report), plots::latency(report), plots::tokens(&report.models));
    let table = table::draw(report);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Answers to {name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n\
         <header>\n<h1>Answers, evaluated</h1>\n\
         <p>{questions} questions of <b>{name}</b> through the whole pipeline, {began}</p>\n</header>\n\
         <section class=\"tiles\">\n{tiles}</section>\n\
         <section class=\"plots\">\n{outcomes}{latency}{tokens}</section>\n\
         {table}<script>\n{script}</script>\n</body>\n</html>\n"
    )
}

/// The figures that are looked for first.
fn tiles(report: &Report) -> String {
    let shares = &report.shares;
    let refusals = report.questions - report.answerable;
    let tile = |name: &str, value: &str, note: &str| {
        format!("<div class=\"tile\"><span>{name}</span><b>{value}</b><small>{note}</small></div>\n")
    };
    let latency = report.latency_ms.as_ref();
    [
        tile("Correct", &percent(shares.correct), &format!("{} of {}", report.good, report.questions)),
        tile("Answered", &percent(shares.answered), &format!("of {} answerable", report.answerable)),
        tile("Refused rightly", &percent(shares.refused), &format!("of {refusals} to be refused")),
        tile("Expected text found", &percent(shares.span_found), "of the answerable"),
        tile("Cited correctly", &percent(shares.cited_correctly), "of the answers"),
        tile(
            "Latency, median",
            &latency.map_or_else(|| "–".to_owned(), |latency| time(latency.p50)),
            &latency.map_or_else(String::new, |latency| format!("p95 {}", time(latency.p95))),
        ),
    ]
    .concat()
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}<i> %</i>", 100.0 * share))
}

/// Milliseconds, for people.
fn time(millis: f64) -> String {
    if millis < 999.5 { format!("{millis:.0} ms") } else { format!("{:.2} s", millis / 1000.0) }
}

/// The class that gives a verdict its colour.
const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::AnsweredWrongly => "invented",
        Verdict::Unanswered => "unanswered",
        Verdict::RefusedWrongly => "refused",
        Verdict::SpanMissing => "missing",
        Verdict::CitedWrongly => "miscited",
        Verdict::Good => "good",
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::sample;
    use super::*;

    #[test]
    fn what_people_and_models_wrote_stays_text() {
        let page = draw(&sample(), "<set>.jsonl");
        assert!(!page.contains("alert(1)</script>") && !page.contains("<you>") && !page.contains("<set>"));
        assert!(page.contains("Who are &lt;you&gt; &amp; &quot;me&quot;?"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "the page's own");
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = draw(&sample(), "set.jsonl");
        for outside in ["src=", "@import", "url(", "<link", "fetch("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    }

    #[test]
    fn the_worst_come_first() {
        let page = draw(&sample(), "set.jsonl");
        let places: Vec<usize> = ["invented", "late", "refused", "missing", "good", "weather"]
            .iter()
            .map(|id| page.find(&format!("<small>{id}</small>")).unwrap_or_else(|| panic!("{id}")))
            .collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            [time(0.4), time(999.4), time(999.6), time(12_345.0)],
            ["0 ms", "999 ms", "1.00 s", "12.35 s"]
        );
    }
}
