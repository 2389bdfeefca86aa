"""Telephone systems on loopback that nobody here wrote: kamailio with a registrar, SIPp's scenarios, baresip's phone."""

import datetime as dt
import ipaddress
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from probes.call_limits import CallLimits
from probes.sip_call import SipCallProbe
from tests.support.servers import answers_sip, needs_program, started, until

__all__ = [
    "a_call_probe",
    "a_certificate",
    "baresip",
    "exchange_with_registrar",
    "sipp",
    "sipp_messages",
    "sipp_says",
]

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
def sipp(
    directory: Path, steps: str, *, port: int, options: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Let SIPp play one call by a scenario's steps (XML); it ends with 0 if all went as written."""
    needs_program("sipp")
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "scenario.xml"
    file.write_text(
        f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="call">\n{steps}\n</scenario>\n',
        encoding="utf-8",
    )
    command = (
        "sipp", "-sf", str(file), "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-m", "1", "-trace_err",
        "-error_file", str(directory / "errors.log"), "-trace_msg", "-message_file", str(directory / "messages.log"),
        *options,
    )  # fmt: skip
    with started(*command, log=directory / "sipp.log", is_ready=lambda: is_bound(port)) as server:
        yield server


def sipp_says(
    status: str,
    *,
    cseq: str = "[last_CSeq:]",
    tag: str = "[pid]S[call_number]",
    extra: str = "",
    media: int = 0,
    again: bool = False,
    condition: str = "",
) -> str:
    """Write the step in which SIPp answers; ``media`` is the port of its sound, 0 for none; ``condition`` a variable of SIPp's."""
    body = ""
    if media:
        body = (
            "v=0\no=sipp 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n"
            f"m=audio {media} RTP/AVP 8\na=rtpmap:8 PCMA/8000\n"
        )
    kind = "Content-Type: application/sdp\n" if media else ""
    repeated = (' retrans="500"' if again else "") + (f' condexec="{condition}"' if condition else "")
    tagged = f";tag={tag}" if tag else ""
    return (
        f" <send{repeated}><![CDATA[\n\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n"
        f"[last_To:]{tagged}\n[last_Call-ID:]\n{cseq}\n"
        f"Contact: <sip:line@[local_ip]:[local_port]>\n{extra}{kind}Content-Length: [len]\n\n{body}\n]]></send>"
    )


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


def a_call_probe(*, interval: float = 0.0, burst: int = 1, at: dt.datetime | None = None) -> SipCallProbe:
    """Build a probe whose gateways may be called as often as a test likes, unless it says otherwise."""
    limits = CallLimits(
        monotonic=time.monotonic,
        clock=lambda: at or dt.datetime.now(dt.UTC),
        zone=ZoneInfo("Asia/Ho_Chi_Minh"),
        interval=interval,
        burst=burst,
    )
    return SipCallProbe(
        monotonic=time.monotonic,
        wall_ns=time.time_ns,
        token=lambda: secrets.token_hex(8),
        limits=limits,
    )
