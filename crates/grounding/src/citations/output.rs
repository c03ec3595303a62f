//! What is shown of an answer, as its units are decided.

use std::cell::RefCell;

use super::blocks::{Part, Shape, Unit};
use super::decide::{Finding, Judge};
use super::{Checked, Cited, Doubt, Dropped, Meaning, Unjudged, Verdict, Why};

/// Passages that a sentence in doubt is compared with: those it cites, and the best of the others.
const LOOKED_AT: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Output {
    text: String,
    /// Frames that wait for something they frame.
    pending: Vec<(String, String)>,
    /// Something was dropped since they wait: another paragraph is not what they introduced.
    stale: bool,
    /// The most lines left between what is shown and what comes, where something was dropped.
    lines: usize,
    /// Passages in the order of their numbers, with the sentences they support.
    cited: Vec<(usize, Vec<String>)>,
    scores: Vec<f32>,
    dropped: Vec<Dropped>,
    unjudged: Vec<Unjudged>,
    /// The model began by saying that it does not know, or gave the sentinel.
    gave_up: bool,
    /// A list of sources of the model's own is read.
    sources: bool,
}

/// What is kept of a unit.
struct Kept {
    text: String,
    passages: Vec<usize>,
}

impl Output {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn take(&mut self, unit: Unit, judge: &Judge, meaning: Meaning<'_>) {
        if self.gave_up {
            return self.drop_all(&unit, Why::Refusal);
        }
        let is_text = matches!(unit.shape, Shape::Sentence | Shape::Frame);
        if self.sources && !lists_source(&unit) {
            self.sources = false;
        }
        if self.sources {
            return self.drop_all(&unit, Why::Sources);
        }
        if is_text && self.stale {
            self.pending.clear();
            self.stale = false;
        }
        let findings = findings(&unit, judge, meaning);
        if findings.contains(&Finding::Sources) {
            self.sources = true;
            return;
        }
        let framed = findings.iter().all(|finding| *finding == Finding::Frame);
        if framed {
            if let Some(text) =
                written(&unit, &unit.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>())
            {
                self.pending.push((unit.gap, text));
            }
            return;
        }
        if let Some(kept) = self.kept(&unit, findings) {
            self.show(&unit, &kept);
        } else {
            self.stale = true;
            self.lines = self.lines.max(lines(&unit.gap));
        }
    }

    pub(super) fn cut_off(&mut self, text: &str) {
        self.dropped.push(Dropped { text: text.to_owned(), why: Why::Cut });
    }

    pub(super) fn finish(self, quote: impl Fn(usize, &[&str]) -> String) -> Checked {
        let citations: Vec<Cited> = self
            .cited
            .iter()
            .zip(1..)
            .map(|((passage, claims), number)| {
                let claims: Vec<&str> = claims.iter().map(String::as_str).collect();
                Cited { number, passage: *passage, quote: quote(*passage, &claims) }
            })
            .collect();
        let lost = self.dropped.iter().any(|dropped| dropped.why != Why::Sources);
        let verdict = match (self.gave_up, self.scores.is_empty(), lost) {
            (true, ..) => Verdict::DontKnow,
            (false, true, _) => Verdict::Unsupported,
            (false, false, true) => Verdict::Partly,
            (false, false, false) => Verdict::Grounded,
        };
        #[expect(clippy::cast_precision_loss, reason = "sentences of an answer")]
        let support =
            self.scores.iter().fold(0.0, |sum, score| sum + score) / self.scores.len().max(1) as f32;
        let Self { text, dropped, unjudged, .. } = self;
        Checked { text, citations, dropped, verdict, support, unjudged }
    }

