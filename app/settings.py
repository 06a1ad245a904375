"""The only reader of the environment: every setting, prefixed PARAPHEUR_ (style.md §6)."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class DatabaseSettings(BaseModel):
    """`url` connects as parapheur_app, `owner_url` as parapheur_owner (migrations only)."""

    url: SecretStr | None = None
    owner_url: SecretStr | None = None


class RedisSettings(BaseModel):
    """Wake-ups only: losing this server loses nothing."""

    url: SecretStr | None = None


class StorageSettings(BaseModel):
    """Where documents live; S3 as soon as a bucket is named. `grace_s`: how long bytes that nobody
    names are kept, twice; longer than the longest deposit."""

    dir: Path | None = None
    s3_bucket: str | None = None
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None
    grace_s: float = Field(default=24 * 3600, ge=3600)


class SecretSettings(BaseModel):
    """`key`: 32 random bytes in base64, kept outside the database; everything derives from it."""

    key: SecretStr | None = None


class ServerSettings(BaseModel):
    """`origin` is the public address people and agents use; it never comes from a Host header.
    Not given, it is where this machine reaches the service."""

    host: str = "127.0.0.1"
    port: int = 8420
    origin: str = ""

    @model_validator(mode="after")
    def _follow_the_port(self) -> Self:
        if not self.origin:
            host = self.host if self.host in LOOPBACK else "127.0.0.1"
            self.origin = (
                f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
            )
        return self


class SmtpSettings(BaseModel):
    """Mail leaves through one relay; without a host, notifications wait in the database."""

    host: str | None = None
    port: int = 25
    login: str | None = None
    password: SecretStr | None = None
    starttls: bool = False
    sender: str = "parapheur@localhost"


class OutboundSettings(BaseModel):
    """`allow`: comma-separated host:port that may be private or loopback (threat 22)."""

    allow: str = ""

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(item.strip() for item in self.allow.split(",") if item.strip())


class SchemasSettings(BaseModel):
    """Directory where an administrator puts the official schemas (DESIGN D19)."""

    dir: Path | None = None


class LimitSettings(BaseModel):
    """Sizes in bytes, times in seconds."""

    pes_bytes: int = 128 * MIB
    folder_bytes: int = 150 * MIB
    inline_pes_bytes: int = 20_000_000
    idle_session_s: int = 30 * 60
    session_s: int = 12 * 3600
    failures: int = 5
    failure_window_s: int = 15 * 60


class SigningSettings(BaseModel):
    """Clocks of the agent's jobs (DESIGN D11), in seconds."""

    accept_s: int = 600
    lease_s: int = 180
    work_s: int = 7200
    prepared_s: int = 3600
    long_poll_s: int = 25
    pairing_poll_s: int = Field(default=2, ge=0, le=30)


class TdtSettings(BaseModel):
    """Clocks of transmissions, in seconds. `send_s` is also the remote's upload limit."""

    send_s: float = 300.0
    call_s: float = 60.0
    poll_s: float = 60.0
    retry_s: float = 30.0


class WorkerSettings(BaseModel):
    """Clocks of the worker, in seconds."""

    dispatch_s: float = 0.5
    resend_s: float = 5.0
    lease_s: float = 20.0


class Settings(BaseSettings):
    """All of it. Secrets have no default: `serve` makes them only for its embedded mode."""

    model_config = SettingsConfigDict(
        env_prefix="PARAPHEUR_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
    )

    data_dir: Path | None = None
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    secret: SecretSettings = Field(default_factory=SecretSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    smtp: SmtpSettings = Field(default_factory=SmtpSettings)
    outbound: OutboundSettings = Field(default_factory=OutboundSettings)
    schemas: SchemasSettings = Field(default_factory=SchemasSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    signing: SigningSettings = Field(default_factory=SigningSettings)
    tdt: TdtSettings = Field(default_factory=TdtSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)


def load_settings() -> Settings:
    """Reads the environment once; entry points pass the values down."""
    return Settings()
