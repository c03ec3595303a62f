# What Vectora says in English. The same ids are in ru.ftl; each is a variant of `Phrase`.

# -- Answers

no-knowledge = I have no knowledge base yet, so I cannot answer this. A human can: ask for one.
# $count (number): how many words were looked for; $words: they, in quotes, separated by commas.
not-covered = { $count ->
    [0] The knowledge base has no answer to this. Put it in other words, or ask for a human.
   *[other] The knowledge base has no answer to this. I looked for { $words }. Put it in other words, or ask for a human.
}
quoted = “{ $word }”
apology = Sorry, I could not answer this. Please ask again, or ask for a human.
placeholder = …
question-changed = You changed the question: the answer to the new one follows.
human-answers = A human answers this.
sources = Sources

# -- Commands

welcome =
    Hello. Ask me a question, and I will answer it from the knowledge base and name my sources. If you would rather talk to a human, send /human.

    Your messages are stored so that they can be answered, and our operators can read them: /help says more. Please do not send passwords or other secrets.
help =
    Just write your question, the way you would ask a person. One question in a message works best. I answer from the knowledge base and name my sources; when the answer is not there, I say so.

    /ask – ask a question, in groups too
    /human – call a human
    /language – choose the language
    /clear – start afresh, without what was said before
    /help – show this text

    In a group, mention me, reply to one of my messages, or use /ask.

    Privacy. We keep your messages, my answers, and your name and id on Telegram. Our operators can read them. To have all of it erased, call a human with /human and say so, or write to whoever runs this service.
ask-usage = Please put your question after the command, for example: /ask How do I reset my password?
language-choose = Which language shall I write in?
language-set = Done. From now on I write in English.
cleared = We start afresh: I leave aside what was said before. It stays stored; /help says how to have it erased.

# -- Handing over

human-coming = I have called a human, who will answer you here. Feel free to write on: everything reaches them.
human-already = This conversation is already with a human. Feel free to write on: everything reaches them.
human-nobody = Sorry, no human is connected to this chat yet. Your request has been noted.
bot-returned = The assistant is answering again. To call a human, send /human.
handover-closed = Your request has been closed. If you have another question, write here, and the assistant will answer; /human calls a human again.
handover-lapsed = Sorry, no human has answered for a long time, so the assistant is answering again. /human calls a human once more.

# -- What is not a question

voice-unread = I cannot listen to voice messages. Please write your question as text, or call a human with /human.
media-unread = I cannot look into photos, files and videos, but it is kept for an operator. Please write your question as text.
other-unread = I can only read text. Please put your question into words.
too-many = That is more messages than I can take at once. Please send this one again in { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}.
paused = The assistant is paused for now. Your message is kept and will be answered.

# -- Buttons under an answer

button-helped = 👍 It helped
button-not-helped = 👎 It did not help
button-human = 🙋 Call a human
thanks-helped = Thank you, good to know.
thanks-not-helped = Thank you. You can put it in other words, or call a human.
too-late = This button no longer works.

# -- The bot's profile

bot-description =
    Ask a question in English or Russian. I answer from the knowledge base and name my sources. When the answer is not there, I say so, and a human can help.

    Messages are stored so that they can be answered, and our operators can read them. Please do not send passwords or other secrets.
bot-short-description = Answers questions from the knowledge base, with sources. A human helps with the rest.
command-start = What I can do
command-help = How to ask, and what is stored
command-ask = Ask a question, in groups too
command-language = Choose the language
command-clear = Start afresh
command-human = Call a human

# -- To operators

# $name: the person; $language: "en" or "ru", the one they write in.
desk-opened =
    { $language ->
        [ru] New request from { $name }, who writes in Russian.
       *[en] New request from { $name }, who writes in English.
    }
    What you write in this topic goes to them.

    /take – take the conversation: the assistant stays silent
    /return – give it back to the assistant
    /close – close the request as settled
    /note – a note for operators only: /note text
    /block – take no more messages from this person; /unblock undoes it
desk-history = The latest messages
desk-person = Person
desk-bot = Assistant
# $name in these: the operator.
desk-taken = { $name } has taken this conversation. The assistant stays silent until /return or /close.
desk-returned = { $name } has given this conversation back to the assistant.
desk-closed = { $name } has closed this request. The assistant is answering again.
desk-noted = Noted. The person does not see it.
desk-blocked = { $name } has blocked this person. Their messages are no longer taken; /unblock undoes it.
desk-unblocked = { $name } has unblocked this person. Their messages are taken again.
# $id: digits.
desk-not-operator = You are not on the list of operators. Ask the administrator to add your id: { $id }
desk-anonymous = Anonymous administrators cannot act here, because it would not be known who acted. Please post as yourself.
desk-unknown-command = This command is unknown here. There are /take, /return, /close, /note, /block and /unblock.
desk-no-conversation = This topic belongs to no conversation.
desk-gone = The person has blocked the bot or left the chat: nothing reaches them.
# $text: the operator's message.
desk-held = It is unknown whether this message of yours has arrived. It was not sent again: “{ $text }”
desk-failed = This message of yours was not delivered: “{ $text }”
desk-lapsed = No human has answered here for a long time, so the assistant is answering again. /take takes the conversation back.
desk-edited = edited:
