"""What a writer is told: the prompt, a sentence for each kind of query, and how to answer."""

from collections.abc import Mapping

ASK = """You write test queries for a search over documents: what their users would type. Write \
one query that {shown}.
What the documents are searched for: {application}

The kind of query: {kind}
{details}

Write as somebody who needs the answer and has not read the passage. Put it into words of your \
own: do not repeat its sentences or its rare words, except for names that such a user knows. Never \
mention a passage, text, document or section. One line, no quotation marks around it.

{place}
{passage}

{answer}"""
NAIVE = """Write one search query that {shown}. {details}

{passage}

{answer}"""
NO_ANSWER = """You write test queries for a search over documents: what their users would type. \
Write one query that is about the subject of the passage, which such a user could well ask, and \
which neither the passage nor, as far as you can tell, the documents answer.
What the documents are searched for: {application}

{details}

Never mention a passage, text, document or section. One line, no quotation marks around it.

{place}
{passage}

Answer with JSON and nothing else: {"query": "...", "quotes": []}"""

ONE = "the passage answers"
SEVERAL = "the passages answer together, and none of them alone"
ANSWER = """Answer with JSON and nothing else: {"query": "...", "quotes": ["..."]}. Under \
"quotes" stands the shortest stretch of the passage that answers the query, copied character for \
character. If the passage allows no such query, leave both empty."""
ANSWER_PARTS = """Answer with JSON and nothing else: {"query": "...", "quotes": ["...", "..."]}. \
Under "quotes" stand the shortest stretches that answer the query, copied character for character, \
one for each part of the answer{each}. If no such query is possible, leave both empty."""

KINDS: Mapping[str, str] = {
    "keywords": "a few keywords, two to five, as typed into a search box; no sentence.",
    "question": "a question in a sentence of its own.",
    "symptom": "what goes wrong, as somebody describes it who does not know the cause or the name"
    ' of the remedy ("it hangs when ...").',
    "identifier": "exact names of the passage (a function, class, option, error code, file), with"
    " a word or two of what is wanted.",
    "comparison": "a question about the difference between two things that the passage tells"
    " apart, or about when to take which.",
    "multi_hop": "a question that takes something from each of the passages to answer.",
}

LANGUAGES: Mapping[str, str] = {"en": "English", "ko": "Korean", "ja": "Japanese", "zh": "Chinese"}
PERSONA = "The user: {persona}"
LANGUAGE = "Write the query in {language}."
SAME_LANGUAGE = "Write the query in the language of the passage."
LENGTH = "About {words} words, as long as real queries are."
STYLE = """Real queries, for their style alone; do not take up their words or subjects:
{examples}"""
OTHER = """A user asked this already; write another query, about something else in the passage:
{other}"""
