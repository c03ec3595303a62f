use proptest::prelude::*;

use super::*;

fn hidden(text: &str) -> String {
    let mut mask = Mask::new();
    let hidden = mask.hide(text);
    assert_eq!(mask.restore(&hidden), text);
    hidden
}

#[test]
fn telephones_are_hidden_however_they_are_written() {
    for phone in [
        "+7 (999) 123-45-67",
        "+79991234567",
        "8 (495) 123-45-67",
        "8-800-555-35-35",
        "8 800 555 3535",
        "89161234567",
        "79161234567",
        "+7 999 123 45 67",
        "8(916)123-45-67",
        "(495) 123-45-67",
        "916 123-45-67",
        "+1 (555) 123-4567",
        "555-123-4567",
        "(555) 123-4567",
        "1-800-555-1234",
        "+44 20 7946 0958",
        "+48 123 456 789",
        "+375 29 123-45-67",
        "0049 30 1234567",
        "+7 701 123 45 67",
        "8\u{a0}(812)\u{a0}123‑45‑67",
        "8.800.555.35.35",
    ] {
        assert_eq!(hidden(phone), "[PHONE_1]", "{phone}");
        assert_eq!(hidden(&format!("Позвоните: {phone}, срочно.")), "Позвоните: [PHONE_1], срочно.");
        assert_eq!(hidden(&format!("call {phone} now")), "call [PHONE_1] now");
    }
    assert_eq!(hidden("тел. 123-45-67"), "тел. [PHONE_1]");
}

#[test]
fn addresses_cards_and_documents_are_hidden() {
    for (text, wanted) in [
        ("пишите на Ivan.Petrov+x@mail.example.ru.", "пишите на [EMAIL_1]."),
        ("почта@пример.рф", "[EMAIL_1]"),
        ("<a@b.co>, 79161234567@mail.ru", "<[EMAIL_1]>, [EMAIL_2]"),
        ("4111 1111 1111 1111", "[CARD_1]"),
        ("card 5555-5555-5555-4444 please", "card [CARD_1] please"),
        ("2200000000000004", "[CARD_1]"),
        ("378282246310005", "[CARD_1]"),
        ("паспорт 4509 123456", "паспорт [PASSPORT_1]"),
        ("Паспорт серия 4509 номер 123456, выдан", "Паспорт серия [PASSPORT_1], выдан"),
        ("паспорт: 4509123456", "паспорт: [PASSPORT_1]"),
        ("45 09 123456", "[PASSPORT_1]"),
        ("45 09 № 123456", "[PASSPORT_1]"),
        ("ИНН 7707083893", "ИНН [INN_1]"),
        ("7707083893", "[INN_1]"),
        ("мой инн: 500100732259.", "мой инн: [INN_1]."),
        ("500100732259 это он", "[INN_1] это он"),
        ("СНИЛС 112-233-445 95", "СНИЛС [SNILS_1]"),
        ("112-233-445 95", "[SNILS_1]"),
        ("снилс 11223344595", "снилс [SNILS_1]"),
    ] {
        assert_eq!(hidden(text), wanted, "{text}");
    }
}

#[test]
fn what_is_nobodys_is_left_alone() {
    for text in [
        "2024-01-15",
        "15.01.2024",
        "15/01/2024 12:30",
        "2024-01-15T10:20:30.123456789Z",
        "01-15-2024",
        "с 1 по 15 января 2024 г.",
        "2019-2024",
        "1 234 567 ₽",
        "1 500 000,50 руб.",
        "$1,234,567.89",
        "12 345 678 901 234",
        "от 100 000 до 250 000",
        "+10 000 000",
        "v1.28.3",
        "1.2.3-rc.4",
        "10.0.19045.3803",
        "192.168.100.200",
        "255.255.255.255:8080",
        "10.0.0.0/8",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-1234-1234-123456789012",
        "заказ 12345678",
        "order #89161234567",
        "Заказ № 89161234567",
        "ORD-2024-000123",
        "счёт 40817810099910004312",
        "1712345678",
        "1712345678901",
        "20240115123045",
        "sha256:9f86d081884c7d659a2feaa0c55ad015",
        "let x = 4111111111111112;",
        "0xDEADBEEF12345678",
        "for (i = 0; i < 1000000000; i++)",
        "C++17",
        "ISO 8601-1:2019",
        "RFC 9457",
        "1920x1080",
        "50 %",
        "git@github.com:org/repo.git",
        "user@localhost",
        "@Component",
        "pkg@1.2.3",
        "5 @ 3.50",
        "4 8 15 16 23 42",
        "60.9339, 76.5543",
        "порт 5432, потом 4222",
        "12:30-13:45",
        "978-3-16-148410-0",
        "ГОСТ 12.1.004-91",
        "2024 123456",
        "3 000 000 000",
    ] {
        assert_eq!(hidden(text), text);
    }
}

