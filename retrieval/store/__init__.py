"""What a workspace keeps for the pipeline: documents, corpus versions, artefacts and vectors."""

from retrieval.store.workspace import Workspace

__all__ = ["Workspace"]
