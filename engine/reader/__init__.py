"""Documents -> dated events, by lexicon and grammar, in French, English, simplified and traditional Chinese."""

from engine.reader.classifier import Classifier
from engine.reader.estimated import estimate
from engine.reader.explain import explain
from engine.reader.labels import as_of, beside
from engine.reader.plugins import readers
from engine.reader.read import Reading, read_documents, read_sources

__all__ = [
    "Classifier",
    "Reading",
    "as_of",
    "beside",
    "estimate",
    "explain",
    "read_documents",
    "read_sources",
    "readers",
]
