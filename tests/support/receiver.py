"""A service of nothing but the hook: takes batches, writes each one down, may be killed. ``python receiver.py PORT FILE HASH``."""

import json
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from monitor.hooks import router
from monitor.receiving import BatchReceiver


class Ledger:
    """One line a batch; what is in the file was taken, also before a kill."""

    def __init__(self, path):
        self._path = path

    def publish(self, batch):
        with self._path.open("a") as file:
            replayed = int((batch.flags & 16).any())
            file.write(json.dumps([batch.vantage, batch.epoch, batch.sequence, len(batch), replayed]) + "\n")

    def newest(self):
        """Answer the (epoch, sequence) of each vantage's last batch, as a database would after a restart."""
        found = {}
        for line in self._path.read_text().splitlines() if self._path.exists() else []:
            vantage, epoch, sequence, *_ = json.loads(line)
            found[vantage] = (epoch, sequence)
        return found


def main():
    port, path, vantage, digest = sys.argv[1:5]
    ledger = Ledger(Path(path))
    receiver = BatchReceiver(tokens={vantage: digest}, publisher=ledger, newest=ledger.newest())
    app = FastAPI()
    app.include_router(router(ping=lambda _token: False, monotonic=lambda: 0.0, receiver=receiver))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