#[test]
fn a_value_has_one_token_in_all_texts_of_a_turn() {
    let mut mask = Mask::new();
    assert_eq!(mask.hide("мой номер 8 999 123-45-67"), "мой номер [PHONE_1]");
    assert_eq!(mask.hide("поддержка: 8 800 555-35-35"), "поддержка: [PHONE_2]");
    assert_eq!(mask.hide("номер 8 999 123-45-67, a@b.ru, A@b.ru"), "номер [PHONE_1], [EMAIL_1], [EMAIL_1_2]");
    assert_eq!(mask.hide("+79991234567"), "[PHONE_1_2]");
    assert_eq!(mask.restore("[PHONE_1] = [PHONE_1_2]"), "8 999 123-45-67 = +79991234567");
    assert_eq!(mask.len(), 3);
}

#[test]
fn a_token_comes_back_as_a_model_writes_it() {
    let mut mask = Mask::new();
    mask.hide("8 800 555-35-35");
    for written in [
        "[PHONE_1]",
        "[phone_1]",
        "[Phone 1]",
        "[PHONE 1]",
        "[PHONE-1]",
        "[ PHONE_1 ]",
        r"\[PHONE\_1\]",
        r"[PHONE\_1]",
        "PHONE_1",
        "[PHONE1]",
        "[PHONE_1_9]",
    ] {
        assert_eq!(mask.restore(written), "8 800 555-35-35", "{written}");
    }
    assert_eq!(mask.restore("**[PHONE_1]**-у, `PHONE_1`!"), "**8 800 555-35-35**-у, `8 800 555-35-35`!");
    assert_eq!(mask.restore("[PHONE_1](tel:[PHONE_1])"), "8 800 555-35-35(tel:8 800 555-35-35)");
}

#[test]
fn a_token_the_mask_did_not_give_names_nobody() {
    let mut mask = Mask::new();
    mask.hide("8 800 555-35-35");
    for text in [
        "[PHONE_2]",
        "[EMAIL_1]",
        "[PHONE_0]",
        "[PHONE_99999999999999999999]",
        "MY_PHONE_1",
        "PHONE_1a",
        "[PHONE_1",
    ] {
        assert_eq!(mask.restore(text), text);
    }
}

#[test]
fn what_looks_like_a_token_in_the_text_is_not_taken_for_one() {
    let mut mask = Mask::new();
    let hidden = mask.hide("[PHONE_1] и 8 800 555-35-35");
    assert_eq!(hidden, "[LITERAL_1] и [PHONE_1]");
    assert_eq!(mask.restore(&hidden), "[PHONE_1] и 8 800 555-35-35");
}

#[test]
fn a_stream_holds_back_a_token_that_may_go_on() {
    let mut mask = Mask::new();
    let hidden = mask.hide("Звоните 8 800 555-35-35 или 8 999 123-45-67.");
    let whole = mask.restore(&hidden);
    let mut shown = String::new();
    for (end, _) in hidden.char_indices() {
        let now = mask.restore_so_far(&hidden[..end]);
        assert!(whole.starts_with(&now) && now.starts_with(&shown), "{now}");
        assert!(!now.contains('['), "{now}");
        shown = now;
    }
    assert_eq!(mask.restore_so_far("a [PHONE_"), "a ");
    assert_eq!(mask.restore_so_far("a PHONE_1"), "a ");
    assert_eq!(mask.restore_so_far(r"a PHONE_1\"), "a ", "it may go on as PHONE_1\\_1st");
}

#[test]
fn a_mask_that_is_off_changes_nothing() {
    let mut mask = Mask::off();
    assert_eq!(mask.hide("a@b.ru [PHONE_1]"), "a@b.ru [PHONE_1]");
    assert_eq!(mask.restore("[PHONE_1]"), "[PHONE_1]");
}

#[test]
fn a_debug_print_shows_no_value() {
    let mut mask = Mask::new();
    mask.hide("a@b.ru");
    assert_eq!(format!("{mask:?}"), "Mask { off: false, values: 1, .. }");
}

/// Texts of the pieces that could be confused with each other.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "[",
        "]",
        "\\",
        "_",
        "-",
        " ",
        "PHONE",
        "phone",
        "PHONE_1",
        "[PHONE_1]",
        "[EMAIL_1",
        "LITERAL_1",
        "\\]",
        "1",
        "2",
        "+7",
        "8 999 123-45-67",
        "89161234567",
        "a@b.ru",
        "@",
        ".",
        "ё",
        "4111111111111111",
        "(",
        ")",
        "\n",
        "№",
        "паспорт 4509 123456",
        "E",
        "I",
        "INN",
        "x",
    ]);
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    // A failure becomes a test of its own, not a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_hidden_comes_back(text in prop_oneof![any::<String>(), pieces()], other in pieces()) {
        let mut mask = Mask::new();
        let first = mask.hide(&text);
        let second = mask.hide(&other);
        prop_assert_eq!(mask.restore(&first), text);
        prop_assert_eq!(mask.restore(&second), other);
    }

    #[test]
    fn what_is_restored_so_far_is_how_the_whole_begins(text in pieces(), answer in pieces()) {
        let mut mask = Mask::new();
        mask.hide(&text);
        let whole = mask.restore(&answer);
        for (end, _) in answer.char_indices() {
            let now = mask.restore_so_far(&answer[..end]);
            prop_assert!(whole.starts_with(&now), "{now:?} {whole:?}");
        }
    }
}
