"""An authority of the tests' own, and the certificates, good and bad, that receivers show."""

import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import trustme

NAME = "receiver.test"
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Authority:
    """Issues certificates; `file` is what a deployment would put into its bundle."""

    folder: Path

    @cached_property
    def _authority(self) -> trustme.CA:
        return trustme.CA()

    @property
    def file(self) -> Path:
        """Return the authority's own certificate in a file."""
        path = self.folder / "authority.pem"
        self._authority.cert_pem.write_to_path(path)
        return path

    def good(self, host: str = NAME) -> ssl.SSLContext:
        """Return the context of a server with a good certificate for a name or an address."""
        return _serving(self._authority.issue_cert(host))

    def in_files(self, host: str) -> tuple[Path, Path]:
        """Return a good certificate for an address and its key, as a server reads them."""
        issued = self._authority.issue_cert(host)
        certificate, key = self.folder / "server.pem", self.folder / "server.key"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        return certificate, key

    def of_another_host(self) -> ssl.SSLContext:
        """Return one whose certificate is for somebody else."""
        return _serving(self._authority.issue_cert("another.test"))

    def expired(self) -> ssl.SSLContext:
        """Return one whose certificate was good once."""
        return _serving(self._authority.issue_cert(NAME, not_before=_LONG_AGO, not_after=_LONG_AGO))

    def of_nobody(self) -> ssl.SSLContext:
        """Return one whose certificate comes from an authority that nobody knows."""
        return _serving(trustme.CA().issue_cert(NAME))

    def old_protocol(self) -> ssl.SSLContext:
        """Return one that speaks TLS 1.0 only."""
        context = self.good()
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
        return context


def _serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
