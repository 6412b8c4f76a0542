"""Settings, read once from the environment (prefix ``PORTAL_``), typed and checked before anything else starts.

Defaults are safe in production: no secret has one there, and `load` refuses to start on a missing, default or short
one. Development fills the gaps from files under ``instance/`` so that `make run` needs no environment at all.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parent
T = TypeVar("T")
SECRET_MIN_CHARS = 32
KEK_BYTES = 32


class ConfigError(RuntimeError):
    """A setting that the portal refuses to start with; the text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class WeChat:
    """Mini program and official account (requirements.md 5); an empty app id switches the channel off."""

    api_base: str = "https://api.weixin.qq.com"
    mini_appid: str = ""
    mini_secret: str = field(default="", repr=False)
    official_appid: str = ""
    official_secret: str = field(default="", repr=False)
    callback_token: str = field(default="", repr=False)
    callback_aes_key: str = field(default="", repr=False)
    template_review_result: str = ""
    subscribe_review_result: str = ""


@dataclass(frozen=True, slots=True)
class WeCom:
    """The company's own WeCom app, for messages to staff (requirements.md 5); all three or none of them are set."""

    api_base: str = "https://qyapi.weixin.qq.com"
    corp_id: str = ""
    agent_id: str = ""  # a whole number
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Sms:
    """Aliyun SendSms (requirements.md 5.1)."""

    endpoint: str = "https://dysmsapi.aliyuncs.com"
    access_key_id: str = ""
    access_key_secret: str = field(default="", repr=False)
    sign_name: str = ""
    template_login_code: str = ""
    template_review_result: str = ""
    template_rating_link: str = ""
    template_rating_second: str = ""


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str = ""
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """One immutable object for the process; ``app.extensions["settings"]`` holds it."""

    env: str
    instance: Path
    database_url: str
    keystore_url: str
    secret_key: str = field(repr=False)
    kek: bytes = field(repr=False)  # 32 bytes: unwraps the class keys
    storage_url: str
    audit_checkpoint_url: str
    audit_signing_key: bytes = field(repr=False)  # 32 bytes: Ed25519 seed
    backup_key: bytes | None = field(default=None, repr=False)  # 32 bytes: seals what `flask backup` writes
    kek_old: bytes | None = field(default=None, repr=False)  # the former kek, until `flask keys rotate --kek` ran
    storage_access_key_id: str = ""  # S3 stores only
    storage_secret_access_key: str = field(default="", repr=False)
    storage_region: str = "cn-local"
    allowed_regions: tuple[str, ...] = ("cn-local",)
    outbound_allow: tuple[str, ...] = ()
    trusted_proxies: int = 0
    metrics_token: str = field(default="", repr=False)
    console_channel: bool = False
    tile_url: str = ""  # of map tiles, with {z}, {x} and {y}; empty: no map, and no foreign host in the content policy
    tile_credit: str = ""  # what the tiles' owner wants to be named
    recognition: bool = False  # a recogniser (`flask recognise`) runs: photos are queued for it
    wechat: WeChat = WeChat()
    wecom: WeCom = WeCom()
    sms: Sms = Sms()
    smtp: Smtp = Smtp()

    @property
    def tile_origin(self) -> str:
        """Scheme and host of the tiles, for the content policy."""
        parts = urlsplit(self.tile_url)
        return f"{parts.scheme}://{parts.netloc}" if self.tile_url else ""

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def cookie_name(self) -> str:
        return "__Host-portal" if self.production else "portal"


def load(environ: Mapping[str, str] | None = None, **override: object) -> Settings:
    """Settings from ``environ`` (default: the process's), with keyword overrides for tests.

    Raises ConfigError with a sentence an operator can act on.
    """
    env = os.environ if environ is None else environ
    get = lambda name, default="": env.get(f"PORTAL_{name}", default).strip()
    name = get("ENV", "production")
    if name not in ("development", "test", "production"):
        raise ConfigError(f"PORTAL_ENV is {name!r}; it must be development, test or production")
    instance = Path(get("INSTANCE", str(ROOT / "instance"))).resolve()
    local = name != "production"
    values: dict[str, object] = {
        "env": name,
        "instance": instance,
        "database_url": _database_url(get("DATABASE_URL") or (f"sqlite:///{instance}/portal.db" if local else "")),
        "keystore_url": _database_url(get("KEYSTORE_URL") or (f"sqlite:///{instance}/keys.db" if local else "")),
        "secret_key": get("SECRET_KEY") or (_local_secret(instance, "secret-key") if local else ""),
        "kek": _key(get("KEK") or (_local_secret(instance, "kek") if local else ""), "PORTAL_KEK"),
        "backup_key": _backup_key(get("BACKUP_KEY") or (_local_secret(instance, "backup-key") if local else "")),
        "kek_old": _key(get("KEK_OLD"), "PORTAL_KEK_OLD") if get("KEK_OLD") else None,
        "storage_url": get("STORAGE_URL") or (f"file://{instance}/files" if local else ""),
        "audit_checkpoint_url": get("AUDIT_CHECKPOINT_URL") or (f"file://{instance}/checkpoints" if local else ""),
        "audit_signing_key": _key(
            get("AUDIT_SIGNING_KEY") or (_local_secret(instance, "audit-signing-key") if local else ""),
            "PORTAL_AUDIT_SIGNING_KEY",
        ),
        "storage_access_key_id": get("STORAGE_ACCESS_KEY_ID"),
        "storage_secret_access_key": get("STORAGE_SECRET_ACCESS_KEY"),
        "storage_region": get("STORAGE_REGION") or ("cn-local" if local else ""),
        "allowed_regions": _words(get("ALLOWED_REGIONS", "cn-local" if local else "")),
        "outbound_allow": _words(get("OUTBOUND_ALLOW")),
        "trusted_proxies": int(get("TRUSTED_PROXIES", "0")),
        "metrics_token": get("METRICS_TOKEN"),
        "console_channel": local,
        "recognition": get("RECOGNITION") == "1",
        "tile_url": _tile_url(get("TILE_URL"), local),
        "tile_credit": get("TILE_CREDIT"),
        "wechat": _group(WeChat, "WECHAT", env),
        "wecom": _group(WeCom, "WECOM", env),
        "sms": _group(Sms, "SMS", env),
        "smtp": _group(Smtp, "SMTP", env),
    }
    if not local and get("CONSOLE_CHANNEL"):
        raise ConfigError("PORTAL_CONSOLE_CHANNEL cannot be switched on in production")
    settings = Settings(**{**values, **override})  # type: ignore[arg-type]
    _check(settings)
    return settings


