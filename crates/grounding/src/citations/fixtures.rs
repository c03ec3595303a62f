//! Sentences that a passage supports and sentences that it does not, in both languages: what [`super::THRESHOLD`] was
//! chosen by, together with `xquad` below.

use super::{Verdict, check};
use crate::Passage;

const ENGLISH: &str = "\
Refunds are paid to the original card within 14 days. Refunds are not possible for gift cards. The Basic plan costs $10 \
a month and has 5 GB of storage. The Pro plan costs $25 a month and has 100 GB of storage.

To reset your password, open Settings, choose Security and press Reset password. A link is sent to your email; it is \
valid for 30 minutes. Two-factor authentication can be enabled on the same page.

The Android app works offline. The web version does not work offline. Support answers at help@shop.example or \
+1 555 010 9999, see https://shop.example/help. Set `maxUploadSize` in config.yaml to raise the limit of 50 MB. \
The service was started on 12 March 2019.";

const RUSSIAN: &str = "\
Деньги возвращаются на карту, с которой была оплата, в течение 14 дней. Подарочные карты вернуть нельзя. Тариф Базовый \
стоит 300 рублей в месяц и включает 5 ГБ хранилища. Тариф Профи стоит 900 рублей в месяц и включает 100 ГБ хранилища.

Чтобы сбросить пароль, откройте «Настройки», выберите «Безопасность» и нажмите «Сбросить пароль». Ссылка придёт на \
почту и действует 30 минут. Двухфакторную аутентификацию можно включить на той же странице.

Приложение для Android работает без интернета. Веб-версия без интернета не работает. Поддержка отвечает по адресу \
help@shop.example и по телефону 8 800 555-35-35. Сервис запущен 12 марта 2019 года.";

/// Whether it is supported, and the sentence.
const CASES: [(&str, bool, &str); 64] = [
    (ENGLISH, true, "Refunds are paid to the original card within 14 days."),
    (ENGLISH, true, "The refund goes to your original card in 14 days."),
    (ENGLISH, true, "You get a refund within 14 days, to the card you paid with originally."),
    (ENGLISH, true, "Gift cards cannot be refunded."),
    (ENGLISH, true, "The Pro plan costs $25 per month."),
    (ENGLISH, true, "Pro is 25 dollars a month with 100 GB storage, and Basic is 10 dollars with 5 GB."),
    (ENGLISH, true, "Open Settings, choose Security, and press Reset password."),
    (ENGLISH, true, "You can reset the password in Settings under Security."),
    (ENGLISH, true, "The link in the email is valid for thirty minutes."),
    (ENGLISH, true, "Enable two-factor authentication on the same page."),
    (ENGLISH, true, "The Android app works offline, but the web version does not."),
    (ENGLISH, true, "The web version doesn't work offline."),
    (ENGLISH, true, "Write to help@shop.example or call +1 (555) 010-9999."),
    (ENGLISH, true, "Raise the limit with `maxUploadSize` in config.yaml."),
    (ENGLISH, true, "It started on March 12, 2019."),
    (ENGLISH, true, "See [the help page](https://shop.example/help) for support."),
    (ENGLISH, false, "Refunds are paid to the original card within 30 days."),
    (ENGLISH, false, "Refunds are paid to the original card within 14 hours."),
    (ENGLISH, false, "Refunds are not paid to the original card."),
    (ENGLISH, false, "Refunds are possible for gift cards."),
    (ENGLISH, false, "The Pro plan costs $10 a month."),
    (ENGLISH, false, "The Basic plan has 100 GB of storage."),
    (ENGLISH, false, "The Enterprise plan, called Premium, costs $25 a month."),
    (ENGLISH, false, "Open Settings, choose Privacy and press Reset password."),
    (ENGLISH, false, "Two-factor authentication can be disabled on the same page."),
    (ENGLISH, false, "The web version works offline."),
    (ENGLISH, false, "The app for iOS works offline."),
    (ENGLISH, false, "Write to support@shop.example for help."),
    (ENGLISH, false, "See https://evil.example/help for support."),
    (ENGLISH, false, "Set `maxDownloadSize` in config.yaml to raise the limit."),
    (ENGLISH, false, "The service was started on 12 April 2019."),
    (ENGLISH, false, "Our delivery partners ship worldwide by courier."),
    (RUSSIAN, true, "Деньги вернутся на карту в течение 14 дней."),
    (RUSSIAN, true, "Возврат на карту занимает до 14 дней: деньги возвращаются туда, откуда была оплата."),
    (RUSSIAN, true, "Подарочную карту вернуть нельзя."),
    (RUSSIAN, true, "Подарочные карты не возвращаются."),
    (RUSSIAN, true, "Тариф «Профи» стоит 900 ₽ в месяц."),
    (
        RUSSIAN,
        true,
        "Базовый тариф включает 5 ГБ хранилища и стоит 300 рублей, Профи — 100 ГБ за 900 рублей.",
    ),
    (RUSSIAN, true, "Откройте «Настройки» → «Безопасность» и нажмите «Сбросить пароль»."),
    (RUSSIAN, true, "Сбросить пароль можно в настройках, в разделе «Безопасность»."),
    (RUSSIAN, true, "Ссылка из письма на почту действует тридцать минут."),
    (RUSSIAN, true, "На той же странице включается двухфакторная аутентификация."),
    (RUSSIAN, true, "Приложение для Android работает без интернета, а веб-версия — нет."),
    (RUSSIAN, true, "Веб-версия не работает без интернета."),
    (RUSSIAN, true, "Позвоните в поддержку по телефону 8 (800) 555-35-35."),
    (RUSSIAN, true, "Напишите в поддержку по адресу help@shop.example."),
    (RUSSIAN, true, "Сервис запущен 12.03.2019."),
    (RUSSIAN, true, "Сервис был запущен в марте 2019 года."),
    (RUSSIAN, false, "Деньги вернутся на карту в течение 30 дней."),
    (RUSSIAN, false, "Деньги вернутся на карту в течение 14 часов."),
    (RUSSIAN, false, "Деньги на карту не возвращаются."),
    (RUSSIAN, false, "Подарочные карты можно вернуть."),
    (RUSSIAN, false, "Тариф Профи стоит 300 рублей в месяц."),
    (RUSSIAN, false, "Базовый тариф включает 100 ГБ хранилища."),
    (RUSSIAN, false, "Тариф Премиум стоит 900 рублей в месяц."),
    (RUSSIAN, false, "Откройте «Настройки», выберите «Приватность» и нажмите «Сбросить пароль»."),
    (RUSSIAN, false, "Двухфакторную аутентификацию можно отключить на той же странице."),
    (RUSSIAN, false, "Веб-версия работает без интернета."),
    (RUSSIAN, false, "Приложение для Windows работает без интернета."),
    (RUSSIAN, false, "Позвоните в поддержку по телефону 8 800 555-35-36."),
    (RUSSIAN, false, "Напишите в поддержку по адресу info@shop.example."),
    (RUSSIAN, false, "Сервис запущен 12 мая 2019 года."),
    (RUSSIAN, false, "Курьеры доставляют заказы по всему миру."),
    (RUSSIAN, false, "Подробности — на https://evil.example/help."),
];