    /// Notes what each part is found to be and joins those that stay.
    fn kept(&mut self, unit: &Unit, findings: Vec<Finding>) -> Option<Kept> {
        let mut texts = Vec::new();
        let mut cited: Vec<usize> = Vec::new();
        let mut stated = false;
        for (part, finding) in unit.parts.iter().zip(findings) {
            match finding {
                Finding::Frame => texts.push(format!("{}{}", part.gap, part.text)),
                Finding::Supported { passages, score, cross } => {
                    stated = true;
                    texts.push(format!("{}{}", part.gap, part.text));
                    self.scores.push(score);
                    if let (Some(confirmed), Some(&passage)) = (cross, passages.first()) {
                        let sentence = part.text.clone();
                        self.unjudged.push(Unjudged { sentence, passage, confirmed });
                    }
                    for passage in passages {
                        self.note(passage, &part.text);
                        if !cited.contains(&passage) {
                            cited.push(passage);
                        }
                    }
                }
                Finding::Refusal | Finding::Sources => {
                    // Refused before anything was said, or by the sentinel: what follows would be a guess.
                    self.gave_up |= self.scores.is_empty() || super::refusal::is_sentinel(&part.text);
                    self.dropped.push(Dropped { text: part.text.clone(), why: Why::Refusal });
                }
                Finding::Wrong(why) => self.dropped.push(Dropped { text: part.text.clone(), why }),
            }
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let text = written(unit, &texts).filter(|_| stated && !self.gave_up)?;
        Some(Kept { text, passages: cited })
    }

    fn show(&mut self, unit: &Unit, kept: &Kept) {
        for (gap, text) in std::mem::take(&mut self.pending) {
            self.write(&gap, &text);
        }
        self.stale = false;
        let marks: Vec<String> =
            kept.passages.iter().map(|&passage| format!("[{}]", self.number(passage))).collect();
        let marks = marks.concat();
        let before = self.text.len();
        match unit.shape {
            // A mark behind the fence would be part of it.
            Shape::Code => self.write(&unit.gap, &kept.text),
            Shape::Row => match kept.text.strip_suffix('|') {
                Some(row) => self.write(&unit.gap, &format!("{} {marks} |", row.trim_end())),
                None => self.write(&unit.gap, &format!("{} {marks}", kept.text)),
            },
            _ => self.write(&unit.gap, &format!("{} {marks}", kept.text)),
        }
        if unit.shape == Shape::Code && !self.text[..before].contains(&marks) {
            self.text.push('\n');
            self.text.push_str(&marks);
        }
        self.lines = 0;
    }

    /// Adds a text behind what is shown, as far from it as the model put it.
    fn write(&mut self, gap: &str, text: &str) {
        if !self.text.is_empty() {
            let wanted = lines(gap).max(std::mem::take(&mut self.lines)).min(2);
            if wanted == 0 {
                self.text.push(' ');
            } else {
                self.text.push_str(&"\n".repeat(wanted));
                let indent = gap.rsplit('\n').next().filter(|_| gap.contains('\n')).unwrap_or_default();
                self.text.push_str(indent);
            }
        }
        self.text.push_str(text);
    }

    fn note(&mut self, passage: usize, claim: &str) {
        match self.cited.iter_mut().find(|(known, _)| *known == passage) {
            Some((_, claims)) => claims.push(claim.to_owned()),
            None => self.cited.push((passage, vec![claim.to_owned()])),
        }
    }

    fn number(&self, passage: usize) -> usize {
        self.cited.iter().position(|(known, _)| *known == passage).map_or(0, |at| at + 1)
    }

    fn drop_all(&mut self, unit: &Unit, why: Why) {
        let dropped = unit.parts.iter().map(|part| Dropped { text: part.text.clone(), why });
        self.dropped.extend(dropped);
    }
}

/// Adds what would have to be known to decide a unit: of each sentence, at most [`LOOKED_AT`] passages.
pub(super) fn doubts(unit: &Unit, judge: &Judge, doubts: &mut Vec<Doubt>) {
    let asked = RefCell::new(doubts);
    findings(unit, judge, &|sentence, passage| {
        let mut asked = asked.borrow_mut();
        let doubt = Doubt { sentence: sentence.to_owned(), passage };
        let already = asked.iter().filter(|known| known.sentence == sentence).count();
        if already < LOOKED_AT && !asked.contains(&doubt) {
            asked.push(doubt);
        }
        // As if it said something else: the next passage is asked then.
        Some(false)
    });
}

fn findings(unit: &Unit, judge: &Judge, meaning: Meaning<'_>) -> Vec<Finding> {
    // A mark behind the last sentence of an item mostly speaks for the whole of it.
    let last: &[u32] = unit.parts.last().map_or(&[], |part| &part.marks);
    let find = |part: &Part| {
        let marks = if part.marks.is_empty() { last } else { &part.marks };
        match unit.shape {
            Shape::Code => judge.find_code(&part.text),
            // As an introduction; a heading in the words of a passage is one too.
            Shape::Frame => match judge.find(&part.text, marks, meaning) {
                Finding::Supported { .. } => Finding::Frame,
                Finding::Wrong(_) => judge.find(&format!("{}:", part.text), marks, meaning),
                other => other,
            },
            _ => judge.find(&part.text, marks, meaning),
        }
    };
    unit.parts.iter().map(find).collect()
}

/// A unit with those of its parts that stay; `None` when nothing does.
fn written(unit: &Unit, parts: &[&str]) -> Option<String> {
    let text = parts.concat();
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(match &unit.shape {
        Shape::Item(marker) => format!("{marker}{text}"),
        // A fence that the model left open must not swallow what we write.
        Shape::Code if !is_closed(text) => format!("{text}\n```"),
        _ => text.to_owned(),
    })
}

fn is_closed(block: &str) -> bool {
    block.lines().count() > 1
        && block.lines().last().is_some_and(|last| last.starts_with("```") || last.starts_with("~~~"))
}

fn lists_source(unit: &Unit) -> bool {
    matches!(unit.shape, Shape::Item(_)) || unit.parts.iter().any(|part| !part.marks.is_empty())
}

fn lines(gap: &str) -> usize {
    gap.matches('\n').count()
}
