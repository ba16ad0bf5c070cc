"""The reader "llm": sentences are labelled by any model behind an OpenAI-compatible endpoint."""

from engine.reader.llm.labelling import llm

__all__ = ["llm"]
