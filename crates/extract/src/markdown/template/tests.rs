use super::strip;

#[test]
fn a_text_without_tags_is_not_touched() {
    for text in
        ["", "plain", "a { b } c `{{ x }}`", "```\n{{< note >}}\n```\n", "{{ .Values.image }} in Helm\n"]
    {
        assert_eq!(strip(text), text);
    }
}

#[test]
fn tags_go_and_what_is_between_them_stays() {
    assert_eq!(strip("{{< note >}}\nRead *this*.\n{{< /note >}}\n"), "\nRead *this*.\n\n");
    assert_eq!(strip("a {{% b c=\"d\" %}} e {% if x %}f{% endif %}"), "a  e f");
    assert_eq!(strip("{% raw %}`{{ true }}`{% endraw %}\n"), "`{{ true }}`\n");
    assert_eq!(
        strip("a {{< figure\n  src=\"x.png\"\n  caption=\"The picture\" >}} b\nc"),
        "a The picture b\nc"
    );
    assert_eq!(strip("{{< never closed\n"), "{{< never closed\n");
}

#[test]
fn what_a_page_shows_of_a_tag_stays() {
    assert_eq!(strip("a {{< glossary_tooltip text=\"pod\" term_id=\"x\" >}}"), "a pod");
    assert_eq!(strip("a {{< glossary_tooltip term_id=\"control-plane\" >}}"), "a control plane");
    assert_eq!(strip("## {{% heading \"prerequisites\" %}}\n"), "## prerequisites\n");
    assert_eq!(strip("[each]({{ \"/x.html\" | true_relative_url }}), b"), "[each](#), b");
    assert_eq!(strip("[each]({{ \"/x.html\" | true_relative_url }}#part)"), "[each](##part)");
}

#[test]
fn code_is_not_touched_but_for_raw() {
    let code = "- ```yaml\n  {{< a >}} {% b %}\n  ```\n";
    assert_eq!(strip(&format!("{code}{{% x %}}\n")), format!("{code}\n"));
    assert_eq!(strip("```\n{% raw %}\n{{ x }}\n{% endraw %}\n```\n"), "```\n{{ x }}\n```\n");
    assert_eq!(strip("`{{< note >}}` {{< x >}}"), "`{{< note >}}` ");
    assert_eq!(strip("{{</* note */>}}"), "{{</* note */>}}");
}

#[test]
fn code_of_shortcodes_becomes_code() {
    let text = "{{< tab name=\"Bash\" codelang=\"bash\" >}}\necho {{ x }}\n{{< /tab >}}\nb\n";
    assert_eq!(strip(text), "\n```bash\necho {{ x }}\n```\n\nb\n");
    assert_eq!(strip("{% highlight ruby %}\nputs 1\n{% endhighlight %}\n"), "\n```ruby\nputs 1\n```\n\n");
}

#[test]
fn comments_of_shortcodes_go_with_their_content() {
    assert_eq!(strip("a\n{{< comment >}}\nsecret\n{{< /comment >}}\nb\n"), "a\n\nb\n");
    assert_eq!(strip("a {{< comment >}}secret{{< /comment >}} b\n"), "a  b\n");
    assert_eq!(strip("{{< comment >}}\nnever closed\n"), "\nnever closed\n");
}

#[test]
fn admonitions_are_paragraphs() {
    assert_eq!(strip("::: warning Внимание!\nТекст\n:::\n"), "\nВнимание!\n\nТекст\n\n");
    assert_eq!(strip(":::note[Read]\ntext\n:::\n"), "\nRead\n\ntext\n\n");
    assert_eq!(
        strip("!!! note \"Title\"\n    text\n\n    more\n\nafter\n"),
        "\nTitle\n\ntext\n\nmore\n\nafter\n"
    );
    assert_eq!(strip("!!! note\n    ```\n    code\n    ```\nafter\n"), "\n```\ncode\n```\nafter\n");
    assert_eq!(strip("!!! wow, {% x %}this is text\n"), "!!! wow, this is text\n");
}
