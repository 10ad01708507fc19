"""Settings of voices: how much of them there may be at once."""

from pydantic import Field

from agent.settings import EnvironmentSettings

OF_USER = "At most {most} requests for a voice can be answered at once."
OF_TENANT = "At most {most} requests for a voice can be answered at once for all of a company."


class VoiceSettings(EnvironmentSettings):
    """How much of voices there may be at once."""

    max_voices_per_user: int = Field(
        default=4, ge=1, description="requests for speech and dictation of one user at once; one more gets a 429"
    )
    max_voices_per_tenant: int = Field(default=100, ge=1, description="of these, all users of one tenant")
    recordings_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=11 * 1024 * 1024,
        description="of recordings together that arrive at a process and are written down, which take up to twice as much memory; one without a Content-Length counts as the largest; a tenant has a quarter of it, or room for one; more get a 503",
    )
