use super::*;
use contract::Block;

fn document(html: &str) -> Document {
    read(html.as_bytes(), &Limits::default()).unwrap().document
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph { text: text.to_owned() }
}

fn heading(level: u8, text: &str) -> Block {
    Block::Heading { level, text: text.to_owned() }
}

fn list(ordered: bool, items: &[&str]) -> Block {
    Block::List { ordered, items: cells(items) }
}

fn cells(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

const SENTENCE: &str =
    "Refunds are accepted within fourteen days of the purchase, whatever the reason may be. ";

#[test]
fn headings_paragraphs_lists_and_code_are_read() {
    let html = "<!doctype html><title>Help</title><h1>Reset <a \
        href='#x'>#</a></h1><p>One\ntwo&nbsp;&mdash; <b>three</b><br>four\
        <ol start=2><li>a<ul><li>b</ul><li>c</ol><pre class='language-sh'><code>a\n  b &lt; \
        c\n</code></pre>after";
    let document = document(html);
    assert_eq!(document.title.as_deref(), Some("Help"));
    let code = Block::Code { language: Some("sh".to_owned()), text: "a\n  b < c".to_owned() };
    assert_eq!(
        document.blocks,
        [
            heading(1, "Reset"),
            paragraph("One two — three\nfour"),
            list(false, &["2. a", "  b", "3. c"]),
            code,
            paragraph("after")
        ]
    );
}

#[test]
fn the_title_is_the_heading_when_the_page_repeats_it() {
    let html = "<title>Refunds | Example Inc.</title><h1>Refunds</h1><p>text";
    assert_eq!(document(html).title.as_deref(), Some("Refunds"));
    assert_eq!(document(html).blocks, [paragraph("text")]);
    assert_eq!(document("<h1>Refunds</h1><p>text").title.as_deref(), Some("Refunds"));
    let html = "---\ntitle: Front\n---\n<title>T</title><p>{{< note >}}text";
    assert_eq!(document(html).title.as_deref(), Some("Front"));
    assert_eq!(document(html).blocks, [paragraph("text")]);
}

#[test]
fn the_address_is_the_canonical_one() {
    let html = "<link rel=canonical href='https://example.org/refunds'><p>text";
    assert_eq!(document(html).url.as_deref(), Some("https://example.org/refunds"));
    assert_eq!(document("<link rel=canonical href='javascript:x'><p>text").url, None);
}

#[test]
fn nothing_that_is_not_seen_is_read() {
    let html = "<body><p>seen<script>alert('x')</script><style>p{}</style><template>no</template>\
        <noscript>no</noscript>\
        <div hidden>no</div><div style='color:red; DISPLAY : none'>no</div><span \
        style='font-size:0px'>no</span>\
        <span aria-hidden=true>no</span><!-- no --><svg><text>no</text></svg><select><option>no</select>\
        <textarea>no</textarea><button>no</button><div style='font-size:10px;opacity:0.9'>yes</div>";
    assert_eq!(document(html).blocks, [paragraph("seen"), paragraph("yes")]);
}

#[test]
fn the_part_that_says_it_is_the_content_is_read() {
    let text = SENTENCE.repeat(4);
    for open in ["main", "article", "div role=main"] {
        let close = open.split(' ').next().unwrap();
        let html = format!(
            "<body><header><h1>Site</h1></header><nav><a \
                href=/>Home</a></nav><{open}><header><h1>Refunds</h1></header>\
             <nav class=toc>On this page</nav><p>{text}</p><aside class='note'>A \
             note.</aside><aside>Ad</aside>\
             </{close}><aside>More</aside><footer>© Example</footer>"
        );
        let document = document(&html);
        assert_eq!(document.title.as_deref(), Some("Refunds"), "{open}");
        assert_eq!(document.blocks, [paragraph(text.trim()), paragraph("A note.")], "{open}");
    }
}

#[test]
fn a_page_that_says_nothing_is_read_where_its_text_is() {
    let text = SENTENCE.repeat(8);
    let links = "<li><a href=/a>A link to somewhere</a>".repeat(5);
    let html = format!(
        "<body><div class=top>Example Inc.</div><div><ul>{links}</ul><div \
            id=c><h2>Refunds</h2><p>{text}</p></div></div>\
         <div class='footer'>© Example</div>"
    );
    assert_eq!(document(&html).blocks, [heading(2, "Refunds"), paragraph(text.trim())]);
}

#[test]
fn a_form_or_a_menu_around_everything_is_read() {
    let text = SENTENCE.repeat(4);
    for (open, close) in [("<form>", "</form>"), ("<div class=menu>", "</div>"), ("<nav>", "</nav>")] {
        let html = format!("<body>{open}<h1>Refunds</h1><p>{text}</p>{close}");
        assert_eq!(document(&html).blocks, [paragraph(text.trim())], "{open}");
    }
}

#[test]
fn tables_keep_their_header_and_their_columns() {
    let html = "<table><caption>Plans</caption><thead><tr><th>Plan<th colspan=2>Price</thead>\
        <tr><td rowspan=2>Basic<td>1 <b>mo</b>nth<td><ul><li>490<li>VAT</ul><tr><td>1 year<td>4 900</table>";
    let table = Block::Table {
        header: cells(&["Plan", "Price", ""]),
        rows: vec![cells(&["Basic", "1 month", "490 VAT"]), cells(&["Basic", "1 year", "4 900"])],
    };
    assert_eq!(document(html).blocks, [paragraph("Plans"), table]);
    let html = "<table><tr><th>Name<td>Value<tr><th>Other<td>More</table>";
    let table = Block::Table {
        header: cells(&["", ""]),
        rows: vec![cells(&["Name", "Value"]), cells(&["Other", "More"])],
    };
    assert_eq!(document(html).blocks, [table]);
}

#[test]
fn a_table_that_arranges_the_page_is_read_through() {
    let html = "<table><tr><td><h2>One</h2><p>text</p></td><td><table><tr><td>a<td>b</table></table>";
    let inner = Block::Table { header: cells(&["", ""]), rows: vec![cells(&["a", "b"])] };
    assert_eq!(document(html).blocks, [heading(2, "One"), paragraph("text"), inner]);
}

#[test]
fn unclosed_and_misnested_tags_end_somewhere() {
    let html = "<html><body><h1>T<p>one<table><tr><td>cell1<td>cell2<tr><td>cell3<ul><li>a<li>b";
    let document_of = document(html);
    assert!(format!("{:?}", document_of.blocks).contains("cell1"), "{document_of:?}");
    assert_eq!(
        document("<b><p>one</b>two</i></p><p>three").blocks,
        [paragraph("onetwo"), paragraph("three")]
    );
    assert_eq!(document("<p>text <a href='").blocks, [paragraph("text")]);
    assert_eq!(document("text <!-- never closed").blocks, [paragraph("text")]);
}

#[test]
fn nesting_and_size_have_limits() {
    let limits = Limits::default();
    for deep in [
        "<div>".repeat(60_000),
        "<ul><li>".repeat(60_000),
        "<b>".repeat(60_000),
        "<table><tr><td>".repeat(9_000),
    ] {
        let error = read(deep.as_bytes(), &limits).unwrap_err();
        assert_eq!(error, ExtractError::TooDeep { limit: limits.nesting });
    }
    let few = Limits { nodes: 1_000, ..limits };
    let error = read("<p>x".repeat(10_000).as_bytes(), &few).unwrap_err();
    assert_eq!(error, too_many(&few));
    let fair = "<div>".repeat(400) + "text";
    assert_eq!(document(&fair).blocks, [paragraph("text")]);
}

fn too_many(limits: &Limits) -> ExtractError {
    ExtractError::TooLarge { what: crate::Resource::Nodes, limit: limits.nodes }
}

#[test]
fn the_declared_encoding_is_found() {
    let name = |html: &[u8]| declared(html).map(Encoding::name);
    assert_eq!(name(b"<meta charset=\"windows-1251\">"), Some("windows-1251"));
    assert_eq!(name(b"<META http-equiv=x content='text/html; charset=koi8-r'>"), Some("KOI8-R"));
    assert_eq!(name(b"<?xml version='1.0' encoding='cp866'?>"), Some("IBM866"));
    assert_eq!(name(b"<meta charset=utf-16>"), None);
    assert_eq!(name(b"<p>charset"), None);
}
