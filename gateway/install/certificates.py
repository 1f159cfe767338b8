"""The clinic's own authority and the certificates of the broker and the pages, made here; the authority's key never leaves this machine.

Both are valid from the year 2000: a unit that does not know the time yet must be able to connect to learn it. They end
in 2049, the last year that every TLS library reads alike; a certificate that runs out would silence a whole clinic.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.install.choices import NAME

_FROM, _UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)
_SIGNS = x509.KeyUsage(
    False, False, False, False, False, True, True, False, False
)  # certificates and revocations
_SEALS = x509.KeyUsage(True, False, False, False, False, False, False, False, False)


def authority(clinic: str) -> tuple[str, str]:
    """(certificate, private key) of a new authority, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"WattWitness {clinic}")
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_SIGNS, critical=True).add_extension(own, critical=False)
    return _pem(builder.sign(key, SHA256())), _key_pem(key)


def broker(ca_pem: str, ca_key_pem: str, address: str) -> tuple[str, str]:
    """(certificate, private key) of the broker at `address`, on this machine itself, and by its name on the units' Wi-Fi."""
    # small TLS libraries compare names only, so the address stands there as a name too
    return server(ca_pem, ca_key_pem, [NAME, "localhost", "127.0.0.1", address], [address])


def server(ca_pem: str, ca_key_pem: str, names: Sequence[str], also: Sequence[str] = ()) -> tuple[str, str]:
    """(certificate, private key) of whoever is reached by these host names and addresses; `also` are addresses that stand
    there as host names besides."""
    ca = x509.load_pem_x509_certificate(ca_pem.encode())
    ca_key = serialization.load_pem_private_key(ca_key_pem.encode(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    told = [*map(_general, names), *map(x509.DNSName, also)]
    builder = _builder(_name(names[0]), ca.subject, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_SEALS, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(told), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return _pem(builder.add_extension(issuer, critical=False).sign(ca_key, SHA256())), _key_pem(key)


def serves(certificate_pem: str, key_pem: str, ca_pem: str, names: Sequence[str]) -> bool:
    """Whether a certificate and its key go together, are of this authority and for these host names and addresses."""
    try:
        certificate, ca = (
            x509.load_pem_x509_certificate(each.encode()) for each in (certificate_pem, ca_pem)
        )
        certificate.verify_directly_issued_by(ca)
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = serialization.load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return all(_general(each) in told for each in names) and key.public_key() == certificate.public_key()


def go_together(ca_pem: str, ca_key_pem: str) -> bool:
    """Whether the authority's certificate and key are whole and of one another."""
    try:
        ca = x509.load_pem_x509_certificate(ca_pem.encode())
        return serialization.load_pem_private_key(ca_key_pem.encode(), None).public_key() == ca.public_key()
    except (ValueError, TypeError):
        return False


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(_FROM).not_valid_after(_UNTIL)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