def _check(s: Settings) -> None:
    if len(s.secret_key) < SECRET_MIN_CHARS:
        raise ConfigError(f"PORTAL_SECRET_KEY is missing or shorter than {SECRET_MIN_CHARS} characters")
    if s.storage_region not in s.allowed_regions:
        raise ConfigError(f"PORTAL_STORAGE_REGION {s.storage_region!r} is not in PORTAL_ALLOWED_REGIONS")
    for name in ("database_url", "keystore_url", "storage_url", "audit_checkpoint_url"):
        if not getattr(s, name):
            raise ConfigError(f"PORTAL_{name.upper()} is missing")
    _check_wecom(s.wecom)
    if not s.production:
        return
    if not s.wecom.api_base.startswith("https://"):
        raise ConfigError("PORTAL_WECOM_API_BASE must begin with https://")
    if any(word in s.secret_key.lower() for word in ("secret", "changeme", "default", "password")):
        raise ConfigError("PORTAL_SECRET_KEY looks like a default; make one with: openssl rand -base64 48")
    for name in ("database_url", "keystore_url"):
        url = urlsplit(getattr(s, name))
        mode = parse_qs(url.query).get("sslmode", [""])[0]
        if url.scheme.startswith("postgresql") and mode not in ("verify-ca", "verify-full"):
            raise ConfigError(f"PORTAL_{name.upper()} must use TLS: add ?sslmode=verify-full")
        if url.scheme.startswith("sqlite") and name == "database_url":
            raise ConfigError("PORTAL_DATABASE_URL must be PostgreSQL in production")


def _check_wecom(s: WeCom) -> None:
    """Half a configuration would send every message to staff by mail without a word."""
    given = {"CORP_ID": s.corp_id, "AGENT_ID": s.agent_id, "SECRET": s.secret}
    missing = [f"PORTAL_WECOM_{name}" for name, value in given.items() if not value]
    if 0 < len(missing) < len(given):
        raise ConfigError(f"WeCom is set up in part: {', '.join(missing)} is missing; set all three or none")
    if s.agent_id and not (s.agent_id.isascii() and s.agent_id.isdigit() and len(s.agent_id) <= 10):
        raise ConfigError("PORTAL_WECOM_AGENT_ID is not a whole number")
    if s.corp_id and not (s.corp_id.isascii() and s.corp_id.isalnum() and len(s.corp_id) <= 32):
        raise ConfigError("PORTAL_WECOM_CORP_ID is not letters and digits")


def _group(kind: type[T], prefix: str, env: Mapping[str, str]) -> T:
    """A settings group: PORTAL_<PREFIX>_<FIELD> for each field of the dataclass, cast to the default's type."""
    found: dict[str, object] = {}
    for f in fields(kind):  # type: ignore[arg-type]
        raw = env.get(f"PORTAL_{prefix}_{f.name.upper()}", "").strip()
        if raw:
            found[f.name] = int(raw) if isinstance(f.default, int) else raw
    return kind(**found)


def _tile_url(url: str, local: bool) -> str:
    """A host named by itself, so that the content policy can allow it and nothing else."""
    if not url:
        return ""
    parts = urlsplit(url)
    whole = all(f"{{{name}}}" in parts.path for name in "xyz")
    named = parts.hostname is not None and not set(parts.netloc) & set("{}*;, '\"@")
    if not whole or not named or parts.scheme not in (("https", "http") if local else ("https",)):
        raise ConfigError("PORTAL_TILE_URL must be like https://tiles.example/{z}/{x}/{y}.png, its host written out")
    return url


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _database_url(url: str) -> str:
    """Plain ``postgresql://`` means the psycopg 3 driver, the only one installed."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url


def _backup_key(text: str) -> bytes | None:
    """Needed by `flask backup` alone: the portal starts without it."""
    return _key(text, "PORTAL_BACKUP_KEY") if text else None


def _key(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ConfigError(f"{name} is not base64") from error
    if len(key) != KEK_BYTES:
        raise ConfigError(f"{name} is missing or not {KEK_BYTES} bytes; make one with: openssl rand -base64 32")
    return key


def _local_secret(instance: Path, name: str) -> str:
    """A development secret: made once, readable by its owner only, kept beside the development database."""
    path = instance / name
    try:
        instance.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"cannot write under {instance}: {error.strerror}") from error
    with os.fdopen(handle, "w") as out:
        out.write(base64.b64encode(secrets.token_bytes(KEK_BYTES)).decode())
    return path.read_text().strip()
