"""What chooses among an assistant's tools, and the models by which that ranks them. The composition root opens these."""

import os

from agent.assistant.selection import EmbeddingModel, Selection
from api.settings import Settings
from tools.selection.embedding import Embedding, VectorModel
from tools.selection.endpoint import EmbeddingServer
from tools.selection.installed import InstalledModel
from tools.selection.selector import ToolSelector
from tools.selection.vectors import Vectors


class Selectors:
    """Makes a selector for each assistant. Assistants that name the same model share it."""

    def __init__(self, settings: Settings) -> None:
        self.embeddings: dict[str, Embedding] = {}
        self._settings = settings
        self._kept = Vectors(settings.data / "selection")

    def make(self, definition: Selection) -> ToolSelector:
        """Return what chooses for an assistant.

        Raises:
            ConfigurationError: the address of its model is none.
        """
        model = self._model(definition)
        if model is None:
            return ToolSelector(definition)
        key = f"{model.name} {model.timeout_s}"
        return ToolSelector(definition, self.embeddings.setdefault(key, Embedding(model, self._kept)))

    def _model(self, definition: Selection) -> VectorModel | None:
        wanted = definition.embeddings
        if isinstance(wanted, EmbeddingModel):
            return EmbeddingServer(wanted, base_url=self._settings.openai_base_url, api_key=self._key(wanted))
        return InstalledModel() if wanted == "installed" and InstalledModel.is_there() else None

    def _key(self, wanted: EmbeddingModel) -> str | None:
        """Return a model's key. That of `OPENAI_API_KEY` goes to no server but the one that the operator named with it."""
        if wanted.api_key_env is not None:
            return os.environ.get(wanted.api_key_env)
        own = self._settings.openai_api_key if wanted.base_url is None else None
        return own.get_secret_value() if own is not None else None
