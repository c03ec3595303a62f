//! One row a question, the worst verdicts first; what is long is folded.

use contract::Citation;

use super::super::report::{Report, Row};
use super::escape::{Text, is_link};
use super::plots::grouped;
use super::{class, time};

/// Characters of an answer that are seen without unfolding it.
const SEEN: usize = 110;

pub(super) fn draw(report: &Report) -> String {
    let mut rows: Vec<&Row> = report.rows.iter().collect();
    // Stable: the set's order within a verdict.
    rows.sort_by_key(|row| row.verdict);
    let failures = rows.iter().filter(|row| !row.verdict.is_good()).count();
    let rows: String = rows.into_iter().map(row).collect();
    format!(
        "<section class=\"questions\">\n<div class=\"head\"><h2>Questions</h2>\
         <label><input type=\"checkbox\" id=\"failures\"> only what is not good ({failures})</label></div>\n\
         <div class=\"wide\"><table>\n<thead><tr><th>Verdict</th><th>Question</th><th>Expected</th><th>Reply</th>\
         <th class=\"number\">Latency</th><th class=\"number\">Tokens</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}

fn row(row: &Row) -> String {
    let (class, rank, words) = (class(row.verdict), row.verdict as u8, row.verdict.words());
    let latency = row.latency_ms.map_or_else(|| "–".to_owned(), time);
    let tokens = row.prompt_tokens.zip(row.completion_tokens);
    let sum = tokens.map_or(0, |(prompt, completion)| u64::from(prompt) + u64::from(completion));
    let tokens = tokens.map_or_else(
        || "–".to_owned(),
        |(prompt, completion)| format!("{} + {}", grouped(prompt.into()), grouped(completion.into())),
    );
    format!(
        "<tr class=\"{class}\"><td data-v=\"{rank}\"><span class=\"chip\">{words}</span></td>\
         <td>{}</td><td>{}</td><td>{}</td>\
         <td class=\"number\" data-v=\"{:.3}\">{latency}</td><td class=\"number\" data-v=\"{sum}\">{tokens}</td></tr>\n",
        question(row),
        expected(row),
        reply(row),
        row.latency_ms.unwrap_or(0.0),
    )
}

fn question(row: &Row) -> String {
    let earlier = |earlier: &String| format!("<small class=\"earlier\">{}</small>", Text(earlier));
    let history: Vec<String> = row.history.iter().map(earlier).collect();
    let history = history.concat();
    format!("{history}{}<small>{}</small>", Text(&row.question), Text(&row.id))
}

fn expected(row: &Row) -> String {
    if row.refuse {
        return "<em>a refusal</em>".to_owned();
    }
    let spans: Vec<String> = row.expect.iter().map(|span| Text(span).to_string()).collect();
    let spans = if spans.is_empty() { "<em>an answer</em>".to_owned() } else { spans.join(" <em>or</em> ") };
    let found = row.span_found.filter(|_| row.cited.is_some()).map_or("", tick);
    let source = row.source.as_deref().map_or_else(String::new, |source| {
        format!("<small>{}{}</small>", Text(source), row.cited_correctly.map_or("", tick))
    });
    format!("{spans}{found}{source}")
}

const fn tick(good: bool) -> &'static str {
    if good { " <span class=\"yes\">✓</span>" } else { " <span class=\"no\">✗</span>" }
}

fn reply(row: &Row) -> String {
    let error = row.error.as_deref().map_or_else(String::new, |error| {
        format!("<small class=\"no\">{}: {}</small>", Text(row.status), Text(error))
    });
    let Some(answer) = row.answer.as_deref() else { return error };
    let seen = beginning(answer);
    let cut = seen.len() < answer.len();
    if !cut && row.citations.is_empty() {
        return format!("{}{error}", Text(answer));
    }
    // Unfolded, an answer that was cut is shown whole.
    let whole = if cut { format!("<div class=\"answer\">{}</div>", Text(answer)) } else { String::new() };
    let more = if cut { "…" } else { "" };
    let citations: Vec<String> = row.citations.iter().map(citation).collect();
    let citations = citations.concat();
    let model =
        row.model.as_deref().map_or_else(String::new, |model| format!("<small>{}</small>", Text(model)));
    format!("<details><summary>{}{more}</summary>{whole}{citations}{model}</details>{error}", Text(seen))
}

/// The first words of an answer, [`SEEN`] characters at the most.
fn beginning(answer: &str) -> &str {
    let Some((end, _)) = answer.char_indices().nth(SEEN) else { return answer };
    let whole = answer[..end].rfind(char::is_whitespace).filter(|end| *end > 0);
    &answer[..whole.unwrap_or(end)]
}

fn citation(citation: &Citation) -> String {
    let title = Text(&citation.title);
    let title = match citation.url.as_deref().filter(|url| is_link(url)) {
        Some(url) => format!("<a href=\"{}\" rel=\"noreferrer\">{title}</a>", Text(url)),
        None => title.to_string(),
    };
    let section =
        citation.section.as_deref().map_or_else(String::new, |section| format!(" › {}", Text(section)));
    format!(
        "<blockquote><b>[{}] {title}{section}</b> {}</blockquote>",
        citation.number,
        Text(&citation.quote)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_between_words() {
        let answer = "Откройте ".repeat(20);
        let seen = beginning(&answer);
        assert!(answer.starts_with(seen) && seen.ends_with("Откройте"), "{seen}");
        assert_eq!(seen.chars().count(), 107);
        assert_eq!(beginning("short"), "short");
        assert_eq!(beginning(&"ё".repeat(200)).chars().count(), SEEN);
    }
}
