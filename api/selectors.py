"""What chooses among an assistant's tools, and the models by which that ranks them. The composition root opens these."""

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
        self._settings = settings
        self._kept = Vectors(settings.data / "selection")

    def make(self, definition: Selection) -> ToolSelector:
        """Return what chooses for an assistant.

        Raises:
            ConfigurationError: the address of its model is none, its key is not there, or numpy.
        """
        model = self._model(definition)
        if model is None:
            return ToolSelector(definition)
        key = f"{model.name} {model.timeout_s}"
        return ToolSelector(definition, self.embeddings.setdefault(key, Embedding(model, self._kept)))

    def _model(self, definition: Selection) -> VectorModel | None:
        wanted = definition.embeddings
        if isinstance(wanted, EmbeddingModel):
            return EmbeddingServer(wanted, base_url=self._settings.openai_base_url, api_key=self._checked_key(wanted))
        return InstalledModel() if wanted == "installed" and InstalledModel.is_there() else None

    def _checked_key(self, wanted: EmbeddingModel) -> str | None:
        """Raises ConfigurationError where a key is named and not set, or is needed, or cannot be sent: words would rank alone."""
        key = self._key(wanted)
        needs = wanted.api_key_env or "OPENAI_API_KEY or OPENAI_BASE_URL"
        is_somewhere = wanted.base_url is not None or self._settings.openai_base_url is not None
        if not key and (wanted.api_key_env is not None or not is_somewhere):
            raise ConfigurationError(f"selection.embeddings: {wanted.model} needs {needs}")
        if key and not fits_into_header(key):
            raise ConfigurationError(f"selection.embeddings: the key holds a sign that no header can hold ({needs})")
        return key

    def _key(self, wanted: EmbeddingModel) -> str | None:
        """Return a model's key. That of `OPENAI_API_KEY` goes to no server but the one that the operator named with it."""
        if wanted.api_key_env is not None:
            return read_variable(wanted.api_key_env)
        own = self._settings.openai_api_key if wanted.base_url is None else None
        return own.get_secret_value() if own is not None else None
