"""What is the layer of the witness made of? Packs a bundle of RDS's certificate authorities for the module's variable `authorities`.

Usage: python3 authorities.py BUNDLE.pem AUTHORITIES.zip
The region's bundle is https://truststore.pki.rds.amazonaws.com/REGION/REGION-bundle.pem. The same bundle gives the same zip. It is stored,
not compressed, so that Terraform can look whether it holds certificates.
"""

from __future__ import annotations

import re
import ssl
import sys
import zipfile
from pathlib import Path

ENTRY = "rds-authorities.pem"

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\r?\n.*?-----END CERTIFICATE-----", re.DOTALL)


def certificates(bundle: str) -> list[str]:
    """The certificates of a bundle; ends the program if one isn't an authority's, or if there is none."""
    found = [text.replace("\r\n", "\n") for text in _CERTIFICATE.findall(bundle)]
    if not found or len(found) != bundle.count("-----BEGIN "):
        sys.exit("the bundle must hold certificates in PEM, and nothing else")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for number, certificate in enumerate(found, start=1):
        try:
            context.load_verify_locations(cadata=certificate)
        except (ssl.SSLError, ValueError) as error:
            sys.exit(f"certificate {number} of the bundle can't be read: {error}")
    if len(context.get_ca_certs()) != len(found):
        sys.exit("the bundle holds a certificate twice, or one that is no authority's")
    return found


def pack(bundle: Path, package: Path) -> int:
    """Writes the zip; returns how many certificates are in it."""
    found = certificates(bundle.read_text(encoding="utf-8"))
    # A fixed time and mode: what the clock and the umask say is no part of the layer.
    entry = zipfile.ZipInfo(ENTRY, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100644 << 16
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, "".join(f"{certificate}\n" for certificate in found))
    return len(found)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.exit("usage: python3 authorities.py BUNDLE.pem AUTHORITIES.zip")
    bundle, package = map(Path, arguments)
    if not bundle.is_file():
        sys.exit(f"there is no bundle {bundle}")
    print(f"{package}: {pack(bundle, package)} certificates")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
