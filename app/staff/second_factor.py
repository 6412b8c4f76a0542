"""The second factor's arithmetic: TOTP steps that are good once, the QR code, recovery codes (ASVS 6.5)."""

from __future__ import annotations

import hmac
import io
import secrets

import pyotp
import segno

from app.core import clock, keys

STEP_SECONDS = 30
DRIFT_STEPS = 1  # one step either side, for clocks that are off
ISSUER = "服务系统员工后台"
CODE_DIGITS = 6
RECOVERY_CODES = 10
RECOVERY_CHARS = 12  # 58 bits
ALPHABET = "abcdefghjkmnpqrstuvwxyz3456789"  # nothing that looks like something else


def new_secret() -> str:
    """160 bits in base32 (RFC 4226 4)."""
    return pyotp.random_base32()


def step_now() -> int:
    return int(clock.now().timestamp()) // STEP_SECONDS


def matching_step(secret: str, code: str, *, after: int | None) -> int | None:
    """The step whose code this is, or None. Steps up to ``after`` were used and are not looked at again."""
    digits = code.replace(" ", "")
    if len(digits) != CODE_DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    totp = pyotp.TOTP(secret, digits=CODE_DIGITS, interval=STEP_SECONDS)
    now = step_now()
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        right = hmac.compare_digest(totp.generate_otp(step), digits)  # every step is compared, whichever was right
        if right and (after is None or step > after):
            found = step
    return found


def qr_svg(secret: str, email: str) -> bytes:
    """The enrolment code as an SVG picture without script or style."""
    uri = pyotp.TOTP(secret, digits=CODE_DIGITS, interval=STEP_SECONDS).provisioning_uri(name=email, issuer_name=ISSUER)
    out = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(out, kind="svg", scale=4, border=4, light="#fff", svgclass=None)
    return out.getvalue()


def grouped(secret: str) -> str:
    """For typing by hand: groups of four."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def new_recovery_codes() -> list[str]:
    """Ten codes of 58 bits, written abcd-efgh-jkmn."""
    codes = ("".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_CHARS)) for _ in range(RECOVERY_CODES))
    return ["-".join(code[i : i + 4] for i in range(0, RECOVERY_CHARS, 4)) for code in codes]


def _normal(code: str) -> bytes:
    return b"recovery|" + "".join(code.lower().split()).replace("-", "").encode()


def recovery_mac(code: str) -> bytes:
    """What the database keeps of a recovery code: keyed, so that a dump of it says nothing."""
    return keys.mac("token", _normal(code))


def recovery_macs(code: str) -> list[bytes]:
    """The same under every key still living."""
    return keys.macs("token", _normal(code))


def looks_like_recovery(code: str) -> bool:
    return len(_normal(code)) == len(b"recovery|") + RECOVERY_CHARS
