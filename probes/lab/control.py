"""How a running lab is commanded: a Unix socket in its state directory, one JSON line asked, one answered.

Only who may write in the directory can reach it (mode 0600), and whoever holds the line too long is hung up on.
"""

import asyncio
import json
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from probes.lab.commands import Action, Command, CommandError, command_of
from probes.lab.faults import Fault, Selector
from probes.lab.lab import Lab
from probes.lab.nftables import NotAllowedError
from probes.lab.records import FaultRecord
from probes.lab.selection import SelectionError

__all__ = ["ControlServer", "LabControl", "LabNotRunningError", "carried_out", "socket_path"]

log = structlog.get_logger()

_PATIENCE_SECONDS: Final = 15.0
_LONGEST_LINE: Final = 4 * 1024 * 1024
_LONGEST_PATH: Final = 107
"""What ``sun_path`` holds (unix(7))."""


class LabNotRunningError(RuntimeError):
    """Nobody answers at the control socket of a directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"không có phòng thử nào chạy ở {path.parent} · no lab is running in {path.parent}")
        self.path = path


def socket_path(directory: Path) -> Path:
    """Answer where the control socket of a state directory is."""
    return directory / "lab.sock"


class ControlServer:
    """Listens for commands to ``lab`` while it runs."""

    def __init__(self, lab: Lab, *, directory: Path) -> None:
        self._lab = lab
        self._path = socket_path(directory)
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.commands = 0

    async def start(self) -> None:
        """Listen; replaces the socket file of a lab that was killed, raises OSError beside one that lives."""
        if len(str(self._path.resolve())) > _LONGEST_PATH:
            raise OSError(f"the path of the control socket is too long: {self._path}")
        if await _is_answered(self._path):
            raise FileExistsError(f"another lab is running in {self._path.parent}")
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=_LONGEST_LINE)
        self._path.chmod(stat.S_IRUSR | stat.S_IWUSR)

    async def stop(self) -> None:
        """Stop listening, and hang up on whoever is still asking."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                line = await reader.readline()
                answer = await self._answer(line)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            log.debug("control connection ended early")
        finally:
            await _closed(writer)

    async def _answer(self, line: bytes) -> dict[str, Any]:
        self.commands += 1
        try:
            return {"ok": True, **await carried_out(self._lab, command_of(json.loads(line)))}
        except (CommandError, SelectionError) as error:
            return {"ok": False, "error": {"vi": error.vi, "en": error.en}}
        except NotAllowedError as error:
            reason = str(error)
            return {"ok": False, "error": {"vi": f"nhân từ chối: {reason}", "en": f"refused: {reason}"}}
        except ValueError as error:
            return {"ok": False, "error": {"vi": f"không phải JSON: {error}", "en": f"not JSON: {error}"}}


async def carried_out(lab: Lab, command: Command) -> dict[str, Any]:
    """Do what a command says; answer facts. Raises SelectionError, CommandError, NotAllowedError."""
    match command.action:
        case Action.STATUS:
            return _status(lab)
        case Action.LOG:
            return {"entries": lab.fault_log.last(command.last)}
        case Action.CUT:
            return _changed(await lab.cut(command.selector))
        case Action.LOSS | Action.SLOW | Action.FILL:
            begin = {Action.LOSS: lab.loss, Action.SLOW: lab.slow, Action.FILL: lab.fill}[command.action]
            return _changed(await begin(command.selector, command.amount))
        case Action.RESTORE:
            return _changed(await _restored(lab, command))


async def _restored(lab: Lab, command: Command) -> FaultRecord:
    if not command.fault:
        return await lab.restore(command.selector)
    try:
        return await lab.lift(command.fault)
    except KeyError:
        number = command.fault
        raise CommandError(vi=f"không có lỗi số {number}", en=f"there is no fault {number}") from None


def _changed(record: FaultRecord) -> dict[str, Any]:
    facts = record.as_json()
    return facts | {"targets": len(record.targets), "unenforced": len(record.unenforced)}


def _status(lab: Lab) -> dict[str, Any]:
    status = lab.status()
    return {
        "enforcement": status.enforcement,
        "served": status.served,
        "unserved": len(status.unserved),
        "faults": [_fault(fault) for fault in status.faults],
        "cut": len(status.effects.cut),
        "lossy": len(status.effects.loss),
        "slow": len(status.effects.delay),
        "unenforced": len(status.unenforced),
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "fault": fault.number,
        "action": fault.kind.value,
        "amount": fault.amount,
        "selector": fault.selector.given(),
        "targets": len(fault.targets),
    }


class LabControl:
    """Commands the lab that runs in ``directory``; every method answers the lab's facts as a dictionary.

    ``{"ok": false, "error": {"vi": …, "en": …}}`` where the lab says no; LabNotRunningError where there is none.
    """

    def __init__(self, directory: Path) -> None:
        self._path = socket_path(directory)

    async def cut(self, selector: Selector) -> dict[str, Any]:
        """Cut the targets selected."""
        return await self.ask({"do": "cut", **selector.given()})

    async def loss(self, selector: Selector, ratio: float) -> dict[str, Any]:
        """Lose ``ratio`` (0 to 1) of what goes to the targets selected."""
        return await self.ask({"do": "loss", "ratio": ratio, **selector.given()})

    async def slow(self, selector: Selector, milliseconds: float) -> dict[str, Any]:
        """Make the targets selected answer later."""
        return await self.ask({"do": "slow", "ms": milliseconds, **selector.given()})

    async def restore(self, selector: Selector | None = None, *, fault: int = 0) -> dict[str, Any]:
        """Free the targets selected from every fault, or end one fault by its number; with neither, all."""
        chosen = selector.given() if selector else {}
        return await self.ask({"do": "restore", **chosen, **({"fault": fault} if fault else {})})

    async def status(self) -> dict[str, Any]:
        """Answer what is wrong now."""
        return await self.ask({"do": "status"})

    async def log(self, *, last: int = 50) -> dict[str, Any]:
        """Answer the last entries of the faults' log, oldest first."""
        return await self.ask({"do": "log", "last": last})

    async def ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=_LONGEST_LINE)
                try:
                    writer.write(json.dumps(command).encode() + b"\n")
                    line = await reader.readline()
                finally:
                    await _closed(writer)
        except OSError as error:
            raise LabNotRunningError(self._path) from error
        if not line:
            raise LabNotRunningError(self._path)
        answer: dict[str, Any] = json.loads(line)
        return answer


async def _is_answered(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    await _closed(writer)
    return True


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):  # the other end may have gone first
        await writer.wait_closed()
