"""Every embedder there is: adding one is a class and its name here."""

from retrieval.ingest.embed import Embedder
from retrieval.providers.cohere import Cohere
from retrieval.providers.fastembed import FastEmbed
from retrieval.providers.gemini import Gemini
from retrieval.providers.local import Local
from retrieval.providers.openai import OpenAI
from retrieval.providers.voyage import Voyage, VoyageContext

OF_TEXTS: tuple[type[Embedder], ...] = (Local, FastEmbed, Voyage, Cohere, Gemini, OpenAI)
"""Those whose vectors depend on nothing but the text."""
EMBEDDERS: tuple[type[Embedder], ...] = (*OF_TEXTS, VoyageContext)
