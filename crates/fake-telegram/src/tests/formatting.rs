//! Entities and HTML: what Telegram cannot parse is refused.

use serde_json::{Value, json};

use super::client::{ANN, Bot};

async fn refused(bot: &mut Bot, text: &str, entities: Value) -> String {
    let why =
        bot.refused(400, "sendMessage", json!({ "chat_id": ANN, "text": text, "entities": entities })).await;
    why.strip_prefix("Bad Request: can't parse entities: ").unwrap_or_else(|| panic!("{why}")).to_owned()
}

fn entity(kind: &str, offset: usize, length: usize) -> Value {
    json!({ "type": kind, "offset": offset, "length": length })
}

#[tokio::test]
async fn entities_stay_inside_the_text_and_off_surrogates() {
    let mut bot = Bot::start().await;
    assert!(refused(&mut bot, "abc", json!([entity("bold", 2, 2)])).await.contains("after the end"));
    assert!(refused(&mut bot, "abc", json!([entity("bold", 1, 0)])).await.contains("empty"));
    assert!(refused(&mut bot, "a😀b", json!([entity("bold", 0, 2)])).await.contains("surrogate"));
    assert!(refused(&mut bot, "a😀b", json!([entity("bold", 2, 2)])).await.contains("surrogate"));
    assert!(refused(&mut bot, "abc", json!([entity("loud", 0, 1)])).await.contains("unknown"));
    assert!(refused(&mut bot, "abc", json!([entity("text_link", 0, 1)])).await.contains("url"));
    assert!(refused(&mut bot, "abc", json!("bold")).await.contains("array"));
    let good = json!([entity("bold", 1, 2), { "type": "text_link", "offset": 3, "length": 1, "url": "https://a.b" }]);
    bot.ok("sendMessage", json!({ "chat_id": ANN, "text": "a😀b", "entities": good })).await;
}

#[tokio::test]
async fn entities_nest_and_do_not_cross() {
    let mut bot = Bot::start().await;
    let crossing = json!([entity("bold", 0, 4), entity("italic", 2, 4)]);
    assert!(refused(&mut bot, "abcdef", crossing).await.contains("crosses"));
    for (outer, inner) in
        [("code", "bold"), ("pre", "italic"), ("bold", "code"), ("blockquote", "blockquote")]
    {
        let nested = json!([entity(outer, 0, 6), entity(inner, 1, 2)]);
        assert!(refused(&mut bot, "abcdef", nested).await.contains("inside"), "{inner} in {outer}");
    }
    let same = json!([entity("code", 0, 3), entity("bold", 0, 3)]);
    assert!(refused(&mut bot, "abcdef", same).await.contains("inside"));
    let good = json!([
        entity("italic", 1, 2),
        entity("bold", 0, 3),
        entity("blockquote", 0, 6),
        entity("code", 3, 2),
    ]);
    bot.ok("sendMessage", json!({ "chat_id": ANN, "text": "abcdef", "entities": good })).await;
}

#[tokio::test]
async fn html_becomes_text_and_entities() {
    let mut bot = Bot::start().await;
    let html = "<b>a<i>😀</i></b> &lt;x&gt; &amp; & <a href=\"https://a.b/?x=1&amp;y=2\">link</a>\
                <pre><code class=\"language-rust\">fn</code></pre><tg-spoiler>s</tg-spoiler>";
    bot.ok("sendMessage", json!({ "chat_id": ANN, "text": html, "parse_mode": "HTML" })).await;
    let seen = &bot.telegram.seen(ANN)[0];
    assert_eq!(seen.text(), "a😀 <x> & & linkfns");
    assert_eq!(
        seen.entities,
        [
            entity("bold", 0, 3),
            entity("italic", 1, 2),
            json!({ "type": "text_link", "offset": 12, "length": 4, "url": "https://a.b/?x=1&y=2" }),
            json!({ "type": "pre", "offset": 16, "length": 2, "language": "rust" }),
            entity("spoiler", 18, 1),
        ]
    );
}

#[tokio::test]
async fn broken_html_cannot_be_parsed() {
    let mut bot = Bot::start().await;
    for (html, reason) in [
        ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
        ("<p>x</p>", "Unsupported start tag \"p\" at byte offset 0"),
        ("<b>x</i>", "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\""),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
    ] {
        let why = bot
            .refused(400, "sendMessage", json!({ "chat_id": ANN, "text": html, "parse_mode": "HTML" }))
            .await;
        assert_eq!(why, format!("Bad Request: can't parse entities: {reason}"));
    }
    let only_tags = json!({ "chat_id": ANN, "text": "<b></b>", "parse_mode": "HTML" });
    assert_eq!(bot.refused(400, "sendMessage", only_tags).await, "Bad Request: text must be non-empty");
    let unknown = json!({ "chat_id": ANN, "text": "x", "parse_mode": "Wiki" });
    assert_eq!(bot.refused(400, "sendMessage", unknown).await, "Bad Request: unsupported parse_mode");
}
