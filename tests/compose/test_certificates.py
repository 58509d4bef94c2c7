"""compose/certificates.sh by itself: an authority that signs once, for one domain, and is gone."""

import os
import re
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from compose.containers import PROJECT
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

DOMAIN, NAMES = "authstack.test", ("auth", "mcp")


@dataclass(frozen=True, slots=True)
class Certificates:
    """The script, with folders of ours in place of the volumes."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "ca" / "root.crt"

    @property
    def server(self) -> Path:
        return self.folder / "certificates" / "server.pem"

    def make(self, *names: str, domain: str = DOMAIN, days: int | None = None) -> bytes:
        """Run it; returns the root's certificate that is there afterwards."""
        environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.folder / "tmp"),
            "ROOT_FOLDER": str(self.root.parent),
            "SERVER_FOLDER": str(self.server.parent),
        }
        if days is not None:
            environment["DAYS"] = str(days)
        script = str(PROJECT / "compose" / "certificates.sh")
        arguments = ["bash", script, domain, *(names or NAMES)]
        subprocess.run(arguments, env=environment, check=True, timeout=60)
        return self.root.read_bytes()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    program = shutil.which("openssl")
    version = program and subprocess.run([program, "version"], capture_output=True, check=True)
    if not version or not re.match(rb"OpenSSL ([3-9]|\d\d)", version.stdout):
        pytest.skip("OpenSSL 3 is not installed")
    for name in ("ca", "certificates", "tmp"):
        (tmp_path / name).mkdir()
    return Certificates(tmp_path)


def is_trusted_as(certificates: Certificates, name: str) -> bool:
    """Whether a client that knows the root, and is as strict as can be, talks to the server."""
    trusting = ssl.create_default_context(cafile=str(certificates.root))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificates.server)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return True


def test_nothing_is_left_to_sign_with(certificates: Certificates) -> None:
    certificates.make()
    files = {str(path.relative_to(certificates.folder)) for path in certificates.folder.rglob("*")}
    assert files == {"tmp", "ca", "ca/root.crt", "certificates", "certificates/server.pem"}
    pem = certificates.server.read_bytes()
    assert pem.count(b"PRIVATE KEY-----") == 2  # its beginning and its end
    assert b"PRIVATE KEY" not in certificates.root.read_bytes()
    key = load_pem_private_key(pem[pem.index(b"-----BEGIN PRIVATE KEY") :], None)
    assert key.public_key() == x509.load_pem_x509_certificate(pem).public_key()


def test_the_authority_is_bound_to_its_domain(certificates: Certificates) -> None:
    root = x509.load_pem_x509_certificate(certificates.make())
    names = root.extensions.get_extension_for_class(x509.NameConstraints)
    assert names.critical
    assert names.value.permitted_subtrees == [x509.DNSName(DOMAIN)]
    excluded = [str(name.value) for name in names.value.excluded_subtrees or ()]
    assert excluded == ["0.0.0.0/0", "::/0"]
    basic = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)


def test_the_certificate_is_good_for_its_names_only(certificates: Certificates) -> None:
    certificates.make()
    for name in NAMES:
        assert is_trusted_as(certificates, f"{name}.{DOMAIN}")
    for stranger in (DOMAIN, f"idp.{DOMAIN}", f"a.auth.{DOMAIN}", "localhost", "auth.example.com"):
        assert not is_trusted_as(certificates, stranger)
    pem = certificates.server.read_bytes()
    basic = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        x509.BasicConstraints
    )
    assert (basic.critical, basic.value.ca) == (True, False)


def test_who_reads_the_root_cannot_read_the_key(certificates: Certificates) -> None:
    certificates.make()
    assert certificates.root.stat().st_mode & 0o777 == 0o444
    assert certificates.server.stat().st_mode & 0o777 == 0o600


def test_what_is_good_stays(certificates: Certificates) -> None:
    root = certificates.make(days=31)
    server = certificates.server.read_bytes()
    assert certificates.make() == root
    assert certificates.server.read_bytes() == server


def test_what_ends_within_a_month_is_made_anew(certificates: Certificates) -> None:
    root = certificates.make(days=30)
    assert certificates.make() != root
    assert is_trusted_as(certificates, f"auth.{DOMAIN}")


@pytest.mark.parametrize(
    ("names", "domain"), [(("auth",), DOMAIN), ((*NAMES, "idp"), DOMAIN), (NAMES, "other.test")]
)
def test_other_names_are_signed_by_another_authority(
    certificates: Certificates, names: tuple[str, ...], domain: str
) -> None:
    former = x509.load_pem_x509_certificate(certificates.make())
    root = x509.load_pem_x509_certificate(certificates.make(*names, domain=domain))
    assert root.subject != former.subject
    assert all(is_trusted_as(certificates, f"{name}.{domain}") for name in names)


@pytest.mark.parametrize("broken", ["root", "server"])
def test_a_half_that_is_gone_or_broken_is_made_anew(
    certificates: Certificates, broken: str
) -> None:
    root = certificates.make()
    half: Path = getattr(certificates, broken)
    half.unlink()
    assert certificates.make() != root
    half.chmod(0o600)
    half.write_bytes(half.read_bytes()[:100])
    certificates.make()
    assert is_trusted_as(certificates, f"auth.{DOMAIN}")
