"""Telephone systems on loopback that nobody here wrote: kamailio with a registrar, SIPp's scenarios, baresip's phone."""

import datetime as dt
import ipaddress
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.servers import answers_sip, needs_program, started, until

__all__ = ["a_certificate", "baresip", "exchange_with_registrar", "sipp", "sipp_messages"]

ROUTE = """
  if (!sanity_check("17895","7")) exit;
  if (is_method("REGISTER")) {
    if ($rd == "closed.vn" || $rd == "strong.vn") {
      if (!pv_www_authenticate("$rd", "bí-mật", "0")) {
        if ($rd == "strong.vn") { www_challenge("$rd", "1"); } else { www_challenge("$rd", "0"); }
        exit;
      }
    }
    if ($tU == "nobody") { sl_send_reply("404","Not Found"); exit; }
    if (!save("location")) { sl_reply_error(); }
    exit;
  }
  if (!is_method("OPTIONS")) { sl_send_reply("405","Method Not Allowed"); exit; }
  if ($rU == "busy") { sl_send_reply("486","Busy Here"); exit; }
  if ($rU == "away") { sl_send_reply("480","Temporarily Unavailable"); exit; }
  if ($rU == "mute") exit;
  sl_send_reply("200","Keepalive");
"""


def a_certificate(directory: Path, *, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """Write a certificate that signs itself and its key; answer both files."""
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "cert.pem", directory / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file


@contextmanager
def exchange_with_registrar(directory: Path, *, port: int) -> Iterator[Path]:
    """Run kamailio on UDP and TCP at ``port``, on TLS at ``port + 1``; answer the certificate's file."""
    needs_program("kamailio")
    modules = next(Path("/usr/lib").glob("*/kamailio/modules"))
    if not (modules / "tls.so").exists():
        needs_program("kamailio-tls-modules")
    certificate, key = a_certificate(directory)
    configuration = directory / "kamailio.cfg"
    loaded = "tls pv sl tm textops siputils sanity usrloc registrar auth xlog"
    configuration.write_text(
        "#!KAMAILIO\n"
        "debug=2\nlog_stderror=yes\nchildren=1\ntcp_children=1\nauto_aliases=no\nenable_tls=yes\n"
        f"listen=udp:127.0.0.1:{port}\nlisten=tcp:127.0.0.1:{port}\nlisten=tls:127.0.0.1:{port + 1}\n"
        f'mpath="{modules}/"\n'
        + "".join(f'loadmodule "{name}.so"\n' for name in loaded.split())
        + f'modparam("tls", "certificate", "{certificate}")\nmodparam("tls", "private_key", "{key}")\n'
        'modparam("tls", "tls_method", "TLSv1.2+")\n'
        'modparam("usrloc", "preload", "location")\nmodparam("usrloc", "db_mode", 0)\n'
        f"request_route {{\n{ROUTE}\n}}\n",
        encoding="utf-8",
    )
    command = (
        "kamailio", "-DD", "-E", "-f", str(configuration), "-P", str(directory / "pid"), "-Y", str(directory),
    )  # fmt: skip
    with started(*command, log=directory / "kamailio.log", is_ready=lambda: answers_sip(port)):
        yield certificate


@contextmanager
def sipp(directory: Path, scenario: str, *, port: int, options: tuple[str, ...] = ()) -> Iterator[Path]:
    """Run one of SIPp's scenarios (its XML) at ``port``; answer the file in which it keeps every message."""
    needs_program("sipp")
    directory.mkdir(parents=True, exist_ok=True)
    file, messages = directory / "scenario.xml", directory / "messages.log"
    file.write_text(scenario, encoding="utf-8")
    command = (
        "sipp", "-sf", str(file), "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-trace_err", "-error_file",
        str(directory / "errors.log"), "-trace_msg", "-message_file", str(messages), *options,
    )  # fmt: skip
    with started(*command, log=directory / "sipp.log", is_ready=lambda: is_bound(port)):
        yield messages


def sipp_messages(file: Path) -> list[str]:
    """Answer the first lines of the messages that SIPp sent and received, in order, marked ``>`` and ``<``."""
    found = []
    mark = ""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if "message sent" in line or "message received" in line:
            mark = ">" if "sent" in line else "<"
        elif mark and line.strip():
            found.append(f"{mark} {line.strip()}")
            mark = ""
    return found


def is_bound(port: int) -> bool:
    """Whether somebody holds a UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


@contextmanager
def baresip(
    directory: Path, *, port: int, media: int, modules: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run baresip's phone, which answers every call to ``test`` with a tone of 440 Hz."""
    needs_program("baresip")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "accounts").write_text(
        f"<sip:test@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcma,pcmu\n"
    )
    loaded = "".join(f"module {name}.so\n" for name in ("stdio", "g711", "ausine", "aufile", *modules))
    (directory / "config").write_text(
        f"sip_listen 127.0.0.1:{port}\nmodule_path /usr/lib/baresip/modules\n{loaded}"
        "module_app account.so\nmodule_app menu.so\naudio_source ausine,440\nausrc_srate 48000\n"
        f"ausrc_channels 2\naudio_player aufile,{directory}/heard.wav\nrtp_ports {media}-{media + 20}\n"
    )
    log = directory / "baresip.log"
    command = ("baresip", "-f", str(directory), "-4")
    with started(*command, log=log, is_ready=lambda: is_bound(port)) as phone:
        until(lambda: b"ready" in log.read_bytes(), what="baresip being ready")
        yield phone
