//! Tables of data, and those that only arrange a page.

use super::{
    main_content::Page,
    tree::{Id, Tree},
};
use crate::assemble::COLUMNS;

/// Rows a cell may reach down.
const ROWSPAN: usize = 1_000;
/// Bytes of a cell that is repeated in the rows it reaches into; a longer one is written once.
const REPEATED: usize = 100;

/// Whether a table arranges parts of a page: what is in its cells is then read as if there were none.
pub(super) fn is_layout(tree: &Tree, page: &Page, table: Id) -> bool {
    let role = tree.attribute(table, "role");
    matches!(role, Some("presentation" | "none"))
        || tree.below(table).skip(1).any(|id| {
            let is_block = matches!(tree.name(id), "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre");
            is_block && !page.is_dropped(id)
        })
}

/// A cell that reaches into the rows below.
struct Reach {
    rows: usize,
    text: String,
}

/// Header and rows. A table without `<th>` in its first row has a header of empty cells: what is data stays
/// data.
pub(super) fn read(tree: &Tree, page: &Page, table: Id) -> (Vec<String>, Vec<Vec<String>>) {
    let mut header = Vec::new();
    let mut rows = Vec::new();
    let mut reaching: Vec<Option<Reach>> = Vec::new();
    for row in tree.below(table).filter(|id| tree.name(*id) == "tr" && !page.is_dropped(*id)) {
        let cells: Vec<Id> = tree
            .children(row)
            .filter(|id| matches!(tree.name(*id), "td" | "th") && !page.is_dropped(*id))
            .collect();
        let in_head = tree.node(row).parent.is_some_and(|parent| tree.name(parent) == "thead");
        let all_heads = !cells.is_empty() && cells.iter().all(|cell| tree.name(*cell) == "th");
        let texts = line_up(tree, page, &cells, &mut reaching);
        if rows.is_empty() && header.is_empty() && (in_head || all_heads) {
            header = texts;
        } else {
            rows.push(texts);
        }
    }
    (header, rows)
}

/// Cells of one row, each in its column.
fn line_up(tree: &Tree, page: &Page, cells: &[Id], reaching: &mut Vec<Option<Reach>>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut cells = cells.iter();
    while texts.len() < COLUMNS {
        let column = texts.len();
        if let Some(reach) = reaching.get_mut(column)
            && let Some(from_above) = reach
        {
            texts.push(from_above.text.clone());
            from_above.rows -= 1;
            if from_above.rows == 0 {
                *reach = None;
            }
            continue;
        }
        let Some(cell) = cells.next() else {
            // Cells from above may be further to the right.
            if reaching.iter().skip(column).all(Option::is_none) {
                break;
            }
            texts.push(String::new());
            continue;
        };
        let text = text_of(tree, page, *cell);
        let (wide, high) = (span(tree, *cell, "colspan", COLUMNS), span(tree, *cell, "rowspan", ROWSPAN));
        for part in column..(column + wide).min(COLUMNS) {
            if high > 1 {
                reaching.resize_with(reaching.len().max(part + 1), || None);
                let repeated =
                    if part == column && text.len() <= REPEATED { text.clone() } else { String::new() };
                reaching[part] = Some(Reach { rows: high - 1, text: repeated });
            }
            texts.push(if part == column { text.clone() } else { String::new() });
        }
    }
    while texts.last().is_some_and(String::is_empty) {
        texts.pop();
    }
    texts
}

fn span(tree: &Tree, cell: Id, name: &str, most: usize) -> usize {
    let value = tree.attribute(cell, name).and_then(|value| value.trim().parse::<usize>().ok());
    value.unwrap_or(1).clamp(1, most)
}

/// Everything a cell says, on one line.
fn text_of(tree: &Tree, page: &Page, cell: Id) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut text = String::new();
    let mut waiting = vec![cell];
    while let Some(id) = waiting.pop() {
        if page.is_dropped(id) {
            continue;
        }
        if let Some(said) = tree.text(id) {
            text.push_str(said);
        } else if tree.name(id) == "img" {
            text.push_str(tree.attribute(id, "alt").unwrap_or_default());
        } else if !is_inline(tree.name(id)) {
            text.push(' ');
        }
        let children: Vec<Id> = tree.children(id).collect();
        waiting.extend(children.into_iter().rev());
    }
    words.extend(text.split_whitespace());
    words.join(" ")
}

/// Elements that do not begin a new word.
fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "cite"
            | "code"
            | "del"
            | "em"
            | "font"
            | "i"
            | "ins"
            | "kbd"
            | "mark"
            | "q"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
    )
}
