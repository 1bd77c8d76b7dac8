"""An issuer of tokens: its keys as a JWKS, and tokens good and bad."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://localhost/issuer"
AUDIENCE = "quaystream"


class Issuer:
    """Signs with an elliptic and an RSA key; a stranger has others under the same names."""

    def __init__(self) -> None:
        self.elliptic = ec.generate_private_key(ec.SECP256R1())
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.stranger = ec.generate_private_key(ec.SECP256R1())

    def jwks(self, file: Path) -> Path:
        """The public keys, written to a file."""
        elliptic = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.elliptic.public_key()))
        plain = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa.public_key()))
        named = [{**elliptic, "kid": "e1", "alg": "ES256"}, {**plain, "kid": "r1", "alg": "RS256"}]
        file.write_text(json.dumps({"keys": named}))
        return file

    def token(
        self, agency: str, /, *purposes: str, key: Any = None, head: dict[str, str] | None = None, **claims: Any
    ) -> str:
        """A token as it should be, but for what is given."""
        now = int(time.time())
        scope = " ".join(f"share:{purpose}" for purpose in purposes)
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"{agency}-app", "iat": now, "exp": now + 300, "agency": agency}
        chosen = {**said, "scope": scope, **claims}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        return jwt.encode(chosen, key or self.elliptic, "ES256", {"kid": "e1", **(head or {})})

    def by_rsa(self, agency: str, *purposes: str) -> str:
        """Signed by the other key."""
        said = jwt.decode(self.token(agency, *purposes), options={"verify_signature": False})
        return jwt.encode(said, self.rsa, "RS256", {"kid": "r1"})

    def bad(self) -> dict[str, str]:
        """Tokens that nobody may accept, by what is wrong with each."""
        now = int(time.time())
        good = self.token("customs", "supervision")
        head, body, signature = good.split(".")
        forged = _text({**_json(body), "scope": "share:supervision share:fees", "agency": "tax"})
        public = self.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {
            "nothing": "",
            "words": "not.a.token",
            "one part": "abc",
            "forged scope": f"{head}.{forged}.{signature}",
            "no algorithm": f"{_text({'alg': 'none', 'kid': 'e1'})}.{body}.",
            "symmetric with the public key": _symmetric(body, public),
            "another's key": self.token("customs", "supervision", key=self.stranger),
            "unknown key": self.token("customs", "supervision", head={"kid": "e9"}),
            "key of another algorithm": self.token("customs", "supervision", head={"kid": "r1"}),
            "expired": self.token("customs", "supervision", exp=now - 3_600, iat=now - 7_200),
            "not yet": self.token("customs", "supervision", nbf=now + 3_600),
            "never expires": self.token("customs", "supervision", exp=None),
            "another issuer": self.token("customs", "supervision", iss="https://localhost/other"),
            "another audience": self.token("customs", "supervision", aud="board"),
            "no agency": self.token("customs", "supervision", agency=None),
            "an agency of SQL": self.token("customs", "supervision", agency="customs; SET ROLE postgres"),
            "scope of another type": self.token("customs", "supervision", scope=["share:supervision"]),
            "very long": good + "a" * 5_000,
        }


def _symmetric(body: str, key: bytes) -> str:
    import hashlib
    import hmac

    signed = f"{_text({'alg': 'HS256', 'kid': 'r1', 'typ': 'JWT'})}.{body}"
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _text(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _json(text: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
