"""Keys that seal, held in memory, so that a test can turn them, lose them and give others."""

from inventory.seal import KEY_BYTES, read_keys, written

__all__ = ["KeyRing", "a_key"]


def a_key(number=1):
    return written(bytes([number]) * KEY_BYTES)


class KeyRing:
    """Keys of one process, newest first."""

    where = "the key ring"

    def __init__(self, *keys):
        self.keys = list(keys)

    def load(self):
        return read_keys(" ".join(self.keys), self.where)

    def make(self):
        self.keys = [a_key()]
        return self.load()