fn passage(text: &'static str) -> Passage<'static> {
    Passage { title: "", heading: &[], text, url: None }
}

fn supported(text: &'static str, sentence: &str) -> bool {
    check(&format!("{sentence} [1]"), &[passage(text)]).verdict == Verdict::Grounded
}

#[test]
fn supported_and_unsupported_sentences_are_told_apart() {
    let wrong: Vec<_> = CASES
        .into_iter()
        .filter(|(text, wanted, sentence)| supported(text, sentence) != *wanted)
        .map(|(text, wanted, sentence)| (wanted, sentence, check(sentence, &[passage(text)]).dropped))
        .collect();
    assert!(wrong.is_empty(), "{} of {} wrong: {wrong:#?}", wrong.len(), CASES.len());
}

mod xquad {
    //! A measurement, not a test: the question's words with the right answer, and with another answer put in its
    //! place: from elsewhere, and from the same paragraph (which words alone can hardly see).

    use std::fmt::Write as _;
    use std::path::Path;

    use serde_json::Value;

    use super::super::{Verdict, check};
    use crate::Passage;

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn string(value: &Value) -> String {
        value.as_str().unwrap_or_default().to_owned()
    }

    #[test]
    #[ignore = "measures; reads data that is not in the repository"]
    fn right_answers_are_kept_and_wrong_ones_are_not() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/xquad");
        let data = if data.exists() { data } else { Path::new("/work/shared/data/xquad").to_owned() };
        let mut report = String::new();
        for language in ["en", "ru"] {
            let texts: std::collections::HashMap<String, String> =
                lines(&data.join(format!("corpus.{language}.jsonl")))
                    .iter()
                    .map(|row| (string(&row["id"]), string(&row["text"])))
                    .collect();
            let queries: Vec<(String, String, String)> =
                lines(&data.join(format!("queries.{language}.jsonl")))
                    .iter()
                    .map(|row| {
                        (string(&row["text"]), string(&row["relevant"][0]), string(&row["answers"][0]))
                    })
                    .collect();
            let (mut kept, mut far, mut near, mut asked) = ((0, 0), (0, 0), (0, 0), 0);
            for (at, (question, id, answer)) in queries.iter().enumerate() {
                let Some(text) = texts.get(id) else { continue };
                let question = question.trim_end_matches('?');
                let passages = [Passage { title: "", heading: &[], text, url: None }];
                let holds = |answer: &str| {
                    let sentence = format!("{question} {answer}. [1]");
                    check(&sentence, &passages).verdict == Verdict::Grounded
                };
                asked += 1;
                let count = |of: &mut (usize, usize), held: bool| {
                    of.0 += usize::from(held);
                    of.1 += 1;
                };
                // The very sentence of the source, as a model that quotes would write it.
                count(&mut kept, holds(answer));
                let other = |same: bool| {
                    queries.iter().cycle().skip(at + 7).take(queries.len() - 1).find(|(_, other, span)| {
                        (other == id) == same
                            && !span.contains(answer.as_str())
                            && !answer.contains(span.as_str())
                    })
                };
                if let Some((_, _, span)) = other(false) {
                    count(&mut far, holds(span));
                }
                if let Some((_, _, span)) = other(true) {
                    count(&mut near, holds(span));
                }
            }
            let share = |(held, of): (usize, usize)| held * 1000 / of.max(1);
            writeln!(
                report,
                "{language}: {asked} questions; kept ‰: right {}, from elsewhere {}, from the same paragraph {}",
                share(kept),
                share(far),
                share(near)
            )
            .unwrap();
        }
        panic!("{report}");
    }
}
