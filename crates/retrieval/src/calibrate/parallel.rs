//! The same things said in both languages: what shows whether an embedder knows them as one.
//!
//! Twelve topics of support, each with two questions and their answers, because what is to be told apart mostly is of one
//! topic. No set that is measured by contains any of it.

/// English question and answer, Russian question and answer.
pub type Row = [&'static str; 4];

/// What an embedder is asked to find out whether it knows both languages.
pub const ROWS: [Row; 24] = [
    [
        "How do I change my password?",
        "Open the settings, choose Security and enter a new password.",
        "Как сменить пароль?",
        "Откройте настройки, выберите «Безопасность» и введите новый пароль.",
    ],
    [
        "How long is the password link valid?",
        "The link for a new password expires after half an hour.",
        "Сколько действует ссылка для пароля?",
        "Ссылка для нового пароля истекает через полчаса.",
    ],
    [
        "When will I get my money back?",
        "Refunds reach your card within two weeks.",
        "Когда мне вернут деньги?",
        "Возврат приходит на карту в течение двух недель.",
    ],
    [
        "Which purchases cannot be refunded?",
        "Gift cards and discounted goods are not refunded.",
        "За какие покупки деньги не возвращают?",
        "За подарочные карты и товары со скидкой деньги не возвращаются.",
    ],
    [
        "How much does delivery cost?",
        "Delivery is free for large orders, otherwise the courier charges a fee.",
        "Сколько стоит доставка?",
        "Крупные заказы доставляются бесплатно, за остальные курьер берёт плату.",
    ],
    [
        "Where can I track my parcel?",
        "The number of the parcel on our site shows where it is.",
        "Где отследить посылку?",
        "По номеру посылки на нашем сайте видно, где она находится.",
    ],
    [
        "How do I cancel my subscription?",
        "You can end the subscription in your account before the next payment.",
        "Как отменить подписку?",
        "Подписку можно закончить в личном кабинете до следующего платежа.",
    ],
    [
        "What does the family plan include?",
        "The family plan is for six people who live together.",
        "Что входит в семейный тариф?",
        "Семейный тариф рассчитан на шестерых, живущих вместе.",
    ],
    [
        "How can I restore deleted files?",
        "Deleted files stay in the bin for a month and can be restored from it.",
        "Как восстановить удалённые файлы?",
        "Удалённые файлы месяц лежат в корзине, и их можно оттуда вернуть.",
    ],
    [
        "How do I share a folder with a colleague?",
        "Press Share beside the folder and enter the address of your colleague.",
        "Как открыть папку коллеге?",
        "Нажмите «Поделиться» рядом с папкой и укажите адрес коллеги.",
    ],
    [
        "Does the app work without the internet?",
        "Without a connection the app shows what was loaded before.",
        "Работает ли приложение без интернета?",
        "Без сети приложение показывает то, что загрузило раньше.",
    ],
    [
        "Why does the app close by itself?",
        "The app crashes on old phones; install its latest version.",
        "Почему приложение само закрывается?",
        "На старых телефонах приложение падает; поставьте последнюю версию.",
    ],
    [
        "How do I pay by bank transfer?",
        "Companies pay by bank transfer after they have received an invoice.",
        "Как заплатить банковским переводом?",
        "Организации платят банковским переводом, получив счёт.",
    ],
    [
        "Why was my card declined?",
        "A card is declined when its limit is exceeded or it has expired.",
        "Почему не прошла оплата картой?",
        "Карту отклоняют, если превышен лимит или закончился её срок.",
    ],
    [
        "How do I delete my account?",
        "Write to support, and your account is deleted with all its data.",
        "Как удалить учётную запись?",
        "Напишите в поддержку, и вашу учётную запись удалят вместе с данными.",
    ],
    [
        "Can I change the name of my account?",
        "The name of an account is changed in its profile once a year.",
        "Можно ли изменить имя учётной записи?",
        "Имя учётной записи меняется в профиле раз в год.",
    ],
    [
        "How do I turn off notifications?",
        "Messages about news are switched off in the notification settings.",
        "Как отключить уведомления?",
        "Сообщения о новостях выключаются в настройках уведомлений.",
    ],
    [
        "Why do I receive no emails from you?",
        "Look into the spam folder: our letters may have got there.",
        "Почему мне не приходят ваши письма?",
        "Загляните в папку «Спам»: наши письма могли попасть туда.",
    ],
    [
        "How do I connect the device to wireless?",
        "Hold the button for five seconds and choose your network on the phone.",
        "Как подключить устройство к беспроводной сети?",
        "Держите кнопку пять секунд и выберите свою сеть на телефоне.",
    ],
    [
        "What do the lights on the device mean?",
        "A red light means that the battery is low, a green one that it is charged.",
        "Что означают индикаторы на устройстве?",
        "Красный свет значит, что батарея садится, зелёный — что она заряжена.",
    ],
    [
        "How long is the warranty?",
        "We repair the device free of charge for two years after the purchase.",
        "Какой срок гарантии?",
        "Два года после покупки мы ремонтируем устройство бесплатно.",
    ],
    [
        "Where is the nearest service centre?",
        "Addresses of workshops in your city are on the page with contacts.",
        "Где ближайший сервисный центр?",
        "Адреса мастерских в вашем городе есть на странице с контактами.",
    ],
    [
        "How do I speak to a person?",
        "Our staff answer by phone on working days from morning to evening.",
        "Как поговорить с человеком?",
        "Наши сотрудники отвечают по телефону в будни с утра до вечера.",
    ],
    [
        "How do I complain about an employee?",
        "Complaints about our staff are read by the head of the department.",
        "Как пожаловаться на сотрудника?",
        "Жалобы на наших сотрудников читает начальник отдела.",
    ],
];
