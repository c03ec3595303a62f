//! What is evaluated: a corpus, questions and their answers, as JSON Lines.
//!
//! A corpus row is `{"id", "title", "text", "ancestors"?}`, where `ancestors` are headings from the
//! outermost; a question is `{"id", "text", "relevant"?, "answerable"?}`. Other fields are passed over.
//! Every mistake names the file and the line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    #[error("{} cannot be read", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{}, line {line}: {problem}", file.display())]
    Line { file: PathBuf, line: usize, problem: String },
    #[error("{}: there is nothing in it", file.display())]
    Empty { file: PathBuf },
}

/// A document of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    pub id: String,
    #[serde(default)]
    pub title: String,
    /// Headings above the text, from the outermost.
    #[serde(default)]
    pub ancestors: Vec<String>,
    pub text: String,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub text: String,
    /// Positions of rows, each once; positions behind the last row stand for documents that the corpus does
    /// not have, which count as missed. Empty: the corpus does not answer it.
    pub relevant: Vec<usize>,
}

impl Query {
    /// Whether it is expected to find something.
    pub const fn is_answerable(&self) -> bool {
        !self.relevant.is_empty()
    }
}

#[derive(Deserialize)]
struct Asked {
    text: String,
    #[serde(default)]
    relevant: Vec<String>,
    #[serde(default = "answerable")]
    answerable: bool,
}

const fn answerable() -> bool {
    true
}

/// Reads a corpus.
///
/// # Errors
/// [`SetError`], also for an id that occurs twice and for a file without rows.
pub fn corpus(file: &Path) -> Result<Vec<Row>, SetError> {
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut rows: Vec<Row> = Vec::new();
    each_line(file, |line, row: Row| {
        if let Some(before) = lines.insert(row.id.clone(), line) {
            return Err(format!("the id {:?} is that of line {before}", row.id));
        }
        rows.push(row);
        Ok(())
    })?;
    if rows.is_empty() { Err(SetError::Empty { file: file.to_owned() }) } else { Ok(rows) }
}

/// Reads questions about a corpus.
///
/// # Errors
/// [`SetError`], also for a file without questions.
pub fn queries(file: &Path, corpus: &[Row]) -> Result<Vec<Query>, SetError> {
    let known: HashMap<&str, usize> =
        corpus.iter().enumerate().map(|(position, row)| (row.id.as_str(), position)).collect();
    let mut queries = Vec::new();
    each_line(file, |_, asked: Asked| {
        let mut relevant = Vec::with_capacity(asked.relevant.len());
        // What is written to be unanswerable is, whatever paragraph it was written about.
        for (n, id) in asked.relevant.iter().enumerate().filter(|_| asked.answerable) {
            let position = known.get(id.as_str()).copied().unwrap_or(corpus.len() + n);
            if !relevant.contains(&position) {
                relevant.push(position);
            }
        }
        queries.push(Query { text: asked.text, relevant });
        Ok(())
    })?;
    if queries.is_empty() { Err(SetError::Empty { file: file.to_owned() }) } else { Ok(queries) }
}

/// Reads questions that the corpus does not answer: the texts in `field` of each row.
///
/// # Errors
/// [`SetError`], also for a row without the field.
pub fn negatives(file: &Path, field: &str) -> Result<Vec<String>, SetError> {
    let mut texts = Vec::new();
    each_line(file, |_, row: Value| {
        let text = row.get(field).and_then(Value::as_str);
        texts.push(text.ok_or_else(|| format!("there is no text in the field {field:?}"))?.to_owned());
        Ok(())
    })?;
    Ok(texts)
}

fn each_line<T: DeserializeOwned>(
    file: &Path,
    mut take: impl FnMut(usize, T) -> Result<(), String>,
) -> Result<(), SetError> {
    let unreadable = |source| SetError::Read { file: file.to_owned(), source };
    let mut reader = BufReader::new(File::open(file).map_err(unreadable)?);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            break;
        }
        let wrong = |problem: String| SetError::Line { file: file.to_owned(), line, problem };
        let text = std::str::from_utf8(&bytes).map_err(|error| wrong(format!("is not UTF-8: {error}")))?;
        // Some editors mark UTF-8 at the beginning of a file.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let value = serde_json::from_str(text).map_err(|error| wrong(explained(&error)))?;
        take(line, value).map_err(wrong)?;
    }
    Ok(())
}

/// serde counts lines too, and would say "line 1" of every one.
fn explained(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct Written(PathBuf);

    impl Written {
        fn new(name: &str, text: &[u8]) -> Self {
            let path = std::env::temp_dir().join(format!("vectora-{name}-{}", contract::ChunkId::new()));
            File::create(&path).and_then(|mut file| file.write_all(text)).expect("written");
            Self(path)
        }
    }

    impl Drop for Written {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.0));
        }
    }

    fn two_rows() -> Vec<Row> {
        let file = Written::new("corpus", b"{\"id\":\"a\",\"text\":\"A\"}\n\n{\"id\":\"b\",\"text\":\"B\"}");
        corpus(&file.0).expect("two rows")
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let file = Written::new("bad", b"{\"id\":\"a\",\"text\":\"A\"}\n\n{\"id\":\"b\"}\n");
        let error = corpus(&file.0).expect_err("no text").to_string();
        assert!(error.ends_with("line 3: missing field `text` (column 10)"), "{error}");
        let file = Written::new("binary", b"{\"id\":\"\xff\"}\n");
        assert!(corpus(&file.0).expect_err("no UTF-8").to_string().contains("line 1: is not UTF-8"));
    }

    #[test]
    fn an_id_that_occurs_twice_is_refused_with_both_lines() {
        let file = Written::new("twice", b"{\"id\":\"a\",\"text\":\"A\"}\n{\"id\":\"a\",\"text\":\"B\"}");
        let error = corpus(&file.0).expect_err("twice").to_string();
        assert!(error.ends_with("line 2: the id \"a\" is that of line 1"), "{error}");
    }

    #[test]
    fn what_is_said_to_be_unanswerable_has_nothing_relevant() {
        let rows = two_rows();
        let file = Written::new(
            "queries",
            b"{\"text\":\"q\",\"relevant\":[\"b\",\"b\",\"gone\"]}\n\
              {\"text\":\"q\",\"answerable\":false,\"relevant\":[\"a\"]}\n",
        );
        let read = queries(&file.0, &rows).expect("two questions");
        assert_eq!(read[0].relevant, [1, 4]);
        assert!(read[0].is_answerable() && !read[1].is_answerable());
    }

    #[test]
    fn negatives_are_read_from_the_field_that_is_named() {
        let file =
            Written::new("negatives", "{\"text\":\"где\",\"en\":\"where\"}\n{\"text\":\"x\"}".as_bytes());
        assert_eq!(negatives(&file.0, "text").expect("both"), ["где", "x"]);
        let error = negatives(&file.0, "en").expect_err("the second has none").to_string();
        assert!(error.contains("line 2") && error.contains("\"en\""), "{error}");
    }

    #[test]
    fn an_empty_file_is_no_corpus() {
        let file = Written::new("empty", b"\n\n");
        assert!(matches!(corpus(&file.0), Err(SetError::Empty { .. })));
    }
}
