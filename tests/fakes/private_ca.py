"""A certificate authority of the tests' own."""

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class PrivateCa:
    """certificate: the file that those who trust it are given"""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    root: x509.Certificate

    @classmethod
    def create(cls, folder: Path) -> "PrivateCa":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Private test authority")
        root = _sign(name, name, key.public_key(), key, is_authority=True)
        ca = cls(folder, key, root)
        ca.certificate.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        return ca

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def server_context(self, host: str) -> ssl.SSLContext:
        """TLS for a server of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _sign(_name(host), self.root.subject, key.public_key(), self.key, host=host)
        file = self.folder / f"{host}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signing_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
    host: str | None = None,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if host is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signing_key, hashes.SHA256())
